import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { configureDrivers } from '../../../../src/projections/drivers/drivers.ts';
import { storageBooks } from '../../../../src/projections/drivers/storage-books.ts';
import { foldProjection } from '../../../../src/projections/projection.ts';
import { BOOKS_FORM, encodeBooks, StoredBooks } from '../../../../src/replay/checkpoint/stored-books.ts';
import { storeOf } from './driver-kit.ts';

/** What each driver keeps, behind the table. */
const sectionsOf = (bytes: Buffer): Buffer => bytes.subarray(4 + bytes.readUInt32LE(0));

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
  const digest = createHash('sha256').update(sectionsOf(bytes)).digest('hex').slice(0, 16);
  expect({ version: projection.version, form: BOOKS_FORM, digest }).toEqual({
    version: 1,
    form: 1,
    digest: 'c107b8fecd9b30d9',
  });
  await store.close();
});

test('a file without anything is the same one to books that were stored as to those that were folded', async () => {
  const store = await storeOf({ big: 300_000 });
  const web = await store.containers.create({ image: 'app', name: 'web' });
  web.fs.writeFileSync('/before', '');
  const cut = store.seq;
  web.fs.writeFileSync('/behind', '');
  await store.fork('web', store.seq, { name: 'side' });
  const moments = store.time.referredMoments(0, store.seq);
  const drivers = configureDrivers(['devicemapper', 'qcow2']);
  const projection = storageBooks(drivers, { moments });
  const { log } = store.engine;
  const before = foldProjection(projection, log.read(1, cut), store.world);
  const stored = new StoredBooks(encodeBooks(before, moments)).load(drivers, moments, store.world.lowers);
  const [ended, folded] = [stored, before].map((books) => {
    const end = foldProjection(projection, log.read(cut + 1, store.seq), store.world, books);
    return sectionsOf(encodeBooks(end, moments)).toString('hex');
  });
  expect(ended).toBe(folded);
  await store.close();
});
