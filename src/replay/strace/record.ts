/** One thing that the log says. */

import { type CallResult, Tokenizer } from './tokenizer.ts';
import type { ListToken, Token } from './token.ts';

/**
 * `call`: a system call that ended. `started`: one that had not ended when the log went on with something else; its
 * `call` comes later. `headless`: the end of one whose beginning is not in the log. `superseded`: another thread of the
 * process, in `value`, has taken over this pid by execve.
 */
export type RecordKind = 'call' | 'started' | 'headless' | 'signal' | 'exit' | 'superseded';

export interface RecordHead {
  readonly kind: RecordKind;
  readonly line: number;
  readonly startLine: number;
  readonly pid: number;
  /** Since 1970, or -1. */
  readonly seconds: number;
  readonly nanoseconds: number;
  readonly name: string;
  readonly value: number;
}

export class StraceRecord {
  readonly kind: RecordKind;
  /** Of its end. Lines count from 1. */
  readonly line: number;
  /** Of its beginning, where that is another line. */
  readonly startLine: number;
  /** 0 in a log without pids. */
  readonly pid: number;
  /** Of a call: its name. Of a signal: its name. Of an exit: what killed it, or ''. */
  readonly name: string;
  /** Of an exit: its code. Of superseded: the thread's pid. */
  readonly value: number;
  readonly #seconds: number;
  readonly #nanoseconds: number;
  readonly #buffer: Buffer;
  readonly #start: number;
  readonly #end: number;
  #args: ListToken | null = null;
  #result: CallResult | null = null;

  constructor(head: RecordHead, buffer: Buffer, start: number, end: number) {
    this.kind = head.kind;
    this.line = head.line;
    this.startLine = head.startLine;
    this.pid = head.pid;
    this.#seconds = head.seconds;
    this.#nanoseconds = head.nanoseconds;
    this.name = head.name;
    this.value = head.value;
    this.#buffer = buffer;
    this.#start = start;
    this.#end = end;
  }

  /** Of the line; null in a log without times since 1970 (`-ttt`). */
  get timeNs(): bigint | null {
    return this.#seconds < 0 ? null : BigInt(this.#seconds) * 1_000_000_000n + BigInt(this.#nanoseconds);
  }

  /**
   * Arguments of a call, read when they are asked for; a call that has only started may lack some.
   *
   * @throws `ERR_LOG_IMPORT` with the line.
   */
  get args(): readonly Token[] {
    return this.#read().items;
  }

  /** An argument that is printed with its name (`flags=…`). */
  arg(name: string): Token | undefined {
    const { items, names } = this.#read();
    const index = names.indexOf(name);
    return index < 0 ? undefined : items[index];
  }

  /** @throws `ERR_LOG_IMPORT` with the line. */
  get result(): CallResult {
    this.#read();
    return this.#result ?? UNKNOWN;
  }

  #read(): ListToken {
    if (this.#args !== null) return this.#args;
    if (this.kind !== 'call' && this.kind !== 'started') return NOTHING;
    const isOpen = this.kind === 'started';
    const tokenizer = new Tokenizer(this.#buffer, this.#start, this.#end, this.line, isOpen);
    const args = tokenizer.args();
    if (!isOpen) this.#result = tokenizer.result();
    this.#args = args;
    return args;
  }
}

const UNKNOWN: CallResult = { value: Number.NaN, errno: '', path: null, isDeleted: false };
const NOTHING: ListToken = { kind: 'list', items: [], names: [], isCut: false };
