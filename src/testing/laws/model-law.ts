/** A container or a volume against the plain model: every call answers alike, and the same is there in the end. */

import type { ChunkReader } from '../../events/chunk-store.ts';
import { type Ino, ROOT_INO } from '../../events/event.ts';
import { PERMISSION_BITS } from '../../events/mode.ts';
import type { OverlogFs } from '../../engine/fs/overlog-fs.ts';
import { readContent } from '../../projections/tree/content.ts';
import type { Tree } from '../../projections/tree/tree.ts';
import { type FileCall, FileSlots, type Outcome, runFileCall } from '../file-call.ts';
import type { ModelEntry, PosixModel } from '../model.ts';

export interface ModelDifference {
  /** Index of the call; null: the trees differ at the end. */
  readonly call: number | null;
  /** Both sides, in words. */
  readonly what: string;
}

/** A call, and what both sides gave; alike, but for link counts. */
export type OnAnswer = (call: FileCall, actual: Outcome) => void;

/**
 * Plays calls on both sides.
 *
 * @param isOverlay - The link counts of lower nodes are their layer's (SEM-H2), and are not compared.
 */
export function modelDifference(
  fs: OverlogFs,
  model: PosixModel,
  calls: readonly FileCall[],
  isOverlay: boolean,
  onAnswer: OnAnswer = () => {},
): ModelDifference | null {
  const slots = new FileSlots();
  const shown = isOverlay ? withoutLinkCount : (outcome: Outcome) => outcome;
  for (const [index, call] of calls.entries()) {
    const expected = model.run(call);
    const actual = runFileCall(fs, slots, call);
    onAnswer(call, actual);
    if (call.call === 'fchmod' && 'error' in actual && actual.error === 'EIO' && 'value' in expected) {
      // A removed lower directory has no place to be copied up to (SEM-O4); a plain file system has no such thing.
      const close = { call: 'close', slot: call.slot } as const;
      model.run(close);
      onAnswer(close, runFileCall(fs, slots, close));
      continue;
    }
    const [ours, theirs] = [JSON.stringify(shown(actual)), JSON.stringify(shown(expected))];
    if (ours !== theirs) {
      return { call: index, what: `call ${index} ${JSON.stringify(call)}: the model ${theirs}, overlog ${ours}` };
    }
  }
  slots.closeAll();
  return null;
}

function withoutLinkCount(outcome: Outcome): unknown {
  if ('error' in outcome || typeof outcome.value !== 'object' || outcome.value === null) return outcome;
  return 'nlink' in outcome.value ? { value: { ...outcome.value, nlink: 0 } } : outcome;
}

/** What differs between a tree and a model, path by path; null when nothing does. */
export function modelTreeDifference(tree: Tree, chunks: ChunkReader, model: PosixModel): ModelDifference | null {
  const ours = new Map([...modelEntries(tree, chunks)].map((entry) => [entry.path, textOf(entry)]));
  const theirs = new Map([...model.list()].map(([path, entry]) => [path, textOf(ofModel(entry))]));
  for (const path of new Set([...ours.keys(), ...theirs.keys()])) {
    const [mine, other] = [ours.get(path), theirs.get(path)];
    if (mine !== other) return { call: null, what: `${path}: the model ${other}, overlog ${mine}` };
  }
  return null;
}

/** A tree as a model starts from it. */
export function* modelEntries(
  tree: Tree,
  chunks: ChunkReader,
  ino: Ino = ROOT_INO,
  path = '/',
): Generator<ModelEntry, void> {
  const node = tree.at(ino);
  const bytes = Buffer.alloc(node.target === '' && node.dir === null ? node.size : 0);
  readContent(node.content, chunks, 0, bytes, 0, bytes.length);
  const { mode, uid, gid } = node;
  const xattrs = new Map(node.xattrs.map(([name, value]) => [name, Buffer.from(value).toString('latin1')]));
  yield { path, mode, uid, gid, data: node.target === '' ? bytes.toString('latin1') : node.target, xattrs };
  for (const name of node.dir?.entries.names() ?? []) {
    yield* modelEntries(tree, chunks, tree.lookup(ino, name), path === '/' ? `/${name}` : `${path}/${name}`);
  }
}

interface Comparable {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly data: string;
  readonly xattrs: Iterable<readonly [string, string]>;
}

const textOf = ({ mode, uid, gid, data, xattrs }: Comparable): string =>
  JSON.stringify({ mode: mode & PERMISSION_BITS, uid, gid, data, xattrs: [...xattrs] });

function ofModel(entry: object): Comparable {
  const { target, ...rest } = entry as Comparable & { target: string };
  return target === '' ? rest : { ...rest, data: target };
}
