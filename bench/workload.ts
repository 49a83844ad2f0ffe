/**
 * The files that every peer gets: names in directories of a hundred, and content that differs from file to file.
 *
 * Content is random: equal or compressible pieces would be an advantage for a store that keeps each piece once.
 */

export const FILE_BYTES = 1024;
const FILES_PER_DIRECTORY = 100;

export interface Workload {
  /** Relative to the peer's root, without a slash in front. */
  readonly directories: readonly string[];
  readonly files: readonly string[];
  /** Content of each file, another one for each `version`. */
  contents(version: number): Buffer[];
}

/** @param files - A multiple of 100. */
export function makeWorkload(files: number): Workload {
  const directories = Array.from({ length: files / FILES_PER_DIRECTORY }, (_, index) => `dir-${index}`);
  const paths = directories.flatMap((directory) =>
    Array.from({ length: FILES_PER_DIRECTORY }, (_, index) => `${directory}/file-${index}.txt`),
  );
  return { directories, files: paths, contents: (version) => randomPieces(files, version) };
}

/** As many pieces of {@link FILE_BYTES} as asked for, all different, the same for the same seed. */
function randomPieces(count: number, seed: number): Buffer[] {
  const words = new Uint32Array((count * FILE_BYTES) / 4);
  const next = randomNumbers(seed);
  for (let index = 0; index < words.length; index++) words[index] = next();
  return Array.from({ length: count }, (_, index) => Buffer.from(words.buffer, index * FILE_BYTES, FILE_BYTES));
}

/** Uint32s, the same for the same seed: xorshift32 (Marsaglia 2003). */
export function randomNumbers(seed: number): () => number {
  let state = (Math.imul(seed, 0x9e3779b1) ^ 0x85ebca6b) | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}
