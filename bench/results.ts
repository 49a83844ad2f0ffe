/** The figures on disk: `bench/results/<time>.json` and `.md`, and `latest.*` beside them; not committed, since they are of one machine. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Figure } from './figure.ts';
import type { BenchOptions } from './options.ts';
import { tableMarkdown } from './table.ts';

const FOLDER = fileURLToPath(new URL('./results', import.meta.url));

/** @returns The path of the Markdown file. */
export function writeResults(figures: readonly Figure[], options: BenchOptions): string {
  const at = new Date().toISOString();
  const machine = `${cpus()[0]?.model ?? 'unknown CPU'} × ${cpus().length}, ${Math.round(totalmem() / 2 ** 30)} GiB`;
  const run = { at, node: process.version, machine, quick: options.quick, filters: options.filters };
  const json = `${JSON.stringify({ ...run, figures }, null, 2)}\n`;
  const head = `# Bench, ${at}\n\nNode ${process.version}, ${machine}${options.quick ? ', --quick' : ''}. Ratios of one run are what counts.\n`;
  const markdown = `${head}\n${tableMarkdown(figures)}\n`;
  mkdirSync(FOLDER, { recursive: true });
  for (const name of [at.replaceAll(':', '-'), 'latest']) {
    writeFileSync(`${FOLDER}/${name}.json`, json);
    writeFileSync(`${FOLDER}/${name}.md`, markdown);
  }
  return `${FOLDER}/latest.md`;
}
