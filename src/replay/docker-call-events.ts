/** What Docker's daemon reports of one call, in the order in which it does the steps (observed at 20.10.24). */

import type { Cause, ExecEvent, SubjectId } from '../events/event.ts';
import type { ContainerRecord, Registry } from '../projections/registry.ts';
import type { RegistryStep, ToldEvent } from './docker-event.ts';

/** Signals by number, as `kill` reports them. */
const STOP_SIGNAL = '15';

/**
 * @param cause - The call: `stop`, `restart`, `load`, … and its arguments.
 * @param steps - Its events but for those of files.
 */
export function* dockerCallEvents(cause: Cause, steps: readonly RegistryStep[]): Generator<ToldEvent, void> {
  const [operation] = cause;
  const created: SubjectId[] = [];
  const removed: ContainerRecord[] = [];
  let isSignalled = false;
  for (const { event, before, after } of steps) {
    switch (event.type) {
      case 'ContainerCreated':
      case 'ContainerForked':
        created.push(event.container);
        break;
      case 'VolumeCreated':
        // What a new container mounts is told in front of it, once all its mounts are known.
        if (created.length === 0 && event.kind === 'volume') yield volumeEvent('create', event.name);
        break;
      case 'ContainerStarted':
        if (cause.at(-1) === '--attach') yield containerEvent(after, event.container, 'attach');
        yield networkEvent(after, event.container, 'connect');
        yield* mountEvents(after, event.container, 'mount');
        yield containerEvent(after, event.container, 'start');
        if (operation === 'restart') yield containerEvent(after, event.container, 'restart');
        break;
      case 'ContainerPaused':
        yield containerEvent(after, event.container, 'pause');
        break;
      case 'ContainerUnpaused':
        if (STOPPING.has(operation)) {
          isSignalled = true;
          yield containerEvent(before, event.container, 'kill', { signal: STOP_SIGNAL });
        }
        yield containerEvent(after, event.container, 'unpause');
        break;
      case 'ExecCreated':
        yield execEvent(after, event, 'exec_create');
        break;
      case 'ExecStarted':
        yield execEvent(after, event, 'exec_start');
        break;
      case 'ExecEnded': {
        const signal: string | null = isSignalled ? null : endingSignal(operation, event.container, steps);
        if (signal !== null) yield containerEvent(before, event.container, 'kill', { signal });
        isSignalled ||= signal !== null;
        const { exec: execID, exitCode } = event;
        yield containerEvent(after, event.container, 'exec_die', { execID, exitCode: String(exitCode) });
        break;
      }
      case 'ContainerStopped':
        if (!isSignalled && operation !== 'exit')
          yield containerEvent(before, event.container, 'kill', { signal: STOP_SIGNAL });
        isSignalled = false;
        yield containerEvent(after, event.container, 'die', { exitCode: String(event.exitCode) });
        yield networkEvent(after, event.container, 'disconnect');
        yield* mountEvents(after, event.container, 'unmount');
        if (operation !== 'exit') yield containerEvent(after, event.container, 'stop');
        break;
      case 'ContainerKilled':
        if (!isSignalled) yield containerEvent(before, event.container, 'kill', { signal: signalOf(event) });
        isSignalled = false;
        yield containerEvent(after, event.container, 'die', { exitCode: String(event.exitCode) });
        yield networkEvent(after, event.container, 'disconnect');
        yield* mountEvents(after, event.container, 'unmount');
        break;
      case 'ContainerRenamed': {
        const oldName = `/${before.containers.get(event.container)?.name ?? ''}`;
        yield containerEvent(after, event.container, 'rename', { oldName });
        break;
      }
      case 'ContainerRemoved':
        removed.push(before.containers.get(event.container) as ContainerRecord);
        break;
      case 'VolumeRemoved': {
        const volume = before.volumes.get(event.volume);
        if (volume?.kind === 'volume') yield volumeEvent('destroy', volume.name);
        break;
      }
      case 'ContainerCommitted':
        yield containerEvent(after, event.container, 'commit', commitAttributes(after, event.image, steps));
        break;
      case 'ImageAdded':
        if (operation === 'load') yield imageEvent(after, event.image, 'load', event.image);
        break;
      case 'ImageTagged':
        if (operation !== 'load') yield imageEvent(after, event.image, 'tag', event.reference);
        break;
      case 'ImageUntagged': {
        const image = before.tags.get(event.reference) ?? '';
        yield imageEvent(before, image, 'untag', image);
        break;
      }
      case 'ImageRemoved':
        yield { Type: 'image', Action: 'delete', Actor: { ID: event.image, Attributes: { name: event.image } } };
        break;
      case 'StoreCreated':
      case 'LabelSet':
      case 'LabelRemoved':
      case 'CheckpointRecorded':
      case 'HistoryDropped':
      case 'LayerAdded':
      case 'LayerRemoved':
      case 'LayerFramed':
      case 'ContainerRewound':
      case 'NodesRestored':
      case 'MarkAdded':
      case 'QuotaSet':
      case 'VolumePopulated':
      case 'VolumeMounted':
      case 'VolumeUnmounted':
        break; // nothing that Docker reports
    }
  }
  const last = steps.at(-1)?.after;
  for (const container of last === undefined ? [] : created) yield* createEvents(last as Registry, container);
  for (const record of removed) yield eventOf(record, 'destroy', {});
}

