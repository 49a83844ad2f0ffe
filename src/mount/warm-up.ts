/**
 * Runs each kind of request some times before the first real one: a server that has just started would else spend tens of
 * milliseconds on compiling while the first programs wait.
 */

import type { Namespace } from '../engine/namespace.ts';
import {
  CREATE,
  DIRENT_BYTES,
  ENTRY_OUT_BYTES,
  FORGET,
  GETATTR,
  GETXATTR,
  IN_HEADER_BYTES,
  LOOKUP,
  MKDIR,
  OPEN,
  OPENDIR,
  OUT_HEADER_BYTES,
  READ,
  READDIR,
  READDIRPLUS,
  RELEASE,
  RELEASEDIR,
  RENAME2,
  RMDIR,
  SETATTR,
  UNLINK,
  WRITE,
} from './protocol.ts';
import { MountServer } from './server.ts';

/** Enough for V8 to have compiled all of it, and to have seen the kinds of objects that come. */
const ROUNDS = 3;
const ROOT_ID = 1;
const PAGE_BYTES = 4096;
const O_RDWR = 2;
const READ_AT_ONCE_BYTES = 65_536;

/** A request that was refused, though nothing is wrong with it. */
export interface WarmUpFailure {
  readonly opcode: number;
  readonly error: number;
}

/**
 * Serves requests about a namespace that nobody else sees and that is thrown away afterwards.
 *
 * @param namespaces - Each holds regular files of a lower layer, at least one, in its root directory.
 * @param lowerFile - Name of one of them. It is written to.
 * @returns What was refused; nothing, if all is well.
 */
export function warmUp(namespaces: Iterable<Namespace>, lowerFile: string): WarmUpFailure[] {
  const failures: WarmUpFailure[] = [];
  for (const namespace of namespaces) {
    const server = new MountServer({
      device: -1,
      namespace,
      group: 'warm-up',
      isWanted: () => true,
      onNotices: () => {},
    });
    const client = new Client(server, failures);
    client.writeLower(lowerFile);
    for (let round = 0; round < ROUNDS; round++) client.workIn(`d${round}`);
    server.close();
  }
  return failures;
}

/**
 * Looks at the root directory and into one of its files, which changes nothing: what a store reads when it is first asked is
 * read then, and the code for that is compiled.
 */
export function lookAround(server: MountServer): void {
  new Client(server, []).lookAround();
}

/** Asks what the kernel would ask. */
class Client {
  readonly #server: MountServer;
  readonly #failures: WarmUpFailure[];

  constructor(server: MountServer, failures: WarmUpFailure[]) {
    this.#server = server;
    this.#failures = failures;
  }

  /** First of all, as it is a copy-up that programs wait for first. */
  writeLower(name: string): void {
    const id = this.#id(this.#ask(LOOKUP, ROOT_ID, text(name)));
    const handle = this.#handle(this.#ask(OPEN, id, numbers(O_RDWR, 0)));
    this.#useFile(id, handle);
  }

  lookAround(): void {
    const root = this.#handle(this.#ask(OPENDIR, ROOT_ID, numbers(0, 0)));
    const entries = this.#ask(READDIR, ROOT_ID, numbers(root, 0, 0, 0, READ_AT_ONCE_BYTES, 0, 0, 0, 0, 0));
    const name = firstFileOf(entries);
    if (name !== null) {
      const found = this.#ask(LOOKUP, ROOT_ID, name, text(''));
      const id = found.length > OUT_HEADER_BYTES ? Number(found.readBigUInt64LE(OUT_HEADER_BYTES)) : 0;
      const handle = this.#handle(this.#ask(OPEN, id, numbers(0, 0)));
      this.#read(id, handle);
      this.#ask(RELEASE, id, numbers(handle, 0, 0, 0, 0, 0));
      this.#ask(FORGET, id, numbers(1, 0));
    }
    this.#ask(RELEASEDIR, ROOT_ID, numbers(root, 0, 0, 0, 0, 0));
  }

