import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** A fixture of this repository, by its path under `test/fixtures/images`. */
export const imageFixture = (path: string): string => here(`../../../fixtures/images/${path}`);

/** A fixture that is too big for the repository; it may lie beside it. */
export const sharedFixture = (path: string): string => here(`../../../../../shared/fixtures/images/${path}`);

/** Why tests with a shared fixture do not run, for their titles; null if they do. */
export function missingShared(path: string): string | null {
  return existsSync(sharedFixture(path)) ? null : `skipped: ${path} is not beside the repository`;
}
