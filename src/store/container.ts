/** One live container: commands. */

import {
  killContainer,
  pauseContainer,
  removeContainer,
  restartContainer,
  startContainer,
  stopContainer,
  unpauseContainer,
} from '../engine/decide/life-cycle.ts';
import { beginExec, endExec, execId } from '../engine/decide/exec.ts';
import { renameContainer } from '../engine/decide/life-cycle-create.ts';
import { renewTmpfs } from '../engine/mounting.ts';
import { volumesToRemove } from '../engine/decide/volume.ts';
import type { Cause, ContainerEvent, SubjectId } from '../events/event.ts';
import type { ContainerRecord, Quota } from '../projections/registry.ts';
import { setQuota } from '../engine/decide/quota.ts';
import { commit, type CommitOptions } from './container-commit.ts';
import { ContainerView } from './container-view.ts';
import { type Mounter, refreshMounts } from './container-mounts.ts';
import type { LiveMoment } from './moment.ts';

/** Digits of an id that people are shown. */
const SHORT_ID = 12;

/**
 * A container. Its commands follow Docker's, state by state (SEM-2.6): a refused one throws `ERR_STATE` and changes
 * nothing; a done one is on the disk.
 */
export class Container extends ContainerView {
  readonly #live: LiveMoment;
  readonly #mounter: Mounter;

  constructor(mounter: Mounter, subject: SubjectId) {
    super(mounter.live, subject);
    this.#mounter = mounter;
    this.#live = mounter.live;
  }

  /**
   * Starts it; a running one stays as it is. Its writable layer is kept from run to run. Empty volumes are filled from the
   * image, and binds take in what changed on the host.
   *
   * @param options.attach - Somebody sees what its program says: `events` then tells `attach`, too.
   * @throws `ERR_STATE` when it is paused; `ERR_NOT_FOUND` when the source of a bind is gone.
   */
  start(options: { attach?: boolean } = {}): Promise<void> {
    return this.#run('start', options.attach === true ? ['--attach'] : [], startContainer);
  }

  /** @param options.exitCode - What its program ended with; default 0. */
  stop(options: { exitCode?: number } = {}): Promise<void> {
    return this.#run('stop', [], (record, timeNs) => stopContainer(record, options.exitCode ?? 0, timeNs));
  }

  /** Its program has ended by itself; one that does not run stays as it is. */
  exit(options: { exitCode?: number } = {}): Promise<void> {
    return this.#run('exit', [], (record, timeNs) => stopContainer(record, options.exitCode ?? 0, timeNs));
  }

  /** @param signal - Default `SIGKILL`. One that programs are not stopped by changes nothing. */
  kill(signal = 'SIGKILL'): Promise<void> {
    return this.#run('kill', [signal], (record, timeNs) => killContainer(record, signal, timeNs));
  }

  pause(): Promise<void> {
    return this.#run('pause', [], pauseContainer);
  }

  unpause(): Promise<void> {
    return this.#run('unpause', [], unpauseContainer);
  }

  restart(options: { exitCode?: number } = {}): Promise<void> {
    return this.#run('restart', [], (record, timeNs) => restartContainer(record, options.exitCode ?? 0, timeNs));
  }

  /**
   * A program was started in it, beside its first one. overlog starts none itself: whoever does says so here, and says its end
   * to {@link Container.endExec}. What ends the container ends it with 137.
   *
   * @param command - The program and its arguments.
   * @param options.asked - What the container was called by; default: its name.
   * @returns The id of this run of the program, 64 hex digits.
   * @throws `ERR_STATE` when the container does not run or is paused; `ERR_INVALID_ARGUMENT` without a program.
   */
  async beginExec(command: readonly string[], options: { asked?: string } = {}): Promise<string> {
    const exec = execId(this.subject, this.#live.world.seq);
    const { asked = this.name } = options;
    await this.#run('exec', command, (record) => beginExec(record, asked, { exec, command }));
    return exec;
  }

  /**
   * A program that {@link Container.beginExec} told of has ended.
   *
   * @param options.exitCode - Default 0.
   * @throws `ERR_NOT_FOUND` when no such program is running.
   */
  endExec(exec: string, options: { exitCode?: number } = {}): Promise<void> {
    const { exitCode = 0 } = options;
    return this.#run('exec-end', [exec.slice(0, SHORT_ID), exitCode], (record) => endExec(record, exec, exitCode));
  }

  /** @throws `ERR_CONFLICT` when another container has the name; `ERR_INVALID_ARGUMENT` for its own or an impossible one. */
  rename(name: string): Promise<void> {
    return this.#run('rename', [name], (record) => renameContainer(this.#live.world.registry, record, name));
  }

  /**
   * Limits what its upper may hold: what would go beyond is refused with ENOSPC. What is left out stays as it is.
   *
   * @throws `ERR_INVALID_ARGUMENT` for what is neither null nor a whole number from 0 up.
   */
  async setQuota(quota: Partial<Quota>): Promise<void> {
    await this.#live.run(['quota', this.name], () => {
      this.#live.commit(this.subject, setQuota(this.record.container, this.quota, quota));
    });
  }

  /**
   * Makes an image of it: its image's layers, and its upper as one more.
   *
   * @returns The image's id.
   * @throws `ERR_INVALID_ARGUMENT` for an impossible name; `ERR_OCI_UNSUPPORTED` when the upper holds what a layer can't: a
   *   name that starts with `.wh.`.
   */
  async commit(options: CommitOptions = {}): Promise<string> {
    const { tag = [] } = options;
    const cause: Cause = ['commit', this.name, ...(typeof tag === 'string' ? [tag] : tag)];
    return this.#live.run(cause, (timeNs) => commit(this.#live, this.record, options, timeNs));
  }

  /**
   * Removes it with its writable layer; earlier moments keep both.
   *
   * @param options.force - Also when it is running: it is killed first.
   * @param options.volumes - Its anonymous volumes too, unless somebody else uses them.
   */
  async remove(options: { force?: boolean; volumes?: boolean } = {}): Promise<void> {
    const { force = false, volumes = false } = options;
    const flags = [...(force ? ['--force'] : []), ...(volumes ? ['--volumes'] : [])];
    await this.#live.run(['rm', this.name, ...flags], (timeNs) => {
      const { record } = this;
      const removed = volumesToRemove(this.#live.world.registry, record, volumes);
      this.#live.commit(this.subject, removeContainer(record, { force, volumes: removed }, timeNs));
    });
  }

  async #run(
    command: string,
    args: readonly (string | number)[],
    decide: (record: ContainerRecord, timeNs: bigint) => ContainerEvent[],
  ): Promise<void> {
    const cause: Cause = [command, this.name, ...args];
    await this.#live.run(cause, (timeNs) => {
      const events = decide(this.record, timeNs);
      if (events.some(({ type }) => type === 'ContainerStarted')) refreshMounts(this.#mounter, this.subject);
      for (const event of events) {
        this.#live.commit(this.subject, [event]);
        if (event.type === 'ContainerStopped' || event.type === 'ContainerKilled') this.#renewTmpfs(timeNs);
      }
    });
  }

  #renewTmpfs(timeNs: bigint): void {
    renewTmpfs(this.#live.engine, this.subject, timeNs, (subject, events) => this.#live.commit(subject, events));
  }
}