  workIn(name: string): void {
    const directory = this.#id(this.#ask(MKDIR, ROOT_ID, numbers(0o755, 0), text(name)));
    this.#ask(LOOKUP, directory, text('absent'));
    const made = this.#ask(CREATE, directory, numbers(O_RDWR, 0o100644, 0, 0), text('file'));
    const id = this.#id(made);
    this.#useFile(id, this.#handle(made, ENTRY_OUT_BYTES));
    const valid = 1; // FATTR_MODE
    const mode = Buffer.alloc(88);
    mode.writeUInt32LE(valid, 0);
    mode.writeUInt32LE(0o100600, 68);
    this.#ask(SETATTR, id, mode);
    this.#ask(RENAME2, directory, numbers(directory, 0, 0, 0), text('file'), text('moved'));
    this.#list(directory);
    this.#ask(UNLINK, directory, text('moved'));
    this.#ask(RMDIR, ROOT_ID, text(name));
  }

  #useFile(id: number, handle: number): void {
    this.#ask(GETXATTR, id, numbers(0, 0), text('security.capability'));
    const write = Buffer.alloc(40);
    write.writeUInt32LE(handle, 0);
    write.writeUInt32LE(PAGE_BYTES, 8);
    write.writeUInt32LE(1, 16);
    this.#ask(WRITE, id, write, text(''));
    this.#read(id, handle);
    this.#ask(GETATTR, id, numbers(0, 0, 0, 0));
    this.#ask(RELEASE, id, numbers(handle, 0, 0, 0, 0, 0));
  }

  #read(id: number, handle: number): void {
    this.#ask(READ, id, numbers(handle, 0, 0, 0, 2 * PAGE_BYTES, 0, 0, 0, 0, 0));
  }

  #list(id: number): void {
    const handle = this.#handle(this.#ask(OPENDIR, id, numbers(0, 0)));
    this.#ask(READDIRPLUS, id, numbers(handle, 0, 0, 0, READ_AT_ONCE_BYTES, 0, 0, 0, 0, 0));
    this.#ask(RELEASEDIR, id, numbers(handle, 0, 0, 0, 0, 0));
  }

  #ask(opcode: number, node: number, ...parts: readonly Buffer[]): Buffer {
    const body = Buffer.concat(parts);
    const request = Buffer.alloc(IN_HEADER_BYTES + body.length);
    request.writeUInt32LE(request.length, 0);
    request.writeUInt32LE(opcode, 4);
    request.writeBigUInt64LE(BigInt(node), 16);
    request.set(body, IN_HEADER_BYTES);
    const answer = this.#server.answerTo(request);
    const error = answer.length === 0 ? 0 : answer.readInt32LE(4);
    if (error !== 0 && !EXPECTED.has(opcode)) this.#failures.push({ opcode, error });
    return answer;
  }

  #id(answer: Buffer): number {
    return answer.length > OUT_HEADER_BYTES ? answer.readUInt32LE(OUT_HEADER_BYTES) : 0;
  }

  #handle(answer: Buffer, at = 0): number {
    return answer.length > OUT_HEADER_BYTES + at ? answer.readUInt32LE(OUT_HEADER_BYTES + at) : 0;
  }
}

/** There is no such attribute. */
const EXPECTED = new Set([GETXATTR]);

/** DT_REG of readdir(3). */
const REGULAR = 8;

/** Name of the first regular file in an answer to READDIR. */
function firstFileOf(answer: Buffer): Buffer | null {
  for (let at = OUT_HEADER_BYTES; at + DIRENT_BYTES < answer.length;) {
    const nameBytes = answer.readUInt32LE(at + 16);
    const start = at + DIRENT_BYTES;
    if (answer.readUInt32LE(at + 20) === REGULAR) return Buffer.from(answer.subarray(start, start + nameBytes));
    at = start + Math.ceil(nameBytes / 8) * 8;
  }
  return null;
}

function numbers(...values: readonly number[]): Buffer {
  return Buffer.from(Uint32Array.from(values).buffer);
}

/** As names stand in requests: the NUL behind them. */
const text = (name: string): Buffer => Buffer.from(`${name}\0`);
