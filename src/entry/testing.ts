/**
 * `overlog/testing`: what copy-on-write is property-tested with. Arbitraries for names, trees, layers and sequences of
 * operations; players that run them; the laws as checks of any store; a plain model; the kernel; a fuzzer over all of it.
 */

export { type FileCallOptions, fileCall, fileCallIdiom, fileCalls, filePath } from '../testing/file-call-arbitrary.ts';
export { type FileCall, FileSlots, type Outcome, runFileCall, type StatOutcome } from '../testing/file-call.ts';
export {
  images,
  imageStatement,
  type LayerCalls,
  type LayerStackOptions,
  layerStacks,
  names,
  trees,
} from '../testing/layer-arbitrary.ts';
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
export { type RecordedState, StateRecorder } from '../testing/state-recorder.ts';
export { MOUNTS, type StoreCommand, storeCommands } from '../testing/store-command.ts';
export { type Place, StorePlayer, type StorePlayerOptions } from '../testing/store-player.ts';
export { accountingProblems } from '../testing/laws/accounting.ts';
export { cutProblems } from '../testing/laws/cut-law.ts';
export { isolationProblems } from '../testing/laws/isolation.ts';
export { lowerImmutabilityProblems } from '../testing/laws/lower-immutability.ts';
export { minimalityProblems } from '../testing/laws/minimality.ts';
export { type ModelDifference, modelDifference, modelEntries, modelTreeDifference } from '../testing/laws/model-law.ts';
export { overlayProblems } from '../testing/laws/overlay-law.ts';
export { refusalProblems } from '../testing/laws/refusal-law.ts';
export { projectionProblems, replayProblems } from '../testing/laws/replay-equality.ts';
export { exportProblems } from '../testing/laws/round-trip.ts';
export { timeProblems } from '../testing/laws/time-law.ts';
export {
  type Counterexample,
  fuzz,
  type FuzzAgainst,
  type FuzzOptions,
  type FuzzResult,
} from '../testing/fuzz/fuzz.ts';
export type { FuzzSummary } from '../testing/fuzz/fuzz-counts.ts';
export { KNOWN_RULES } from '../testing/fuzz/rules.ts';
