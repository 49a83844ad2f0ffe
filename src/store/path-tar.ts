/** A path of a container as a tar, as `docker cp CONTAINER:PATH -` writes it: the path's last name, and all below it. */

import { basename, join } from 'node:path/posix';
import { deviceMajor, deviceMinor, type NodeKind, kindOf, PERMISSION_BITS } from '../events/mode.ts';
import { compareNames, printableName } from '../events/name.ts';
import type { EntryAttributes } from '../engine/layer-sink.ts';
import type { OverlogFs } from '../engine/fs/overlog-fs.ts';
import { type ExportItem, tarPieces } from '../oci/export-pieces.ts';
import type { TarWriteEntry } from '../oci/tar-writer.ts';

const PIECE_BYTES = 2 ** 18;

export interface PathTarOptions {
  /** A path that is a symbolic link is what it leads to, under that name. */
  readonly followLink?: boolean;
  /** Told the paths of sockets, which no tar can hold. */
  readonly onLeftOut?: (path: string) => void;
}

/**
 * The tar in pieces that belong to the caller. Volumes are seen as programs in the container see them.
 *
 * @param path - Absolute. One that ends in `/` or `/.` is what a link there leads to; of one that ends in `/.`, and of the root, the
 *   entries have no directory in front.
 * @throws What the calls of `fs` throw; `ERR_OCI_UNSUPPORTED` for what a tar can't hold.
 */
export function* pathTar(fs: OverlogFs, path: string, options: PathTarOptions = {}): Generator<Buffer, void> {
  const source = options.followLink === true || /\/\.?$/.test(path) ? fs.realpathSync(path) : path;
  const name = basename(options.followLink === true ? source : path);
  yield* tarPieces(new Walk(fs, options).node(source, name === '.' ? '' : name), 'plain');
}

class Walk {
  readonly #fs: OverlogFs;
  readonly #options: PathTarOptions;
  /** By device and number: the path of a file's first name. */
  readonly #firstPaths = new Map<string, string>();

  constructor(fs: OverlogFs, options: PathTarOptions) {
    this.#fs = fs;
    this.#options = options;
  }

  *node(from: string, path: string): Generator<ExportItem, void> {
    const fs = this.#fs;
    const stat = fs.lstatSync(from, { bigint: true });
    const [mode, rdev] = [Number(stat.mode), Number(stat.rdev)];
    const kind = kindOf(mode);
    if (kind === 'sock') return this.#options.onLeftOut?.(printableName(from));
    const attributes: EntryAttributes = {
      mode: mode & PERMISSION_BITS,
      uid: Number(stat.uid),
      gid: Number(stat.gid),
      mtimeNs: stat.mtimeNs,
      xattrs: this.#xattrs(from),
    };
    if (kind !== 'dir' && stat.nlink > 1n) {
      const key = `${stat.dev}:${stat.ino}`;
      const target = this.#firstPaths.get(key);
      if (target !== undefined) return yield { entry: { kind: 'hardlink', path, target, ...attributes } };
      this.#firstPaths.set(key, path);
    }
    const entry = this.#entry(kind, path, { size: Number(stat.size), rdev, from, attributes });
    yield kind === 'file' ? { entry, content: this.#content(from) } : { entry };
    if (kind !== 'dir') return;
    for (const each of fs.readdirSync(from).toSorted(compareNames)) {
      yield* this.node(join(from, each), path === '' ? each : `${path}/${each}`);
    }
  }

  #entry(
    kind: Exclude<NodeKind, 'sock'>,
    path: string,
    what: { readonly size: number; readonly rdev: number; readonly from: string; readonly attributes: EntryAttributes },
  ): TarWriteEntry {
    const { size, rdev, from, attributes } = what;
    switch (kind) {
      case 'symlink':
        return { kind, path, target: this.#fs.readlinkSync(from), ...attributes };
      case 'chr':
      case 'blk':
        return { kind, path, major: deviceMajor(rdev), minor: deviceMinor(rdev), ...attributes };
      case 'file':
      case 'dir':
      case 'fifo':
        return { kind, path, size: kind === 'file' ? size : 0, ...attributes };
    }
  }

  #xattrs(path: string): EntryAttributes['xattrs'] {
    const { linux } = this.#fs;
    const names = linux.listxattrSync(path, { follow: false });
    return names.map((name) => [name, linux.getxattrSync(path, name, { follow: false })] as const);
  }

  *#content(path: string): Generator<Uint8Array, void> {
    const fs = this.#fs;
    const fd = fs.openSync(path, 'r');
    try {
      for (;;) {
        const piece = Buffer.allocUnsafe(PIECE_BYTES);
        const count = fs.readSync(fd, piece, 0, PIECE_BYTES, null);
        if (count === 0) return;
        yield piece.subarray(0, count);
      }
    } finally {
      fs.closeSync(fd);
    }
  }
}
