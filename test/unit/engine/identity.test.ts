import { beforeEach, describe, expect, test } from 'vitest';
import { type Container, type OverlogFs, openStore, type Store } from '../../../src/index.ts';
import { AclTag, aclText } from '../../../src/testing/kernel/acl-texts.ts';

const O_NOATIME = 0o1000000;
const { USER_OBJ, USER, GROUP_OBJ, MASK, OTHER } = AclTag;

let store: Store;
let container: Container;
let root: OverlogFs;
let alice: OverlogFs;
let bob: OverlogFs;

beforeEach(async () => {
  store = await openStore();
  container = await store.containers.create();
  root = container.fs;
  alice = container.as({ uid: 1000, gid: 1000, groups: [50] });
  bob = container.as({ uid: 1001, gid: 1001 });
  root.mkdirSync('/home', 0o755);
  root.chmodSync('/', 0o1777);
  alice.mkdirSync('/alice', 0o755);
});

/** A file of root's making, with everything given that a permission depends on. */
function file(path: string, mode: number, uid = 0, gid = 0): void {
  root.writeFileSync(path, 'content');
  root.chownSync(path, uid, gid);
  root.chmodSync(path, mode);
}

const modeOf = (path: string): string => (root.lstatSync(path).mode & 0o7777).toString(8);

