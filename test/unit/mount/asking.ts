import { closeSync, mkdtempSync, openSync, readSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { MountServer, type MountServerOptions } from '../../../src/entry/mount.ts';
import type { Container, ContainerView, Store } from '../../../src/index.ts';
import { REQUEST_BYTES_MAX } from '../../../src/mount/protocol.ts';
import { NOTHING } from '../../../src/mount/request-reader.ts';
import { memoryStore } from '../../e2e/command.ts';

const [FORGET, OPEN, WRITE, RELEASE, CREATE] = [2, 14, 16, 18, 35];
export const [ROOT_ID, O_RDONLY, O_RDWR] = [1, 0, 2];
export const OUT_HEADER_BYTES = 16;
const ENTRY_BYTES = 128;
/** Of a request that is asked alone. */
const UNIQUE = 7n;

/** A kernel that asks one thing at a time. */
export interface Asking<View = Container> {
  readonly container: View;
  /** @returns The answer, and what the server wrote beside it. */
  ask(opcode: number, node: number, ...parts: readonly Buffer[]): { answer: Buffer; behind: Buffer };
  /** @returns All that the server wrote, which may be an error, or nothing. */
  answerTo(opcode: number, node: number, ...parts: readonly Buffer[]): Buffer;
  /** @returns What the server wrote while it did each of these requests, numbered from 1, and at last as it left its loop. */
  inARow(...requests: readonly (readonly [opcode: number, node: number, arguments: Buffer])[]): Buffer[];
  create(name: string, directory?: number): { id: number; handle: number };
  open(id: number, flags: number): number;
  write(id: number, handle: number, position: number, bytes: Buffer): void;
  close(id: number, handle: number): Buffer;
  forget(id: number): void;
}

export const numbers = (...values: readonly number[]): Buffer => Buffer.from(Uint32Array.from(values).buffer);
/** As names stand in requests: the NUL behind them. */
export const text = (name: string): Buffer => Buffer.from(`${name}\0`);
export const idOf = (answer: Buffer): number => answer.readUInt32LE(OUT_HEADER_BYTES);
export const handleOf = (answer: Buffer, at = 0): number => answer.readUInt32LE(OUT_HEADER_BYTES + at);

/** The answers and notices that a server wrote one behind the other. */
export function messagesOf(written: Buffer): Buffer[] {
  const messages: Buffer[] = [];
  for (let at = 0; at < written.length; at += written.readUInt32LE(at))
    messages.push(written.subarray(at, at + written.readUInt32LE(at)));
  return messages;
}

/**
 * Serves a container of a store in memory. A file stands in the place of the device that answers are written to.
 *
 * @param fill - Makes the container.
 * @param operations - In the place of the usual ones.
 * @param looks - The server finds the next request by looking for it; false: it sleeps before each.
 */
export async function askServer<View extends ContainerView>(
  fill: (store: Store) => Promise<View>,
  operations: MountServerOptions['operations'] = [],
  looks = true,
): Promise<Asking<View>> {
  const container = await fill(await memoryStore());
  const folder = mkdtempSync(join(tmpdir(), 'overlog-asking-'));
  const path = join(folder, 'device');
  writeFileSync(path, '');
  const device = openSync(path, 'r+');
  const namespace = container.namespace();
  let afterEach = (): boolean => true;
  const bytes = Buffer.from(new ArrayBuffer(REQUEST_BYTES_MAX));
  let asked: Buffer | null = null;
  const read = (): number => {
    const length = asked?.copy(bytes) ?? NOTHING;
    asked = null;
    return length;
  };
  const serving = new MountServer({
    device,
    reader: { bytes, look: () => (looks ? read() : NOTHING), read },
    namespace,
    operations,
    group: 'test',
    isWanted: () => afterEach(),
    onNotices: () => {},
  });
  onTestFinished(() => {
    serving.close();
    closeSync(device);
    rmSync(folder, { recursive: true, force: true });
  });
  const put = (opcode: number, node: number, unique: bigint, ...parts: readonly Buffer[]): number => {
    const request = Buffer.concat([Buffer.alloc(40), ...parts]);
    request.writeUInt32LE(request.length, 0);
    request.writeUInt32LE(opcode, 4);
    request.writeBigUInt64LE(unique, 8);
    request.writeBigUInt64LE(BigInt(node), 16);
    asked = request;
    return statSync(path).size;
  };
  const writtenSince = (end: number): Buffer => {
    const written = Buffer.alloc(statSync(path).size - end);
    readSync(device, written, 0, written.length, end);
    return written;
  };
  const answerTo = (opcode: number, node: number, ...parts: readonly Buffer[]): Buffer => {
    const end = put(opcode, node, UNIQUE, ...parts);
    serving.serve();
    return writtenSince(end);
  };
  const ask = (opcode: number, node: number, ...parts: readonly Buffer[]): { answer: Buffer; behind: Buffer } => {
    const messages = messagesOf(answerTo(opcode, node, ...parts));
    const [answer] = messages.filter((message) => message.readBigUInt64LE(8) === UNIQUE);
    expect(answer.readInt32LE(4)).toBe(0);
    return { answer, behind: Buffer.concat(messages.filter((message) => message !== answer)) };
  };
  return {
    container,
    ask,
    answerTo,
    inARow: (...requests) => {
      const written: Buffer[] = [];
      let done = 0;
      const putNext = (): number => put(requests[done][0], requests[done][1], BigInt(done + 1), requests[done][2]);
      let end = putNext();
      afterEach = () => {
        written.push(writtenSince(end));
        end = statSync(path).size;
        if (++done === requests.length) return true;
        end = putNext();
        return false;
      };
      serving.serve();
      afterEach = () => true;
      return [...written, writtenSince(end)];
    },
    create: (name, directory = ROOT_ID) => {
      const { answer } = ask(CREATE, directory, numbers(O_RDWR, 0o100644, 0, 0), text(name));
      return { id: idOf(answer), handle: handleOf(answer, ENTRY_BYTES) };
    },
    open: (id, flags) => handleOf(ask(OPEN, id, numbers(flags, 0)).answer),
    write: (id, handle, position, bytes) => {
      const { behind } = ask(WRITE, id, numbers(handle, 0, position, 0, bytes.length, 0, 0, 0, 0, 0), bytes);
      expect(behind).toHaveLength(0);
    },
    close: (id, handle) => ask(RELEASE, id, numbers(handle, 0, 0, 0, 0, 0)).behind,
    forget: (id) => expect(answerTo(FORGET, id, numbers(1, 0))).toHaveLength(0),
  };
}

/** An empty container. */
export const askEmpty = (looks?: boolean): Promise<Asking> =>
  askServer((store) => store.containers.create({ name: 'web' }), [], looks);
