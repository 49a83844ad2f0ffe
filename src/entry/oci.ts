/** `overlog/oci`: image archives and layer tars, without a store. */

export { openImageSource } from '../oci/image-archive.ts';
export type {
  ImageSource,
  ImageSourceKind,
  ImageSourceOptions,
  ReadLayerOptions,
  SourceImage,
  SourceLayer,
} from '../oci/image-source.ts';
export { type LayerDialect, LayerReader, type LayerReaderOptions } from '../oci/layer-reader.ts';
export { type LayerStreamResult, readLayerStream } from '../oci/layer-stream.ts';
export type { SourceWarning, WarningHandler } from '../oci/source-warning.ts';
export { opaqueEntry, type TarWriteEntry, TarWriter, type TarWriterDialect, whiteoutEntry } from '../oci/tar-writer.ts';
export { type TarLimits } from '../oci/limits.ts';
export { layerDiffId, writeLayerTar } from '../store/layer-tar.ts';
export type { EntryAttributes, LayerEntry, LayerSink } from '../engine/layer-sink.ts';
