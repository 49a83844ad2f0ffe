import { firstRowDifference, MARK_BLOCKS, text } from './compare-rows.ts';
import type { EngineSide } from './engine-side.ts';
import type { KernelCall, Reply, Row, Trees } from './kernel-call.ts';

/** What the two sides of one container have said so far, and how they compare. */
export class CompareContainer {
  readonly #side: EngineSide;
  readonly #container: number;
  /** Listings of both sides as they were last seen. */
  #kernel: Trees = { merged: [], upper: [] };
  #overlog: Trees = { merged: [], upper: [] };
  /** State of the engine when it was listed last. */
  #version = -1;
  #comparesImpure = true;
  #isOver = false;
  readonly #open = new Set<number>();
  /** Slots of files that only one side has changed (deviation D1). */
  readonly #parted = new Set<number>();

  constructor(side: EngineSide, container: number) {
    this.#side = side;
    this.#container = container;
  }

  /**
   * The kernel has put a removed directory in the place of an empty one (deviation D18), which overlog does not: what is
   * done from then on says nothing.
   */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** The difference between two answers in words, or null; deviation D1 and D18 are none. */
  compareReply(call: KernelCall, kernel: Reply, overlog: Reply): string | null {
    if (isOnAttributes(call)) {
      if (kernel.error === 'EEXIST' || (kernel.error === 'ENOENT' && overlog.error !== 'ENOENT')) {
        for (const slot of this.#open) this.#parted.add(slot);
        this.#comparesImpure = false;
        return null;
      }
      // Refused as late as this, the copy-up has marked the directory above.
      if (LOST_DIRECTORY.has(kernel.error)) this.#comparesImpure = false;
      // Done, or refused behind the copy-up that has put it there.
      if (kernel.error !== 'ENOTEMPTY' && overlog.error === 'ENOTEMPTY') {
        this.#isOver = true;
        return null;
      }
    }
    if (this.#isParted(call)) return null;
    this.#noteSlot(call, kernel);
    if (call.op === 'listdir' && kernel.value === null) return null; // the file system below decides
    const ours = text(resultOf(overlog));
    const theirs = text(this.#asCompared(kernel, overlog));
    return theirs === ours ? null : `${text(call)}: kernel ${theirs}, overlog ${ours}`;
  }

  /**
   * The difference between the trees of both sides after a call, or null.
   *
   * @param kernel - Those of the kernel's that have changed since the call before.
   */
  compareTrees(kernel: Partial<Trees>): string | null {
    const version = this.#side.version;
    const isSame = kernel.merged === undefined && kernel.upper === undefined && version === this.#version;
    if (isSame) return null;
    this.#version = version;
    const before = { kernel: this.#kernel, overlog: this.#overlog };
    this.#kernel = { merged: kernel.merged ?? before.kernel.merged, upper: kernel.upper ?? before.kernel.upper };
    this.#overlog = this.#side.trees(this.#container);
    const hasMarks = (ino: string): boolean => this.#side.hasMarks(this.#container, Number(ino));
    for (const what of this.#side.isReadOnly ? (['merged'] as const) : (['merged', 'upper'] as const)) {
      const difference = firstRowDifference(
        { now: this.#kernel[what], before: byPath(before.kernel[what]) },
        { now: this.#overlog[what], before: byPath(before.overlog[what]) },
        {
          isUpper: what === 'upper',
          comparesRoot: !this.#side.isReadOnly,
          comparesChanges: true,
          hasMarks,
          mayHaveBlock: (ino) => this.#side.mayHaveBlock(this.#container, Number(ino)),
          comparesImpure: this.#comparesImpure,
        },
      );
      if (difference !== null) return `${what}${difference.startsWith('/') ? '' : ': '}${difference}`;
    }
    return null;
  }

  /** Blocks of the kernel's answer that overlog can't know: marks of the overlay may take one. */
  #asCompared(kernel: Reply, overlog: Reply): Reply {
    const [theirs, ours] = [blocksOf(kernel), blocksOf(overlog)];
    if (typeof theirs !== 'number' || ours === undefined) return resultOf(kernel);
    const isMarks = ours === null || (theirs === ours + MARK_BLOCKS && this.#side.mayHaveBlock(this.#container, 0));
    return isMarks ? { value: { ...(kernel.value as object), blocks: ours } } : resultOf(kernel);
  }

  #isParted(call: KernelCall): boolean {
    if (call.op === 'copy') return this.#parted.has(call.from) || this.#parted.has(call.to);
    return 'slot' in call && call.op !== 'open' && this.#parted.has(call.slot);
  }

  #noteSlot(call: KernelCall, kernel: Reply): void {
    if (call.op === 'remount') {
      this.#open.clear();
      this.#parted.clear();
    }
    if (call.op !== 'open' || kernel.error !== undefined) return;
    this.#open.add(call.slot);
    this.#parted.delete(call.slot);
  }
}

/** Calls that change a node through a descriptor, which may be one for reading. */
const isOnAttributes = ({ op }: KernelCall): boolean =>
  op === 'fchmod' || op === 'fchown' || op === 'futimes' || op === 'fsetxattr';

/** What an attribute call on a removed lower directory is refused with. */
const LOST_DIRECTORY: ReadonlySet<string | undefined> = new Set(['ENOTDIR', 'ENOTEMPTY', 'EIO']);

const resultOf = ({ value, error }: Reply): Reply => (error === undefined ? { value } : { error });

const blocksOf = ({ value }: Reply): number | null | undefined =>
  (value as { blocks?: number | null } | null | undefined)?.blocks;

const byPath = (rows: readonly Row[]): Map<string, Row> => new Map(rows.map((row) => [row.path, row]));
