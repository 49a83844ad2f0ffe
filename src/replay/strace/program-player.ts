/** Plays the records of a log: keeps the processes, and applies their calls to the tree, each as one transaction. */

import type { Engine } from '../../engine/engine.ts';
import type { Namespace } from '../../engine/namespace.ts';
import { CLONE_CALLS, FILE_CALLS, NAME_CALLS, PROCESS_CALLS } from './call-table.ts';
import { causeOf } from './cause.ts';
import { type Descriptor, DescriptorTable } from './descriptors.ts';
import { hasFlag } from './flags.ts';
import { Lineage } from './lineage.ts';
import { Mappings } from './mappings.ts';
import { type Outcome, Player } from './player.ts';
import type { RecordingClock } from './recording-clock.ts';
import type { StraceRecord } from './record.ts';
import type { RecordingMeta } from './recording-meta.ts';
import { type PendingCall, Task } from './tasks.ts';
import { memberOf, numberOf, type Token } from './token.ts';
import { touchesOf } from './touches.ts';

/** Calls of the log, by what became of them. */
export interface CallCounts {
  /** On the tree, done again. */
  applied: number;
  /** On files outside the tree, pipes and sockets. */
  outside: number;
  /** On processes and descriptors. */
  process: number;
  /** Failed when they were recorded. */
  failed: number;
  /** Not looked at: they change no file. */
  other: number;
}

export class ProgramPlayer {
  readonly player: Player;
  /** A line with a time since 1970 was played. */
  hasTimes = false;
  readonly counts: CallCounts = { applied: 0, outside: 0, process: 0, failed: 0, other: 0 };
  readonly #engine: Engine;
  readonly #clock: RecordingClock;
  readonly #meta: RecordingMeta;
  readonly #groupPrefix: string;
  readonly #lineage: Lineage;
  readonly #taskOf = (pid: number): Task | undefined => this.player.tasks.get(pid);

