/** Every group, in the order of the table. */

import type { Group } from './group.ts';
import { durableGroup } from './rows/durable.ts';
import { filesGroup } from './rows/files.ts';
import { flatMapGroup } from './rows/flat-map.ts';
import { forkGroup } from './rows/fork.ts';
import { historyGroup } from './rows/history.ts';
import { largeFileGroup } from './rows/large-file.ts';
import { layersGroup } from './rows/layers.ts';
import { loadGroup } from './rows/load.ts';
import { logBytesGroup } from './rows/log-bytes.ts';
import { memoryGroup } from './rows/memory.ts';
import { mountGroup } from './rows/mount.ts';
import { recordingGroup } from './rows/recording.ts';

export const GROUPS: readonly Group[] = [
  filesGroup,
  flatMapGroup,
  durableGroup,
  layersGroup,
  largeFileGroup,
  historyGroup,
  forkGroup,
  logBytesGroup,
  loadGroup,
  memoryGroup,
  mountGroup,
  recordingGroup,
];
