/**
 * The loop that serves a kernel: read a request, do it, write the answer; all in one thread, with no await between.
 *
 * A thread that waits for the kernel does nothing else, so the caller gives it one of its own. It leaves the loop when it is
 * asked to ({@link MountServer.serve}), and goes on when it is called again.
 */

import { writeSync } from 'node:fs';
import { close } from '../engine/calls/open.ts';
import { EINVAL, EIO, ENOSPC, ENOSYS } from '../engine/errno.ts';
import type { Mount, Namespace } from '../engine/namespace.ts';
import type { OpenFile } from '../engine/open-files.ts';
import type { FileEvent, Ino, SubjectId, Transaction } from '../events/event.ts';
import type { Tree } from '../projections/tree/tree.ts';
import { ExecGroups } from './exec-groups.ts';
import { LateAnswer } from './late-answer.ts';
import { invalidNode, noticesOfChange, noticesOfCommand } from './notices.ts';
import { NOTHING, type RequestReader, SleepingReader, UNMOUNTED } from './request-reader.ts';
import { isStoreError } from '../events/log-error.ts';
import { isFileEvent } from '../events/file-event.ts';
import { ATTRIBUTES } from './operations/attributes.ts';
import { CONNECTION } from './operations/connection.ts';
import { CONTENT } from './operations/content.ts';
import { DIRECTORIES } from './operations/directories.ts';
import { LOOKUPS } from './operations/lookups.ts';
import { NAMES } from './operations/names.ts';
import { OPENS } from './operations/opens.ts';
import { XATTRS } from './operations/xattrs.ts';
import { FUSE_UNIQUE_RESEND_HIGH, IN_HEADER_BYTES, INIT, OPCODES } from './protocol.ts';
import { answerAgain, CHANGING, restore } from './resume.ts';
import type { NodeNumbers } from './nodes.ts';
import { readServeJournal, ServeJournal, servedNothing, type ServedBefore } from './serve-journal.ts';
import { NO_REPLY, type Operation, type Operations, Session, UNIQUE_HIGH_MASK } from './session.ts';

export interface MountServerOptions {
  /** An open descriptor of /dev/fuse that a mount was made with. */
  readonly device: number;
  /** Reads the requests from it. Left out: one that sleeps for each. */
  readonly reader?: RequestReader;
  readonly namespace: Namespace;
  /** What groups of transactions are called: with the number of the process that wrote behind it. */
  readonly group: string;
  /** Asked after each request: true leaves the loop. */
  readonly isWanted: () => boolean;
  /** Numbers that nodes have for `stat`; left out: those of the log. */
  readonly numbers?: NodeNumbers | null;
  /** Operations that take the place of the usual ones. */
  readonly operations?: Operations;
  /** Where it is kept what a server that takes over has to know. Left out: nobody will take over. */
  readonly journal?: {
    /** Path of its files without their endings. */
    readonly stem: string;
    /** A server that is dead has kept it: this one goes on in its place. */
    readonly goesOn: boolean;
  };
  /** Gets what the kernel has to be told; another thread writes each to the device. */
  readonly onNotices: (notices: readonly Uint8Array[]) => void;
}

/** How a turn of serving ended. `asked`: somebody wants the thread; `unmounted`: there is nothing more to serve. */
export type ServeEnd = 'asked' | 'unmounted';

export class MountServer {
  readonly session: Session;
  readonly #options: MountServerOptions;
  readonly #operations: readonly (Operation | undefined)[];
  readonly #stopListening: () => void;
  /** The trees as the kernel knows them, for what a command puts in their place; none while the kernel itself changes them. */
  readonly #trees = new Map<SubjectId, Tree>();
  #isServing = false;
  #pid = -1;
  #group = '';
  readonly #groupStem: string;
  readonly #execs = new ExecGroups();
  /** What a dead server has left; null: nothing was served before. */
  #before: ServedBefore | null = null;
  /** Head of the log as it was found. */
  readonly #headFound: number;
  readonly #reader: RequestReader;
  readonly #late = new LateAnswer();
  /** Nodes that the request at hand has copied up, by the kernel's numbers. */
  #copiedUpNodes: number[] = [];
  /** Numbers that broken links got in the request at hand. */
  #copiedUp: Ino[] = [];

