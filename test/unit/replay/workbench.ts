/** A small store in memory for tests of replay and projections: an engine on a memory log, with images and containers. */

import { createHash } from 'node:crypto';
import { chmod, chown, utimens } from '../../../src/engine/calls/attributes.ts';
import { read, write } from '../../../src/engine/calls/data.ts';
import { link, mkdir, rename, RENAME_EXCHANGE, rmdir, symlink, unlink } from '../../../src/engine/calls/names.ts';
import { close, open } from '../../../src/engine/calls/open.ts';
import { ftruncate, truncate } from '../../../src/engine/calls/space.ts';
import { setxattr } from '../../../src/engine/calls/xattrs.ts';
import { type Caller, rootCaller } from '../../../src/engine/caller.ts';
import { Engine } from '../../../src/engine/engine.ts';
import { layerBuilder } from '../../../src/engine/layer-builder.ts';
import type { LayerSink } from '../../../src/engine/layer-sink.ts';
import { Namespace } from '../../../src/engine/namespace.ts';
import { OpenFileTable } from '../../../src/engine/open-file-table.ts';
import { O_APPEND, O_CREAT, O_RDONLY, O_TRUNC, O_WRONLY, type OpenFile } from '../../../src/engine/open-files.ts';
import type { Cause, OverlayProfile, StoreEvent, SubjectId } from '../../../src/events/event.ts';
import type { EventLog } from '../../../src/events/event-log.ts';
import { LowerViews } from '../../../src/projections/lower-views.ts';
import { mergeLayer } from '../../../src/projections/tree/merge.ts';
import { type Overlay, World } from '../../../src/projections/world.ts';
import { TimeMachine, type TimeMachineOptions } from '../../../src/replay/time-machine.ts';
import { openMemoryLog } from '../../../src/storage/memory.ts';

export const DOCKER: OverlayProfile = { redirectDir: false, index: false, metacopy: false };
export const POSIX: OverlayProfile = { redirectDir: true, index: true, metacopy: true };

export const SECOND = 1_000_000_000n;
export const START_NS = 1_767_323_045n * SECOND;

/** `path/` is a directory, `path` with text a file, with `->target` a symlink, with `=path` a hard link, null a whiteout. */
export type LayerText = Readonly<Record<string, string | null>>;

export class Workbench {
  readonly log: EventLog;
  readonly time: TimeMachine;
  readonly engine: Engine;
  readonly files = new OpenFileTable();
  nowNs = START_NS;
  stepNs = SECOND;

  constructor(options: TimeMachineOptions = {}, log: EventLog = openMemoryLog()) {
    this.log = log;
    this.time = new TimeMachine(log, new World(new LowerViews(log.chunks)), options);
    this.engine = new Engine({ log, world: this.time.live, past: this.time, clock: () => (this.nowNs += this.stepNs) });
    this.engine.onCommit((transaction) => this.time.committed(transaction));
  }

  get world(): World {
    return this.time.live;
  }

  commit(cause: Cause, events: readonly StoreEvent[], subject: SubjectId = 0): number {
    this.engine.commit(subject, cause, events, this.engine.now());
    return this.log.head;
  }

  /** Makes an image of layers; returns its id. */
  image(reference: string, layers: readonly LayerText[], config = '{}'): string {
    const events: StoreEvent[] = [];
    const chain: string[] = [];
    let below = this.world.lowers.empty;
    layers.forEach((layer, index) => {
      const builder = layerBuilder({ chunks: this.log.chunks, below });
      for (const [path, value] of Object.entries(layer)) addEntry(builder, path, value);
      const built = builder.finish();
      const diffId = digestOf(built.root);
      const parent = chain.at(-1) ?? null;
      const chainId = parent === null ? diffId : digestOf(`${parent} ${diffId}`);
      if (!this.world.registry.layers.has(chainId) && !chain.includes(chainId)) {
        const { root, chunks, entries, bytes } = built;
        events.push({ type: 'LayerAdded', diffId, chainId, parent, root, chunks, entries, bytes });
      }
      chain.push(chainId);
      below = mergeLayer(below, built.tree, index);
    });
    const image = digestOf(config + chain.join());
    events.push({ type: 'ImageAdded', image, config: Buffer.from(config), layers: chain });
    events.push({ type: 'ImageTagged', reference, image });
    this.commit(['image', reference], events);
    return image;
  }

  container(name: string, image: string | null, profile = DOCKER): Shell {
    const container = this.world.registry.nextSubject;
    const timeNs = this.engine.now();
    const event: StoreEvent = {
      type: 'ContainerCreated',
      container,
      id: createHash('sha256').update(`${container}`).digest('hex'),
      name,
      image,
      reference: image ?? 'scratch',
      profile,
      readOnly: false,
      labels: [],
      command: [],
      timeNs,
    };
    this.engine.commit(container, ['create', name], [event], timeNs);
    return this.shell(container);
  }

  fork(from: SubjectId, at: number, name: string): Shell {
    const container = this.world.registry.nextSubject;
    const id = createHash('sha256').update(`${container}`).digest('hex');
    const timeNs = this.engine.now();
    const event: StoreEvent = { type: 'ContainerForked', container, id, name, from, at, timeNs };
    this.engine.commit(container, ['fork', name], [event], timeNs);
    return this.shell(container);
  }

  rewind(container: SubjectId, to: number): void {
    this.commit(['rewind', to], [{ type: 'ContainerRewound', container, to }], container);
  }

  shell(container: SubjectId): Shell {
    return new Shell(this, container);
  }

  overlay(container: SubjectId): Overlay {
    return this.world.overlay(container) as Overlay;
  }
}

/** File calls in one container, each one transaction. Errors throw their number. */
export class Shell {
  readonly bench: Workbench;
  readonly container: SubjectId;
  readonly caller: Caller;

