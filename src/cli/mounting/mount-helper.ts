/**
 * The command as a mount helper: as mount(8) calls `/sbin/mount.fuse.overlog SRC DIR -o LIST`, as mount.fuse(8) calls `overlog SRC
 * DIR -o LIST`, and as programs call fuse-overlayfs: `overlog -o LIST DIR`.
 */

import { basename } from 'node:path';

const HELPER = /^mount\.(fuse3?\.)?overlog$/;
/** Options of mount helpers that stand alone (mount(8), "EXTERNAL HELPERS"), and of libfuse. */
const ALONE = /^-[sfnvd]+$/;
/** Those with a value that means nothing here. */
const WITH_VALUE: ReadonlySet<string> = new Set(['-N', '-t']);

/**
 * The arguments as the verb `overlay` has them, when the command was called as a helper; else as they are.
 *
 * @param argv - Node, the script, and its arguments.
 */
export function helperArguments([, script, ...argv]: readonly string[]): readonly string[] {
  const isHelper = script !== undefined && HELPER.test(basename(script));
  const [places, lists, flags] = [[] as string[], [] as string[], [] as string[]];
  for (let at = 0; at < argv.length; at++) {
    const argument = argv[at];
    if (argument === '-o') lists.push(argv[++at] ?? '');
    else if (argument.startsWith('-o') && argument.includes('=')) lists.push(argument.slice(2));
    else if (WITH_VALUE.has(argument)) at++;
    else if (ALONE.test(argument)) flags.push(argument);
    else if (argument.startsWith('-')) return argv;
    else places.push(argument);
  }
  const isOverlay = lists.some((list) => /(^|,)lowerdir=/.test(list)) && places.length <= 2;
  if (!isHelper && !isOverlay) return argv;
  const [source, directory] = places.length > 1 ? places : ['overlay', ...places];
  const options = lists.flatMap((list) => ['-o', list]);
  // libfuse's -f and -d stay in the foreground; -f of mount(8) is a dry run, which no helper gets to see.
  const stays = flags.some((flag) => /[fd]/.test(flag)) ? ['--foreground'] : [];
  return ['overlay', '--source', source, ...options, ...stays, ...(directory === undefined ? [] : ['--', directory])];
}
