import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { configureDrivers } from '../../../../src/projections/drivers/drivers.ts';
import { storageBooks } from '../../../../src/projections/drivers/storage-books.ts';
import { foldProjection } from '../../../../src/projections/projection.ts';
import { BOOKS_FORM, encodeBooks } from '../../../../src/replay/checkpoint/stored-books.ts';
import { storeOf } from './driver-kit.ts';

/**
 * Books that are kept are believed as long as their version is that of the code. So whoever changes what a driver makes of a
 * history raises the version of the projection (storage-books.ts), and who changes the bytes raises BOOKS_FORM.
 */
test('the books of a history are those of their version, byte for byte', async () => {
  const store = await storeOf(
    { big: 300_000, 'd/': 0, 'd/small': 1500, twin: 9000 },
    { 'd/small': null, 'd/new': 20_000 },
  );
  const web = await store.containers.create({ image: 'app', name: 'web' });
  web.fs.writeSync(web.fs.openSync('/big', 'r+'), Buffer.from('changed'), 0, 7, 100_000);
  web.fs.truncateSync('/d/new', 5000);
  web.fs.writeFileSync('/made', Buffer.alloc(70_000, 'made'));
  const at = store.seq;
  web.fs.rmSync('/twin');
  const side = await store.fork('web', at, { name: 'side' });
  side.fs.appendFileSync('/made', 'more');
  web.fs.appendFileSync('/made', 'other');
  await store.rewind('web', at);
  web.fs.chmodSync('/d/new', 0o600);
  const moments = store.time.referredMoments(0, store.seq);
  const projection = storageBooks(configureDrivers(), { moments });
  const bytes = encodeBooks(foldProjection(projection, store.engine.log.read(), store.world), moments);
  const sections = bytes.subarray(4 + bytes.readUInt32LE(0));
  const digest = createHash('sha256').update(sections).digest('hex').slice(0, 16);
  expect({ version: projection.version, form: BOOKS_FORM, digest }).toEqual({
    version: 1,
    form: 1,
    digest: 'c107b8fecd9b30d9',
  });
  await store.close();
});