  constructor(options: MountServerOptions) {
    this.#options = options;
    this.#operations = options.operations === undefined ? OPERATIONS : table(options.operations);
    this.#reader = options.reader ?? new SleepingReader(options.device);
    this.session = new Session(options.namespace, this.#reader.bytes, options.numbers);
    this.#keepTrees();
    this.#headFound = this.session.head;
    this.#groupStem = this.#takeOver();
    this.#stopListening = options.namespace.engine?.onCommit(this.#committed) ?? (() => {});
  }

  /** @returns What groups are called. */
  #takeOver(): string {
    const { journal, group } = this.#options;
    if (journal === undefined) return group;
    if (journal.goesOn) {
      this.#before = readServeJournal(journal.stem);
      restore(this.session, this.#before);
    }
    const known = this.#before ?? servedNothing(group);
    this.session.journal = new ServeJournal(journal.stem, known);
    this.session.nodes.journal = this.session.journal;
    return known.group;
  }

  /** Whether the kernel has said hello. */
  isReady = false;

  /** Serves until it is asked to stop, or the mount is gone. */
  serve(): ServeEnd {
    const { device, isWanted } = this.#options;
    const { request, reply, lastPage, journal } = this.session;
    // A server that takes over would be asked again to close what may be open again by then.
    const defers = journal === null;
    const engine = this.session.namespace.engine;
    const groupBefore = engine?.group ?? null;
    this.#isServing = true;
    this.#trees.clear();
    try {
      for (;;) {
        const length = this.#next();
        if (length === UNMOUNTED) return 'unmounted';
        if (length >= IN_HEADER_BYTES) {
          request.length = length;
          const answerBytes = this.#answer();
          this.#tellOfCopyUps();
          if (defers && LateAnswer.isFor(request.opcode)) {
            this.#writeLate();
            this.#late.keep(reply.bytes);
          } else if (answerBytes > 0) {
            writeAnswer(device, reply.bytes, answerBytes);
            this.#writeLate();
          }
          const page = lastPage.take();
          if (page !== null) writeAnswer(device, page, page.length);
          this.#settle();
        }
        if (isWanted()) return 'asked';
      }
    } finally {
      this.#writeLate();
      this.#isServing = false;
      this.#keepTrees();
      if (engine !== null) engine.group = groupBefore;
      this.#pid = -1;
    }
  }

  /** @returns Length of the next request, as {@link RequestReader.read} gives it. Nothing is owed while it sleeps. */
  #next(): number {
    const length = this.#reader.look();
    if (length !== NOTHING) return length;
    this.#writeLate();
    return this.#reader.read();
  }

  #writeLate(): void {
    const answer = this.#late.take();
    if (answer !== null) writeAnswer(this.#options.device, answer, answer.length);
  }

  /**
   * Has the kernel ask for the attributes of what was copied up. This thread may say so itself: no lock is taken for it that
   * somebody holds and waits, nor does the node go meanwhile, which the request is about. Another thread would have to be woken.
   */
  #tellOfCopyUps(): void {
    if (this.#copiedUpNodes.length === 0) return;
    for (const id of this.#copiedUpNodes) {
      const notice = invalidNode(id, false);
      writeAnswer(this.#options.device, notice, notice.length);
    }
    this.#copiedUpNodes = [];
  }

  /** What is left of a request once it is answered: nobody waits for it. */
  #settle(): void {
    try {
      this.session.namespace.engine?.log.settle?.();
    } catch {
      // The log has noted its failure, and refuses the next write.
    }
  }

