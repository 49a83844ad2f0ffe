/** One container: queries. */

import type { Writable } from 'node:stream';
import { rootCaller, type User, userCaller } from '../engine/caller.ts';
import { createFs } from '../engine/fs/create-fs.ts';
import type { OverlogFs } from '../engine/fs/overlog-fs.ts';
import { Namespace } from '../engine/namespace.ts';
import { checkExec } from '../engine/decide/exec.ts';
import type { OverlayProfile, SubjectId, VolumeKind } from '../events/event.ts';
import { storeError } from '../events/log-error.ts';
import { type ContainerRecord, type ContainerState, NO_QUOTA, type Quota } from '../projections/registry.ts';
import type { Overlay } from '../projections/world.ts';
import { diffTrees, imageSide } from '../replay/diff.ts';
import { type DockerChange, dockerDiff } from '../replay/docker-diff.ts';
import type { TreeChange } from '../replay/tree-change.ts';
import { applyChanges, type ApplyOptions, type ApplyResult } from './apply/apply-changes.ts';
import { exportMerged, type ExportResult, exportUpper, type ExportUpperOptions } from './container-export.ts';
import type { Moment } from './moment.ts';

/** A mount of a container. */
export interface MountInfo {
  readonly type: VolumeKind;
  /** Name of the volume; of a bind the host path; of a tmpfs ''. */
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
  readonly noCopy: boolean;
  /** The volume was made for this mount, without a name. */
  readonly anonymous: boolean;
}

/** Docker's two figures of `ps -s`, and what lies on the disk. */
export interface ContainerSizes {
  /** SizeRw: st_size over the upper's non-directories, hard links once. */
  readonly sizeRwBytes: number;
  /** SizeRootFs, "virtual": SizeRw and the image's layers. */
  readonly sizeRootFsBytes: number;
  /** Allocated blocks of the upper. */
  readonly allocatedRwBytes: number;
  readonly upperNodes: number;
  readonly whiteouts: number;
}

/** A program that runs beside the container's first. */
export interface ExecInfo {
  readonly id: string;
  readonly command: readonly string[];
  readonly startedNs: bigint | null;
}

/** All that is known of a container, as a value. */
export interface ContainerInfo {
  readonly id: string;
  readonly name: string;
  readonly subject: SubjectId;
  readonly state: ContainerState;
  readonly exitCode: number;
  /** Id of its image; null: an empty root. */
  readonly image: string | null;
  /** What it was created by, as asked. */
  readonly imageReference: string;
  readonly command: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly readOnly: boolean;
  readonly profile: OverlayProfile;
  readonly createdNs: bigint;
  readonly startedNs: bigint | null;
  readonly finishedNs: bigint | null;
  readonly mounts: readonly MountInfo[];
  /** Programs that run in it beside its first one. */
  readonly execs: readonly ExecInfo[];
  readonly forkedFrom: { readonly subject: SubjectId; readonly at: number } | null;
}

/** A container at one moment. A live one shows its state as it is when asked. */
export class ContainerView {
  /** Its number in the log. */
  readonly subject: SubjectId;
  readonly #moment: Moment;
  #fs: { readonly fs: OverlogFs; readonly mounts: ContainerRecord['mounts'] } | null = null;

  constructor(moment: Moment, subject: SubjectId) {
    this.#moment = moment;
    this.subject = subject;
  }

  /** @throws `ERR_NOT_FOUND` when it has been removed; so do all queries. */
  get record(): ContainerRecord {
    const record = this.#moment.world.registry.containers.get(this.subject);
    if (record === undefined) throw storeError('ERR_NOT_FOUND', `container ${this.subject} has been removed`);
    return record;
  }

  get id(): string {
    return this.record.id;
  }

  get name(): string {
    return this.record.name;
  }

  get state(): ContainerState {
    return this.record.state;
  }

  /**
   * Whether a program can be started in it beside its first one.
   *
   * @param asked - What it was called by, for the refusal.
   * @throws `ERR_STATE` with Docker's reason when none can.
   */
  checkExec(asked = this.name): void {
    checkExec(this.record, asked);
  }

  /** How much its upper may hold. */
  get quota(): Quota {
    return this.#moment.world.registry.quotas.get(this.record.container) ?? NO_QUOTA;
  }

  /** Its trees, for reading: the merged one, and what it stands on. */
  get overlay(): Overlay {
    const overlay = this.#moment.world.overlay(this.record.container);
    if (overlay === undefined) throw storeError('ERR_NOT_FOUND', `container ${this.subject} has been removed`);
    return overlay;
  }

