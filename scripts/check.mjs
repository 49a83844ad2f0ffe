// `npm run check`: everything that a tool can say about the project, short of running its tests. All steps run, so
// that one round shows all there is to mend.

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runNpm, runTool, say, setUp } from './setup.mjs';

setUp();

const steps = {
  format: () => runTool('oxfmt', 'oxfmt', ['--check']),
  lint: () => runTool('oxlint', 'oxlint', []),
  types: () => runTool('typescript', 'tsc', ['-p', 'tsconfig.json']),
  unused: () => runTool('knip', 'knip', []),
  package: checkPackage,
};

const failed = Object.keys(steps).filter((step) => {
  say(`check: ${step}`);
  return steps[step]() !== 0;
});
if (failed.length > 0) {
  say(`check failed: ${failed.join(', ')}`);
  process.exitCode = 1;
} else {
  say('check passed');
}

/** Checks the tarball that a user would install, not the folder that it is made from. */
function checkPackage() {
  const folder = mkdtempSync(join(tmpdir(), 'overlog-pack-'));
  try {
    const packed = runNpm(['pack', '--silent', '--ignore-scripts', '--pack-destination', folder]);
    if (packed !== 0) return packed;
    const tarball = join(folder, readdirSync(folder)[0]);
    const typesAreWrong = (...more) =>
      runTool('@arethetypeswrong/cli', 'attw', [tarball, '--profile', 'esm-only', '--no-definitely-typed', ...more]);
    // It prints pages when all is well, so it is asked quietly first.
    return runTool('publint', 'publint', [tarball, '--strict']) || (typesAreWrong('--quiet') && typesAreWrong());
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
