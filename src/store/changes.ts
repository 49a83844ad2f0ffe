import { Observable, Subject } from 'rxjs';
import type { Transaction } from '../events/event.ts';

/**
 * Committed transactions as an observable of batches.
 *
 * What one turn of the event loop commits comes as one batch, in order; subscribers run after the calls that wrote it,
 * so they may read and write the store.
 */
export class Changes {
  readonly changes$: Observable<readonly Transaction[]>;
  readonly #subject = new Subject<readonly Transaction[]>();
  #pending: Transaction[] = [];

  constructor() {
    this.changes$ = this.#subject.asObservable();
  }

  readonly add = (transaction: Transaction): void => {
    // With nobody there, a long loop of synchronous calls would keep all that it wrote until its turn ends.
    if (!this.#subject.observed) return;
    this.#pending.push(transaction);
    if (this.#pending.length === 1) queueMicrotask(this.#deliver);
  };

  /** Delivers what is left and completes the observable. */
  complete(): void {
    this.#deliver();
    this.#subject.complete();
  }

  readonly #deliver = (): void => {
    const batch = this.#pending;
    this.#pending = [];
    if (batch.length > 0) this.#subject.next(batch);
  };
}
