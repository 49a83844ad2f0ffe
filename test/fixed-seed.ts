/**
 * In CI all properties start from one seed, so that a run judges the change and can be repeated bit for bit. Everywhere else
 * each run looks at other cases: what it finds becomes a unit test.
 */

import fc from 'fast-check';

const seed = process.env['OVERLOG_SEED'] ?? (process.env['CI'] === undefined ? undefined : '20260101');
if (seed !== undefined) fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(seed) });
