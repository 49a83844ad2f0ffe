import { Worker } from 'node:worker_threads';
import type { ServeRequest } from './messages.ts';

/** Starts the thread that serves; run from the sources, it needs the translator of TypeScript to be set up in it. */
export function startServer(workerData: ServeRequest): Worker {
  if (!import.meta.url.endsWith('.ts')) {
    return new Worker(new URL('./serve-worker.js', import.meta.url), { workerData });
  }
  const [tsx, main] = [import.meta.resolve('tsx/esm/api'), new URL('./serve-worker.ts', import.meta.url).href];
  const source = `import(${JSON.stringify(tsx)}).then(({ register }) => (register(), import(${JSON.stringify(main)})))`;
  return new Worker(source, { eval: true, workerData });
}
