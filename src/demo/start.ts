/**
 * `npm start`: loads a real image, plays examples/story.scn and leaves the store behind.
 *
 * It runs the command, as anybody would, so that each line that it shows can be typed again.
 */

import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const STORE = '.overlog-demo';

const root = fileURLToPath(new URL('../../', import.meta.url));
const main = fileURLToPath(new URL('../cli/main.js', import.meta.url));
const inRoot = (path: string): string => relative(process.cwd(), join(root, path)) || '.';
const shownMain = inRoot('dist/cli/main.js');

const isColour = process.stdout.isTTY && !process.env['NO_COLOR'];
const paint = (code: number, text: string): string => (isColour ? `\u001b[${code}m${text}\u001b[0m` : text);
const say = (text = ''): void => {
  process.stdout.write(`${text}\n`);
};

/** Shows a command and runs it; the demonstration ends where one fails. */
function run(...argv: string[]): void {
  say(paint(36, `$ overlog ${argv.join(' ')}`));
  // stderr is talk: here it belongs into the story, in its place.
  const { status } = spawnSync(process.execPath, [main, '--store', STORE, ...argv], { stdio: ['ignore', 1, 1] });
  if (status !== 0) process.exit(status ?? 1);
}

rmSync(STORE, { recursive: true, force: true });

say(paint(1, 'A real image: six layers that buildah built, every digest verified'));
say();
run('load', inRoot('examples/images/edge-oci-archive.tar'));
run('images');
run('history', 'edge');
say();
say(paint(1, 'A story: three containers of one image'));
run('replay', '--tell', inRoot('examples/story.scn'));
say();
say(paint(1, 'What is there now'));
say();
run('ps', '-s');
say();
say(paint(1, `All of it is in ${STORE}, every event. Three things to try:`));
say();
for (const [command, why] of [
  ['log -n 12', 'what happened last, and what caused it'],
  ['ls -l --at before-rm c1:/tmp', 'a container that was removed, as it was'],
  ['history rescued:/app/data/seed.db', 'everything that ever happened to a file'],
]) {
  say(`  node ${shownMain} --store ${STORE} ${command.padEnd(36)}${paint(2, `# ${why}`)}`);
}