describe('a user', () => {
  test('is refused what the bits of owner, group and others do not grant, the owner by its own alone (SEM-P1)', () => {
    file('/f', 0o074, 1000, 1001);
    expect(() => alice.readFileSync('/f')).toThrow("EACCES: permission denied, open '/f'");
    expect(bob.readFileSync('/f', 'latin1')).toBe('content');
    root.chmodSync('/f', 0o704);
    expect(() => bob.readFileSync('/f')).toThrow('EACCES');
    expect(alice.readFileSync('/f', 'latin1')).toBe('content');
  });

  test('searches every directory on the way, and is refused again when one is closed meanwhile (SEM-P1)', () => {
    alice.mkdirSync('/alice/in', 0o755);
    alice.writeFileSync('/alice/in/f', '');
    expect(bob.statSync('/alice/in/f').size).toBe(0);
    alice.chmodSync('/alice', 0o700);
    expect(() => bob.statSync('/alice/in/f')).toThrow("EACCES: permission denied, stat '/alice/in/f'");
    expect(root.statSync('/alice/in/f').size).toBe(0);
  });

  test('lists a directory by reading it, and looks up in it by searching it (SEM-P1)', () => {
    alice.writeFileSync('/alice/f', '');
    alice.chmodSync('/alice', 0o711);
    expect(() => bob.readdirSync('/alice')).toThrow("EACCES: permission denied, scandir '/alice'");
    expect(() => bob.opendirSync('/alice')).toThrow('EACCES');
    expect(bob.statSync('/alice/f').isFile()).toBe(true);
    alice.chmodSync('/alice', 0o744);
    expect(bob.readdirSync('/alice')).toEqual(['f']);
    expect(() => bob.statSync('/alice/f')).toThrow('EACCES');
  });

  test('gets what an access ACL grants within its mask, and no others’ bits once a group entry fits (SEM-P2)', () => {
    file('/f', 0o640, 0, 0);
    const acl = (mask: number) => aclText([USER_OBJ, 6], [USER, 6, 1001], [GROUP_OBJ, 0], [MASK, mask], [OTHER, 4]);
    root.linux.setxattrSync('/f', 'system.posix_acl_access', Buffer.from(acl(6), 'latin1'));
    bob.appendFileSync('/f', '!');
    expect(alice.readFileSync('/f', 'latin1')).toBe('content!');
    root.linux.setxattrSync('/f', 'system.posix_acl_access', Buffer.from(acl(4), 'latin1'));
    expect(() => bob.appendFileSync('/f', '!')).toThrow('EACCES');
    const member = container.as({ uid: 1003, gid: 1003, groups: [0] });
    expect(() => member.readFileSync('/f')).toThrow('EACCES');
  });

  test('removes names in a sticky directory where the node or the directory is its own (SEM-P3)', () => {
    file('/of-root', 0o666);
    expect(() => alice.unlinkSync('/of-root')).toThrow("EPERM: operation not permitted, unlink '/of-root'");
    bob.writeFileSync('/of-bob', '');
    expect(() => alice.renameSync('/of-bob', '/alice/mine')).toThrow('EPERM');
    expect(() => alice.renameSync('/alice', '/of-bob')).toThrow('EPERM');
    bob.unlinkSync('/of-bob');
    expect(() => bob.writeFileSync('/home/new', '')).toThrow("EACCES: permission denied, open '/home/new'");
    expect(() => bob.mkdirSync('/home/new')).toThrow('EACCES');
  });

  test('moves a directory to another parent only where it may change its `..` (SEM-P3)', () => {
    root.mkdirSync('/alice/sub', 0o755);
    root.chmodSync('/alice', 0o777);
    root.mkdirSync('/alice/to', 0o777);
    root.chmodSync('/alice/to', 0o777);
    bob.renameSync('/alice/sub', '/alice/sub2');
    expect(() => bob.renameSync('/alice/sub2', '/alice/to/sub2')).toThrow('EACCES');
  });

  test('changes mode, owner, times and ACLs as their owner (SEM-P4)', () => {
    file('/f', 0o666, 1000, 1000);
    expect(() => bob.chmodSync('/f', 0o600)).toThrow("EPERM: operation not permitted, chmod '/f'");
    expect(() => bob.utimesSync('/f', 1, 1)).toThrow('EPERM');
    bob.linux.utimensSync('/f', 'now', 'now');
    expect(() => bob.linux.utimensSync('/f', 'now', 'omit')).toThrow('EPERM');
    root.chmodSync('/f', 0o644);
    expect(() => bob.linux.utimensSync('/f', 'now', 'now')).toThrow('EACCES');
    expect(() => alice.chownSync('/f', 1001, 1000)).toThrow('EPERM');
    expect(() => alice.chownSync('/f', 1000, 1001)).toThrow('EPERM');
    alice.chownSync('/f', 1000, 50);
    expect(root.statSync('/f').gid).toBe(50);
    const acl = Buffer.from(aclText([USER_OBJ, 6], [GROUP_OBJ, 4], [OTHER, 4]), 'latin1');
    expect(() => bob.linux.setxattrSync('/f', 'system.posix_acl_access', acl)).toThrow('EPERM');
  });

  test('makes nodes of its own, in the group of a setgid directory, and keeps setgid as a member only (SEM-P5)', () => {
    root.mkdirSync('/shared');
    root.chownSync('/shared', 0, 7);
    root.chmodSync('/shared', 0o2777);
    alice.mkdirSync('/shared/d');
    expect(root.statSync('/shared/d')).toMatchObject({ uid: 1000, gid: 7 });
    expect(modeOf('/shared/d')).toBe('2755');
    alice.closeSync(alice.openSync('/shared/f', 'w', 0o2755));
    expect(modeOf('/shared/f')).toBe('755');
    file('/g', 0o2755, 1000, 1000);
    alice.chmodSync('/g', 0o2750);
    expect(modeOf('/g')).toBe('2750');
    root.chownSync('/g', 1000, 7);
    alice.chmodSync('/g', 0o2750);
    expect(modeOf('/g')).toBe('750');
  });

  test('takes setuid and setgid from what it writes, cuts or gives away, root does not by writing (SEM-P6)', () => {
    for (const change of [
      (fs: OverlogFs) => fs.appendFileSync('/f', 'x'),
      (fs: OverlogFs) => fs.truncateSync('/f', 1),
      (fs: OverlogFs) => fs.writeFileSync('/f', ''),
    ]) {
      file('/f', 0o6777);
      change(root);
      expect(modeOf('/f')).toBe('6777');
      change(bob);
      expect(modeOf('/f')).toBe('777');
    }
    file('/f', 0o4755, 1000, 1000);
    expect(() => bob.chownSync('/f', -1, -1)).toThrow('EPERM');
    alice.chownSync('/f', -1, -1);
    expect(modeOf('/f')).toBe('755');
  });

  test('sees no trusted attributes, and writes user ones by the node’s bits (SEM-P7)', () => {
    file('/f', 0o644, 1000, 1000);
    root.linux.setxattrSync('/f', 'trusted.t', 'v');
    root.linux.setxattrSync('/f', 'security.s', 'v');
    alice.linux.setxattrSync('/f', 'user.u', 'v');
    expect(alice.linux.listxattrSync('/f')).toEqual(['security.s', 'user.u']);
    expect(() => alice.linux.getxattrSync('/f', 'trusted.t')).toThrow('ENODATA');
    expect(bob.linux.getxattrSync('/f', 'security.s').toString()).toBe('v');
    expect(() => alice.linux.setxattrSync('/f', 'security.s', 'w')).toThrow('EPERM');
    expect(() => alice.linux.removexattrSync('/f', 'trusted.t')).toThrow('EPERM');
    expect(() => bob.linux.setxattrSync('/f', 'user.u', 'w')).toThrow('EACCES');
    root.mkdirSync('/sticky');
    root.chmodSync('/sticky', 0o1777);
    expect(() => alice.linux.setxattrSync('/sticky', 'user.u', 'v')).toThrow('EPERM');
  });

  test('makes no device, and reads without touching times what is its own (SEM-P8)', () => {
    expect(() => alice.linux.mknodSync('/dev', 0o20666, 0x103)).toThrow('EPERM');
    alice.linux.mknodSync('/fifo', 0o10644);
    file('/f', 0o644);
    expect(() => alice.openSync('/f', O_NOATIME)).toThrow('EPERM');
    root.chownSync('/f', 1000, 0);
    alice.closeSync(alice.openSync('/f', O_NOATIME));
  });

  test('is kept from links and files of others in directories that all may write to (SEM-P9)', () => {
    const careless = container.as({
      uid: 1000,
      gid: 1000,
      protections: { symlinks: false, hardlinks: false, regular: 0 },
    });
    file('/secret', 0o600);
    bob.symlinkSync('/alice', '/link');
    expect(() => alice.statSync('/link')).toThrow('EACCES');
    expect(careless.statSync('/link').isDirectory()).toBe(true);
    expect(() => alice.linkSync('/secret', '/alice/secret')).toThrow('EPERM');
    careless.linkSync('/secret', '/alice/secret');
    bob.writeFileSync('/trap', '');
    bob.chmodSync('/trap', 0o666);
    expect(() => alice.writeFileSync('/trap', 'x')).toThrow('EACCES');
    careless.writeFileSync('/trap', 'x');
  });
});

