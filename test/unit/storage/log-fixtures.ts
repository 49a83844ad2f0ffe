import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StoreEvent, Transaction } from '../../../src/events/event.ts';
import { isStoreError } from '../../../src/events/log-error.ts';

/** A transaction of `count` small events, told apart by its sequence number. */
export function transactionAt(seq: number, count = 1): Transaction {
  const timeNs = 1_700_000_000_000_000_000n + BigInt(seq);
  const events: StoreEvent[] = [];
  for (let index = 0; index < count; index++) {
    events.push({ type: 'Truncated', ino: seq + index, size: index, timeNs });
  }
  return { seq, timeNs, subject: 1, cause: ['truncate', `/file-${seq}`, 0], group: null, actor: null, events };
}

/** Code of the error that the call throws, or what else happens. */
export function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return isStoreError(error) ? error.code : String(error);
  }
  return 'no error';
}

export async function rejectedCodeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return isStoreError(error) ? error.code : String(error);
  }
  return 'no error';
}

/** Directories of one test, removed at its end. */
export class Scratch {
  readonly #made: string[] = [];

  directory(): string {
    const path = mkdtempSync(join(tmpdir(), 'overlog-'));
    this.#made.push(path);
    return path;
  }

  clean(): void {
    for (const path of this.#made.splice(0)) rmSync(path, { recursive: true, force: true });
  }
}
