import { expect, test } from 'vitest';
import { countedUpper, recountUpper } from '../../../src/projections/recount-upper.ts';
import { smallStore } from '../store/store-kit.ts';

test('chmod of a lower file that was opened and then unlinked changes the open file only (SEM-O4)', async () => {
  const store = await smallStore();
  const web = await store.containers.create({ image: 'app' });
  const first = web.fs.openSync('/etc/conf', 'r');
  const second = web.fs.openSync('/etc/conf', 'r');
  web.fs.unlinkSync('/etc/conf');
  web.fs.fchmodSync(first, 0o600);
  web.fs.fchmodSync(second, 0o640);
  expect([first, second].map((fd) => web.fs.fstatSync(fd).mode & 0o777)).toEqual([0o640, 0o640]);
  expect(web.fs.readFileSync(first, 'utf8')).toBe('conf');
  expect(web.fs.readdirSync('/etc')).toEqual([]);
  const { tree } = web.overlay;
  expect(countedUpper(tree)).toEqual(recountUpper(tree));
  expect(tree.orphans).toBe(1);
  web.fs.closeSync(first);
  web.fs.closeSync(second);
  expect(tree.orphans).toBe(0);
  expect(web.sizes().sizeRwBytes).toBe(0);
});

test('chmod through an unlinked name of a lower hard link leaves the other name alone (SEM-H1, SEM-O4)', async () => {
  const store = await smallStore();
  const web = await store.containers.create({ image: 'app' });
  const open = web.fs.openSync('/data/seed', 'r');
  web.fs.unlinkSync('/data/seed');
  web.fs.fchmodSync(open, 0o640);
  expect(web.fs.fstatSync(open).mode & 0o777).toBe(0o640);
  expect(web.fs.statSync('/data/twin').mode & 0o777).toBe(0o600);
  web.fs.closeSync(open);
});

test('a file whose last name was removed gets no other one; a nameless new one does (SEM-O4, SEM-O6)', async () => {
  const store = await smallStore();
  const web = await store.containers.create({ image: 'app' });
  const lower = web.fs.openSync('/etc/conf', 'r');
  web.fs.unlinkSync('/etc/conf');
  const upper = web.fs.openSync('/new', 'w');
  web.fs.unlinkSync('/new');
  const temporary = web.fs.linux.openTemporarySync('/etc');
  expect(() => web.fs.linux.linkDescriptorSync(lower, '/back')).toThrow('ENOENT');
  expect(() => web.fs.linux.linkDescriptorSync(upper, '/back')).toThrow('ENOENT');
  web.fs.linux.linkDescriptorSync(temporary, '/back');
  web.fs.unlinkSync('/back');
  expect(() => web.fs.linux.linkDescriptorSync(temporary, '/back')).toThrow('ENOENT');
});

test('a write through a file that a rewind made lower again does not touch what has its old name by then', async () => {
  const store = await smallStore();
  const web = await store.containers.create({ image: 'app' });
  const before = store.seq;
  web.fs.renameSync('/etc/conf', '/etc/moved');
  const open = web.fs.openSync('/etc/moved', 'r+');
  await store.rewind(web.name, before);
  web.fs.writeFileSync('/etc/moved', 'other');
  web.fs.writeSync(open, 'C', 0);
  expect(web.fs.readFileSync('/etc/moved', 'utf8')).toBe('other');
  expect(web.fs.readFileSync('/etc/conf', 'utf8')).toBe('Conf');
  expect(web.overlay.tree.pathOf(web.fs.statSync('/etc/conf').ino)).toBe('/etc/conf');
});
