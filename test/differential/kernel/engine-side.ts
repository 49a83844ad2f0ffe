import { createHash } from 'node:crypto';
import { ROOT_INO } from '../../../src/events/event.ts';
import { deviceMajor, deviceMinor, isFileMode, kindOf, makeDevice, PERMISSION_BITS } from '../../../src/events/mode.ts';
import { compareNames } from '../../../src/events/name.ts';
import { chmod, chown, fchmod, utimens } from '../../../src/engine/calls/attributes.ts';
import { copyFileRange, read, seek, write } from '../../../src/engine/calls/data.ts';
import { readdir } from '../../../src/engine/calls/directory.ts';
import { link, mkdir, mknod, rename, rmdir, symlink, unlink } from '../../../src/engine/calls/names.ts';
import { close, open } from '../../../src/engine/calls/open.ts';
import { fallocate, ftruncate, truncate } from '../../../src/engine/calls/space.ts';
import { access, fstat, NodeStat, readlink, stat } from '../../../src/engine/calls/stat.ts';
import { getxattr, removexattr, setxattr } from '../../../src/engine/calls/xattrs.ts';
import { type Caller, rootCaller } from '../../../src/engine/caller.ts';
import { Engine } from '../../../src/engine/engine.ts';
import { errnoCode } from '../../../src/engine/errno.ts';
import { Namespace } from '../../../src/engine/namespace.ts';
import { OpenFileTable } from '../../../src/engine/open-file-table.ts';
import { O_DIRECTORY, O_PATH, type OpenFile } from '../../../src/engine/open-files.ts';
import { LowerViews } from '../../../src/projections/lower-views.ts';
import { readContent } from '../../../src/projections/tree/content.ts';
import type { Inode } from '../../../src/projections/tree/inode.ts';
import { nameInUpper } from '../../../src/projections/tree/overlay-xattr.ts';
import type { Tree } from '../../../src/projections/tree/tree.ts';
import { World } from '../../../src/projections/world.ts';
import { openMemoryLog } from '../../../src/storage/memory.ts';
import type { Reply } from './kernel.ts';
import type { Operation } from './operations.ts';

/** Lowers that a test has built itself, in the place of an image's. */
class FixedLower extends LowerViews {
  readonly #lower: Tree | null;

  constructor(chunks: ConstructorParameters<typeof LowerViews>[0], lower: Tree | null) {
    super(chunks);
    this.#lower = lower;
  }

  override get empty(): Tree {
    return this.#lower ?? super.empty;
  }
}

/** A slot without an open file. */
class NoSuchSlot extends Error {}

/** overlog's side of the differential test: the same calls on a container. */
export class EngineSide {
  readonly log;
  readonly caller: Caller;
  readonly tree: () => Tree;
  /** The kernel has answered a rename with ENOTEMPTY; see sequence.ts. */
  renameWasRefused = false;
  readonly #files = new Map<number, OpenFile>();
  readonly #stat = new NodeStat();

  /** @param shared - The log that holds the lower's chunks. */
  constructor(lower: Tree | null, shared = openMemoryLog()) {
    this.log = shared;
    const world = new World(new FixedLower(shared.chunks, lower));
    world.seq = shared.head;
    const past = {
      worldAt(): World {
        throw new Error('this test does not travel');
      },
    };
    const engine = new Engine({ log: shared, world, past });
    const timeNs = engine.now();
    const container = 1;
    engine.commit(
      0,
      ['create'],
      [
        {
          type: 'ContainerCreated',
          container,
          id: '0'.repeat(64),
          name: 'c',
          image: null,
          reference: '',
          profile: { redirectDir: false, index: false, metacopy: false },
          readOnly: false,
          labels: [],
          command: [],
          timeNs,
        },
      ],
      timeNs,
    );
    const record = world.registry.containers.get(container);
    if (record === undefined) throw new Error('no container');
    const namespace = new Namespace({
      engine,
      world,
      container: record,
      chunks: shared.chunks,
      files: new OpenFileTable(),
    });
    this.caller = rootCaller(namespace);
    this.tree = () => namespace.root.overlay.tree;
  }

