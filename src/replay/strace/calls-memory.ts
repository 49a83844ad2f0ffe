/** Calls that map files: what is written through a shared mapping never passes through a call. */

import { hasFlag } from './flags.ts';
import type { Outcome, Player } from './player.ts';
import { numberOf } from './token.ts';

export function mmapCall(player: Player): Outcome {
  const [, length, protection, flags, fd] = player.args;
  const { memory } = player.task;
  memory.remove(player.value, numberOf(length));
  if (!hasFlag(flags, 'MAP_SHARED') && !hasFlag(flags, 'MAP_SHARED_VALIDATE')) return 'outside';
  const file = player.description(fd)?.file ?? null;
  if (file === null) return 'outside';
  if (hasFlag(protection, 'PROT_WRITE')) player.inexact(file, 'shared-mapping');
  else if (file.canRead && file.canWrite) {
    if (player.showsProtection) memory.add(player.value, numberOf(length), file);
    else player.inexact(file, 'perhaps-mapped');
  }
  return 'applied';
}

/** mprotect and pkey_mprotect. */
export function mprotectCall(player: Player): Outcome {
  const [start, length, protection] = player.args;
  player.showsProtection = true;
  if (!hasFlag(protection, 'PROT_WRITE')) return 'outside';
  const files = player.task.memory.in(numberOf(start), numberOf(length));
  for (const file of files) player.inexact(file, 'shared-mapping');
  return files.length === 0 ? 'outside' : 'applied';
}

export function munmapCall(player: Player): Outcome {
  const [start, length] = player.args;
  player.task.memory.remove(numberOf(start), numberOf(length));
  return 'outside';
}

export function mremapCall(player: Player): Outcome {
  const [start, length, newLength] = player.args;
  player.task.memory.move(numberOf(start), numberOf(length), player.value, numberOf(newLength));
  return 'outside';
}
