/** `overlog/storage/file`: the log in a directory, for tools that work below a store. */

export { type FileLog, type FileLogOptions, openFileLog } from '../storage/file/file-log.ts';
export { type LogSummary, verifyLog, type VerifyOptions } from '../storage/file/verify.ts';
export type { EventLog } from '../events/event-log.ts';
export type { ChunkReader, ChunkStore } from '../events/chunk-store.ts';
