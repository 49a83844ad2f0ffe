import type { VerbContext } from '../context.ts';
import type { ServedMount } from './served-mount.ts';

/** What is mounted, as far as a signal touches it. */
type Served = Pick<ServedMount, 'directory' | 'ended' | 'unmount' | 'abort'>;

/**
 * Waits until a mount is gone. SIGINT and SIGTERM unmount it; where programs are still in it, it goes out of sight and ends
 * with the last of them; a second signal ends it under their feet.
 *
 * @returns null, or what went wrong.
 */
export async function untilUnmounted(context: VerbContext, served: Served): Promise<string | null> {
  let signals = 0;
  context.onSignal = () => {
    signals++;
    if (signals > 1) return served.abort();
    if (served.unmount() === null) return undefined;
    context.say(`${served.directory} is in use: it ends with the last program in it, or with a second signal`);
    served.unmount('lazy');
    return undefined;
  };
  try {
    return await served.ended;
  } finally {
    context.onSignal = null;
  }
}