  /**
   * Its file system in the shape of node:fs, volumes mounted; the caller is root in `/`. Of a past moment it is read only.
   *
   * The object stays the same until the container's mounts change.
   */
  get fs(): OverlogFs {
    const { mounts } = this.record;
    if (this.#fs?.mounts !== mounts) this.#fs = { fs: createFs(rootCaller(this.namespace())), mounts };
    return this.#fs.fs;
  }

  /**
   * The same file system for a user who is not root: its calls are refused where its permissions end, as the kernel
   * refuses them. Each façade has its own descriptors.
   *
   * @throws `ERR_INVALID_ARGUMENT` for an impossible id or umask.
   */
  as(user: User): OverlogFs {
    return createFs(userCaller(this.namespace(), user));
  }

  /** A new namespace of the container, for callers of their own. */
  namespace(): Namespace {
    const { engine, world, chunks, files } = this.#moment;
    return new Namespace({ engine, world, container: this.record, chunks, files });
  }

  get mounts(): MountInfo[] {
    return this.record.mounts.map((mount) => {
      const volume = this.#moment.world.registry.volumes.get(mount.volume);
      const type = volume?.kind ?? 'volume';
      return {
        type,
        source: type === 'tmpfs' ? '' : (volume?.name ?? ''),
        target: mount.target,
        readOnly: mount.readOnly,
        noCopy: mount.noCopy,
        anonymous: volume?.anonymous ?? false,
      };
    });
  }

  /** Kept as the container changes, so this costs nothing (SEM-2.2). */
  sizes(): ContainerSizes {
    const { tree } = this.overlay;
    const { image } = this.record;
    const { registry } = this.#moment.world;
    let lowerBytes = 0;
    for (const chainId of (image === null ? undefined : registry.images.get(image)?.layers) ?? []) {
      lowerBytes += registry.layers.get(chainId)?.bytes ?? 0;
    }
    return {
      sizeRwBytes: tree.upperBytes,
      sizeRootFsBytes: tree.upperBytes + lowerBytes,
      allocatedRwBytes: tree.upperAllocatedBytes,
      upperNodes: tree.upperNodes,
      whiteouts: tree.whiteouts,
    };
  }

  /** `docker diff`: against its image, by names and attributes, content never read (SEM-2.1). */
  diff(): DockerChange[] {
    return dockerDiff(this.overlay);
  }

  /** What differs from its image, by content and attributes. */
  changes(): TreeChange[] {
    const { lower } = this.overlay;
    return diffTrees(imageSide(lower ?? this.#moment.world.lowers.empty), this.overlay, this.#moment.chunks);
  }

  /**
   * Writes what differs from the image onto a directory of the host, which is what the image was loaded from.
   *
   * Judged path by path: what is no longer there as the image has it is left alone, and named in `refused`; so is what a
   * directory can't be given: devices, extended attributes. A file appears whole or not at all.
   *
   * @throws `ERR_INVALID_ARGUMENT` when it is not a directory.
   */
  apply(directory: string, options: ApplyOptions = {}): ApplyResult {
    const lower = this.overlay.lower ?? this.#moment.world.lowers.empty;
    return applyChanges(this.overlay.tree, lower, this.changes(), directory, this.#moment.chunks, options);
  }

  /**
   * Writes the merged tree as a tar, as `docker export` does: no marks, and of volumes only the empty mount points. Times are
   * exact, extended attributes and hard links are kept, holes are written out.
   *
   * @param target - A path: a file there is replaced when the tar is whole. A stream: it is left open.
   * @throws `ERR_INVALID_ARGUMENT` when the path is a directory; what the file system throws. No part stays behind.
   */
  export(target: string | Writable): Promise<ExportResult> {
    return exportMerged(this.overlay.tree, this.#moment.chunks, target);
  }

  /**
   * Writes the upper, for an overlay mount over the image's layers. The kernel shows the merged tree then.
   *
   * The directory form is for root and goes through GNU tar.
   *
   * @param target - As {@link ContainerView.export}; of the directory form a path that is an empty directory or nothing.
   * @throws `ERR_CONFLICT` when the directory is not empty; `ERR_UNSUPPORTED` when it can't be made: not root, no GNU tar, a
   *   file system without extended attributes; `ERR_OCI_UNSUPPORTED` for a name that starts with `.wh.` in the `aufs` dialect.
   */
  exportUpper(target: string | Writable, options: ExportUpperOptions = {}): Promise<ExportResult> {
    return exportUpper(this.overlay.tree, this.#moment.chunks, target, options);
  }

  inspect(): ContainerInfo {
    const { record } = this;
    return {
      id: record.id,
      name: record.name,
      subject: record.container,
      state: record.state,
      exitCode: record.exitCode,
      image: record.image,
      imageReference: record.reference,
      command: record.command,
      labels: Object.fromEntries(record.labels),
      readOnly: record.readOnly,
      profile: record.profile,
      createdNs: record.createdNs,
      startedNs: record.startedNs,
      finishedNs: record.finishedNs,
      mounts: this.mounts,
      execs: record.execs.map(({ exec, command, startedNs }) => ({ id: exec, command, startedNs })),
      forkedFrom: record.forkedFrom && { subject: record.forkedFrom.container, at: record.forkedFrom.at },
    };
  }
}
