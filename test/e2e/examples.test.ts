import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const folder = fileURLToPath(new URL('../../examples/', import.meta.url));
const programs = readdirSync(folder).filter((name) => name.endsWith('.ts'));

/** The lines under `// Prints:`, at the end of the file. */
function promised(source: string): string {
  const [, comment] = source.split('\n// Prints:\n//\n');
  return comment.replaceAll(/^\/\/ {0,3}/gm, '');
}

describe('the examples', () => {
  // They import 'overlog' as users do: the built package, by its own name.
  it.each(programs)('%s prints what it says it prints', async (name) => {
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', `${folder}${name}`]);
    expect(stdout).toBe(promised(readFileSync(`${folder}${name}`, 'utf8')));
  });
});
