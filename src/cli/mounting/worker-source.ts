import { Worker } from 'node:worker_threads';
import type { ServeRequest } from './messages.ts';
import type { OverlayRequest } from './overlay-messages.ts';

/** Starts the thread that serves a container. */
export const startServer = (request: ServeRequest): Worker => startWorker('serve-worker', request);

/** Starts the thread that serves an overlay over plain directories. */
export const startOverlay = (request: OverlayRequest): Worker => startWorker('overlay-worker', request);

/** Requests are read by `node:wasi`, which is said to be experimental wherever it is loaded. */
const execArgv = [...process.execArgv, '--disable-warning=ExperimentalWarning'];

/** Run from the sources, a thread needs the translator of TypeScript to be set up in it. */
function startWorker(name: string, workerData: unknown): Worker {
  if (!import.meta.url.endsWith('.ts')) {
    return new Worker(new URL(`./${name}.js`, import.meta.url), { workerData, execArgv });
  }
  const [tsx, main] = [import.meta.resolve('tsx/esm/api'), new URL(`./${name}.ts`, import.meta.url).href];
  const source = `import(${JSON.stringify(tsx)}).then(({ register }) => (register(), import(${JSON.stringify(main)})))`;
  return new Worker(source, { eval: true, workerData, execArgv });
}