  constructor(engine: Engine, namespace: Namespace, clock: RecordingClock, meta: RecordingMeta, groupPrefix: string) {
    this.#engine = engine;
    this.#clock = clock;
    this.#meta = meta;
    this.#groupPrefix = groupPrefix;
    const showsProtection = meta.trace?.includes('mprotect') ?? false;
    this.player = new Player(namespace, [meta.root, ...meta.aliases], showsProtection);
    this.player.applyEarly = (names) => this.#applyEarlier(names);
    this.#lineage = new Lineage(
      (pid) => this.player.tasks.has(pid),
      (record, parent) => this.#play(record, parent),
    );
  }

  add(record: StraceRecord): void {
    this.#lineage.add(record);
  }

  /** The log is at its end: what is open then is closed. */
  end(): void {
    this.#lineage.end();
    for (const task of this.player.tasks.values()) {
      this.#attribute(task);
      this.#engine.transact(['exit', `pid=${task.pid}`], () => task.table.leave());
    }
    this.player.tasks.clear();
    for (const { description } of this.player.passing.splice(0)) description.release();
  }

  #play(record: StraceRecord, parent: number | null): void {
    if (record.timeNs !== null) {
      this.hasTimes = true;
      this.#clock.set(record.timeNs);
    }
    const { tasks } = this.player;
    let task = tasks.get(record.pid);
    if (task === undefined) {
      task = this.#newTask(record.pid, parent);
      tasks.set(record.pid, task);
    }
    this.#attribute(task);
    switch (record.kind) {
      case 'started':
        this.#started(task, record);
        return;
      case 'call':
        this.#call(task, record);
        return;
      case 'headless':
        this.#headless(task, record);
        return;
      case 'exit':
        this.player.begin(task, record, null);
        if (record.name.includes('core dumped'))
          this.player.uncertain('the kernel wrote a core file, which is not in the log');
        this.#forget(task);
        this.#engine.transact(['exit', `pid=${record.pid}`, `line=${record.line}`], () => task.table.leave());
        tasks.delete(record.pid);
        return;
      case 'superseded': {
        const thread = tasks.get(record.value);
        if (thread === undefined) return;
        this.#forget(task);
        task.table.leave();
        tasks.delete(record.value);
        tasks.set(record.pid, thread.as(record.pid));
        return;
      }
      case 'signal':
    }
  }

  #started(task: Task, record: StraceRecord): void {
    this.#forget(task);
    const descriptors = new Map<number, Descriptor>();
    for (const token of record.args) {
      const number = token.kind === 'word' ? numberOf(token) : Number.NaN;
      const descriptor = Number.isNaN(number) ? undefined : task.table.get(number);
      if (descriptor === undefined) continue;
      descriptor.description.hold();
      descriptors.set(number, descriptor);
    }
    this.player.begin(task, record, null);
    const touches = touchesOf(this.player, record, descriptors);
    task.pending = { record, descriptors, touches, isApplied: false };
    if (touches.content) this.player.inFlight.content++;
    if (touches.names) this.player.inFlight.names++;
  }

  /** A pending call is over, or will never be. */
  #forget(task: Task): void {
    const { pending } = task;
    task.pending = null;
    if (pending !== null) this.#finish(pending);
  }

  #finish(pending: PendingCall): void {
    for (const { description } of pending.descriptors.values()) description.release();
  }

  /** It is in flight no longer. */
  #landed({ touches }: PendingCall): void {
    if (touches.content) this.player.inFlight.content--;
    if (touches.names) this.player.inFlight.names--;
  }

  /** What a call did whose beginning is not in the log can't be told. */
  #headless(task: Task, record: StraceRecord): void {
    const { name } = record;
    if (!FILE_CALLS.has(name) && !PROCESS_CALLS.has(name) && !CLONE_CALLS.has(name)) return;
    this.player.begin(task, record, null);
    this.player.uncertain(`${name}: its beginning is not in the log, so it is not done`);
  }

  #call(task: Task, record: StraceRecord): void {
    const { pending } = task;
    if (pending !== null) this.#landed(pending);
    if (CLONE_CALLS.has(record.name)) this.#clone(task, record);
    else {
      const process = PROCESS_CALLS.get(record.name);
      const isFile = FILE_CALLS.has(record.name);
      if (process === undefined && !isFile) this.counts.other++;
      else if (isFailure(record)) this.#failed(record, pending);
      else if (isFile) this.#fileCall(task, record, pending);
      else if (process !== undefined && !pending?.isApplied) {
        this.player.begin(task, record, pending);
        this.#engine.transact(causeOf(record, this.player.places), () => process(this.player));
        this.counts.process++;
      }
    }
    if (pending !== null) {
      task.pending = null;
      this.#finish(pending);
    }
  }

  #failed(record: StraceRecord, pending: PendingCall | null): void {
    this.counts.failed++;
    if (!pending?.isApplied) return;
    const text = `${record.name}: it was taken for done before it failed`;
    this.player.exactness.events.push({ line: record.line, text });
  }

  #fileCall(task: Task, record: StraceRecord, pending: PendingCall | null): void {
    let outcome = pending?.isApplied ? 'applied' : this.#apply(task, record, pending);
    if (typeof outcome === 'number' && record.result.errno === '') {
      for (const other of this.player.tasks.values()) {
        if (other === task || !this.#applyEarly(other)) continue;
        outcome = this.#apply(task, record, pending);
        if (typeof outcome !== 'number') break;
      }
    }
    if (outcome === 'outside') this.counts.outside++;
    else if (outcome === 'applied') this.counts.applied++;
    else if (record.result.errno === '') this.player.refuse(outcome);
  }

  #apply(task: Task, record: StraceRecord, pending: PendingCall | null): Outcome {
    const apply = FILE_CALLS.get(record.name);
    if (apply === undefined) return 'outside';
    this.player.begin(task, record, pending);
    this.#attribute(task);
    return this.#engine.transact(causeOf(record, this.player.places), () => apply(this.player));
  }

  /**
   * Does a call on names that has begun and not returned yet: calls come in the order in which they returned, but one that
   * was refused in this order may have succeeded because that one was done already.
   */
  #applyEarly(task: Task): boolean {
    const { pending } = task;
    if (pending === null || pending.isApplied || !NAME_CALLS.has(pending.record.name)) return false;
    pending.isApplied = this.#apply(task, pending.record, pending) === 'applied';
    return pending.isApplied;
  }

  /** @returns Whether one of these calls had begun somewhere, and is done now. */
  #applyEarlier(names: ReadonlySet<string>): boolean {
    const { player } = this;
    const { record, task } = player;
    for (const other of player.tasks.values()) {
      const { pending } = other;
      if (other === task || pending === null || pending.isApplied || !names.has(pending.record.name)) continue;
      pending.isApplied = true;
      player.begin(other, pending.record, pending);
      PROCESS_CALLS.get(pending.record.name)?.(player);
      player.begin(task, record, task.pending);
      return true;
    }
    return false;
  }

  #attribute(task: Task): void {
    this.#engine.group = `${this.#groupPrefix}${task.program.leader}`;
    this.#engine.actor = task.program.name === '' ? null : task.program.name;
  }

  #clone(task: Task, record: StraceRecord): void {
    const pid = record.result.value;
    this.counts.process++;
    if (!(pid > 0)) return;
    this.player.begin(task, record, task.pending);
    if (record.pid === 0) this.player.uncertain(`${record.name}: what the child did is not in the log; record with -f`);
    const flags = cloneFlags(record);
    if (hasFlag(flags, 'CLONE_NEWUSER')) this.player.uncertain('clone: owners in a user namespace are not mapped');
    if (!this.player.tasks.has(pid)) this.player.tasks.set(pid, this.#child(task, record, pid));
  }

  #child(parent: Task, clone: StraceRecord, pid: number): Task {
    const flags = cloneFlags(clone);
    return parent.clone(pid, {
      files: hasFlag(flags, 'CLONE_FILES'),
      fs: hasFlag(flags, 'CLONE_FS'),
      memory: hasFlag(flags, 'CLONE_VM') || clone.name === 'vfork',
      thread: hasFlag(flags, 'CLONE_THREAD'),
    });
  }

  /** A process that is seen before the call that made it has returned, or the first one. */
  #newTask(pid: number, parentPid: number | null): Task {
    const parent = parentPid === null ? undefined : this.#taskOf(parentPid);
    const clone = parent?.pending?.record;
    if (parent !== undefined && clone !== undefined && CLONE_CALLS.has(clone.name)) {
      return this.#child(parent, clone, pid);
    }
    const { cwd, umask, uid, gid } = this.#meta;
    const { places } = this.player;
    return new Task(pid, {
      program: { leader: pid, name: '' },
      table: new DescriptorTable(),
      fs: { cwd: places.placeAt(cwd), root: places.placeAt('/'), umask },
      memory: new Mappings(),
      uid,
      gid,
    });
  }
}

const cloneFlags = (record: StraceRecord): Token | undefined =>
  record.arg('flags') ?? memberOf(record.args[0], 'flags');

/**
 * Calls that failed change nothing, but for setxattr: an overlay copies the file up before it looks at the flags.
 *
 * @returns Also true for calls that never returned.
 */
function isFailure(record: StraceRecord): boolean {
  const { value, errno } = record.result;
  if (Number.isNaN(value)) return true;
  if (errno === '') return false;
  const hasCopiedUp = record.name.endsWith('setxattr') && (errno === 'EEXIST' || errno === 'ENODATA');
  return !hasCopiedUp;
}
