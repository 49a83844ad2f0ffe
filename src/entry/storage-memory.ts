/** `overlog/storage/memory`: the log in memory. */

export { openMemoryLog } from '../storage/memory.ts';
export type { EventLog } from '../events/event-log.ts';
export type { ChunkReader, ChunkStore } from '../events/chunk-store.ts';
