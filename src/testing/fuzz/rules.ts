/** Which rules of docs/semantics.md an operation is an instance of, by how it was refused and what it wrote to the log. */

import type { StoreEvent } from '../../events/event.ts';
import { isDirectoryMode } from '../../events/mode.ts';

export interface Done {
  readonly kind: string;
  readonly refusal: string | null;
  /** Of a rename: NOREPLACE 1, EXCHANGE 2, WHITEOUT 4. */
  readonly flags: number;
  readonly events: readonly StoreEvent[];
}

/** Those that {@link rulesOf} can tell: what is not among a run's is not covered by it. */
export const KNOWN_RULES: readonly string[] = 'H1 H3 M1 O6 R1 R2 R4 R5 R7 R9 R10 R11 W1 W2 W3 W4 W5 W6 W11'.split(' ');

export function rulesOf({ kind, refusal, flags, events }: Done): string[] {
  const rules: string[] = [];
  if (refusal !== null) {
    if (kind === 'rename' && refusal === 'EXDEV') rules.push('R4');
    if (kind === 'rename' && refusal === 'ENOTEMPTY') rules.push('R7');
    if (kind === 'rename' && refusal === 'EEXIST' && flags & 1) rules.push('R10');
    if (kind === 'rename' && refusal === 'EINVAL' && flags & 4) rules.push('R11');
    if (kind === 'mknod' && refusal === 'EPERM') rules.push('W11');
    return rules;
  }
  const has = (type: StoreEvent['type']): boolean => events.some((event) => event.type === type);
  for (const event of events) {
    if (event.type === 'FileCopiedUp' || event.type === 'SymlinkCopiedUp' || event.type === 'NodeCopiedUp') {
      rules.push(event.upperIno === event.ino ? 'M1' : 'H1');
    } else if (event.type === 'NodeCreated') {
      if (event.parent === 0) rules.push('O6');
      else if (isDirectoryMode(event.mode)) rules.push(has('WhiteoutRemoved') ? 'W4' : 'W5');
      else if (has('WhiteoutRemoved')) rules.push('W3');
    } else if (event.type === 'Linked' && has('FileCopiedUp')) {
      rules.push('H3');
    } else if (event.type === 'Unlinked') {
      rules.push(has('WhiteoutCreated') ? (kind === 'rmdir' ? 'W6' : 'W1') : 'W2');
    } else if (event.type === 'Renamed') {
      if (event.exchange) rules.push('R9');
      else rules.push(has('WhiteoutCreated') ? 'R1' : 'R2');
      if (has('OpaqueSet')) rules.push('R5');
    }
  }
  return rules;
}