test('a file loses its capabilities when it is written, cut, allocated or given away, by root too (SEM-M11)', () => {
  const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex');
  const linux = root.linux;
  const changes: (() => void)[] = [
    () => root.appendFileSync('/f', 'x'),
    () => root.truncateSync('/f', 3),
    () => root.chownSync('/f', -1, -1),
    () => root.writeFileSync('/f', ''),
  ];
  for (const change of changes) {
    root.writeFileSync('/f', 'content');
    linux.setxattrSync('/f', 'security.capability', capability);
    root.chmodSync('/f', 0o755);
    root.closeSync(root.openSync('/f', 'r+'));
    expect(linux.listxattrSync('/f')).toEqual(['security.capability']);
    change();
    expect(linux.listxattrSync('/f')).toEqual([]);
  }
  expect(() => linux.setxattrSync('/f', 'security.capability', 'v')).toThrow('EINVAL');
});

test('an impossible user is refused, and uid 0 is root', () => {
  expect(() => container.as({ uid: -1, gid: 0 })).toThrow('uid has to be a number from 0 to 4294967294, not -1');
  expect(() => container.as({ uid: 1, gid: 1, groups: [0.5] })).toThrow('a group has to be');
  expect(() => container.as({ uid: 1, gid: 1, umask: 0o1000 })).toThrow('umask has to be');
  file('/secret', 0o600, 1000, 1000);
  expect(container.as({ uid: 0, gid: 5 }).readFileSync('/secret', 'latin1')).toBe('content');
});

test('a past moment is read with the permissions of then', async () => {
  file('/f', 0o600);
  const before = store.seq;
  root.chmodSync('/f', 0o644);
  expect(alice.readFileSync('/f', 'latin1')).toBe('content');
  const then = store.at(before).containers.get(container.name).as({ uid: 1000, gid: 1000 });
  expect(() => then.readFileSync('/f')).toThrow('EACCES');
});
