/**
 * System calls that node:fs lacks, each of them synchronous: a small Perl program makes them (host-calls.pl), told what to do
 * through two fifos. A round trip costs some 50 µs, so what belongs together is one list.
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EIO, fsError } from '../../engine/errno.ts';
import { storeError } from '../../events/log-error.ts';
import { encodeName } from '../../events/name.ts';

/** A call: its name in host-calls.pl, then its arguments; strings are names of bytes. */
export type HostCall = readonly [name: string, ...args: (string | number | bigint | Uint8Array)[]];

/** renameat2(2) */
export const RENAME_EXCHANGE = 2;
export const RENAME_WHITEOUT = 4;

export class HostCalls {
  readonly #child: ChildProcess;
  readonly #to: number;
  readonly #from: number;

  /** @throws `ERR_UNSUPPORTED` when there is no Perl, or it does not know this processor. */
  constructor() {
    const script = fileURLToPath(new URL('host-calls.pl', import.meta.url));
    const tried = spawnSync('perl', [script], { input: '' });
    if (tried.status !== 0) {
      const said = tried.error?.message ?? tried.stderr.toString().trim();
      throw storeError('ERR_UNSUPPORTED', `perl makes the system calls that Node lacks, and can't be run: ${said}`);
    }
    const folder = mkdtempSync(join(tmpdir(), 'overlog-calls-'));
    try {
      const [to, from] = [join(folder, 'to'), join(folder, 'from')];
      spawnSync('mkfifo', ['-m', '600', to, from]);
      this.#child = spawn('sh', ['-c', 'exec perl "$1" <"$2" >"$3"', 'sh', script, to, from], {
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      this.#child.unref();
      this.#to = openSync(to, 'w');
      this.#from = openSync(from, 'r');
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  /**
   * Makes calls in order.
   *
   * @returns What each has to say; most say nothing of interest.
   * @throws As node:fs does, for the first that is refused: those before it are done, those behind it are not.
   */
  run(...calls: readonly HostCall[]): Buffer[] {
    this.begin(...calls);
    return this.end(calls);
  }

  /** Starts calls that take their time; {@link HostCalls.end} waits for them. */
  begin(...calls: readonly HostCall[]): void {
    const body = packList(calls.map((call) => packList(call.map(argument))));
    const message = Buffer.allocUnsafe(4 + body.length);
    message.writeUInt32BE(body.length);
    body.copy(message, 4);
    for (let written = 0; written < message.length;) written += writeSync(this.#to, message, written);
  }

  end(calls: readonly HostCall[]): Buffer[] {
    const [errno, index, ...answers] = unpackList(this.#take(this.#take(4).readUInt32BE()));
    if (Number(errno) === 0) return answers;
    const [name, ...args] = calls[Number(index)] ?? ['?'];
    throw fsError(-Number(errno), name, String(args[0]));
  }

  close(): void {
    closeSync(this.#to);
    closeSync(this.#from);
  }

  #take(length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    for (let at = 0; at < length;) {
      const read = readSync(this.#from, bytes, at, length - at, null);
      if (read === 0) throw fsError(EIO, 'read', 'host-calls.pl');
      at += read;
    }
    return bytes;
  }
}

const argument = (value: HostCall[number]): Uint8Array =>
  typeof value === 'string'
    ? encodeName(value)
    : value instanceof Uint8Array
      ? value
      : Buffer.from(String(value), 'latin1');

function packList(items: readonly Uint8Array[]): Buffer {
  let length = 0;
  for (const item of items) length += 4 + item.length;
  const packed = Buffer.allocUnsafe(length);
  let at = 0;
  for (const item of items) {
    packed.writeUInt32BE(item.length, at);
    packed.set(item, at + 4);
    at += 4 + item.length;
  }
  return packed;
}

/** The strings of a list: 32 bits of length before each. */
export function unpackList(packed: Buffer): Buffer[] {
  const items: Buffer[] = [];
  for (let at = 0; at < packed.length;) {
    const length = packed.readUInt32BE(at);
    items.push(packed.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return items;
}
