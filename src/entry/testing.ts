/** `overlog/testing`: random commands on a store, and the laws that hold whatever they do. */

export { type FileCallOptions, fileCall, fileCalls, filePath } from '../testing/file-call-arbitrary.ts';
export type { FileCall, Outcome } from '../testing/file-call.ts';
export { type ModelEntry, PosixModel } from '../testing/model.ts';
export { computeRoot, computeRoots } from '../testing/roots.ts';
export { type StoreCommand, storeCommands } from '../testing/store-command.ts';
export { StorePlayer } from '../testing/store-player.ts';
export { accountingProblems } from '../testing/laws/accounting.ts';
export { lowerImmutabilityProblems } from '../testing/laws/lower-immutability.ts';
export { minimalityProblems } from '../testing/laws/minimality.ts';
export { overlayProblems } from '../testing/laws/overlay-law.ts';
