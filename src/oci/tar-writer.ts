import { PATH_BYTES_MAX, isEncodable, nameBytes, printableName } from '../events/name.ts';
import { storeError } from '../events/log-error.ts';
import type { StoreError } from '../events/log-error.ts';
import type { EntryAttributes, LayerEntry, LowerMarks } from '../engine/layer-sink.ts';
import { OPAQUE_MARKER, WHITEOUT_PREFIX, isReserved } from './layer-path.ts';
import { lowerMarkXattrs } from './overlay-marks.ts';
import { TAR_BLOCK_BYTES } from './tar-header.ts';
import { encodeTarHeader, paddingBytes } from './tar-header-write.ts';
import type { TarHeaderFields } from './tar-header-write.ts';

/**
 * An entry to write: a {@link LayerEntry}, but hard links carry the attributes of their file, because dockerd applies the ones
 * in the header to it, and whiteouts may carry a time.
 */
export type TarWriteEntry =
  | Exclude<LayerEntry, { readonly kind: 'hardlink' | 'whiteout' | 'opaque' }>
  | ({ readonly kind: 'hardlink'; readonly path: string; readonly target: string } & EntryAttributes)
  | { readonly kind: 'whiteout'; readonly path: string; readonly mtimeNs?: bigint }
  | { readonly kind: 'opaque'; readonly path: string; readonly mtimeNs?: bigint };

/**
 * `oci` writes layers: whiteouts and opaque markers become `.wh.` names, and an object with such a name is refused, as it could
 * not be told from them. `plain` writes whole trees, as `docker export` does: no marks, any name.
 */
export type TarWriterDialect = 'oci' | 'plain';

/** A whiteout of `path`, to be written as an empty file `.wh.<name>`. */
export function whiteoutEntry(path: string, mtimeNs = 0n): TarWriteEntry {
  return { kind: 'whiteout', path, mtimeNs };
}

/** A mark that the directory `path` is opaque, to be written as an empty file `.wh..wh..opq` inside it. */
export function opaqueEntry(path: string, mtimeNs = 0n): TarWriteEntry {
  return { kind: 'opaque', path, mtimeNs };
}

/**
 * Writes a tar: ustar where it suffices, PAX where it does not. Equal calls give equal bytes; nothing of its own goes in.
 *
 * Call {@link entry}, for a file then {@link data} and {@link hole} until its size is reached, and {@link end} after the last.
 * Holes are written as zeros, because layers are digested as they stand and not every reader knows sparse formats.
 */
export class TarWriter {
  readonly #write: (bytes: Uint8Array) => void;
  readonly #dialect: TarWriterDialect;
  #contentLeft = 0;
  #paddingBytes = 0;

  /**
   * @param write - Takes the bytes in order. Headers are its own; content is the view that {@link data} was given, to be used or
   *   copied during the call.
   */
  constructor(write: (bytes: Uint8Array) => void, dialect: TarWriterDialect = 'oci') {
    this.#write = write;
    this.#dialect = dialect;
  }

