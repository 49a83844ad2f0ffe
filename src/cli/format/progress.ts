/** `[#########           ] 45%`: how far a work of known length is. */

import type { LoadProgress } from '../../index.ts';
import { formatSize } from './size.ts';

const WIDTH = 20;

export function progressBar(done: number, total: number): string {
  const share = total <= 0 ? 1 : Math.min(1, Math.max(0, done / total));
  const filled = Math.floor(share * WIDTH);
  return `[${'#'.repeat(filled)}${' '.repeat(WIDTH - filled)}] ${String(Math.floor(share * 100)).padStart(2)}%`;
}

/** How far the loading of an image is. */
export const loadProgressText = (file: string, { phase, layer, layers, bytes, totalBytes }: LoadProgress): string =>
  `${progressBar(bytes, totalBytes)} ${phase} layer ${layer} of ${layers}, ${formatSize(bytes)} of ${formatSize(totalBytes)}, ${file}`;
