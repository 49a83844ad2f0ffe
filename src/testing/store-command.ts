/**
 * One command on a store as data: file calls and the life cycle of several containers, volumes and images at once.
 *
 * Commands name containers, volumes and images by their place among those that were ever made, modulo their number; so a
 * shorter list of commands, as shrinking makes it, still means something.
 */

import fc from 'fast-check';
import { fileCalls, type FileCallOptions } from './file-call-arbitrary.ts';
import type { FileCall } from './file-call.ts';

export type LifeCycleCommand = 'start' | 'stop' | 'kill' | 'pause' | 'unpause' | 'restart' | 'exec' | 'endExec';

export type StoreCommand =
  /** In the container or volume at that place. */
  | { readonly command: 'call'; readonly on: number; readonly call: FileCall }
  /** `mounts`: bits of {@link MOUNTS}. */
  | { readonly command: 'create'; readonly image: number; readonly mounts: number; readonly readOnly: boolean }
  | { readonly command: LifeCycleCommand; readonly on: number }
  | { readonly command: 'rename'; readonly on: number; readonly name: number }
  | { readonly command: 'remove'; readonly on: number; readonly force: boolean; readonly volumes: boolean }
  | { readonly command: 'commit'; readonly on: number; readonly name: number }
  /** `moment`: per mille of the log, from its start. */
  | { readonly command: 'fork' | 'rewind'; readonly on: number; readonly moment: number }
  | { readonly command: 'label'; readonly name: number; readonly moment: number }
  | { readonly command: 'unlabel' | 'makeVolume' | 'removeVolume'; readonly name: number }
  | { readonly command: 'removeImage'; readonly image: number };

/** What `create` can mount, bit by bit: named volumes in common, also read-only and inside another mount, an anonymous one, a tmpfs. */
export const MOUNTS = [
  { type: 'volume', source: 'v0', target: '/c' },
  { type: 'volume', source: 'v1', target: '/d/b' },
  { type: 'volume', source: 'v0', target: '/ro', readOnly: true },
  { type: 'volume', target: '/d' },
  { type: 'tmpfs', target: '/tmp' },
] as const;

/** Any command that is not a file call. */
export function lifeCommand(): fc.Arbitrary<StoreCommand> {
  const name = fc.nat({ max: 2 });
  const moment = fc.oneof(fc.nat({ max: 1000 }), fc.integer({ min: 900, max: 1000 }), fc.constant(1000));
  const of = <T extends StoreCommand['command']>(weight: number, command: T, fields: Fields<T>) => ({
    weight,
    arbitrary: fc.record({ command: fc.constant(command), ...fields }) as unknown as fc.Arbitrary<StoreCommand>,
  });
  return fc.oneof(
    of(5, 'create', { image: fc.nat({ max: 4 }), mounts: fc.nat({ max: 31 }), readOnly: fc.boolean() }),
    of(2, 'start', { on: ON }),
    of(1, 'stop', { on: ON }),
    of(1, 'kill', { on: ON }),
    of(1, 'pause', { on: ON }),
    of(1, 'unpause', { on: ON }),
    of(1, 'restart', { on: ON }),
    of(2, 'exec', { on: ON }),
    of(1, 'endExec', { on: ON }),
    of(1, 'rename', { on: ON, name }),
    of(1, 'remove', { on: ON, force: fc.boolean(), volumes: fc.boolean() }),
    of(4, 'commit', { on: ON, name }),
    of(5, 'fork', { on: ON, moment }),
    of(5, 'rewind', { on: ON, moment }),
    of(2, 'label', { name, moment }),
    of(1, 'unlabel', { name }),
    of(2, 'makeVolume', { name }),
    of(1, 'removeVolume', { name }),
    of(1, 'removeImage', { image: fc.nat({ max: 4 }) }),
  );
}

/** A list of commands: stretches of file calls at one place, so that calls meet, and other commands in between. */
export function storeCommands(
  options: FileCallOptions & { readonly maxStretches?: number } = {},
): fc.Arbitrary<StoreCommand[]> {
  const { maxStretches = 24 } = options;
  const calls = fileCalls({ ...options, maxLength: 12 });
  const stretch = fc
    .tuple(ON, calls)
    .map(([on, list]) => list.map((call): StoreCommand => ({ command: 'call', on, call })));
  const other = lifeCommand().map((command) => [command]);
  const either = fc.oneof({ weight: 3, arbitrary: stretch }, { weight: 4, arbitrary: other });
  return fc.array(either, { minLength: 1, maxLength: maxStretches, size: 'max' }).map((stretches) => stretches.flat());
}

/** Early places more often: they are there in every run. */
const ON = fc.constantFrom(0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7);

type CommandOf<T, C = StoreCommand> = C extends { readonly command: infer K } ? (T extends K ? C : never) : never;

type Fields<T extends StoreCommand['command']> = {
  readonly [K in Exclude<keyof CommandOf<T>, 'command'>]-?: fc.Arbitrary<CommandOf<T>[K]>;
};
