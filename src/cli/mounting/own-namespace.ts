/** A user without privilege mounts in a user namespace of their own, in which they are root: the same command once more, inside. */

import { spawn } from 'node:child_process';
import type { VerbContext } from '../context.ts';
import { untilEnded } from './signals.ts';

/** Set for the command inside. */
const INSIDE_VARIABLE = 'OVERLOG_NAMESPACE';

/** Whether this process has to go into a namespace before it can mount. */
export const needsNamespace = (context: VerbContext): boolean =>
  process.getuid?.() !== 0 && context.env[INSIDE_VARIABLE] === undefined;

/** Variables without the one that is meant for the command alone. */
export function programEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { [INSIDE_VARIABLE]: _, ...rest } = env;
  return rest;
}

/**
 * Runs this very command in user and mount namespaces of its own, on the same terminal.
 *
 * @returns Its exit code.
 */
export async function inOwnNamespace(context: VerbContext): Promise<number> {
  const namespaces = ['--user', '--map-root-user', '--mount', '--propagation', 'private'];
  const command = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const child = spawn('unshare', [...namespaces, '--', ...command], {
    stdio: 'inherit',
    env: { ...context.env, [INSIDE_VARIABLE]: '1' },
  });
  return untilEnded(context, child, { isThere: () => true, give: (signal) => child.kill(signal) });
}
