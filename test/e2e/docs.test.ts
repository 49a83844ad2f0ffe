import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { blocksOf, commandsOf, type DocumentedCommand, linksOf, patternOf } from './document.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const documents = [
  'README.md',
  'ARCHITECTURE.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`),
];
const textOf = (document: string): string => readFileSync(join(root, document), 'utf8');

/** Blocks that are no program: diagrams and layouts. The hex dump has a test of its own. */
const SHOWN = new Set(['', 'hexdump']);
const TRANSCRIPTS = new Set(['sh', 'console']);

// Commands run in a copy of the project, as a reader has it after `npm start` has built it.
let clone: string;
beforeAll(() => {
  clone = mkdtempSync(join(tmpdir(), 'overlog-docs-'));
  for (const part of ['dist', 'examples', 'package.json', 'README.md']) {
    cpSync(join(root, part), join(clone, part), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(clone, 'node_modules'));
  mkdirSync(join(clone, 'bin'));
  writeFileSync(join(clone, 'bin', 'npm'), NPM, { mode: 0o755 });
});
afterAll(() => rmSync(clone, { recursive: true, force: true }));

describe.each(documents)('%s', (document) => {
  const blocks = blocksOf(textOf(document));

  it('has blocks of known languages only', () => {
    const known = new Set([...SHOWN, ...TRANSCRIPTS, 'ts', 'scn']);
    expect(blocks.filter(({ language }) => !known.has(language))).toEqual([]);
  });

  it('shows programs that are files under examples/', () => {
    const folder = join(root, 'examples');
    const sources = readdirSync(folder).filter((name) => name.endsWith('.ts'));
    const texts = sources.map((name) => readFileSync(join(folder, name), 'utf8'));
    for (const { language, text } of blocks) if (language === 'ts') expect(texts).toContain(text);
  });

  it('shows commands that do what is printed below them', async () => {
    const commands = blocks.filter(({ language }) => TRANSCRIPTS.has(language)).flatMap((block) => commandsOf(block));
    if (commands.length === 0) return;
    const outputs = await runAll(commands, clone);
    for (const [index, { command, expected }] of commands.entries()) {
      const { output, status } = outputs[index];
      expect.soft({ command, output, status }).toMatchObject({ status: 0 });
      if (expected !== null) expect.soft(`$ ${command}\n${output}`).toMatch(patternOf(`$ ${command}\n${expected}`));
    }
  }, 300_000);

  it('shows scenarios that hold', async () => {
    if (!blocks.some(({ language }) => language === 'scn')) return;
    writeFileSync(join(clone, 'document.md'), textOf(document));
    const [{ output, status }] = await runAll(
      [{ command: 'node dist/cli/main.js replay --scratch document.md', expected: null }],
      clone,
    );
    expect({ output, status }).toMatchObject({ status: 0 });
  });

  it('links to what is there', () => {
    for (const link of linksOf(textOf(document))) {
      const [path, anchor] = link.split('#');
      const target = path === '' ? document : join(document, '..', path);
      const text = textOf(target);
      if (anchor !== undefined && target.endsWith('.md')) expect(headingsOf(text)).toContain(anchor);
    }
  });
});

/** Anchors as hosts of Markdown make them of headings. */
const headingsOf = (text: string): string[] =>
  [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

/** Stands for npm: plays the demonstration, and knows which scripts there are. Tests do not run tests. */
const NPM = `#!/usr/bin/env node
import { readFileSync } from 'node:fs';
const [first, second] = process.argv.slice(2);
const script = first === 'run' ? second : first;
const { scripts } = JSON.parse(readFileSync('package.json', 'utf8'));
if (scripts[script] === undefined) throw new Error('there is no script ' + script);
if (script === 'start') await import(process.cwd() + '/dist/demo/start.js');
`;

/** Runs commands one after another in one shell; what they print on both outputs belongs together. */
async function runAll(
  commands: readonly DocumentedCommand[],
  cwd: string,
): Promise<{ output: string; status: number }[]> {
  const lines = ['shopt -s expand_aliases', 'exec 2>&1', `PATH="$PWD/bin:$PATH"`];
  for (const { command } of commands) lines.push(command, 'echo "@@status $?"');
  const file = join(cwd, 'commands.sh');
  writeFileSync(file, `${lines.join('\n')}\n`);
  const { OVERLOG_STORE: _, ...env } = process.env;
  const { stdout } = await promisify(execFile)('bash', [file], {
    cwd,
    env: { ...env, NO_COLOR: '1' },
    maxBuffer: 1 << 26,
  });
  const parts = stdout.split(/@@status (\d+)\n/);
  return commands.map((_, index) => ({ output: parts[2 * index], status: Number(parts[2 * index + 1]) }));
}
