/** What the handlers of calls work with: the tree, the processes, and where findings go. */

import type { Caller } from '../../engine/caller.ts';
import { errnoCode } from '../../engine/errno.ts';
import { open } from '../../engine/calls/open.ts';
import type { Namespace } from '../../engine/namespace.ts';
import { O_RDWR, OpenFile } from '../../engine/open-files.ts';
import { type Ino, ROOT_INO } from '../../events/event.ts';
import { isDirectoryMode, isFileMode } from '../../events/mode.ts';
import { decodeName } from '../../events/name.ts';
import { Description, type Descriptor } from './descriptors.ts';
import { Exactness, type InexactReason } from './exactness.ts';
import { type Access, Overlaps } from './overlaps.ts';
import type { Place } from './place.ts';
import { Places, type Target } from './places.ts';
import type { StraceRecord } from './record.ts';
import { NameRaces, type NameUse } from './name-races.ts';
import type { PendingCall, Task } from './tasks.ts';
import { numberOf, type StringToken, stringOf, type Token, wordOf } from './token.ts';

/** A call that succeeded when it was recorded and was refused now. */
export interface RefusedCall {
  readonly line: number;
  readonly pid: number;
  readonly call: string;
  readonly path: string;
  readonly errno: string;
}

/** What a handler answers: a negative error number is a refusal by the engine. */
export type Outcome = 'applied' | 'outside' | number;

/** Refused calls are told one by one up to here; all are counted. */
const REFUSED_TOLD_MAX = 1000;

export class Player {
  readonly namespace: Namespace;
  readonly places: Places;
  readonly tasks = new Map<number, Task>();
  readonly exactness = new Exactness();
  readonly overlaps = new Overlaps();
  readonly races = new NameRaces();
  readonly refused: RefusedCall[] = [];
  /** Calls on content and calls on names that have begun and not ended. */
  readonly inFlight = { content: 0, names: 0 };
  /** mprotect is in the log, so a mapping that is not made writable there stays as it is. */
  showsProtection: boolean;
  /** Descriptors on their way through a socket. */
  readonly passing: { readonly description: Description; readonly path: string }[] = [];
  /** Does what a call that has begun will do, because another one that has ended takes it for granted. */
  applyEarly: (names: ReadonlySet<string>) => boolean = () => false;
  /** The call that is applied, and who makes it. */
  record!: StraceRecord;
  task!: Task;
  #pending: PendingCall | null = null;

  constructor(namespace: Namespace, roots: readonly string[], showsProtection: boolean) {
    this.namespace = namespace;
    this.showsProtection = showsProtection;
    this.places = new Places(namespace, roots, (pid) => this.tasks.get(pid));
  }

  /** @param pending - Its beginning, where it did not end at once. */
  begin(task: Task, record: StraceRecord, pending: PendingCall | null): void {
    this.task = task;
    this.record = record;
    this.#pending = pending;
  }

  get args(): readonly Token[] {
    return this.record.args;
  }

  /** What the call returned. */
  get value(): number {
    return this.record.result.value;
  }

  get caller(): Caller {
    const { task, namespace } = this;
    const cwd = { mount: namespace.root, ino: task.fs.cwd.ino === 0 ? ROOT_INO : task.fs.cwd.ino };
    return { namespace, cwd, umask: task.fs.umask, uid: task.uid, gid: task.gid, identity: null };
  }

  /** What a descriptor argument stood for when the call began. */
  descriptor(token: Token | undefined): Descriptor | undefined {
    const number = numberOf(token);
    const atStart = this.#pending?.descriptors.get(number);
    if (atStart !== undefined) return atStart;
    return this.task.table.get(number) ?? this.#adopt(token, number);
  }

  /** The descriptor of that number when a call began that did not end at once. */
  descriptorAtStart(number: number): Descriptor | undefined {
    return this.#pending?.descriptors.get(number);
  }

  description(token: Token | undefined): Description | undefined {
    const description = this.descriptor(token)?.description;
    if (description === undefined || token?.kind !== 'word' || token.path === null) return description;
    // A descriptor that was closed and made anew by calls that are not in the log: strace saw what it is now.
    const noted = this.places.inTree(decodeName(token.path.bytes)) !== null;
    return description.file !== null && !noted && !token.isDeleted ? undefined : description;
  }

