/** Logs of other tools that people try. None holds the data, so none is replayed; each is refused with its reason. */

import { storeError } from '../../events/log-error.ts';

const TOOLS: readonly { readonly pattern: RegExp; readonly tool: string; readonly lacks: string }[] = [
  {
    pattern: /^(?:\d\d:\d\d:\d\d\.\d+ )?\S.*\(\d+\)(?: \[\d+:\d+\])?: [RWOCD+<>M]+\s+\//,
    tool: 'fatrace',
    lacks: 'names of files that were touched, but not what was written',
  },
  {
    pattern: /^\S.*\/ [A-Z_]+(?:,[A-Z_]+)*(?: .*)?$/,
    tool: 'inotifywait',
    lacks: 'names of files that changed, but not what was written',
  },
  {
    pattern: /^fio version \d+ iolog/,
    tool: 'fio',
    lacks: 'offsets and lengths, but no data',
  },
  {
    pattern: /^(?:node=\S+ )?type=[A-Z_]+ msg=audit\(/,
    tool: 'auditd',
    lacks: 'calls and names, but no data',
  },
  {
    pattern: /^\s*\d+,\d+\s+\d+\s+\d+\s+\d+\.\d+\s+\d+\s+[A-Z]+\s+[A-Z]+\s/,
    tool: 'blktrace',
    lacks: 'blocks of a device, but neither files nor data',
  },
];

/** @throws `ERR_UNSUPPORTED` when the line is one of a tool that is known to record no data. */
export function refuseForeignLog(line: string): void {
  const known = TOOLS.find(({ pattern }) => pattern.test(line));
  if (known === undefined) return;
  const { tool, lacks } = known;
  throw storeError('ERR_UNSUPPORTED', `this is a log of ${tool}: it holds ${lacks}, so it can't be replayed`, {
    detail: { tool },
  });
}
