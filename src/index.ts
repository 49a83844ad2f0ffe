/** overlog: an event-sourced copy-on-write file system with time travel. The public API, by name. */

export { openStore, type OpenStoreOptions } from './store/open-store.ts';
export { type PriceQuery, Store } from './store/store.ts';
export type { TransactionFilter } from './store/transaction-filter.ts';
export { type MountRequest, parseMountOption, parseVolumeOption } from './store/mount-spec.ts';
export type { At, NamedSubject, Subject } from './store/moment.ts';
export { type StoreQueries, StoreView } from './store/store-view.ts';
export type { User } from './engine/caller.ts';
export type { Protections } from './engine/identity.ts';
export { Container } from './store/container.ts';
export type { CommitOptions } from './store/container-commit.ts';
export type { ExportResult, ExportUpperOptions, UpperDialect } from './store/container-export.ts';
export type { DownOptions, DownResult } from './store/compose-project.ts';
export {
  type DockerContainer,
  type DockerImage,
  type DockerMount,
  type GraphDriver,
  inspectContainer,
  inspectImage,
} from './store/docker-inspect.ts';
export type { AppliedChange, ApplyOptions, ApplyResult, RefusedChange } from './store/apply/apply-changes.ts';
export { type MarkInLog, Marks } from './store/marks.ts';
export { type Blame, PastQuestions } from './store/past-questions.ts';
export type { BlameLine, BlameSpan } from './replay/blame.ts';
export type { BisectOptions, BisectResult, Verdict } from './replay/bisect.ts';
export type { PathVersion } from './replay/versions.ts';
export type { UndoResult } from './store/restoration.ts';
export type { UndoConflict } from './replay/undo-group.ts';
export type { Toucher } from './replay/group-touches.ts';
export type { Quota } from './projections/registry.ts';
export { Containers, type CreateContainerOptions } from './store/containers.ts';
export {
  type ContainerInfo,
  type ContainerSizes,
  ContainerView,
  type ExecInfo,
  type MountInfo,
} from './store/container-view.ts';
export { type ContainerFilter, ContainerViews } from './store/container-views.ts';
export type { NewImage } from './store/image-build.ts';
export { Images } from './store/images.ts';
export { type ImageHistoryStep, type ImageInfo, ImageViews, type LayerInfo } from './store/image-views.ts';
export type { HistoryStep, ParsedConfig, RunConfig } from './store/image-config.ts';
export type { LoadedImage } from './store/image-load.ts';
export type { LoadOptions, LoadProgress } from './store/load-options.ts';
export type { SaveOptions, SaveProgress } from './store/image-save.ts';
export type { SavedImage, SavedLayer } from './oci/save-layout.ts';
export { stackParts } from './oci/stack-source.ts';
export { SpooledTar, type SpooledTarOptions } from './oci/spooled-tar.ts';
export { extractTar } from './store/extract-tar.ts';
export { pathTar, type PathTarOptions } from './store/path-tar.ts';
export { partPaths } from './oci/export-target.ts';
export type { SaveFormat } from './oci/save-archive.ts';
export type { BlobCompression } from './oci/blob-writer.ts';
export { type VolumeInfo, Volumes, VolumeViews } from './store/volumes.ts';
export type { OverlogFs } from './engine/fs/overlog-fs.ts';
export type { EntryAttributes, LayerEntry, LayerSink } from './engine/layer-sink.ts';
export { type Clock, systemClock } from './engine/engine.ts';
export type { FsError } from './engine/errno.ts';
export { DOCKER_PROFILE, parseProfile, POSIX_PROFILE, profileText } from './events/overlay-profile.ts';
export type {
  AttributeEvent,
  Cause,
  ContainerEvent,
  ContentEvent,
  CopyUpEvent,
  FileEvent,
  ImageEvent,
  LogEvent,
  NameEvent,
  OverlayProfile,
  StoreEvent,
  SubjectId,
  Transaction,
  VolumeEvent,
  VolumeKind,
} from './events/event.ts';
export type { ChangedAspect, ChangeType, TreeChange } from './replay/diff.ts';
export type { DockerChange } from './replay/docker-diff.ts';
export type {
  AvoidableReason,
  ContainerSize,
  SizeShare,
  UpperFile,
  UpperOrigin,
} from './projections/container-size.ts';
export type { ImageSize, LayerSize, RepeatedFile } from './projections/image-size.ts';
export type { CopyUp, CopyUpLedger } from './projections/copy-up-ledger.ts';
export { copyUps, copyUpsIn } from './projections/copy-up-ledger.ts';
export type { AllocatedUsage } from './projections/allocated-usage.ts';
export type { ContainerUsage, DiskUsage, ImageUsage, UsageTotal, VolumeUsage } from './projections/disk-usage.ts';
export type { ContainerBill, DriverBill, ImageBill, ReachedLimit } from './projections/drivers/bill.ts';
export { STORAGE_DRIVERS } from './projections/drivers/drivers.ts';
export type { FileStoryStep } from './projections/drivers/file-story.ts';
export type { FirstWrites } from './projections/drivers/storage-books.ts';
export type {
  CreationCost,
  DriverParameter,
  DriverRules,
  FirstWrite,
  ReadCost,
  Rule,
  Space,
  StorageDriver,
} from './projections/drivers/storage-driver.ts';
export type { FileStory } from './store/storage-prices.ts';
export { type ListingEntry, type ListingOptions, listTree } from './replay/listing.ts';
export { isStoreError, type StoreError, type StoreErrorCode } from './events/log-error.ts';
export type { ContainerState } from './projections/registry.ts';
export { DOCKER_CHANGE_KIND, dockerDiffLine } from './replay/docker-diff.ts';
export { COPY_FROM_HOST, type DockerEvent } from './replay/docker-event.ts';
export { dockerEventJson } from './replay/docker-events.ts';
export { diffStat } from './replay/diff.ts';
export { type PathPlace, placesInImage, placesOf } from './projections/where.ts';
export { causeText, whereLine, whereLines, type WhereNames } from './projections/where-text.ts';
export { nameInUpper } from './projections/tree/overlay-xattr.ts';
export { wastedBytes, wastedLines, type WastedPath, wastedPaths } from './projections/wasted.ts';
export { checkInvariants, type InvariantOptions } from './replay/invariants.ts';
export { parseScenario } from './replay/scenario/parse.ts';
export type { Scenario, Step } from './replay/scenario/scenario.ts';
export {
  type RunOptions,
  runScenario,
  type ScenarioFailure,
  type ScenarioResult,
  type StepReport,
} from './replay/scenario/run.ts';
export { ScenarioClock } from './replay/scenario/clock.ts';
export { updateSource } from './replay/scenario/update.ts';
export type { CliResult, ScenarioHost } from './replay/scenario/host.ts';
export { scenarioHost } from './store/scenario-host.ts';
export { absenceAt } from './store/absence.ts';
export { runFileVerb } from './store/file-verbs.ts';
export { decodeName, encodeName, printableName } from './events/name.ts';
export { lastSeq } from './events/event.ts';
export { kindOf, type NodeKind } from './events/mode.ts';
export { type LogSummary, type TornTail, verifyLog } from './storage/file/verify.ts';
export { type CheckpointDamage, verifyCheckpoints } from './storage/file/verify-checkpoints.ts';
export { dumpLog, type DumpRecord } from './storage/file/dump.ts';
export { retainHistory, type RetainOptions, type RetainResult } from './store/retain.ts';
export { type Salvage, salvageLog } from './storage/file/salvage.ts';
export { exportLog } from './replay/log-export.ts';
export { importLog, type LogImportOptions, type LogImportSummary } from './replay/log-import.ts';
export {
  readRecordingMeta,
  type RecordingProgress,
  replayRecording,
  type ReplayRecordingOptions,
} from './replay/strace/replay-recording.ts';
export { RecordingClock } from './replay/strace/recording-clock.ts';
export type { RecordingReport } from './replay/strace/recording-report.ts';
export type { ResyncReport } from './replay/strace/resync.ts';
export type { ContentSink, RecordingHost } from './replay/strace/recording-host.ts';
export type { RecordingMeta } from './replay/strace/recording-meta.ts';
export type { Comparison, TreeDifference } from './replay/strace/compare.ts';
export type { InexactEvent, InexactFile, InexactReason } from './replay/strace/exactness.ts';
export type { RefusedCall } from './replay/strace/player.ts';
export { recordingHost } from './store/recording-host.ts';
export { listDirectory } from './store/host-listing.ts';
