/** What the store's history costs under storage drivers. */

import { map, type Observable } from 'rxjs';
import { ROOT_INO, type SubjectId, type Transaction } from '../events/event.ts';
import type { EventLog } from '../events/event-log.ts';
import { storeError } from '../events/log-error.ts';
import { printableName } from '../events/name.ts';
import { type DriverBill, driverBills } from '../projections/drivers/bill.ts';
import { type ConfiguredDriver, configureDrivers } from '../projections/drivers/drivers.ts';
import { fileStory, type FileStoryStep } from '../projections/drivers/file-story.ts';
import { storageBooks, type StorageBooks } from '../projections/drivers/storage-books.ts';
import { foldProjection, observe } from '../projections/projection.ts';
import type { Past, World } from '../projections/world.ts';
import type { TimeMachine } from '../replay/time-machine.ts';

export interface PriceSource {
  readonly log: Pick<EventLog, 'read'>;
  readonly world: World;
  readonly time: Past & Pick<TimeMachine, 'referredMoments'>;
  readonly transactions$: Observable<readonly Transaction[]>;
}

/** A file under several drivers. */
export interface FileStory {
  /** Names of the drivers, in the order of every step's costs. */
  readonly drivers: readonly string[];
  readonly steps: readonly FileStoryStep[];
}

interface LiveBooks {
  readonly books: StorageBooks;
  readonly seq: number;
}

export class StoragePrices {
  readonly #source: PriceSource;
  /** Books of the live moment, by the drivers as asked for; they go on from where they were. */
  readonly #live = new Map<string, LiveBooks>();

  constructor(source: PriceSource) {
    this.#source = source;
  }

  bills(world: World, asked: readonly string[] = []): DriverBill[] {
    return driverBills(this.#booksAt(world, asked), world, this.#source.time);
  }

  bills$(asked: readonly string[] = []): Observable<DriverBill[]> {
    const { log, world, transactions$, time } = this.#source;
    const read = (fromSeq: number): Iterable<Transaction> => log.read(fromSeq);
    const books$ = observe(storageBooks(configureDrivers(asked)), { world, transactions$, read });
    return books$.pipe(map((books) => driverBills(books, world, time)));
  }

  /** @throws `ERR_NOT_FOUND` where nothing stands at the path; `ERR_INVALID_ARGUMENT` where a directory does. */
  story(world: World, container: SubjectId, path: string, asked: readonly string[] = []): FileStory {
    const drivers = configureDrivers(asked);
    const ino = fileAt(world, container, path);
    const { log, time } = this.#source;
    const past = { transactions: log.read(1, world.seq), moments: time.referredMoments(0, world.seq) };
    const steps = fileStory(world, container, ino, drivers, past);
    return { drivers: drivers.map(nameOf), steps };
  }

  #booksAt(world: World, asked: readonly string[]): StorageBooks {
    const { log, time } = this.#source;
    const moments = time.referredMoments(0, world.seq);
    const projection = storageBooks(configureDrivers(asked), { moments });
    if (world !== this.#source.world) return foldProjection(projection, log.read(1, world.seq), world);
    const key = asked.join(' ');
    let before = this.#live.get(key) ?? null;
    // What nobody referred to was not kept: an event that has come since may have gone back to it.
    if (before !== null && time.referredMoments(before.seq, world.seq).some((at) => at < (before as LiveBooks).seq))
      before = null;
    const from = before?.books ?? projection.initial();
    const books = foldProjection(projection, log.read((before?.seq ?? 0) + 1, world.seq), world, from);
    this.#live.set(key, { books, seq: world.seq });
    return books;
  }
}

/** A driver with those of its parameters that are not the default. */
function nameOf({ driver, values }: ConfiguredDriver): string {
  const changed = driver.parameters.filter(({ name, defaultValue }) => values[name] !== defaultValue);
  const settings = changed.map(({ name }) => `${name}=${values[name]}`).join(',');
  return settings === '' ? driver.name : `${driver.name}:${settings}`;
}

function fileAt(world: World, container: SubjectId, path: string): number {
  const tree = world.overlay(container)?.tree;
  let ino = ROOT_INO;
  for (const name of path.split('/').filter((part) => part !== '')) ino = tree?.lookup(ino, name) ?? 0;
  if (ino === 0 || tree?.get(ino) === undefined) {
    throw storeError('ERR_NOT_FOUND', `there is nothing at ${printableName(path)}`, { detail: { path } });
  }
  if (tree.at(ino).dir !== null) {
    throw storeError('ERR_INVALID_ARGUMENT', `${printableName(path)} is a directory, not a file`, { detail: { path } });
  }
  return ino;
}
