import { appendFileSync, closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { MountServer } from '../../../src/entry/mount.ts';
import { memoryStore } from '../../e2e/command.ts';

const [OPEN, WRITE, RELEASE, UNLINK, CREATE] = [14, 16, 18, 10, 35];
const [ROOT_ID, O_RDONLY, O_RDWR] = [1, 0, 2];
const OUT_HEADER_BYTES = 16;
const ENTRY_BYTES = 128;
const FUSE_NOTIFY_STORE = 4;

/** A kernel that asks one thing at a time. */
interface Asking {
  /** @returns The answer, and what the server wrote behind it. */
  ask(opcode: number, node: number, ...parts: readonly Buffer[]): { answer: Buffer; behind: Buffer };
  create(name: string): { id: number; handle: number };
  open(id: number, flags: number): number;
  write(id: number, handle: number, position: number, bytes: Buffer): void;
  close(id: number, handle: number): Buffer;
}

const numbers = (...values: readonly number[]): Buffer => Buffer.from(Uint32Array.from(values).buffer);
const handleOf = (answer: Buffer, at: number): number => answer.readUInt32LE(OUT_HEADER_BYTES + at);

/** A file in place of the device: each request is put at its end, and the answer comes behind. */
async function server(): Promise<Asking> {
  const store = await memoryStore();
  const container = await store.containers.create({ name: 'web' });
  const folder = mkdtempSync(join(tmpdir(), 'overlog-last-page-'));
  const path = join(folder, 'device');
  writeFileSync(path, '');
  const device = openSync(path, 'r+');
  const namespace = container.namespace();
  const serving = new MountServer({ device, namespace, group: 'test', isWanted: () => true, onNotices: () => {} });
  onTestFinished(() => {
    serving.close();
    closeSync(device);
    rmSync(folder, { recursive: true, force: true });
  });
  const ask = (opcode: number, node: number, ...parts: readonly Buffer[]): { answer: Buffer; behind: Buffer } => {
    const request = Buffer.concat([Buffer.alloc(40), ...parts]);
    request.writeUInt32LE(request.length, 0);
    request.writeUInt32LE(opcode, 4);
    request.writeBigUInt64LE(7n, 8);
    request.writeBigUInt64LE(BigInt(node), 16);
    appendFileSync(path, request);
    const end = readFileSync(path).length;
    serving.serve();
    const written = readFileSync(path).subarray(end);
    const length = written.readUInt32LE(0);
    expect(written.readInt32LE(4)).toBe(0);
    return { answer: written.subarray(0, length), behind: written.subarray(length) };
  };
  return {
    ask,
    create: (name) => {
      const { answer } = ask(CREATE, ROOT_ID, numbers(O_RDWR, 0o100644, 0, 0), Buffer.from(`${name}\0`));
      return { id: answer.readUInt32LE(OUT_HEADER_BYTES), handle: handleOf(answer, ENTRY_BYTES) };
    },
    open: (id, flags) => handleOf(ask(OPEN, id, numbers(flags, 0)).answer, 0),
    write: (id, handle, position, bytes) => {
      const { behind } = ask(WRITE, id, numbers(handle, 0, position, 0, bytes.length, 0, 0, 0, 0, 0), bytes);
      expect(behind).toHaveLength(0);
    },
    close: (id, handle) => ask(RELEASE, id, numbers(handle, 0, 0, 0, 0, 0)).behind,
  };
}

/** What a notice says: node, position, content. */
function stored(notice: Buffer): { id: number; position: number; content: Buffer } {
  expect(notice.readUInt32LE(0)).toBe(notice.length);
  expect(notice.readInt32LE(4)).toBe(FUSE_NOTIFY_STORE);
  expect(notice.readBigUInt64LE(8)).toBe(0n);
  expect(notice.readUInt32LE(OUT_HEADER_BYTES + 16)).toBe(notice.length - 40);
  return {
    id: Number(notice.readBigUInt64LE(OUT_HEADER_BYTES)),
    position: Number(notice.readBigUInt64LE(OUT_HEADER_BYTES + 8)),
    content: notice.subarray(40),
  };
}

test.each([
  [1, 0, 1],
  [1024, 0, 1024],
  [4097, 4096, 1],
  [10_000, 8192, 1808],
])('behind the close of a file of %i bytes that was written goes its last page', async (size, position, length) => {
  const kernel = await server();
  const { id, handle } = kernel.create('f');
  const bytes = Buffer.from(Uint8Array.from({ length: size }, (_, index) => index % 251));
  kernel.write(id, handle, 0, bytes);
  const page = stored(kernel.close(id, handle));
  expect(page).toEqual({ id, position, content: bytes.subarray(position) });
  expect(page.content).toHaveLength(length);
});

test('what was written in pieces, through two files, is whole in the page', async () => {
  const kernel = await server();
  const { id, handle } = kernel.create('f');
  kernel.write(id, handle, 0, Buffer.from('one two'));
  const second = kernel.open(id, O_RDWR);
  kernel.write(id, second, 4, Buffer.from('2'));
  expect(kernel.close(id, handle)).toHaveLength(0); // the other one may be writing
  expect(stored(kernel.close(id, second)).content.toString()).toBe('one 2wo');
});

test('no page goes where somebody may hold its lock, and none that nobody needs', async () => {
  const kernel = await server();
  const { id, handle } = kernel.create('f');
  kernel.write(id, handle, 0, Buffer.alloc(100));
  const reader = kernel.open(id, O_RDONLY);
  expect(kernel.close(id, handle)).toHaveLength(0);
  expect(kernel.close(id, reader)).toHaveLength(0);
  expect(kernel.close(id, kernel.open(id, O_RDWR))).toHaveLength(0); // nothing was written through it
  const whole = kernel.create('whole');
  kernel.write(whole.id, whole.handle, 0, Buffer.alloc(8192));
  expect(kernel.close(whole.id, whole.handle)).toHaveLength(0);
  const gone = kernel.create('gone');
  kernel.write(gone.id, gone.handle, 0, Buffer.alloc(100));
  kernel.ask(UNLINK, ROOT_ID, Buffer.from('gone\0'));
  expect(kernel.close(gone.id, gone.handle)).toHaveLength(0);
});
