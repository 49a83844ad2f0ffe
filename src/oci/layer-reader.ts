import { printableName } from '../events/name.ts';
import type { StoreErrorCode } from '../events/log-error.ts';
import type { EntryAttributes, LayerSink, LowerMarks } from '../engine/layer-sink.ts';
import { FILE_BYTES_MAX } from '../projections/tree/content.ts';
import { AUFS_BYTES_MAX, AufsLinks } from './aufs-links.ts';
import { findLongName, isReserved, normalizePath, readPathMeaning } from './layer-path.ts';
import type { TarLimits } from './limits.ts';
import { lowerMarksOf, readOverlayMarks } from './overlay-marks.ts';
import type { OverlayMarks } from './overlay-marks.ts';
import { sourceError } from './source-place.ts';
import type { SourcePlace } from './source-place.ts';
import type { WarningHandler } from './source-warning.ts';
import type { TarEntry } from './tar-entry.ts';
import { TarReader } from './tar-reader.ts';
import type { TarHandler } from './tar-reader.ts';

/**
 * How a tar says that something is gone: `oci` by `.wh.` names, `overlay` by char 0:0 nodes and xattrs, as a tar of an overlay's
 * upper directory does. In `overlay` a name that starts with `.wh.` is a name like any other.
 */
export type LayerDialect = 'oci' | 'overlay';

export interface LayerReaderOptions extends SourcePlace {
  /** Default `oci`. */
  readonly dialect?: LayerDialect | undefined;
  readonly limits?: Partial<TarLimits> | undefined;
  readonly onWarning?: WarningHandler | undefined;
}

/**
 * Reads the tar of one layer into a {@link LayerSink}.
 *
 * Paths are normalised (`../evil` is `/evil`). Entries come in the order of the archive; of two entries with one path both are
 * handed on, so that the later one wins, with a warning. A char 0:0 node is a whiteout in either dialect, as in a kernel overlay.
 *
 * Push the uncompressed bytes, then call {@link end}. Errors are StoreErrors `ERR_OCI_CORRUPT` or `ERR_OCI_UNSUPPORTED` that
 * name file, layer, entry and byte; what the sink throws passes through. Memory grows with the number of entries (their paths),
 * not with their content.
 */
export class LayerReader implements TarHandler {
  readonly #sink: LayerSink;
  readonly #options: LayerReaderOptions;
  readonly #dialect: LayerDialect;
  readonly #tar: TarReader;
  readonly #seen = new Set<string>();
  readonly #aufs = new AufsLinks();
  #isHolding = false;
  /** What is being pushed, and how far it was handed to the sink as framing or content. */
  #piece: Uint8Array = new Uint8Array(0);
  #framed = 0;

  constructor(sink: LayerSink, options: LayerReaderOptions) {
    this.#sink = sink;
    this.#options = options;
    this.#dialect = options.dialect ?? 'oci';
    this.#tar = new TarReader(this, options);
  }

  /** Entries of the tar so far. */
  get entries(): number {
    return this.#tar.entries;
  }

  push(chunk: Uint8Array): void {
    this.#piece = chunk;
    this.#framed = 0;
    this.#tar.push(chunk);
    this.#frameTo(chunk.byteLength);
  }

  end(): void {
    this.#tar.end();
  }

  entry(entry: TarEntry): boolean {
    const path = normalizePath(entry.path);
    this.#isHolding = false;
    if (this.#dialect === 'overlay') {
      this.#noteReservedName(entry, path);
      return this.#takeObject(entry, path);
    }
    const meaning = readPathMeaning(path);
    switch (meaning.is) {
      case 'entry':
        return this.#takeObject(entry, path);
      case 'whiteout':
        this.#noteContent(entry, 'a whiteout');
        return this.#hide(entry, meaning.path);
      case 'opaque':
        this.#noteContent(entry, 'an opaque marker');
        this.#sink.entry({ kind: 'opaque', path: meaning.path });
        return false;
      case 'aufs':
        return this.#takeAufs(entry, path);
      case 'invalid':
        throw this.#refuse('ERR_OCI_CORRUPT', meaning.reason, entry);
    }
  }

