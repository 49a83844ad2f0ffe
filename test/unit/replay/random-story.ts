/** Random stories: containers of one image, file calls in them, forks and rewinds. Refused calls are part of the story. */

import fc from 'fast-check';
import { DOCKER, POSIX, type Shell, Workbench } from './workbench.ts';
import type { TimeMachineOptions } from '../../../src/replay/time-machine.ts';

const NAMES = ['a', 'b', 'c', 'd'];
const name = fc.constantFrom(...NAMES);
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => `/${names.join('/')}`);
const text = fc.constantFrom('', 'x', 'hello', 'other', 'y'.repeat(5000), 'z'.repeat(40_000));

const VERBS =
  'write write append mkdir mkdir unlink rmdir rename rename exchange link symlink chmod utimes setxattr truncate open removeAll fork rewind label'.split(
    ' ',
  );

export type Step = readonly [verb: string, container: number, path: string, to: string, text: string, share: number];

export const step: fc.Arbitrary<Step> = fc.tuple(fc.constantFrom(...VERBS), fc.nat(2), path, path, text, fc.nat(1000));

export const story = fc.record({
  steps: fc.array(step, { maxLength: 80, size: 'max' }),
  isPosix: fc.boolean(),
});

export type Story = typeof story extends fc.Arbitrary<infer T> ? T : never;

export const LAYERS = [
  { 'a/': '', 'a/a': 'lower a', 'a/b/': '', 'a/b/c': 'deep', b: 'file', c: '=b', 'd/': '', 'd/a': '->../b' },
  { 'a/a': 'second', 'd/b/': '', 'd/b/a': 'x'.repeat(20_000), 'd/b/d': '=d/b/a' },
  { 'a/b/': 'opaque', 'a/b/a': 'new', 'd/a': null },
];

/** Plays a story; the workbench stands at its end. */
export function play(told: Story, options: TimeMachineOptions = {}): Workbench {
  const bench = new Workbench(options);
  const image = bench.image('story:1', LAYERS);
  const profile = told.isPosix ? POSIX : DOCKER;
  const shells = [bench.container('c1', image, profile), bench.container('c2', image, profile)];
  for (const told1 of told.steps) playStep(bench, shells, told1);
  return bench;
}

export function playStep(bench: Workbench, shells: Shell[], [verb, which, path, to, text, share]: Step): void {
  const shell = shells[which % shells.length];
  try {
    switch (verb) {
      case 'write':
        return void shell.write(path, text);
      case 'append':
        return void shell.append(path, text);
      case 'mkdir':
        return void shell.mkdir(path);
      case 'unlink':
        return void shell.unlink(path);
      case 'rmdir':
        return void shell.rmdir(path);
      case 'rename':
        return void shell.rename(path, to);
      case 'exchange':
        return void shell.rename(path, to, true);
      case 'link':
        return void shell.link(path, to);
      case 'symlink':
        return void shell.symlink(to, path);
      case 'chmod':
        return void shell.chmod(path, 0o600 + (share % 8));
      case 'utimes':
        return void shell.utimes(path, BigInt(share) * 1_000_000_007n);
      case 'setxattr':
        return void shell.setxattr(path, 'user.x', text.slice(0, 3));
      case 'truncate':
        return void shell.truncate(path, share * 17);
      case 'open':
        return void shell.touchOpen(path);
      case 'removeAll':
        return void shell.removeAll(path);
      case 'fork': {
        const born = bench.world.registry.containers.get(shell.container)?.seq ?? 0;
        const at = momentBetween(bench, born, share);
        if (shells.length < 6) shells.push(bench.fork(shell.container, at, `f${bench.log.head}`));
        return;
      }
      case 'rewind': {
        const born = bench.world.registry.containers.get(shell.container)?.seq ?? 0;
        return bench.rewind(shell.container, momentBetween(bench, born, share));
      }
      case 'label':
        bench.commit(['label'], [{ type: 'LabelSet', label: `l${share % 3}`, seq: bench.log.head }]);
    }
  } catch (error) {
    if (!/: -?\d+$/.test((error as Error).message)) throw error;
  }
}

/** A whole moment from `born` on. */
function momentBetween(bench: Workbench, born: number, share: number): number {
  const at = born + Math.floor(((bench.log.head - born) * share) / 1000);
  return bench.time.worldAt(at).seq;
}
