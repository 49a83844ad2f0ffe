import { beginWritingCause, writeCauseText, writtenPath } from './cause-path.ts';
import { writeEvent } from './codec.ts';
import type { Cause, SubjectId, Transaction } from './event.ts';
import { operationCode } from './event-codec-operations.ts';
import { beginWriting, checkTime } from './event-codec-times.ts';
import { PackWriter } from './pack-writer.ts';

/**
 * Transactions one behind the other, each said with the help of the one before (docs/log-format.md, "Transactions").
 *
 *     0        8       12
 *     ┌────────┬───────┬───────────────────────────────────────────────────────────────────────┐
 *     │ seq    │ count │ MessagePack [time, context, cause, event, event…], one a transaction    │
 *     │ u64 le │ u32 le│ context = true, subject or [subject, group, actor]                    │
 *     │        │       │ cause = [operation, arg…] · event = [code, field…]                     │
 *     └────────┴───────┴───────────────────────────────────────────────────────────────────────┘
 *
 * The first 12 bytes are fixed, so that opening a log needs no MessagePack: seq of the first event, and how many there are.
 */
export const BUNDLE_PREFIX_BYTES = 12;

/** Values of a stored transaction in front of its events. */
export const TRANSACTION_HEAD_VALUES = 3;

const CAPACITY_MIN = 16_384;
/** What is kept after growing for a large transaction. */
const CAPACITY_KEPT = 1 << 20;

const UINT32 = 0x1_0000_0000;
const INT32_MIN = -0x8000_0000n;
const UINT32_MAX = 0xffff_ffffn;

/** The state that the next transaction goes on from. */
class BundleState {
  at = BUNDLE_PREFIX_BYTES;
  events = 0;
  timeNs = 0n;
  subject: SubjectId = 0;
  group: string | null = null;
  actor: string | null = null;
  path = '';

  take(other: BundleState): void {
    this.at = other.at;
    this.events = other.events;
    this.timeNs = other.timeNs;
    this.subject = other.subject;
    this.group = other.group;
    this.actor = other.actor;
    this.path = other.path;
  }
}

export class BundleWriter {
  /** Seq of the first event, where there is one. */
  firstSeq = 0;
  #out: PackWriter;
  #state = new BundleState();
  /** The state in front of the transaction that was added last. */
  #before = new BundleState();

  constructor() {
    this.#out = new PackWriter(CAPACITY_MIN);
  }

  get isEmpty(): boolean {
    return this.#state.events === 0;
  }

  /** Events in it. */
  get count(): number {
    return this.#state.events;
  }

  /** Of the whole bundle, its prefix included. */
  get byteLength(): number {
    return this.#state.at;
  }

  /**
   * Adds a transaction; a refused one leaves the bundle as it was.
   *
   * @throws `ERR_INVALID_ARGUMENT` for a string that has no bytes (`name.ts`) and for a time beyond int64.
   */
  append(transaction: Transaction): void {
    const before = this.#state;
    if (before.events === 0) this.firstSeq = transaction.seq;
    const out = this.#out;
    out.at = before.at;
    const { events, timeNs } = transaction;
    const count = events.length;
    out.reserve(PackWriter.SPARE_BYTES);
    out.list(TRANSACTION_HEAD_VALUES + count);
    this.#writeTime(timeNs);
    this.#writeContext(transaction);
    this.#writeCause(transaction.cause);
    beginWriting(timeNs);
    for (let index = 0; index < count; index++) writeEvent(out, events[index]);
    const state = this.#before;
    state.at = out.at;
    state.events = before.events + count;
    state.timeNs = timeNs;
    state.subject = transaction.subject;
    state.group = transaction.group;
    state.actor = transaction.actor;
    state.path = writtenPath();
    this.#state = state;
    this.#before = before;
  }

  /** Takes the transaction that was added last out again. */
  undo(): void {
    this.#state = this.#before;
    this.#before = new BundleState();
  }

  /** @returns A view that is valid until the next change. */
  bytes(): Buffer {
    const { bytes } = this.#out;
    bytes.writeUInt32LE(this.firstSeq >>> 0, 0);
    bytes.writeUInt32LE(Math.floor(this.firstSeq / UINT32), 4);
    bytes.writeUInt32LE(this.#state.events, 8);
    return bytes.subarray(0, this.#state.at);
  }

  /** Starts an empty bundle. */
  clear(): void {
    this.#state.take(EMPTY);
    if (this.#out.bytes.length > CAPACITY_KEPT) this.#out = new PackWriter(CAPACITY_MIN);
  }

  /** The first one in full, the others as what has passed since the one before. */
  #writeTime(timeNs: bigint): void {
    const out = this.#out;
    if (this.#state.events > 0) {
      // The engine's clock gives one time, the same BigInt, to what comes close together.
      if (timeNs === this.#state.timeNs) return out.number(0);
      const passed = timeNs - this.#state.timeNs;
      if (passed >= INT32_MIN && passed <= UINT32_MAX) {
        checkTime(timeNs);
        out.number(Number(passed));
        return;
      }
    }
    checkTime(timeNs);
    out.int64(timeNs);
  }

  #writeContext({ subject, group, actor }: Transaction): void {
    const out = this.#out;
    const state = this.#state;
    if (state.events > 0 && state.subject === subject && state.group === group && state.actor === actor) out.flag(true);
    else if (group === null && actor === null) out.number(subject);
    else {
      out.list(3);
      out.number(subject);
      if (group === null) out.nil();
      else out.text(group);
      if (actor === null) out.nil();
      else out.text(actor);
    }
  }

  #writeCause(cause: Cause): void {
    const out = this.#out;
    beginWritingCause(this.#state.path);
    out.reserve(9 * cause.length + PackWriter.SPARE_BYTES);
    out.list(cause.length);
    const code = operationCode(cause[0]);
    if (code === undefined) out.text(cause[0]);
    else out.number(code);
    for (let index = 1; index < cause.length; index++) {
      const value = cause[index];
      if (typeof value === 'string') writeCauseText(out, value);
      else out.number(value);
    }
  }
}

const EMPTY = new BundleState();
