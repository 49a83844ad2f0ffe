import { lstat, readdir, readlink } from 'node:fs/promises';
import type { BigIntStats } from 'node:fs';
import { decodeName } from '../events/name.ts';
import { PERMISSION_BITS, deviceMajor, deviceMinor, kindOf } from '../events/mode.ts';
import type { EntryAttributes } from '../engine/layer-sink.ts';
import type { LayerDialect } from './layer-reader.ts';
import { lowerMarksOf, readOverlayMarks } from './overlay-marks.ts';
import type { WarningHandler } from './source-warning.ts';
import { opaqueEntry, whiteoutEntry } from './tar-writer.ts';
import type { TarWriteEntry } from './tar-writer.ts';
import type { Xattrs } from './xattr-scan.ts';

/** An entry of a directory on the disk, in the order of a layer. */
export interface WalkedEntry {
  readonly entry: TarWriteEntry;
  /** Where a file's content is. */
  readonly fullPath: Buffer;
  /** Whether the disk stores less than the file's size, so that it has holes. */
  readonly hasHoles: boolean;
}

export interface WalkOptions {
  readonly dialect: LayerDialect;
  /** By path, as `scanXattrs` gives them. */
  readonly xattrs: ReadonlyMap<string, Xattrs>;
  readonly onWarning: WarningHandler;
}

/**
 * Walks a directory: itself first, a directory before its children, these by the bytes of their names. Names are read as bytes;
 * symlinks are not followed. Of a file with several names the first is the file, later ones are hard links to it.
 *
 * In the `overlay` dialect char 0:0 nodes and overlay's xattrs become whiteouts and opaque marks.
 * Errors of the file system pass through.
 */
export async function* walkDirectory(root: string, options: WalkOptions): AsyncGenerator<WalkedEntry> {
  const walk = new Walk(root, options);
  yield* walk.visit(Buffer.from(root), '');
}

class Walk {
  readonly #root: string;
  readonly #options: WalkOptions;
  readonly #firstNames = new Map<string, string>();

  constructor(root: string, options: WalkOptions) {
    this.#root = root;
    this.#options = options;
  }

  async *visit(fullPath: Buffer, path: string): AsyncGenerator<WalkedEntry> {
    const stack = [{ fullPath, path }];
    for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
      const status = await lstat(next.fullPath, { bigint: true });
      const entries = await this.#entriesOf(status, next.fullPath, next.path);
      const hasHoles = status.blocks * 512n < status.size;
      for (const entry of entries) yield { entry, fullPath: next.fullPath, hasHoles };
      if (!status.isDirectory()) continue;
      const names = await readdir(next.fullPath, { encoding: 'buffer' });
      names.sort((a, b) => Buffer.compare(b, a)); // the last is taken first
      for (const name of names) {
        const text = decodeName(name);
        stack.push({
          fullPath: Buffer.concat([next.fullPath, SLASH, name]),
          path: next.path === '' ? text : `${next.path}/${text}`,
        });
      }
    }
  }

  async #entriesOf(status: BigIntStats, fullPath: Buffer, path: string): Promise<TarWriteEntry[]> {
    const isOverlay = this.#options.dialect === 'overlay';
    const marks = readOverlayMarks(this.#options.xattrs.get(path) ?? []);
    if (!isOverlay && marks.hasMarks) this.#warn("xattrs of overlay's own are not kept", path);
    const mode = Number(status.mode);
    const attributes: EntryAttributes = {
      mode: mode & PERMISSION_BITS,
      uid: Number(status.uid),
      gid: Number(status.gid),
      mtimeNs: status.mtimeNs,
      xattrs: marks.xattrs,
    };
    const kind = kindOf(mode);
    const size = Number(status.size);
    const isZeroDevice = kind === 'chr' && status.rdev === 0n;
    if (isOverlay && (isZeroDevice || (marks.isWhiteout && kind === 'file' && size === 0))) {
      return [whiteoutEntry(path, status.mtimeNs)];
    }
    if (kind !== 'dir' && kind !== 'sock' && status.nlink > 1n) {
      const target = this.#firstName(status, path);
      if (target !== null) return [{ kind: 'hardlink', path, target, ...attributes }];
    }
    switch (kind) {
      case 'file':
        return [{ kind, path, size, ...attributes, ...(isOverlay && lowerMarksOf(kind, marks)) }];
      case 'fifo':
        return [{ kind, path, size: 0, ...attributes }];
      case 'dir': {
        const entry = { kind, path, size: 0, ...attributes, ...(isOverlay && lowerMarksOf(kind, marks)) };
        return isOverlay && marks.isOpaque ? [entry, opaqueEntry(path)] : [entry];
      }
      case 'symlink':
        return [{ kind, path, target: decodeName(await readlink(fullPath, { encoding: 'buffer' })), ...attributes }];
      case 'chr':
      case 'blk': {
        const rdev = Number(status.rdev);
        return [{ kind, path, major: deviceMajor(rdev), minor: deviceMinor(rdev), ...attributes }];
      }
      case 'sock':
        this.#warn('a layer cannot hold a socket; it is left out', path);
        // In an upperdir it hides what is below, also when it is gone.
        return isOverlay ? [whiteoutEntry(path, status.mtimeNs)] : [];
    }
  }

  /** The path under which an inode came first; null if this is the first. */
  #firstName(status: BigIntStats, path: string): string | null {
    const key = `${status.dev}:${status.ino}`;
    const first = this.#firstNames.get(key);
    if (first !== undefined) return first;
    this.#firstNames.set(key, path);
    return null;
  }

  #warn(message: string, entry: string): void {
    this.#options.onWarning({ file: this.#root, layer: null, entry, message });
  }
}

const SLASH = Buffer.from('/');