  data(bytes: Uint8Array): void {
    if (this.#isHolding) return this.#aufs.data(bytes);
    // `bytes` is a view of the piece that was pushed; what lies in front of it is framing.
    this.#frameTo(bytes.byteOffset - this.#piece.byteOffset);
    this.#framed += bytes.byteLength;
    this.#sink.framing?.content(bytes.byteLength);
    this.#sink.data(bytes);
  }

  hole(length: number): void {
    if (this.#isHolding) this.#aufs.hole(length);
    else this.#sink.hole(length);
  }

  warning(message: string, entry: string | null): void {
    const { file, layer } = this.#options;
    this.#options.onWarning?.({ file, layer: layer ?? null, entry, message });
  }

  #frameTo(end: number): void {
    if (end > this.#framed) this.#sink.framing?.bytes(this.#piece.subarray(this.#framed, end));
    this.#framed = end;
  }

  #takeObject(entry: TarEntry, path: string): boolean {
    this.#checkPath(entry, path);
    if (entry.kind === 'chr' && entry.major === 0 && entry.minor === 0) {
      if (this.#dialect === 'oci') this.warning('a char 0:0 device hides the name below, as in an overlay', entry.path);
      return this.#hide(entry, path);
    }
    const marks = readOverlayMarks(entry.xattrs);
    if (marks.hasMarks && this.#dialect === 'oci') this.warning("xattrs of overlay's own are not kept", entry.path);
    if (this.#dialect === 'overlay') {
      if (marks.isWhiteout && entry.kind === 'file' && entry.size === 0) return this.#hide(entry, path);
    }
    this.#noteDuplicate(entry, path);
    this.#hand(entry, path, marks);
    return true;
  }

  /** Gives the sink an object under its path. */
  #hand(entry: TarEntry, path: string, marks: OverlayMarks): void {
    const attributes: EntryAttributes = {
      mode: entry.mode,
      uid: entry.uid,
      gid: entry.gid,
      mtimeNs: this.#clampTime(entry),
      xattrs: marks.xattrs,
    };
    if (entry.size > FILE_BYTES_MAX) {
      throw this.#refuse(
        'ERR_OCI_UNSUPPORTED',
        `a file of ${entry.size} bytes; at most ${FILE_BYTES_MAX} are kept`,
        entry,
      );
    }
    switch (entry.kind) {
      case 'file':
      case 'fifo':
        this.#sink.entry({ kind: entry.kind, path, size: entry.size, ...attributes, ...this.#lower(entry, marks) });
        break;
      case 'dir':
        this.#sink.entry({ kind: 'dir', path, size: 0, ...attributes, ...this.#lower(entry, marks) });
        if (this.#dialect === 'overlay' && marks.isOpaque) this.#sink.entry({ kind: 'opaque', path });
        break;
      case 'symlink':
        if (entry.target === '') throw this.#refuse('ERR_OCI_CORRUPT', 'a symlink without a target', entry);
        this.#sink.entry({ kind: 'symlink', path, target: entry.target, ...attributes });
        break;
      case 'chr':
      case 'blk':
        // Linux device numbers have 12 bits major and 20 bits minor (include/linux/kdev_t.h).
        if (entry.major < 0 || entry.major > 0xfff || entry.minor < 0 || entry.minor > 0xfffff) {
          throw this.#refuse('ERR_OCI_CORRUPT', `device number ${entry.major}:${entry.minor} does not exist`, entry);
        }
        this.#sink.entry({ kind: entry.kind, path, major: entry.major, minor: entry.minor, ...attributes });
        break;
      case 'hardlink':
        this.#link(entry, path);
    }
  }

  #lower({ kind }: TarEntry, marks: OverlayMarks): { lower?: LowerMarks } {
    return this.#dialect === 'overlay' ? lowerMarksOf(kind, marks) : {};
  }

  #link(entry: TarEntry, path: string): void {
    const target = normalizePath(entry.target);
    if (this.#dialect === 'oci' && AufsLinks.isLinkPath(target)) {
      this.#linkAufs(entry, path, target);
      return;
    }
    if (target === '') throw this.#refuse('ERR_OCI_CORRUPT', 'a hard link to the root', entry);
    if (this.#dialect === 'oci' && target.split('/').some(isReserved)) {
      throw this.#refuse('ERR_OCI_CORRUPT', `a hard link to the reserved name "${printableName(target)}"`, entry);
    }
    if (target === path) this.warning('a hard link to itself says nothing', entry.path);
    else this.#sink.entry({ kind: 'hardlink', path, target });
  }

