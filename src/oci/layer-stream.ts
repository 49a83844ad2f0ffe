import type { LayerSink } from '../engine/layer-sink.ts';
import { decompress } from './decompress.ts';
import { DigestMeter } from './digest.ts';
import { LayerReader } from './layer-reader.ts';
import type { LayerReaderOptions } from './layer-reader.ts';

/** What reading a layer found out. */
export interface LayerStreamResult {
  /** SHA-256 of the uncompressed stream, everything behind the end mark included, as `sha256:…`. */
  readonly diffId: string;
  /** Length of the uncompressed stream. */
  readonly bytes: number;
  /** Entries of the tar. */
  readonly entries: number;
}

/**
 * Reads a layer, compressed or not, into a sink, and computes its diffID on the way.
 *
 * Each piece goes through in one synchronous step; between pieces the source is awaited. Errors as {@link LayerReader} and
 * `decompress`; the sink has then got a part of the layer, which the caller throws away.
 */
export async function readLayerStream(
  source: AsyncIterable<Uint8Array>,
  sink: LayerSink,
  options: LayerReaderOptions,
): Promise<LayerStreamResult> {
  const reader = new LayerReader(sink, options);
  const meter = new DigestMeter();
  for await (const piece of decompress(source, options)) {
    meter.update(piece);
    reader.push(piece);
  }
  reader.end();
  return { diffId: meter.finish(), bytes: meter.bytes, entries: reader.entries };
}
