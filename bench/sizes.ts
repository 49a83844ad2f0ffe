/**
 * How much each group measures: the real sizes, and those of `--quick`, a look that ends in under a minute. Both measure the
 * same rows; a row says the sizes that it was measured at.
 *
 * A quick step still takes milliseconds on the faster side, so that its ratio is more than noise. What only counts bytes or
 * memory may be as small as the figure stays what it is.
 */

export interface Sizes {
  readonly files: { readonly files: number; readonly rounds: number; readonly warmUps: number };
  readonly flatMap: { readonly files: number; readonly rounds: number };
  readonly durable: { readonly files: number; readonly rounds: number };
  readonly layers: { readonly files: number; readonly rounds: number; readonly calls: number };
  readonly largeFile: { readonly mib: number; readonly copyRounds: number };
  readonly history: { readonly events: number; readonly rounds: number; readonly questions: number };
  readonly fork: { readonly files: number; readonly events: number };
  readonly logBytes: { readonly files: number };
  readonly load: { readonly files: number; readonly rounds: number };
  readonly memory: { readonly files: number; readonly rounds: number };
  readonly mount: MountSizes;
  readonly recording: { readonly files: number; readonly rounds: number };
}

export interface MountSizes {
  readonly files: number;
  /** Of the archive and of the repository. */
  readonly sourceFiles: number;
  /** Of the tree that `rm -rf` takes away. */
  readonly treeFiles: number;
  readonly packages: number;
  readonly largeMib: number;
  /** Of the file that a first write copies up. */
  readonly lowerMib: number;
  readonly rounds: number;
  /** Rounds with an `npm install`, which takes seconds: the first ones. */
  readonly installs: number;
}

export const FULL_SIZES: Sizes = {
  files: { files: 20_000, rounds: 5, warmUps: 1 },
  flatMap: { files: 20_000, rounds: 5 },
  durable: { files: 10_000, rounds: 5 },
  layers: { files: 10_000, rounds: 60, calls: 5_000 },
  largeFile: { mib: 1024, copyRounds: 3 },
  history: { events: 1_000_000, rounds: 5, questions: 300 },
  fork: { files: 100_000, events: 1_000_000 },
  logBytes: { files: 2_000 },
  load: { files: 20_000, rounds: 5 },
  memory: { files: 20_000, rounds: 3 },
  mount: {
    files: 10_000,
    sourceFiles: 5_000,
    treeFiles: 20_000,
    packages: 150,
    largeMib: 512,
    lowerMib: 1024,
    rounds: 5,
    installs: 5,
  },
  recording: { files: 100_000, rounds: 5 },
};

export const QUICK_SIZES: Sizes = {
  files: { files: 2_000, rounds: 2, warmUps: 2 },
  flatMap: { files: 3_000, rounds: 3 },
  durable: { files: 2_000, rounds: 2 },
  layers: { files: 3_000, rounds: 20, calls: 3_000 },
  largeFile: { mib: 128, copyRounds: 2 },
  history: { events: 40_000, rounds: 5, questions: 200 },
  fork: { files: 10_000, events: 50_000 },
  logBytes: { files: 500 },
  load: { files: 3_000, rounds: 1 },
  memory: { files: 3_000, rounds: 1 },
  mount: {
    files: 600,
    sourceFiles: 200,
    treeFiles: 800,
    packages: 8,
    largeMib: 16,
    lowerMib: 128,
    rounds: 2,
    installs: 1,
  },
  recording: { files: 6_000, rounds: 2 },
};

/** A count as a row says it. */
export const counted = (value: number): string => value.toLocaleString('en-US');
