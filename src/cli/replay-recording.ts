/** `overlog replay DIR`: a recorded program. */

import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import {
  type Comparison,
  openStore,
  readRecordingMeta,
  RecordingClock,
  recordingHost,
  type RecordingReport,
  type ResyncReport,
  replayRecording,
  type Store,
} from '../index.ts';
import type { VerbContext } from './context.ts';
import { EXIT_DIFFERENT, usageError } from './exit-codes.ts';
import { formatSize, plural } from './format/size.ts';
import { flag, type Options, textOption } from './options.ts';

/** Whether a path is the folder of a recording. */
export const isRecording = (path: string): boolean => existsSync(join(path, 'meta.json'));

/** Plays a recording and prints how exact it is. @returns The exit code. */
export async function replayRecordingVerb(context: VerbContext, path: string, options: Options): Promise<number> {
  const report = textOption(options, 'report') ?? 'text';
  if (report !== 'text' && report !== 'json') throw usageError('--report is text or json');
  const name = textOption(options, 'name') ?? nameOf(path);
  const meta = await readRecordingMeta(path);
  const clock = new RecordingClock(meta.startedNs);
  const store = await storeFor(context, clock);
  const result = await replayRecording(path, recordingHost(store), clock, {
    name,
    resync: flag(options, 'resync'),
    onProgress: ({ bytes, totalBytes, lines }) =>
      context.progress(`${path}: ${formatSize(bytes)} of ${formatSize(totalBytes)}, line ${lines}`),
  });
  context.progress(null);
  await context.close();
  if (context.isJson || report === 'json') context.json(result);
  else context.print(reportText(path, result));
  const isRight = result.resync !== null && result.resync.left.length === 0;
  const differs = result.comparisons.some(({ unexplained }) => unexplained > 0) || result.calls.refused > 0;
  return (differs && !isRight) || (flag(options, 'strict') && !result.isExact) ? EXIT_DIFFERENT : 0;
}

async function storeFor(context: VerbContext, clock: RecordingClock): Promise<Store> {
  if (flag(context.options, 'scratch')) return context.keep(await openStore({ clock: clock.now }));
  return context.store('create', { clock: clock.now });
}

/** The folder's name, as far as a container can be called so. */
function nameOf(path: string): string {
  const name = basename(resolve(path))
    .toLowerCase()
    .replaceAll(/[^a-z0-9_.-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '');
  return name.length > 1 ? name : 'recording';
}

function reportText(path: string, report: RecordingReport): string {
  const { calls, lines, inexact, uncertain, refusedCalls, comparisons } = report;
  const text = [
    `${path}: ${plural(lines, 'line')}: ${plural(calls.applied, 'call')} applied, ${calls.outside} outside the tree, ` +
      `${calls.process} of processes and descriptors, ${calls.failed} failed as recorded, ${calls.refused} refused`,
  ];
  if (!report.hasTimes)
    text.push('The lines have no times since 1970 (strace -ttt): modification times are not those of the program.');
  if (report.isTorn) text.push('The last line of the log was cut off and is left out.');
  if (report.shiftNs !== 0n) text.push('The store has later events: all times are moved behind them.');
  for (const { line, text: why } of uncertain) text.push(`uncertain: line ${line}: ${why}`);
  for (const { path: file, isGone, reasons } of inexact) {
    for (const { line, text: why, count } of reasons) {
      const often = count > 1 ? ` (${count} times, the first here)` : '';
      text.push(`inexact: ${file}${isGone ? ' (removed later)' : ''}: line ${line}: ${why}${often}`);
    }
  }
  for (const { line, pid, call, path: file, errno } of refusedCalls) {
    text.push(`refused: line ${line}: ${call} ${file} of process ${pid}: ${errno}`);
  }
  for (const comparison of comparisons) text.push(...comparisonText(comparison));
  if (report.resync !== null) text.push(...resyncText(report.resync));
  text.push(report.isExact ? 'exact' : 'not exact');
  return `${text.join('\n')}\n`;
}

function resyncText({ paths, left }: ResyncReport): string[] {
  return [
    `resync: ${plural(paths.length, 'path')} put right, ${left.length} left as they are`,
    ...paths.map(({ path, what }) => `  resync: ${path}: ${what.join(', ')}`),
    ...left.map((path) => `  left: ${path}: the recording does not hold what would put it right`),
  ];
}

function comparisonText({ kind, entries, differences, unexplained }: Comparison): string[] {
  const what = kind === 'merged' ? 'tree' : 'upper';
  const counts =
    differences.length === 0
      ? 'equal'
      : `${plural(differences.length, 'difference')}, ${unexplained} of them without a reason`;
  return [
    `${what}: ${plural(entries, 'entry', 'entries')} compared with what was there: ${counts}`,
    ...differences.map(({ path, kind: how, members, isExplained }) => {
      const detail = members
        .map(({ name, want, got }) => `${name} was ${want || 'none'}, is ${got || 'none'}`)
        .join('; ');
      return `  ${isExplained ? 'reported' : 'differs'}: ${path}: ${how === 'different' ? detail : how}`;
    }),
  ];
}
