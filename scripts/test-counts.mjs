// `node scripts/test-counts.mjs REPORT STATUS`: reads the report of vitest's json reporter and vitest's exit status, and
// prints one line: `N passed, N failed, N skipped`.
//
// Exits 1 where something failed, where no test passed, or where there is no report. A test file that does not load
// counts as one failure: none of its tests ran, so none of them could fail. So does an error that belongs to no test,
// such as a rejected promise that nobody awaited: only the exit status tells of it.

import { existsSync, readFileSync } from 'node:fs';

const [file, vitestStatus = '0'] = process.argv.slice(2);
const report = file && existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null;

const counts = report === null ? { passed: 0, failed: 1, skipped: 0 } : count(report);
if (vitestStatus !== '0' && counts.failed === 0) counts.failed = 1;
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.failed > 0 || counts.passed === 0 ? 1 : 0;

function count({ numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults }) {
  const unloaded = testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((assertion) => assertion.status === 'failed'),
  );
  return {
    passed: numPassedTests,
    failed: numFailedTests + unloaded.length,
    skipped: numPendingTests + numTodoTests,
  };
}
