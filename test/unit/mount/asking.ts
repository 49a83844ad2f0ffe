import { appendFileSync, closeSync, mkdtempSync, openSync, readSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { MountServer, type MountServerOptions } from '../../../src/entry/mount.ts';
import type { Container, ContainerView, Store } from '../../../src/index.ts';
import { memoryStore } from '../../e2e/command.ts';

const [FORGET, OPEN, WRITE, RELEASE, CREATE] = [2, 14, 16, 18, 35];
export const [ROOT_ID, O_RDONLY, O_RDWR] = [1, 0, 2];
export const OUT_HEADER_BYTES = 16;
const ENTRY_BYTES = 128;

/** A kernel that asks one thing at a time. */
export interface Asking<View = Container> {
  readonly container: View;
  /** @returns The answer, and what the server wrote behind it. */
  ask(opcode: number, node: number, ...parts: readonly Buffer[]): { answer: Buffer; behind: Buffer };
  /** @returns All that the server wrote, which may be an error, or nothing. */
  answerTo(opcode: number, node: number, ...parts: readonly Buffer[]): Buffer;
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

/**
 * Serves a container of a store in memory. A file stands in the place of the device: each request is put at its end, and the
 * answer comes behind.
 *
 * @param fill - Makes the container.
 * @param operations - In the place of the usual ones.
 */
export async function askServer<View extends ContainerView>(
  fill: (store: Store) => Promise<View>,
  operations: MountServerOptions['operations'] = [],
): Promise<Asking<View>> {
  const container = await fill(await memoryStore());
  const folder = mkdtempSync(join(tmpdir(), 'overlog-asking-'));
  const path = join(folder, 'device');
  writeFileSync(path, '');
  const device = openSync(path, 'r+');
  const namespace = container.namespace();
  const silent = { group: 'test', isWanted: () => true, onNotices: () => {} };
  const serving = new MountServer({ device, namespace, operations, ...silent });
  onTestFinished(() => {
    serving.close();
    closeSync(device);
    rmSync(folder, { recursive: true, force: true });
  });
  const answerTo = (opcode: number, node: number, ...parts: readonly Buffer[]): Buffer => {
    const request = Buffer.concat([Buffer.alloc(40), ...parts]);
    request.writeUInt32LE(request.length, 0);
    request.writeUInt32LE(opcode, 4);
    request.writeBigUInt64LE(7n, 8);
    request.writeBigUInt64LE(BigInt(node), 16);
    appendFileSync(path, request);
    const end = statSync(path).size;
    serving.serve();
    const written = Buffer.alloc(statSync(path).size - end);
    readSync(device, written, 0, written.length, end);
    return written;
  };
  const ask = (opcode: number, node: number, ...parts: readonly Buffer[]): { answer: Buffer; behind: Buffer } => {
    const written = answerTo(opcode, node, ...parts);
    const length = written.readUInt32LE(0);
    expect(written.readInt32LE(4)).toBe(0);
    return { answer: written.subarray(0, length), behind: written.subarray(length) };
  };
  return {
    container,
    ask,
    answerTo,
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
export const askEmpty = (): Promise<Asking> => askServer((store) => store.containers.create({ name: 'web' }));
