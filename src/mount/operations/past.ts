/**
 * Operations of a moment that is over. Nothing changes there, so that opening and closing do nothing: the kernel is told so once
 * (ENOSYS), and opens files and directories by itself from then on (fs/fuse/file.c, fuse_file_open). What it asks then it asks by
 * the node, without a handle.
 */

import { readdir } from '../../engine/calls/directory.ts';
import { ENOSYS } from '../../engine/errno.ts';
import type { OpenFile } from '../../engine/open-files.ts';
import { ENTRY_OUT_BYTES, OPEN, OPENDIR, READDIR, READDIRPLUS } from '../protocol.ts';
import { GONE, type Operations, type Session } from '../session.ts';
import { writeEntries } from './directories.ts';

/** Directories whose lists are kept while programs read on in them. */
const LISTS_MAX = 16;

export function pastOperations(): Operations {
  const lists = new Map<number, OpenFile>();
  const openNothing = (): number => ENOSYS;
  return [
    [OPEN, openNothing],
    [OPENDIR, openNothing],
    [READDIR, (session) => readEntries(session, lists, 0)],
    [READDIRPLUS, (session) => readEntries(session, lists, ENTRY_OUT_BYTES)],
  ];
}

function readEntries(session: Session, lists: Map<number, OpenFile>, prefixBytes: number): number {
  const { nodeId } = session.request;
  const known = lists.get(nodeId);
  if (known === undefined && session.node() === undefined) return GONE;
  const directory = known ?? session.nodeFile();
  const entries = readdir(directory);
  if (typeof entries === 'number') return entries;
  if (known === undefined) {
    const [oldest] = lists.keys();
    if (lists.size >= LISTS_MAX) lists.delete(oldest);
    lists.set(nodeId, directory);
  }
  return writeEntries(session, directory, entries, prefixBytes).bytes;
}
