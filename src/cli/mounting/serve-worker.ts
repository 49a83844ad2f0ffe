/**
 * The thread that owns the store while it is mounted: it serves the kernel, and between two requests runs the verbs that other
 * processes have sent.
 */

import { isMainThread, type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import {
  hostRoom,
  lookAround,
  MountServer,
  openOverlayContainer,
  openReader,
  type OverlayContainer,
  pastOperations,
} from '../../entry/mount.ts';
import { type ContainerView, openStore, type Store } from '../../index.ts';
import { EXIT_DIFFERENT, EXIT_OK, exitCodeOf } from '../exit-codes.ts';
import { BufferOutput } from '../output.ts';
import { loadVerbs, runCli } from '../run-cli.ts';
import { FORWARDED } from './forward.ts';
import {
  type CommandMessage,
  type FromServer,
  type RunEnd,
  type ServeRequest,
  type ToServer,
  UNSYNCED,
  WANTED,
} from './messages.ts';
import { prepareRun, type RunDefaults } from './run-spec.ts';
import { warmServer } from './warm-server.ts';

/** An error of a refused call carries no trace: taking it would cost more than the call. */
Error.stackTraceLimit = 0;

const port = parentPort as MessagePort;
/** What the main thread has said of the program's end. */
let runEnd: RunEnd | null = null;

const say = (message: FromServer): void => port.postMessage(message);

async function main(request: ServeRequest): Promise<void> {
  const opened = await open(request);
  if (opened === null) return;
  const { store, server, container, overlay } = opened;
  let error: string | null = null;
  try {
    const start = await nextMessage();
    if (start.type === 'serve') await serve(opened, request.env);
    server.close();
    overlay?.close();
    await endRun(store, container, opened.defaults);
    await store.close();
  } catch (failure) {
    error = failure instanceof Error ? failure.message : String(failure);
  }
  say({ type: 'closed', error });
}

async function open(request: ServeRequest): Promise<Opened | null> {
  const { what } = request;
  let store: Store | null = null;
  let overlay: OverlayContainer | null = null;
  try {
    const readOnly = 'at' in what && what.at !== null;
    const { journal } = request;
    const keepsNameless = journal?.goesOn === true;
    store = await openStore({
      directory: request.store,
      readOnly,
      create: 'run' in what || 'overlay' in what,
      keepsNameless,
    });
    if ('overlay' in what) overlay = await openOverlayContainer(store, { ...what, warn });
    const { container, at, defaults } = await find(store, what, overlay);
    const namespace = overlay?.namespace ?? container.namespace();
    const flags = new Int32Array(request.flags);
    const server = new MountServer({
      device: request.device,
      reader: openReader(request.device),
      namespace,
      group: `${defaults === null ? 'mount' : 'run'}-${store.seq}`,
      ...(journal !== undefined && { journal }),
      isWanted: () => Atomics.load(flags, WANTED) !== 0,
      operations: overlay?.operations ?? [...hostRoom(request.store), ...(readOnly ? pastOperations() : [])],
      onNotices: (notices) => say({ type: 'notify', notices }),
    });
    // Their files may be others by then, or lie in what is mounted: this thread can't wait for them while it serves.
    await loadVerbs(FORWARDED);
    // One that takes over is waited for.
    if (journal?.goesOn !== true) {
      await warmServer();
      lookAround(server);
    }
    store.engine.onCommit(() => void Atomics.store(flags, UNSYNCED, 1));
    say({
      type: 'opened',
      container: container.name,
      id: container.id,
      at,
      readOnly: namespace.root.readOnly,
      defaults,
    });
    return { store, server, flags, container, defaults, overlay };
  } catch (error) {
    overlay?.close();
    await store?.close();
    say({ type: 'refused', message: (error as Error).message, exitCode: exitCodeOf(error) });
    return null;
  }
}

/** What went wrong during a command, which is then told by it, too. */
let complaints: string[] = [];

function warn(text: string): void {
  complaints.push(text);
  say({ type: 'said', text });
}

async function find(store: Store, what: ServeRequest['what'], overlay: OverlayContainer | null) {
  if ('overlay' in what) return { container: (overlay as OverlayContainer).container, at: null, defaults: null };
  if ('run' in what) return { at: null, ...(await prepareRun(store, what.run)) };
  const at = what.at === null ? null : store.resolve(what.at);
  const view = at === null ? store : store.at(at);
  return { container: view.containers.get(what.container), at, defaults: null };
}

/** The end of the program that ran, and what becomes of its container. */
async function endRun(store: Store, view: ContainerView, defaults: RunDefaults | null): Promise<void> {
  for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
    const message = next.message as ToServer;
    if (message.type === 'ended') runEnd = message.end;
  }
  const end = runEnd;
  if (defaults === null || end === null || store.engine.log.failed) return;
  const container = store.containers.list().find((each) => each.subject === view.subject);
  if (container === undefined) return; // somebody has removed it meanwhile
  if (container.state === 'running') await container.exit({ exitCode: end.exitCode });
  if (end.afterwards === 'remove' || (end.afterwards === 'drop' && defaults.isNew))
    await container.remove({ volumes: true });
  else if (end.afterwards === 'drop') await store.rewind(container.name, defaults.before);
}

interface Opened {
  readonly store: Store;
  readonly server: MountServer;
  readonly flags: Int32Array;
  readonly container: ContainerView;
  readonly defaults: RunDefaults | null;
  readonly overlay: OverlayContainer | null;
}

async function serve({ server, store, flags, container }: Opened, env: NodeJS.ProcessEnv): Promise<void> {
  while (server.serve() === 'asked') {
    Atomics.store(flags, WANTED, 0);
    // Messages, timers and the ends of background writes wait for a turn of the event loop.
    await new Promise<void>((turn) => setImmediate(turn));
    for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
      const message = next.message as ToServer;
      if (message.type === 'command') await runCommand(message, store, env, container);
      else if (message.type === 'ended') runEnd = message.end;
    }
    if (store.syncedSeq === store.seq) Atomics.store(flags, UNSYNCED, 0);
  }
}

async function runCommand(
  { id, argv }: CommandMessage,
  session: Store,
  env: NodeJS.ProcessEnv,
  mounted: ContainerView,
): Promise<void> {
  const [stdout, stderr] = [new BufferOutput(), new BufferOutput()];
  complaints = [];
  const ended = await runCli({ argv, stdout, stderr, env: { ...env, NO_COLOR: '1' }, session });
  for (const text of complaints) stderr.write(`overlog ${argv[0]}: ${text}\n`);
  const exitCode = ended === EXIT_OK && complaints.length > 0 ? EXIT_DIFFERENT : ended;
  const result = { exitCode, stdout: stdout.bytes().toString(), stderr: stderr.bytes().toString() };
  const container = session.containers.list().find(({ subject }) => subject === mounted.subject)?.name ?? null;
  say({ type: 'result', id, result, container });
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
