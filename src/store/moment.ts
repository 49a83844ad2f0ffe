/**
 * One moment of a store, as its queries see it: the live one, which goes on, or a past one, which stays.
 */

import type { ChunkReader } from '../events/chunk-store.ts';
import type { Cause, StoreEvent, SubjectId } from '../events/event.ts';
import { storeError } from '../events/log-error.ts';
import type { Engine } from '../engine/engine.ts';
import type { OpenFileTable } from '../engine/open-file-table.ts';
import {
  type ContainerRecord,
  findContainer,
  findImage,
  findVolume,
  type ImageRecord,
  type VolumeRecord,
} from '../projections/registry.ts';
import type { World } from '../projections/world.ts';

export interface Moment {
  readonly world: World;
  /** Null: a past moment. */
  readonly engine: Engine | null;
  readonly chunks: ChunkReader;
  readonly files: OpenFileTable;
}

/** The live moment, and how commands write to it. */
export interface LiveMoment extends Moment {
  readonly engine: Engine;

  /**
   * Runs a command: nothing in it awaits, so no other change comes between its decision and its events.
   *
   * @returns What `decide` gave, when everything is on the disk.
   * @throws What `decide` throws, and what the log throws.
   */
  run<T>(cause: Cause, decide: (timeNs: bigint) => T): Promise<T>;

  /** Appends and folds events in the command that runs. */
  commit(subject: SubjectId, events: readonly StoreEvent[]): void;

  /** @throws `ERR_LOG_CLOSED` after close, `ERR_LOG_READ_ONLY`, `ERR_LOG_FAILED`. */
  expectWritable(): void;
}

/** A moment: a sequence number, or a text such as `1234`, `~10`, `~5m`, a date, a label, `start`, `now`. */
export type At = number | string;

/** The way to earlier moments. */
export interface Moments {
  /** @throws `ERR_AT_INVALID`. */
  resolve(at: At): number;
  /** A value that nobody folds. */
  worldAt(seq: number): World;
}

/**
 * The container of that name, id or id prefix.
 *
 * @throws `ERR_NOT_FOUND`, `ERR_AMBIGUOUS`.
 */
export function containerOf(moment: Pick<Moment, 'world'>, reference: string): ContainerRecord {
  const plain = reference.startsWith('/') ? reference.slice(1) : reference;
  return expectOne(findContainer(moment.world.registry, plain), 'container', reference);
}

/** The image of that name, id or id prefix; throws as {@link containerOf}. */
export function imageOf(moment: Pick<Moment, 'world'>, reference: string): ImageRecord {
  return expectOne(findImage(moment.world.registry, reference), 'image', reference);
}

/** The volume of that name; throws `ERR_NOT_FOUND`. */
export function volumeOf(moment: Pick<Moment, 'world'>, name: string): VolumeRecord {
  return expectOne(findVolume(moment.world.registry, name), 'volume', name);
}

function expectOne<T extends object>(found: T | 'ambiguous' | undefined, what: string, reference: string): T {
  const detail = { [what]: reference };
  if (found === undefined) throw storeError('ERR_NOT_FOUND', `there is no ${what} "${reference}"`, { detail });
  if (found === 'ambiguous') {
    throw storeError('ERR_AMBIGUOUS', `"${reference}" is the start of more than one ${what} id`, { detail });
  }
  return found;
}

/** A container or a volume, by name. */
export type Subject = { readonly container: string } | { readonly volume: string };

/** A {@link Subject}, or the name of a container alone. */
export type NamedSubject = string | Subject;

/** Its number, by the name that it has in the first of the worlds that knows it. @throws `ERR_NOT_FOUND`, `ERR_AMBIGUOUS`. */
export function subjectIn(worlds: readonly World[], of: NamedSubject): SubjectId {
  const subject = typeof of === 'string' ? { container: of } : of;
  return 'container' in subject
    ? firstOf(worlds, (world) => containerOf({ world }, subject.container).container)
    : firstOf(worlds, (world) => volumeOf({ world }, subject.volume).volume);
}

/** The first answer that is not a refusal; the first refusal when there is none. */
function firstOf<T>(worlds: readonly World[], ask: (world: World) => T): T {
  let refusal: unknown;
  for (const world of worlds) {
    try {
      return ask(world);
    } catch (error) {
      refusal ??= error;
    }
  }
  throw refusal;
}