/** Operations that end a container by the signal TERM. */
const STOPPING: ReadonlySet<string> = new Set(['stop', 'restart', 'down']);

const signalOf = ({ exitCode }: { readonly exitCode: number }): string => String(exitCode - 128);

/** The signal that ends a container and so the programs beside its first one; null: this one has ended by itself. */
function endingSignal(operation: string, container: SubjectId, steps: readonly RegistryStep[]): string | null {
  for (const { event } of steps) {
    if (event.type === 'ContainerKilled' && event.container === container) return signalOf(event);
  }
  return STOPPING.has(operation) ? STOP_SIGNAL : null;
}

/** Docker puts a space behind the program also where no argument follows (daemon/exec.go). */
function execEvent(registry: Registry, event: ExecOf<'ExecCreated' | 'ExecStarted'>, action: string): ToldEvent {
  const record = registry.containers.get(event.container);
  const [program, ...rest] = record?.execs.find(({ exec }) => exec === event.exec)?.command ?? [];
  return containerEvent(registry, event.container, `${action}: ${program} ${rest.join(' ')}`, { execID: event.exec });
}

type ExecOf<T extends ExecEvent['type']> = Extract<ExecEvent, { type: T }>;

/** Docker asks its driver to create every named volume of a new container, also one that is there. */
function* createEvents(registry: Registry, container: SubjectId): Generator<ToldEvent, void> {
  const record = registry.containers.get(container);
  if (record === undefined) return; // a mount was refused, and it went again
  for (const { volume } of volumeMounts(registry, record)) yield volumeEvent('create', volume);
  yield eventOf(record, 'create', {});
}

function* mountEvents(
  registry: Registry,
  container: SubjectId,
  action: 'mount' | 'unmount',
): Generator<ToldEvent, void> {
  const record = registry.containers.get(container) as ContainerRecord;
  for (const { volume, target, readOnly } of volumeMounts(registry, record)) {
    const more = { destination: target, propagation: '', 'read/write': String(!readOnly) };
    yield volumeEvent(action, volume, { container: record.id, ...(action === 'mount' ? more : {}) });
  }
}

/** The id of Docker's network `none`; a daemon makes one up once and for all. This one is the SHA-256 of the name. */
const NETWORK_NONE = '140bedbf9c3f6d56a9846d2ba7088798683f4da0c248231336e6a05679e4fdfe';

/** A container has no network, which Docker calls being connected to the network `none`. */
function networkEvent(registry: Registry, container: SubjectId, Action: 'connect' | 'disconnect'): ToldEvent {
  const record = registry.containers.get(container) as ContainerRecord;
  const Attributes = { container: record.id, name: 'none', type: 'null' };
  return { Type: 'network', Action, Actor: { ID: NETWORK_NONE, Attributes } };
}

/** Files of the host came into a container. */
export function copyInEvent(record: ContainerRecord): ToldEvent {
  return eventOf(record, 'extract-to-dir', {});
}

function volumeMounts(registry: Registry, record: ContainerRecord) {
  return record.mounts.flatMap(({ volume, target, readOnly }) => {
    const found = registry.volumes.get(volume);
    return found?.kind === 'volume' ? [{ volume: found.name, target, readOnly }] : [];
  });
}

function commitAttributes(registry: Registry, image: string, steps: readonly RegistryStep[]): Record<string, string> {
  const tag = steps.find(({ event }) => event.type === 'ImageTagged')?.event;
  const imageRef = tag?.type === 'ImageTagged' ? tag.reference : '';
  const history = configOf(registry, image)['history'];
  const step: unknown = Array.isArray(history) ? history.at(-1) : undefined;
  const comment = (step as { comment?: unknown } | undefined)?.comment;
  return { comment: typeof comment === 'string' ? comment : '', imageID: image, imageRef };
}

function containerEvent(
  registry: Registry,
  container: SubjectId,
  action: string,
  more: Readonly<Record<string, string>> = {},
): ToldEvent {
  return eventOf(registry.containers.get(container) as ContainerRecord, action, more);
}

function eventOf(record: ContainerRecord, Action: string, more: Readonly<Record<string, string>>): ToldEvent {
  const { id: ID, name, reference: image } = record;
  const Attributes = sorted({ ...Object.fromEntries(record.labels), image, name, ...more });
  return { from: image, Type: 'container', Action, Actor: { ID, Attributes } };
}

function volumeEvent(Action: string, name: string, more: Readonly<Record<string, string>> = {}): ToldEvent {
  return { Type: 'volume', Action, Actor: { ID: name, Attributes: sorted({ driver: 'local', ...more }) } };
}

function imageEvent(registry: Registry, image: string, Action: string, name: string): ToldEvent {
  const config = configOf(registry, image)['config'] as { Labels?: Record<string, string> | null } | undefined;
  return { Type: 'image', Action, Actor: { ID: image, Attributes: sorted({ ...config?.Labels, name }) } };
}

/** An image's config; what is not JSON counts as empty, as elsewhere. */
function configOf(registry: Registry, image: string): Readonly<Record<string, unknown>> {
  const config = registry.images.get(image)?.config;
  try {
    return (JSON.parse(Buffer.from(config ?? []).toString('utf8')) ?? {}) as Record<string, unknown>;
  } catch {
    return {};
  }
}

/** Docker's JSON has the keys of a map in order. */
function sorted(attributes: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(attributes).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
