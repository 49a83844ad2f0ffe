import type { Content } from '../tree/content.ts';

/** The stretches of a file that hold data, in bytes, at the grain of blocks: all of it where there are no holes. */
export function* dataStretches(
  content: Content | null,
  size: number,
): Generator<{ readonly from: number; readonly to: number }, void> {
  if (content === null) return;
  for (let at = 0; at < size;) {
    const from = content.seek(at, size, true);
    if (from < 0) return;
    at = content.seek(from, size, false);
    yield { from, to: at };
  }
}
