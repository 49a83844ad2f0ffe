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
import { type BooksAt, type KeptBooks, momentsWith, type Referred } from './kept-books.ts';

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

export class StoragePrices {
  readonly #source: PriceSource;
  readonly #kept: KeptBooks;
  /** Books of the live moment, by the drivers as asked for; they go on from where they were. */
  readonly #live = new Map<string, BooksAt>();

  constructor(source: PriceSource, kept: KeptBooks) {
    this.#source = source;
    this.#kept = kept;
  }

  bills(world: World, asked: readonly string[] = []): DriverBill[] {
    const { books, toKeep } = this.#booksAt(world, asked);
    const bills = driverBills(books, world, this.#source.time);
    // Behind the bills, which ask for layers of images in which no container is.
    if (toKeep !== null) this.#kept.keep(toKeep);
    return bills;
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

  /** Books at a world; `toKeep`: those that the next process is to go on from. */
  #booksAt(world: World, asked: readonly string[]): { books: StorageBooks; toKeep: BooksAt | null } {
    const { log, time } = this.#source;
    const drivers = configureDrivers(asked);
    const referred: Referred = (after, to) => time.referredMoments(after, to);
    const isLive = world === this.#source.world;
    const key = asked.join(' ');
    const known = isLive ? this.#live.get(key) : undefined;
    // What nobody referred to was not kept: an event that has come since may have gone back to it.
    const isKnown = known !== undefined && momentsWith(known, world.seq, referred) !== null;
    const start = isKnown ? known : this.#kept.before(world, drivers, referred);
    const moments = (start && momentsWith(start, world.seq, referred)) ?? referred(0, world.seq);
    const projection = storageBooks(drivers, { moments });
    const goOn = (books: StorageBooks, from: number, to: number): StorageBooks =>
      to > from ? foldProjection(projection, log.read(from + 1, to), world, books) : books;
    const before = { seq: start?.seq ?? 0, books: start?.books ?? projection.initial() };
    const seq = this.#kept.seqToKeep(drivers, before.seq, world.seq) ?? before.seq;
    const between = goOn(before.books, before.seq, seq);
    const books = goOn(between, seq, world.seq);
    if (isLive) this.#live.set(key, { books, seq: world.seq, moments: inFrontOf(world.seq, moments) });
    const toKeep = seq === before.seq ? null : { books: between, seq, moments: inFrontOf(seq, moments) };
    return { books, toKeep };
  }
}

const inFrontOf = (seq: number, moments: readonly number[]): readonly number[] => moments.filter((at) => at < seq);

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
