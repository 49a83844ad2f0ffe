/** `overlog/testing`: random commands on a store, the laws that hold whatever they do, and the kernel to compare with. */

export { type FileCallOptions, fileCall, fileCalls, filePath } from '../testing/file-call-arbitrary.ts';
export type { FileCall, Outcome } from '../testing/file-call.ts';
export { type ModelEntry, PosixModel } from '../testing/model.ts';
export type { KernelCall } from '../testing/kernel/kernel-call.ts';
export { kernelSequences } from '../testing/kernel/kernel-call-arbitrary.ts';
export { kernelMissing } from '../testing/kernel/kernel-mounts.ts';
export {
  type CompareOptions,
  type KernelDifference,
  KernelOracle,
  type KernelSequence,
} from '../testing/kernel/kernel-oracle.ts';
export { computeRoot, computeRoots } from '../testing/roots.ts';
export { type StoreCommand, storeCommands } from '../testing/store-command.ts';
export { StorePlayer } from '../testing/store-player.ts';
export { accountingProblems } from '../testing/laws/accounting.ts';
export { lowerImmutabilityProblems } from '../testing/laws/lower-immutability.ts';
export { minimalityProblems } from '../testing/laws/minimality.ts';
export { overlayProblems } from '../testing/laws/overlay-law.ts';
