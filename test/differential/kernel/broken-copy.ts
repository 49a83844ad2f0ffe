import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** A change of one source file. */
export interface SourceChange {
  /** Below src/. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** How often what a change looks for is in its file; once, or it is out of date. */
export const occurrences = ({ file, find }: SourceChange): number =>
  readFileSync(join(ROOT, 'src', file), 'utf8').split(find).length - 1;

/** A copy of the sources and the tests, in which one change at a time is made. */
export class BrokenCopy {
  readonly folder: string;

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'overlog-break-'));
    for (const each of ['src', 'test', 'package.json', 'tsconfig.json', 'vitest.config.ts'])
      cpSync(join(ROOT, each), join(this.folder, each), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(this.folder, 'node_modules'));
  }

  /** Runs something while a change is in the copy. */
  during<T>({ file, find, replace }: SourceChange, run: (folder: string) => T): T {
    const path = join(this.folder, 'src', file);
    const source = readFileSync(path, 'utf8');
    try {
      writeFileSync(
        path,
        source.replace(find, () => replace),
      );
      return run(this.folder);
    } finally {
      writeFileSync(path, source);
    }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
