import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { repositoryFile, runCommand, temporaryDirectory } from './command.ts';

/** The story whose figures come from a real dockerd; it lies beside the repository where the fixtures are. */
const FIXTURE = repositoryFile('../shared/fixtures/scenario/story.scn');

it('plays examples/story.scn', async () => {
  const file = repositoryFile('examples/story.scn');
  const { stdout, stderr, exitCode } = await runCommand(['replay', '--scratch', file]);
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  expect(stdout).toMatch(/39 steps, 21 expectations met\n$/);
});

it('tells examples/story.scn with what each step cost', async () => {
  const { stdout } = await runCommand(['replay', '--scratch', '--tell', repositoryFile('examples/story.scn')]);
  expect(stdout).toContain('c1$ echo -n x >> /app/data/seed.db\n  → c1: 1 file copied up, 10MB, 1 byte written\n');
  expect(stdout).toContain(
    'c2$ rm /app/data/seed.db\n  → c2: 1 name removed, 1 whiteout: what it hides stays in its layer\n',
  );
  expect(stdout).toContain('c1$ cat /etc/app.conf\n  port=8080\n  → no event: it was only read\n');
});

it('gives the verified figures of the dockerd story; of its text only event numbers differ', async (context) => {
  if (!existsSync(FIXTURE)) context.skip(`${FIXTURE} is not there`);
  const directory = temporaryDirectory();
  const source = readFileSync(FIXTURE, 'utf8');
  const file = join(directory, 'story.scn');
  // The two event numbers are illustrative: they count a log that nobody has.
  writeFileSync(file, source.replaceAll(/^ {2}(.* at )#1[23]([ ,].*)$/gm, '  $1#*$2 (glob)'));
  const { stdout, exitCode } = await runCommand(['replay', '--scratch', file]);
  expect({ stdout, exitCode }).toEqual({ stdout: `${file}: 40 steps, 20 expectations met\n`, exitCode: 0 });
});

it('rewrites with --update what does not hold, and nothing else', async (context) => {
  if (!existsSync(FIXTURE)) context.skip(`${FIXTURE} is not there`);
  const file = join(temporaryDirectory(), 'story.scn');
  const before = readFileSync(FIXTURE, 'utf8').split('\n');
  writeFileSync(file, before.join('\n'));
  const { exitCode } = await runCommand(['replay', '--scratch', '--update', file]);
  expect(exitCode).toBe(0);
  const after = readFileSync(file, 'utf8').split('\n');
  const changed = before.filter((line, index) => after[index] !== line);
  expect(changed).toHaveLength(2);
  for (const line of changed) expect(line).toMatch(/ at #1[23]/);
  expect((await runCommand(['replay', '--scratch', file])).exitCode).toBe(0);
});
