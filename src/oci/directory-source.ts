import { isStoreError } from '../events/log-error.ts';
import type { LayerSink } from '../engine/layer-sink.ts';
import { openRegular } from './blob.ts';
import { DigestMeter } from './digest.ts';
import { walkDirectory } from './directory-walk.ts';
import type { WalkOptions, WalkedEntry } from './directory-walk.ts';
import type { ImageSource, ImageSourceOptions, ReadLayerOptions, SourceImage, SourceLayer } from './image-source.ts';
import type { LayerStreamResult } from './layer-stream.ts';
import { plainImage } from './plain-tar.ts';
import { sourceError } from './source-place.ts';
import type { SourceWarning, WarningList } from './source-warning.ts';
import { TarWriter } from './tar-writer.ts';
import type { TarWriteEntry } from './tar-writer.ts';
import { scanXattrs } from './xattr-scan.ts';

/**
 * A directory on the disk as an image of one layer.
 *
 * The diffID is that of the tar which {@link TarWriter} makes of the directory, so opening reads all of it once, and reading the
 * layer reads it again; a change between the two is `ERR_OCI_DIGEST`.
 */
export class DirectorySource implements ImageSource {
  readonly kind = 'directory';
  readonly file: string;
  readonly images: readonly SourceImage[];
  readonly #walk: WalkOptions;
  readonly #warnings: WarningList;

  private constructor(file: string, image: SourceImage, walk: WalkOptions, warnings: WarningList) {
    this.file = file;
    this.images = [image];
    this.#walk = walk;
    this.#warnings = warnings;
  }

  static async open(directory: string, options: ImageSourceOptions, warnings: WarningList): Promise<DirectorySource> {
    const xattrs = await scanXattrs(directory);
    if (xattrs === null) {
      const message = 'extended attributes are not read: neither getfattr nor python3 can be run';
      warnings.add({ file: directory, layer: null, entry: null, message });
    }
    const walk = { dialect: options.dialect ?? 'oci', xattrs: xattrs ?? new Map(), onWarning: warnings.add };
    const { diffId, bytes } = await readDirectory(directory, walk, null, undefined);
    // Warnings were given now; reading the layer would only repeat them.
    const image = plainImage(diffId, bytes, 'Imported from a directory', options);
    return new DirectorySource(directory, image, { ...walk, onWarning: () => {} }, warnings);
  }

  get warnings(): readonly SourceWarning[] {
    return this.#warnings.list();
  }

  async readLayer(layer: SourceLayer, sink: LayerSink, options: ReadLayerOptions = {}): Promise<LayerStreamResult> {
    if (layer !== this.images[0].layers[0]) throw new TypeError('the layer belongs to another source');
    const onBytes = (bytes: number): void => options.onProgress?.({ bytes, totalBytes: layer.size });
    const result = await readDirectory(this.file, this.#walk, sink, onBytes);
    if (result.diffId === layer.diffId) return result;
    throw sourceError('ERR_OCI_DIGEST', 'the directory was changed while it was read', { file: this.file });
  }

  async checkLayer(_: SourceLayer, sink: LayerSink): Promise<number> {
    for await (const { entry } of walkDirectory(this.file, this.#walk)) sink.entry(layerEntry(entry));
    return 0;
  }

  async close(): Promise<void> {
    // Nothing is held open between reads.
  }
}

/** Reads a directory as the tar of a layer, for its digest, and into a sink, if there is one. */
async function readDirectory(
  directory: string,
  walk: WalkOptions,
  sink: LayerSink | null,
  onBytes: ((bytes: number) => void) | undefined,
): Promise<LayerStreamResult> {
  const meter = new DigestMeter();
  const writer = new TarWriter((bytes) => meter.update(bytes));
  let entries = 0;
  for await (const walked of walkDirectory(directory, walk)) {
    try {
      writer.entry(walked.entry);
    } catch (error) {
      if (!isStoreError(error)) throw error;
      throw sourceError(error.code, error.message, { file: directory }, error);
    }
    sink?.entry(layerEntry(walked.entry));
    entries++;
    if (walked.entry.kind === 'file' && walked.entry.size > 0) {
      await readContent(walked, walked.entry.size, directory, {
        data: (bytes) => {
          writer.data(bytes);
          sink?.data(bytes);
        },
        hole: (length) => {
          writer.hole(length);
          sink?.hole(length);
        },
      });
    }
    onBytes?.(meter.bytes);
  }
  writer.end();
  return { diffId: meter.finish(), bytes: meter.bytes, entries };
}

/** The entry as a sink takes it: a hard link without attributes, marks without a time. */
function layerEntry(entry: TarWriteEntry): Parameters<LayerSink['entry']>[0] {
  if (entry.kind === 'hardlink') return { kind: 'hardlink', path: entry.path, target: entry.target };
  if (entry.kind === 'whiteout' || entry.kind === 'opaque') return { kind: entry.kind, path: entry.path };
  return entry;
}

const PIECE_BYTES = 256 * 2 ** 10;

/** Pages that hold only zeros are taken for holes in files that have some; Node cannot ask for the holes themselves. */
const PAGE_BYTES = 4096;

async function readContent(
  walked: WalkedEntry,
  size: number,
  directory: string,
  target: Pick<LayerSink, 'data' | 'hole'>,
): Promise<void> {
  const place = { file: directory, entry: walked.entry.path };
  const handle = await openRegular(walked.fullPath);
  if (handle === null) throw sourceError('ERR_OCI_CORRUPT', 'the file went away while it was read', place);
  try {
    const buffer = Buffer.allocUnsafe(Math.min(PIECE_BYTES, size));
    for (let at = 0; at < size;) {
      const wanted = Math.min(buffer.length, size - at);
      const { bytesRead } = await handle.read(buffer, 0, wanted, at);
      if (bytesRead === 0) throw sourceError('ERR_OCI_CORRUPT', 'the file became shorter while it was read', place);
      const piece = buffer.subarray(0, bytesRead);
      if (walked.hasHoles) giveWithHoles(piece, target);
      else target.data(piece);
      at += bytesRead;
    }
  } finally {
    await handle.close();
  }
}

/** Gives runs of zero pages as holes and the rest as data. */
function giveWithHoles(piece: Buffer, target: Pick<LayerSink, 'data' | 'hole'>): void {
  let start = 0;
  while (start < piece.length) {
    const isHole = isZeroPage(piece, start);
    let end = start + PAGE_BYTES;
    while (end < piece.length && isZeroPage(piece, end) === isHole) end += PAGE_BYTES;
    end = Math.min(end, piece.length);
    if (isHole) target.hole(end - start);
    else target.data(piece.subarray(start, end));
    start = end;
  }
}

function isZeroPage(piece: Buffer, start: number): boolean {
  const page = piece.subarray(start, start + PAGE_BYTES);
  return page.equals(ZERO_PAGE.subarray(0, page.length));
}

const ZERO_PAGE = Buffer.alloc(PAGE_BYTES);
