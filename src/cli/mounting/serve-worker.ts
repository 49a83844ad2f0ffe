/**
 * The thread that owns the store while it is mounted: it serves the kernel, and between two requests runs the verbs that other
 * processes have sent.
 */

import { isMainThread, type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { MountServer } from '../../entry/mount.ts';
import { openStore, type Store } from '../../index.ts';
import { exitCodeOf } from '../exit-codes.ts';
import { BufferOutput } from '../output.ts';
import { runCli } from '../run-cli.ts';
import {
  type CommandMessage,
  type FromServer,
  type ServeRequest,
  type ToServer,
  UNSYNCED,
  WANTED,
} from './messages.ts';

/** An error of a refused call carries no trace: taking it would cost more than the call. */
Error.stackTraceLimit = 0;

const port = parentPort as MessagePort;
const say = (message: FromServer): void => port.postMessage(message);

async function main(request: ServeRequest): Promise<void> {
  const opened = await open(request);
  if (opened === null) return;
  const { store, server, flags } = opened;
  let error: string | null = null;
  try {
    const start = await nextMessage();
    if (start.type === 'serve') await serve(server, store, flags, request.env);
    server.close();
    await store.close();
  } catch (failure) {
    error = failure instanceof Error ? failure.message : String(failure);
  }
  say({ type: 'closed', error });
}

async function open(request: ServeRequest) {
  const { at } = request;
  let store: Store | null = null;
  try {
    store = await openStore({ directory: request.store, readOnly: at !== null, create: false });
    const seq = at === null ? null : store.resolve(at);
    const container = (seq === null ? store : store.at(seq)).containers.get(request.container);
    const namespace = container.namespace();
    const flags = new Int32Array(request.flags);
    const server = new MountServer({
      device: request.device,
      namespace,
      group: `mount-${store.seq}`,
      isWanted: () => Atomics.load(flags, WANTED) !== 0,
      onNotices: (notices) => say({ type: 'notify', notices }),
    });
    store.engine.onCommit(() => Atomics.store(flags, UNSYNCED, 1));
    say({ type: 'opened', container: container.name, at: seq, readOnly: namespace.root.readOnly });
    return { store, server, flags };
  } catch (error) {
    await store?.close();
    say({ type: 'refused', message: (error as Error).message, exitCode: exitCodeOf(error) });
    return null;
  }
}

async function serve(server: MountServer, store: Store, flags: Int32Array, env: NodeJS.ProcessEnv): Promise<void> {
  while (server.serve() === 'asked') {
    Atomics.store(flags, WANTED, 0);
    // Messages, timers and the ends of background writes wait for a turn of the event loop.
    await new Promise<void>((turn) => setImmediate(turn));
    for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
      const message = next.message as ToServer;
      if (message.type === 'command') await runCommand(message, store, env);
    }
    if (store.syncedSeq === store.seq) Atomics.store(flags, UNSYNCED, 0);
  }
}

async function runCommand({ id, argv }: CommandMessage, session: Store, env: NodeJS.ProcessEnv): Promise<void> {
  const [stdout, stderr] = [new BufferOutput(), new BufferOutput()];
  const exitCode = await runCli({ argv, stdout, stderr, env: { ...env, NO_COLOR: '1' }, session });
  const result = { exitCode, stdout: stdout.bytes().toString(), stderr: stderr.bytes().toString() };
  say({ type: 'result', id, result });
}

/** Without an event loop, so that nothing is lost between two waits. */
async function nextMessage(): Promise<ToServer> {
  for (;;) {
    const next = receiveMessageOnPort(port);
    if (next !== undefined) return next.message as ToServer;
    await new Promise<void>((turn) => setTimeout(turn, 1));
  }
}

if (!isMainThread) await main(workerData as ServeRequest);
