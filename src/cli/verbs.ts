/** All verbs, in the order of the help. */

import type { Verb } from './verb.ts';
import { applyVerb } from './verbs/apply.ts';
import { bisectVerb } from './verbs/bisect.ts';
import { blameVerb } from './verbs/blame.ts';
import { catVerb } from './verbs/cat.ts';
import { commitVerb } from './verbs/commit.ts';
import { completionVerb } from './verbs/completion.ts';
import { cpVerb } from './verbs/cp.ts';
import { createVerb } from './verbs/create.ts';
import { dfVerb } from './verbs/df.ts';
import { diffVerb } from './verbs/diff.ts';
import { driversVerb } from './verbs/drivers.ts';
import { downVerb } from './verbs/down.ts';
import { dumpVerb } from './verbs/dump.ts';
import { duVerb } from './verbs/du.ts';
import { eventsVerb } from './verbs/events.ts';
import { execVerb } from './verbs/exec.ts';
import { exportVerb } from './verbs/export.ts';
import { fuzzVerb } from './verbs/fuzz.ts';
import { findVerb } from './verbs/find.ts';
import { forkVerb } from './verbs/fork.ts';
import { historyVerb } from './verbs/history.ts';
import { imagesVerb } from './verbs/images.ts';
import { importVerb } from './verbs/import.ts';
import { initVerb } from './verbs/init.ts';
import { inspectVerb } from './verbs/inspect.ts';
import { killVerb } from './verbs/kill.ts';
import { labelVerb } from './verbs/label.ts';
import { loadVerb } from './verbs/load.ts';
import { logVerb } from './verbs/log.ts';
import { lsVerb } from './verbs/ls.ts';
import { mountVerb } from './verbs/mount.ts';
import { mountsVerb } from './verbs/mounts.ts';
import { marksVerb } from './verbs/marks.ts';
import { overlayVerb } from './verbs/overlay.ts';
import { pauseVerb } from './verbs/pause.ts';
import { psVerb } from './verbs/ps.ts';
import { quotaVerb } from './verbs/quota.ts';
import { recordVerb } from './verbs/record.ts';
import { renameVerb } from './verbs/rename.ts';
import { replayVerb } from './verbs/replay.ts';
import { restartVerb } from './verbs/restart.ts';
import { retainVerb } from './verbs/retain.ts';
import { rewindVerb } from './verbs/rewind.ts';
import { rmVerb } from './verbs/rm.ts';
import { rmiVerb } from './verbs/rmi.ts';
import { runVerb } from './verbs/run.ts';
import { saveVerb } from './verbs/save.ts';
import { showVerb } from './verbs/show.ts';
import { startVerb } from './verbs/start.ts';
import { statVerb } from './verbs/stat.ts';
import { stopVerb } from './verbs/stop.ts';
import { tagVerb } from './verbs/tag.ts';
import { treeVerb } from './verbs/tree.ts';
import { umountVerb } from './verbs/umount.ts';
import { unpauseVerb } from './verbs/unpause.ts';
import { undeleteVerb } from './verbs/undelete.ts';
import { verifyVerb } from './verbs/verify.ts';
import { versionsVerb } from './verbs/versions.ts';
import { volumeVerb } from './verbs/volume.ts';
import { whereVerb } from './verbs/where.ts';
import { xattrVerb } from './verbs/xattr.ts';

export const VERBS: readonly Verb[] = [
  initVerb,
  loadVerb,
  saveVerb,
  imagesVerb,
  tagVerb,
  rmiVerb,
  createVerb,
  startVerb,
  pauseVerb,
  unpauseVerb,
  stopVerb,
  killVerb,
  restartVerb,
  renameVerb,
  quotaVerb,
  retainVerb,
  rmVerb,
  downVerb,
  commitVerb,
  cpVerb,
  volumeVerb,
  psVerb,
  inspectVerb,
  historyVerb,
  dfVerb,
  duVerb,
  driversVerb,
  diffVerb,
  whereVerb,
  blameVerb,
  versionsVerb,
  bisectVerb,
  labelVerb,
  forkVerb,
  rewindVerb,
  undeleteVerb,
  eventsVerb,
  logVerb,
  marksVerb,
  showVerb,
  lsVerb,
  catVerb,
  statVerb,
  treeVerb,
  findVerb,
  xattrVerb,
  runVerb,
  execVerb,
  applyVerb,
  mountVerb,
  overlayVerb,
  umountVerb,
  mountsVerb,
  recordVerb,
  replayVerb,
  exportVerb,
  importVerb,
  verifyVerb,
  dumpVerb,
  fuzzVerb,
  completionVerb,
];
