/**
 * Commands to the process that has a store open: one line of JSON there, one line back, over a socket in the store's directory
 * that only its owner can open.
 */

import { chmodSync, closeSync, existsSync, openSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { storeError } from '../events/log-error.ts';

const NAME = 'control.sock';
const OWNER_ONLY = 0o600;
/** A line longer than this is no command. */
const LINE_BYTES_MAX = 1 << 20;

export interface ControlServer {
  close(): void;
}

/**
 * Listens for commands.
 *
 * @param answer - Gets what was asked; what it gives goes back. What it throws goes back as `{ error }`.
 */
export async function listenForCommands(
  directory: string,
  answer: (request: unknown) => Promise<unknown>,
): Promise<ControlServer> {
  const path = join(directory, NAME);
  rmSync(path, { force: true }); // the writer's lock is ours, so what is there is a dead server's
  const server = createServer((socket) => void talk(socket, answer));
  await withShortPath(directory, (short) => listen(server, short));
  chmodSync(path, OWNER_ONLY);
  return {
    close: () => {
      server.close();
      rmSync(path, { force: true });
    },
  };
}

/** Whether somebody may listen. */
export const takesCommands = (directory: string): boolean => existsSync(join(directory, NAME));

/**
 * Sends a command and waits for its answer.
 *
 * @throws `ERR_STATE` when nobody listens, or it ended meanwhile.
 */
export function sendCommand(directory: string, request: unknown): Promise<unknown> {
  return withShortPath(directory, async (path) => {
    const socket = createConnection(path);
    try {
      socket.write(`${JSON.stringify(request)}\n`);
      const line = await readLine(socket);
      if (line === null) throw storeError('ERR_STATE', `the process that serves ${directory} ended before it answered`);
      const answer = JSON.parse(line) as { value?: unknown; error?: string };
      if (answer.error !== undefined) throw storeError('ERR_STATE', answer.error);
      return answer.value;
    } finally {
      socket.destroy();
    }
  });
}

async function talk(socket: Socket, answer: (request: unknown) => Promise<unknown>): Promise<void> {
  try {
    const line = await readLine(socket);
    if (line === null) return;
    const reply = await answer(JSON.parse(line)).then(
      (value) => ({ value }),
      (error: unknown) => ({ error: error instanceof Error ? error.message : String(error) }),
    );
    socket.end(`${JSON.stringify(reply)}\n`);
  } catch {
    socket.destroy(); // not a line of JSON, or nobody there any more
  }
}

async function readLine(socket: Socket): Promise<string | null> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    pieces.push(piece);
    bytes += piece.length;
    if (piece.includes(0x0a)) return Buffer.concat(pieces).toString('utf8').split('\n')[0];
    if (bytes > LINE_BYTES_MAX) return null;
  }
  return null;
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    const before = process.umask(0o777 & ~OWNER_ONLY);
    server.listen(path, () => resolve());
    process.umask(before);
  });
}

/** A socket's path has at most 107 bytes (unix(7)), a store's may have more: it is reached through a descriptor. */
async function withShortPath<T>(directory: string, use: (path: string) => Promise<T>): Promise<T> {
  const descriptor = openSync(directory, 'r');
  try {
    return await use(`/proc/self/fd/${descriptor}/${NAME}`);
  } finally {
    closeSync(descriptor);
  }
}