  /** A file of the tree that was open before the recording began, by the path that strace saw. */
  #adopt(token: Token | undefined, number: number): Descriptor | undefined {
    const path = token?.kind === 'word' && !token.isDeleted ? token.path : null;
    if (path === null || Number.isNaN(number)) return undefined;
    const description = this.adopt(path, O_RDWR);
    this.task.table.set(number, description, false);
    return this.task.table.get(number);
  }

  /** What strace saw at a descriptor whose making is not in the log. */
  adopt(path: StringToken, flags: number): Description {
    const text = decodeName(path.bytes);
    const place = this.places.placeAt(text);
    const tree = this.namespace.root.overlay.tree;
    const node = place.ino === 0 ? undefined : tree.get(place.ino);
    if (node === undefined || !(isFileMode(node.mode) || isDirectoryMode(node.mode)))
      return new Description({ path: text });
    const start = { mount: this.namespace.root, ino: node.parent };
    const isRoot = place.ino === ROOT_INO;
    const opened = open(this.caller, start, isRoot ? '.' : node.name, node.dir === null ? flags : 0, 0);
    if (typeof opened === 'number') return new Description({ path: text });
    const description = new Description({ file: opened });
    description.isOffsetUnknown = true;
    return description;
  }

  /** Where a relative path starts: `AT_FDCWD` or a directory's descriptor. */
  start(token: Token | undefined): Place {
    if (wordOf(token) === 'AT_FDCWD') return this.#cwd(token);
    const description = this.description(token);
    if (description !== undefined) return this.places.placeOf(description);
    const path = token?.kind === 'word' ? token.path : null;
    return path === null ? { ino: 0, path: '/' } : this.places.placeAt(decodeName(path.bytes));
  }

  /**
   * The current directory. Where a chdir went through a symbolic link outside the tree, this call is the first to know
   * that it led into it: strace saw it.
   */
  #cwd(token: Token | undefined): Place {
    const { fs } = this.task;
    const seen = token?.kind === 'word' && !token.isDeleted ? token.path : null;
    if (fs.cwd.ino === 0 && seen !== null) fs.cwd = this.places.placeAt(decodeName(seen.bytes));
    return fs.cwd;
  }

  /** What a path argument leads to. */
  target(from: Place, path: Token | undefined, follow: boolean): Target {
    const text = stringOf(path);
    if (text === null) return { kind: 'outside', path: '' };
    return this.places.resolve(this.task, from, decodeName(text.bytes), follow);
  }

  /** The directory that a path led to. */
  directory(target: Target): Place {
    if (target.kind === 'inside') return { ino: target.ino, path: '' };
    return { ino: 0, path: target.kind === 'outside' ? target.path : '/' };
  }

  /** What a descriptor stands for, for calls that change its node; also one that is open with O_PATH. */
  targetOf(token: Token | undefined): Target {
    const file = this.description(token)?.file ?? null;
    return file === null ? { kind: 'outside', path: '' } : this.places.named(file);
  }

  /** An open file that the engine lets change attributes of its node, or its content, however it was opened. */
  handle(file: OpenFile, flags = 0): OpenFile {
    const { namespace, mount, ino, parent, name, path } = file;
    return new OpenFile({ namespace, mount, ino, flags, parent, name, path });
  }

  pathOf(ino: Ino): string | null {
    const { tree } = this.namespace.root.overlay;
    const node = tree.get(ino);
    if (node === undefined || (node.dir === null && node.parent === 0)) return null;
    return tree.pathOf(ino);
  }

  /** The node under an absolute path of the tree without symbolic links; 0: none. */
  inoAt(path: string): Ino {
    const { tree } = this.namespace.root.overlay;
    return path.split('/').reduce((ino, name) => (name === '' ? ino : tree.lookup(ino, name)), ROOT_INO);
  }

  inexact(file: OpenFile, reason: InexactReason): void {
    this.exactness.mark(file.ino, this.pathOf(file.ino) ?? file.path, reason, this.record.line);
  }

  /** An access to content, to be compared with those at the same time. */
  accessed(file: OpenFile, access: Omit<Access, 'startLine' | 'line' | 'affects'> & { affects?: OpenFile }): void {
    const { line, startLine } = this.record;
    const affects = (access.affects ?? file).ino;
    for (const ino of this.overlaps.add(file.ino, { ...access, line, startLine, affects }, this.inFlight.content)) {
      this.exactness.mark(ino, this.pathOf(ino) ?? file.path, 'overlapping-writes', line);
    }
  }

  /** A use of a name, to be compared with those at the same time. */
  used(target: Target, use: NameUse): void {
    if (target.kind !== 'inside') return;
    const { line, startLine } = this.record;
    const { ino, mount } = target.start;
    const name = `${ino}/${target.name}`;
    if (!this.races.add(name, use, startLine, line, this.inFlight.names)) return;
    const { tree } = mount.overlay;
    const path = tree.entryPath(ino, target.name) ?? target.name;
    this.exactness.mark(tree.lookup(ino, target.name) || target.ino, path, 'overlapping-names', line);
  }

  /** Something that makes the whole replay uncertain. */
  uncertain(text: string): void {
    this.exactness.events.push({ line: this.record.line, text });
  }

  refuse(errno: number): void {
    this.refusedCount++;
    const { line, pid, name, args } = this.record;
    if (this.refused.length >= REFUSED_TOLD_MAX) return;
    const seen = args.map((token) =>
      token.kind === 'word' && token.text !== 'AT_FDCWD' ? token.path : stringOf(token),
    );
    const text = seen.find((token) => token !== null) ?? null;
    const path = text === null ? '' : decodeName(text.bytes);
    this.refused.push({ line, pid, call: name, path: this.places.inTree(path) ?? path, errno: errnoCode(errno) });
  }

  refusedCount = 0;
}