  /** The first link to a held file becomes the file, later ones links to that path. */
  #linkAufs(entry: TarEntry, path: string, target: string): void {
    const held = this.#aufs.find(target);
    if (held === undefined)
      throw this.#refuse('ERR_OCI_CORRUPT', 'a hard link to an aufs file that is not there', entry);
    if (held.path !== null) {
      this.#sink.entry({ kind: 'hardlink', path, target: held.path });
      return;
    }
    held.path = path;
    this.#hand(held.entry, path, readOverlayMarks(held.entry.xattrs));
    for (const piece of held.pieces) this.#sink.data(piece);
    held.pieces.length = 0;
  }

  #takeAufs(entry: TarEntry, path: string): boolean {
    if (entry.kind !== 'file' || !AufsLinks.isLinkPath(path)) {
      this.warning("a name of aufs's own is not kept", entry.path);
      return false;
    }
    if (!this.#aufs.hold(path, entry)) {
      throw this.#refuse('ERR_OCI_UNSUPPORTED', `more than ${AUFS_BYTES_MAX} bytes of hard-linked aufs files`, entry);
    }
    this.#isHolding = true;
    return true;
  }

  #hide(entry: TarEntry, path: string): false {
    this.#checkPath(entry, path);
    if (path === '') throw this.#refuse('ERR_OCI_CORRUPT', 'a whiteout of the root', entry);
    this.#sink.entry({ kind: 'whiteout', path });
    return false;
  }

  #checkPath(entry: TarEntry, path: string): void {
    if (path === '' && entry.kind !== 'dir')
      throw this.#refuse('ERR_OCI_CORRUPT', 'the root can only be a directory', entry);
    if (path.includes('\0')) throw this.#refuse('ERR_OCI_CORRUPT', 'its name holds a NUL byte', entry);
    if (findLongName(path) !== null) throw this.#refuse('ERR_OCI_CORRUPT', 'a name of more than 255 bytes', entry);
  }

  #noteDuplicate(entry: TarEntry, path: string): void {
    const isRepeated = this.#seen.has(path);
    if (!isRepeated) this.#seen.add(path);
    else if (entry.kind !== 'dir') this.warning('this path came before; the later entry wins', entry.path);
  }

  #noteContent(entry: TarEntry, what: string): void {
    if (entry.size > 0) this.warning(`the content of ${what} is not kept`, entry.path);
  }

  #noteReservedName(entry: TarEntry, path: string): void {
    if (isReserved(path.slice(path.lastIndexOf('/') + 1))) {
      this.warning('a name that starts with .wh. is a plain name in an upper directory', entry.path);
    }
  }

  /** Times are int64 nanoseconds (1677 to 2262); what lies beyond is set to the nearest. */
  #clampTime(entry: TarEntry): bigint {
    const clamped = BigInt.asIntN(64, entry.mtimeNs);
    if (clamped === entry.mtimeNs) return clamped;
    this.warning('its time is outside the years 1677 to 2262 and is set to the nearest', entry.path);
    return entry.mtimeNs < 0n ? -(2n ** 63n) : 2n ** 63n - 1n;
  }

  #refuse(code: StoreErrorCode, message: string, entry: TarEntry): Error {
    const place = { entry: entry.path, ordinal: entry.ordinal, offset: entry.headerOffset };
    return sourceError(code, message, { file: this.#options.file, layer: this.#options.layer, ...place });
  }
}
