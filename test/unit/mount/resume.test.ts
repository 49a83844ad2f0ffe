import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { MountServer } from '../../../src/entry/mount.ts';
import { memoryStore } from '../../e2e/command.ts';

const HEADER_BYTES = 40;
const OPEN = 14;
const WRITE = 16;
const O_WRONLY = 1;
const O_TRUNC = 0o1000;
/** Bit 63 of `unique`: the kernel sends the request a second time. */
const RESENT = 1n << 63n;

describe('an OPEN with O_TRUNC that is sent again', () => {
  it('truncates where the server that noted it died before the log had it', async () => {
    const [stem, died, next] = [temporary(), await storeWithFile(), await storeWithFile()];
    died.server(stem, false).answerTo(openRequest(died.ino, 7n));
    // The next store has the log as it was before: only the notes outlived.
    const server = next.server(stem, true);
    const answer = server.answerTo(openRequest(next.ino, 7n | RESENT));
    expect(answer.readInt32LE(4)).toBe(0);
    expect(next.container.fs.readFileSync('/file', 'utf8')).toBe('');
    expect(server.answerTo(writeRequest(next.ino, answer.readBigUInt64LE(16), 'new')).readInt32LE(4)).toBe(0);
    expect(next.container.fs.readFileSync('/file', 'utf8')).toBe('new');
  });

  it('is not done twice where the log has it', async () => {
    const [stem, store] = [temporary(), await storeWithFile()];
    store.server(stem, false).answerTo(openRequest(store.ino, 7n));
    const { seq } = store;
    const answer = store.server(stem, true).answerTo(openRequest(store.ino, 7n | RESENT));
    expect(answer.readInt32LE(4)).toBe(0);
    expect(store.seq).toBe(seq);
  });
});

async function storeWithFile() {
  const store = await memoryStore();
  const container = await store.containers.create({ name: 'web' });
  container.fs.writeFileSync('/file', 'content');
  return {
    container,
    ino: container.fs.statSync('/file').ino,
    get seq(): number {
      return store.seq;
    },
    server: (stem: string, goesOn: boolean): MountServer =>
      new MountServer({
        device: -1,
        namespace: container.namespace(),
        group: 'test',
        isWanted: () => true,
        journal: { stem, goesOn },
        onNotices: () => {},
      }),
  };
}

function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'overlog-resume-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, '1');
}

/** fuse_open_in */
function openRequest(node: number, unique: bigint): Buffer {
  const bytes = header(OPEN, node, unique, 8);
  bytes.writeUInt32LE(O_WRONLY | O_TRUNC, HEADER_BYTES);
  return bytes;
}

/** fuse_write_in, at the begin of the file. */
function writeRequest(node: number, handle: bigint, text: string): Buffer {
  const bytes = Buffer.concat([header(WRITE, node, 8n, 40), Buffer.from(text)]);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes.writeBigUInt64LE(handle, HEADER_BYTES);
  bytes.writeUInt32LE(text.length, HEADER_BYTES + 16);
  return bytes;
}

function header(opcode: number, node: number, unique: bigint, more: number): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + more);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes.writeUInt32LE(opcode, 4);
  bytes.writeBigUInt64LE(unique, 8);
  bytes.writeBigUInt64LE(BigInt(node), 16);
  return bytes;
}