  #keepTrees(): void {
    for (const { subject, overlay } of this.session.namespace.mounts) this.#trees.set(subject, overlay.tree.snapshot());
  }

  /** Closes what programs had open, as their death would. */
  close(): void {
    this.#stopListening();
    for (const file of this.session.handles.all()) closeQuietly(file);
    this.session.journal?.close();
  }

  /**
   * Does one request that comes from no device.
   *
   * @returns The answer, valid until the next one; empty where there is none.
   */
  answerTo(bytes: Uint8Array): Buffer {
    const { request, reply } = this.session;
    request.bytes.set(bytes);
    request.length = bytes.length;
    return reply.bytes.subarray(0, this.#answer());
  }

  /** @returns Length of the answer; 0: there is none. */
  #answer(): number {
    const { request, reply } = this.session;
    const { opcode, uniqueLow, uniqueHigh } = request;
    const result = this.#run(opcode);
    if (result === NO_REPLY) return 0;
    if (opcode === INIT && result > 0) this.isReady = true;
    return result < 0 ? reply.seal(0, result, uniqueLow, uniqueHigh) : reply.seal(result, 0, uniqueLow, uniqueHigh);
  }

  /** Whatever goes wrong is an errno: a mount that dies takes the programs in it along. */
  #run(opcode: number): number {
    const operation = this.#operations[opcode];
    if (operation === undefined) return ENOSYS;
    const { session } = this;
    const { engine } = session.namespace;
    try {
      if (engine === null || engine.log.readOnly) return operation(session);
      engine.group = this.#groupOf(session.request.pid);
      const result = this.#runNoted(operation, opcode);
      if (result >= 0) session.known.done(opcode, session.request);
      // What was answered survives the death of this process. A log that has failed can be read all the same.
      if (!engine.log.failed) engine.log.flushSync(true);
      return result;
    } catch (error) {
      return errnoOf(error);
    }
  }

  /** With a note before of what is about to be done, and behind it of what open files have become. */
  #runNoted(operation: Operation, opcode: number): number {
    const { session } = this;
    const { journal, request } = session;
    if (journal === null) return operation(session);
    if (request.uniqueHigh >= FUSE_UNIQUE_RESEND_HIGH && this.#before !== null) {
      const answer = answerAgain(session, this.#before, this.#headFound);
      if (answer !== null) return answer;
    }
    if (CHANGING.has(opcode)) journal.begin(request.uniqueLow, request.uniqueHigh & UNIQUE_HIGH_MASK, session.head);
    const result = operation(session);
    for (const ino of this.#copiedUp) {
      for (const [handle, file] of session.handles.entries()) if (file.ino === ino) journal.moved(handle, ino);
    }
    this.#copiedUp = [];
    return result;
  }

  #groupOf(pid: number): string {
    if (pid !== this.#pid) {
      this.#pid = pid;
      this.#group = `${this.#execs.stemOf(pid) ?? this.#groupStem}:${pid}`;
    }
    return this.#group;
  }

  readonly #committed = (transaction: Transaction): void => {
    const { subject, events } = transaction;
    this.#execs.noticed(transaction);
    const mount = this.session.nodes.mountOf(subject);
    if (mount === undefined) return;
    const notices: Uint8Array[] = [];
    for (const event of events) {
      if (isFileEvent(event)) notices.push(...this.#noticesOf(mount, event));
      else if (event.type === 'ContainerRewound' || event.type === 'NodesRestored') {
        const before = this.#trees.get(subject);
        if (before !== undefined) {
          notices.push(...noticesOfChange(this.session.nodes, mount, before, mount.overlay.tree));
        }
      }
    }
    if (!this.#isServing) {
      this.session.known.clear();
      this.#trees.set(subject, mount.overlay.tree.snapshot());
    }
    if (notices.length > 0) this.#options.onNotices(notices);
  };

  /** Of its own changes the kernel knows, but not that a node was copied up for them; of those by commands it knows nothing. */
  #noticesOf(mount: Mount, event: FileEvent): Uint8Array[] {
    const { nodes, target } = this.session;
    switch (event.type) {
      case 'FileCopiedUp':
      case 'SymlinkCopiedUp':
      case 'NodeCopiedUp':
        nodes.copiedUp(mount.subject, event, target);
        if (event.upperIno !== event.ino && this.session.journal !== null) this.#copiedUp.push(event.upperIno);
        return this.#copied(nodes.idsOf(mount, event.upperIno));
      case 'DirectoryCopiedUp':
        return this.#copied([nodes.inoOf(mount, event.ino)]);
      default:
        return this.#isServing ? [] : noticesOfCommand(nodes, mount, event);
    }
  }

  #copied(ids: readonly number[]): Uint8Array[] {
    if (!this.#isServing) return ids.map((id) => invalidNode(id, false));
    this.#copiedUpNodes.push(...ids);
    return [];
  }
}

/** The kernel refuses an answer that nobody waits for any more, a notice of a node that it has forgotten (ENOENT), and both after the end. */
function writeAnswer(device: number, bytes: Uint8Array, length: number): void {
  try {
    writeSync(device, bytes, 0, length);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENODEV' && code !== 'ECONNABORTED') throw error;
  }
}

/** What a program gets when something throws: the error's own number, ENOSPC for a full disk, EIO for the rest. */
function errnoOf(error: unknown): number {
  const { errno, cause, code } = error as NodeJS.ErrnoException;
  if (isStoreError(error)) {
    if (code === 'ERR_LOG_RECORD_TOO_LARGE') return EINVAL;
    return (cause as NodeJS.ErrnoException | undefined)?.code === 'ENOSPC' ? ENOSPC : EIO;
  }
  return typeof errno === 'number' && errno < 0 ? errno : EIO;
}

function closeQuietly(file: OpenFile): void {
  try {
    close(file);
  } catch {
    // A store that failed: what is left is released when it is opened again.
  }
}

const OPERATIONS: readonly (Operation | undefined)[] = table();

function table(own: Operations = []): (Operation | undefined)[] {
  const operations = Array.from<Operation | undefined>({ length: OPCODES });
  const families = [CONNECTION, LOOKUPS, ATTRIBUTES, NAMES, OPENS, CONTENT, DIRECTORIES, XATTRS];
  for (const [opcode, operation] of [...families.flat(), ...own]) operations[opcode] = operation;
  return operations;
}
