/** The thread that serves an overlay over plain directories. It waits in the kernel until the mount is gone. */

import { isMainThread, type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { MountServer, openOverlay, openReader } from '../../entry/mount.ts';
import { exitCodeOf } from '../exit-codes.ts';
import { type FromOverlay, GO, type OverlayRequest } from './overlay-messages.ts';
import { warmServer } from './warm-server.ts';

/** An error of a refused call carries no trace: taking it would cost more than the call. */
Error.stackTraceLimit = 0;

async function serve({ options, device, mounted }: OverlayRequest, port: MessagePort): Promise<void> {
  const say = (message: FromOverlay): void => port.postMessage(message);
  let overlay;
  try {
    overlay = openOverlay(options);
  } catch (error) {
    return say({ type: 'refused', message: (error as Error).message, exitCode: exitCodeOf(error) });
  }
  const { namespace, operations, numbers } = overlay;
  const server = new MountServer({
    device,
    reader: openReader(device),
    namespace,
    operations,
    numbers,
    group: 'overlay',
    isWanted: () => false,
    onNotices: (notices) => say({ type: 'notify', notices }),
  });
  await warmServer();
  say({ type: 'opened' });
  let error: string | null = null;
  try {
    const state = new Int32Array(mounted);
    Atomics.wait(state, 0, 0);
    if (Atomics.load(state, 0) === GO) server.serve();
    server.close();
    overlay.close();
  } catch (failure) {
    error = (failure as Error).message;
  }
  say({ type: 'closed', error });
}

if (!isMainThread) await serve(workerData as OverlayRequest, parentPort as MessagePort);
