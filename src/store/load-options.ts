import type { ImageSourceOptions } from '../oci/image-source.ts';
import type { SourceWarning } from '../oci/source-warning.ts';
import type { LayerCompat } from './image-build.ts';

export interface LoadProgress {
  /** A source is read through once before anything of it is stored. */
  readonly phase: 'checking' | 'storing';
  /** Which of the layers that are read, from 1. */
  readonly layer: number;
  readonly layers: number;
  /** Stored bytes of the layer read so far. */
  readonly bytes: number;
  readonly totalBytes: number;
}

export interface LoadOptions extends Omit<ImageSourceOptions, 'tags' | 'onWarning'> {
  /** Names for the image; the source must hold one image only. Default: the names in the source. */
  readonly tag?: string | readonly string[];
  /**
   * Whose rules count where importers differ (SEM-2.5). `docker` shows what Docker 20.10 with overlay2 shows, and refuses what it
   * refuses. Default `oci`.
   */
  readonly compat?: LayerCompat;
  readonly onProgress?: (progress: LoadProgress) => void;
  /** Called with what is odd, as it comes up. */
  readonly onWarning?: (warning: SourceWarning) => void;
}