  run(q: Operation): Reply {
    try {
      const value = this.#call(q);
      if (typeof value === 'number' && value < 0) return { error: errnoCode(value) };
      return { value: value ?? null };
    } catch (error) {
      if (error instanceof NoSuchSlot) return { error: 'EBADF' };
      throw error;
    }
  }

  closeAll(): void {
    for (const file of this.#files.values()) close(file);
    this.#files.clear();
  }

  merged(): object[] {
    return list(this.tree(), this.log.chunks, false);
  }

  upper(): object[] {
    return list(this.tree(), this.log.chunks, true);
  }

  #seek(file: OpenFile, offset: number, whence: number): number | null {
    return file.mount.overlay.tree.get(file.ino)?.dir ? null : seek(file, offset, whence);
  }

  #statOf(canListXattrs = true): object {
    const stat = this.#stat;
    const hasXattrs = (this.tree().get(stat.ino)?.xattrs.length ?? 0) > 0;
    return {
      mode: stat.mode,
      uid: stat.uid,
      gid: stat.gid,
      nlink: stat.nlink,
      size: kindOf(stat.mode) === 'dir' ? 0 : stat.size,
      blocks: isFileMode(stat.mode) && canListXattrs && !hasXattrs ? stat.blocks : 0,
    };
  }

  #file(slot: number): OpenFile {
    const file = this.#files.get(slot);
    if (file === undefined) throw new NoSuchSlot();
    return file;
  }

  #call(q: Operation): unknown {
    const { caller } = this;
    const at = caller.cwd;
    switch (q.op) {
      case 'open': {
        const file = open(caller, at, q.path, q.flags, q.mode);
        if (typeof file === 'number') return file;
        const before = this.#files.get(q.slot);
        if (before !== undefined) close(before);
        this.#files.set(q.slot, file);
        return null;
      }
      case 'close': {
        close(this.#file(q.slot));
        this.#files.delete(q.slot);
        return null;
      }
      case 'read': {
        const buffer = Buffer.alloc(q.length);
        const got = read(this.#file(q.slot), buffer, 0, q.length, q.position);
        return got < 0 ? got : buffer.subarray(0, got).toString('latin1');
      }
      case 'write': {
        const data = Buffer.from(q.data, 'latin1');
        return write(this.#file(q.slot), data, 0, data.length, q.position);
      }
      case 'seek':
        return this.#seek(this.#file(q.slot), q.offset, q.whence);
      case 'ftruncate':
        return nothing(ftruncate(this.#file(q.slot), q.size));
      case 'fallocate':
        return nothing(fallocate(this.#file(q.slot), q.mode, q.offset, q.length));
      case 'fstat': {
        const file = this.#file(q.slot);
        const error = fstat(file, this.#stat);
        return error < 0 ? error : this.#statOf((file.flags & O_PATH) === 0);
      }
      case 'fchmod':
        return nothing(fchmod(this.#file(q.slot), q.mode));
      case 'copy':
        return copyFileRange(this.#file(q.from), q.fromPosition, this.#file(q.to), q.toPosition, q.length);
      case 'truncate':
        return nothing(truncate(caller, at, q.path, q.size));
      case 'mkdir':
        return nothing(mkdir(caller, at, q.path, q.mode));
      case 'rmdir':
        return nothing(rmdir(caller, at, q.path));
      case 'unlink':
        return nothing(unlink(caller, at, q.path));
      case 'symlink':
        return nothing(symlink(caller, q.target, at, q.path));
      case 'readlink':
        return readlink(caller, at, q.path);
      case 'link':
        return nothing(link(caller, at, q.from, at, q.to, false));
      case 'rename':
        return nothing(rename(caller, at, q.from, at, q.to, q.flags));
      case 'mknod':
        return nothing(mknod(caller, at, q.path, q.mode, makeDevice(q.major, q.minor)));
      case 'chmod':
        return nothing(chmod(caller, at, q.path, q.mode, true));
      case 'chown':
        return nothing(chown(caller, at, q.path, q.uid, q.gid, q.follow));
      case 'utimes':
        return nothing(utimens(caller, at, q.path, BigInt(q.atime), BigInt(q.mtime), q.follow));
      case 'setxattr':
        return nothing(setxattr(caller, at, q.path, q.name, Buffer.from(q.value, 'latin1'), q.flags, false));
      case 'removexattr':
        return nothing(removexattr(caller, at, q.path, q.name, false));
      case 'getxattr': {
        const value = getxattr(caller, at, q.path, q.name, false);
        return typeof value === 'number' ? value : Buffer.from(value).toString('latin1');
      }
      case 'stat': {
        const error = stat(caller, at, q.path, q.follow, this.#stat);
        return error < 0 ? error : this.#statOf();
      }
      case 'readdir': {
        const directory = open(caller, at, q.path, O_DIRECTORY, 0);
        if (typeof directory === 'number') return directory;
        const entries = readdir(directory);
        close(directory);
        return typeof entries === 'number' ? entries : entries.map((entry) => entry.name).sort(compareNames);
      }
      case 'access':
        return access(caller, at, q.path, q.mode) === 0;
    }
  }
}

const nothing = (result: number): number | null => (result < 0 ? result : null);

type Chunks = ConstructorParameters<typeof LowerViews>[0];

/** The tree, or its upper as a kernel upperdir would hold it, as oracle.py lists it. */
function list(tree: Tree, chunks: Chunks, upperOnly: boolean): object[] {
  const out: object[] = [];
  const first = new Map<number, string>();
  const visit = (ino: number, path: string): void => {
    const inode = tree.at(ino);
    out.push(entry(chunks, ino, inode, path, first, upperOnly));
    if (inode.dir === null) return;
    const names = new Set(
      inode.dir.entries.names().filter((name) => !upperOnly || tree.at(tree.lookup(ino, name)).isUpper),
    );
    if (upperOnly) for (const name of inode.dir.whiteouts?.names() ?? []) names.add(name);
    for (const name of [...names].sort(compareNames)) {
      const childPath = path === '/' ? `/${name}` : `${path}/${name}`;
      const child = tree.lookup(ino, name);
      if (child !== 0 && (!upperOnly || tree.at(child).isUpper)) visit(child, childPath);
      else out.push({ path: childPath, type: 'chr', mode: 0, uid: 0, gid: 0, rdev: '0:0' });
    }
  };
  visit(ROOT_INO, '/');
  return out;
}

function entry(
  chunks: Chunks,
  ino: number,
  inode: Inode,
  path: string,
  first: Map<number, string>,
  upperOnly: boolean,
): object {
  const type = kindOf(inode.mode);
  const row: Record<string, unknown> = {
    path,
    type,
    mode: inode.mode & PERMISSION_BITS,
    uid: inode.uid,
    gid: inode.gid,
  };
  if (type === 'file') {
    row.size = inode.size;
    const bytes = Buffer.alloc(inode.size);
    readContent(inode.content, chunks, 0, bytes, 0, inode.size);
    row.sha256 = createHash('sha256').update(bytes).digest('hex');
  }
  if (type === 'symlink') row.linkname = inode.target;
  if (type === 'chr' || type === 'blk') row.rdev = `${deviceMajor(inode.rdev)}:${deviceMinor(inode.rdev)}`;
  if (type !== 'dir' && inode.nlink > 1) {
    row.nlink = inode.nlink;
    const before = first.get(ino);
    if (before === undefined) first.set(ino, path);
    else row.hardlink = before;
  }
  const xattrs: Record<string, string> = {};
  for (const [name, value] of inode.xattrs) {
    xattrs[upperOnly ? nameInUpper(name) : name] = Buffer.from(value).toString('hex');
  }
  if (upperOnly && inode.dir?.opaque) xattrs['trusted.overlay.opaque'] = '79';
  if (Object.keys(xattrs).length > 0) row.xattrs = xattrs;
  return row;
}