  /**
   * @throws StoreError `ERR_OCI_UNSUPPORTED` for what no tar or no layer can hold: sockets, names reserved for whiteouts, char 0:0,
   *   xattr names with `=`; `ERR_INVALID_ARGUMENT` for an entry inside the content of another or a path that is none.
   */
  entry(entry: TarWriteEntry): void {
    if (this.#contentLeft > 0) throw invalid(`${this.#contentLeft} bytes of the file before are missing`, entry.path);
    const fields = this.#fieldsOf(entry);
    this.#write(encodeTarHeader(fields));
    this.#contentLeft = fields.size;
    this.#paddingBytes = paddingBytes(fields.size);
  }

  data(bytes: Uint8Array): void {
    if (bytes.byteLength > this.#contentLeft) throw invalid('more content than the size of the file', '');
    if (bytes.byteLength === 0) return;
    this.#write(bytes);
    this.#tookContent(bytes.byteLength);
  }

  hole(length: number): void {
    if (length > this.#contentLeft) throw invalid('more content than the size of the file', '');
    for (let left = length; left > 0; left -= ZEROS.length) this.#write(ZEROS.subarray(0, left));
    this.#tookContent(length);
  }

  /** Writes the end mark, two zero blocks; the archive is not padded further. */
  end(): void {
    if (this.#contentLeft > 0) throw invalid(`${this.#contentLeft} bytes of the last file are missing`, '');
    this.#write(ZEROS.subarray(0, 2 * TAR_BLOCK_BYTES));
  }

  #tookContent(length: number): void {
    this.#contentLeft -= length;
    if (this.#contentLeft > 0 || this.#paddingBytes === 0) return;
    this.#write(ZEROS.subarray(0, this.#paddingBytes));
    this.#paddingBytes = 0;
  }

  #fieldsOf(entry: TarWriteEntry): TarHeaderFields {
    checkPath(entry.path);
    const isMark = entry.kind === 'whiteout' || entry.kind === 'opaque';
    if (isMark && this.#dialect === 'plain')
      throw unsupported('a plain tar cannot say that something is gone', entry.path);
    if (this.#dialect === 'oci' && entry.path.includes(WHITEOUT_PREFIX) && entry.path.split('/').some(isReserved)) {
      throw unsupported(
        'an OCI layer cannot hold a name that starts with .wh., which means a whiteout there',
        entry.path,
      );
    }
    if (entry.kind === 'whiteout' || entry.kind === 'opaque') {
      if (this.#dialect === 'oci') return markFields(entry);
      throw unsupported('a plain tar cannot say that something is gone', entry.path);
    }
    for (const [name] of entry.xattrs) {
      if (name.includes('=')) throw unsupported(`PAX cannot hold an xattr with "=" in its name (${name})`, entry.path);
    }
    switch (entry.kind) {
      case 'file':
        return objectFields(entry, '0', entry.path, '', entry.size);
      case 'dir':
        return objectFields(entry, '5', entry.path === '' ? './' : `${entry.path}/`);
      case 'symlink':
        return objectFields(entry, '2', entry.path, entry.target);
      case 'hardlink':
        checkPath(entry.target);
        return objectFields(entry, '1', entry.path, entry.target);
      case 'chr':
      case 'blk': {
        const { major, minor } = entry;
        if (entry.kind === 'chr' && major === 0 && minor === 0 && this.#dialect === 'oci') {
          throw unsupported('an OCI layer cannot hold a char 0:0 device, which means a whiteout there', entry.path);
        }
        return { ...objectFields(entry, entry.kind === 'chr' ? '3' : '4', entry.path), major, minor };
      }
      case 'fifo':
        return objectFields(entry, '6', entry.path);
      case 'sock':
        throw unsupported('a tar cannot hold a socket', entry.path);
    }
  }
}

/** Marks that point below are written, so that tars of what differs in them differ; no reader of a layer takes them. */
function objectFields(
  attributes: EntryAttributes & { readonly lower?: LowerMarks },
  typeflag: string,
  path: string,
  target = '',
  size = 0,
): TarHeaderFields {
  const { mode, uid, gid, mtimeNs, lower } = attributes;
  const xattrs = lower === undefined ? attributes.xattrs : [...attributes.xattrs, ...lowerMarkXattrs(lower)];
  return { path, target, typeflag, size, mode, uid, gid, mtimeNs, major: 0, minor: 0, xattrs };
}

const ZEROS = Buffer.alloc(64 * 2 ** 10);

/** As dockerd writes marks: empty files of root's with mode 0600 (go-archive, archive_linux.go). */
function markFields(entry: { kind: 'whiteout' | 'opaque'; path: string; mtimeNs?: bigint }): TarHeaderFields {
  const slash = entry.path.lastIndexOf('/') + 1;
  if (entry.kind === 'whiteout' && entry.path === '') throw invalid('a whiteout of the root', '');
  const whiteout = `${entry.path.slice(0, slash)}${WHITEOUT_PREFIX}${entry.path.slice(slash)}`;
  const opaque = entry.path === '' ? OPAQUE_MARKER : `${entry.path}/${OPAQUE_MARKER}`;
  const path = entry.kind === 'whiteout' ? whiteout : opaque;
  const owner = { uid: 0, gid: 0, mode: 0o600, mtimeNs: entry.mtimeNs ?? 0n, xattrs: [] };
  return { path, target: '', typeflag: '0', size: 0, major: 0, minor: 0, ...owner };
}

/** A path must read back as it is: relative, without empty parts, `.` and `..`, and of bytes. */
function checkPath(path: string): void {
  const isNormal = path === '' || path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
  if (!isNormal || path.includes('\0') || !isEncodable(path)) throw invalid('not a path inside the layer', path);
  if (nameBytes(path) > PATH_BYTES_MAX) throw unsupported(`its path is longer than ${PATH_BYTES_MAX} bytes`, path);
}

function invalid(message: string, path: string): StoreError {
  return storeError('ERR_INVALID_ARGUMENT', `tar entry "${printableName(path)}": ${message}`, {
    detail: { entry: path },
  });
}

function unsupported(message: string, path: string): StoreError {
  return storeError('ERR_OCI_UNSUPPORTED', `"${printableName(path)}": ${message}`, { detail: { entry: path } });
}
