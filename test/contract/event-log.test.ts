import { openFileLog } from '../../src/storage/file/file-log.ts';
import { openMemoryLog } from '../../src/storage/memory.ts';
import { Scratch } from '../unit/storage/log-fixtures.ts';
import { testEventLog } from './event-log-contract.ts';

testEventLog('memory', () => ({ open: openMemoryLog, clean: () => {} }));

const scratch = new Scratch();
const clean = (): void => scratch.clean();

testEventLog('file', () => ({ open: () => openFileLog(scratch.directory()), clean }));

testEventLog('file, in many small segments', () => ({
  open: () => openFileLog(scratch.directory(), { segmentBytesMax: 4096, syncIntervalMs: 0, chunkCacheBytes: 0 }),
  clean,
}));