  constructor(bench: Workbench, container: SubjectId) {
    this.bench = bench;
    this.container = container;
    const record = bench.world.registry.containers.get(container);
    if (record === undefined) throw new Error(`no container ${container}`);
    this.caller = rootCaller(
      new Namespace({
        engine: bench.engine,
        world: bench.world,
        container: record,
        chunks: bench.log.chunks,
        files: bench.files,
      }),
    );
  }

  get overlay(): Overlay {
    return this.bench.overlay(this.container);
  }

  write(path: string, text: string): this {
    return this.#output('write', path, text, O_WRONLY | O_CREAT | O_TRUNC);
  }

  append(path: string, text: string): this {
    return this.#output('append', path, text, O_WRONLY | O_CREAT | O_APPEND);
  }

  /** Opens for writing and closes: a copy-up without a change. */
  touchOpen(path: string): this {
    this.bench.engine.transact(['open', path], () => close(this.#open(path, O_WRONLY)));
    return this;
  }

  read(path: string): string {
    const file = this.#open(path, O_RDONLY);
    const buffer = Buffer.alloc(1 << 20);
    const count = read(file, buffer, 0, buffer.length, 0);
    close(file);
    return buffer.toString('latin1', 0, count);
  }

  mkdir(path: string): this {
    return this.#check(mkdir(this.caller, this.caller.cwd, path, 0o755), `mkdir ${path}`);
  }

  rmdir(path: string): this {
    return this.#check(rmdir(this.caller, this.caller.cwd, path), `rmdir ${path}`);
  }

  unlink(path: string): this {
    return this.#check(unlink(this.caller, this.caller.cwd, path), `unlink ${path}`);
  }

  rename(from: string, to: string, exchange = false): this {
    const { caller } = this;
    return this.#check(
      rename(caller, caller.cwd, from, caller.cwd, to, exchange ? RENAME_EXCHANGE : 0),
      `rename ${from} ${to}`,
    );
  }

  link(from: string, to: string): this {
    const { caller } = this;
    return this.#check(link(caller, caller.cwd, from, caller.cwd, to, false), `link ${from} ${to}`);
  }

  symlink(target: string, path: string): this {
    return this.#check(symlink(this.caller, target, this.caller.cwd, path), `symlink ${path}`);
  }

  chmod(path: string, mode: number): this {
    return this.#check(chmod(this.caller, this.caller.cwd, path, mode, true), `chmod ${path}`);
  }

  chown(path: string, uid: number, gid: number): this {
    return this.#check(chown(this.caller, this.caller.cwd, path, uid, gid, false), `chown ${path}`);
  }

  utimes(path: string, mtimeNs: bigint): this {
    return this.#check(utimens(this.caller, this.caller.cwd, path, mtimeNs, mtimeNs, false), `utimes ${path}`);
  }

  setxattr(path: string, name: string, value: string): this {
    const { caller } = this;
    return this.#check(setxattr(caller, caller.cwd, path, name, Buffer.from(value), 0, true), `setxattr ${path}`);
  }

  truncate(path: string, size: number): this {
    return this.#check(truncate(this.caller, this.caller.cwd, path, size), `truncate ${path}`);
  }

  /** Makes a file without writing its bytes. */
  sparse(path: string, size: number): this {
    this.bench.engine.transact(['sparse', path], () => {
      const file = this.#open(path, O_WRONLY | O_CREAT | O_TRUNC);
      ftruncate(file, size);
      close(file);
    });
    return this;
  }

  /** rm -r */
  removeAll(path: string): this {
    const ino = this.inoOf(path);
    if (ino === 0) throw new Error(`rm ${path}: -2`);
    const { tree } = this.overlay;
    const names = tree.at(ino).dir?.entries.names();
    if (names === undefined) return this.unlink(path);
    for (const name of names) this.removeAll(`${path}/${name}`);
    return this.rmdir(path);
  }

  inoOf(path: string): number {
    let ino = 1;
    for (const name of path.split('/').filter(Boolean)) ino = this.overlay.tree.lookup(ino, name);
    return ino;
  }

  #output(verb: string, path: string, text: string, flags: number): this {
    this.bench.engine.transact([verb, path], () => {
      const file = this.#open(path, flags);
      const bytes = Buffer.from(text, 'latin1');
      if (bytes.length > 0) write(file, bytes, 0, bytes.length, null);
      close(file);
    });
    return this;
  }

  #open(path: string, flags: number): OpenFile {
    const file = open(this.caller, this.caller.cwd, path, flags, 0o644);
    if (typeof file === 'number') throw new Error(`open ${path}: ${file}`);
    return file;
  }

  #check(result: number, what: string): this {
    if (result < 0) throw new Error(`${what}: ${result}`);
    return this;
  }
}

export const digestOf = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`;

function addEntry(builder: LayerSink, path: string, value: string | null): void {
  const attributes = { uid: 0, gid: 0, mtimeNs: START_NS, xattrs: [] };
  if (value === null) return builder.entry({ kind: 'whiteout', path });
  if (path.endsWith('/')) {
    const directory = path.slice(0, -1);
    builder.entry({ kind: 'dir', path: directory, size: 0, mode: 0o755, ...attributes });
    if (value === 'opaque') builder.entry({ kind: 'opaque', path: directory });
    return;
  }
  if (value.startsWith('->')) {
    return builder.entry({ kind: 'symlink', path, target: value.slice(2), mode: 0o777, ...attributes });
  }
  if (value.startsWith('=')) return builder.entry({ kind: 'hardlink', path, target: value.slice(1) });
  const bytes = Buffer.from(value, 'latin1');
  builder.entry({ kind: 'file', path, size: bytes.length, mode: 0o644, ...attributes });
  builder.data(bytes);
}
