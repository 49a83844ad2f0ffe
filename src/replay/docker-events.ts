/**
 * The life cycle as `docker events` tells it (SEM-2.7): what the log says of images, containers and volumes, in Docker's
 * words and in Docker's order. No container has a network, which to Docker is being connected to the network `none`. What only
 * reads is not in the log, and events of files are not Docker's at all.
 *
 * Docker reports what its daemon did on the way: a stop is `kill`, `die`, `stop`. The log has one event for it, and the
 * operation that caused it. So events are told call by call; one call may have written several transactions.
 */

import type { Cause, SubjectId, Transaction } from '../events/event.ts';
import { isFileEvent } from '../events/file-event.ts';
import { applyToRegistry, type ContainerRecord, type Registry, withFork } from '../projections/registry.ts';
import { copyInEvent, dockerCallEvents } from './docker-call-events.ts';
import { COPY_FROM_HOST, type DockerEvent, type RegistryStep, type ToldEvent } from './docker-event.ts';

/**
 * Tells transactions as Docker's events.
 *
 * @param registry - What there was before the first of them.
 * @param containerAt - A container as it was after an event, for forks.
 */
export function* dockerEvents(
  registry: Registry,
  transactions: Iterable<Transaction>,
  containerAt: (container: SubjectId, seq: number) => ContainerRecord | undefined,
): Generator<DockerEvent, void> {
  let now = registry;
  let call: Transaction[] = [];
  const tell = function* (): Generator<DockerEvent, void> {
    if (call.length === 0) return;
    const steps: RegistryStep[] = [];
    for (const transaction of call) {
      transaction.events.forEach((event, at) => {
        if (isFileEvent(event)) return;
        const before = now;
        const seq = transaction.seq + at;
        const source = event.type === 'ContainerForked' ? containerAt(event.from, event.at) : undefined;
        now =
          event.type === 'ContainerForked' && source !== undefined
            ? withFork(now, source, event, seq)
            : applyToRegistry(now, event, seq, transaction.timeNs);
        steps.push({ event, before, after: now });
      });
    }
    const [{ cause, subject, timeNs }] = call;
    const copied = isCopyIn(cause) ? now.containers.get(subject) : undefined;
    if (copied !== undefined) yield timed(copyInEvent(copied), timeNs);
    for (const told of dockerCallEvents(cause, steps)) yield timed(told, timeNs);
    call = [];
  };
  for (const transaction of transactions) {
    if (call.length > 0 && !isSameCall(call[0], transaction)) yield* tell();
    call.push(transaction);
  }
  yield* tell();
}

/** The transactions of one call have one cause and one time. */
function isSameCall(a: Transaction, b: Transaction): boolean {
  return (
    a.timeNs === b.timeNs && a.cause.length === b.cause.length && a.cause.every((part, at) => part === b.cause[at])
  );
}

/** `overlog cp` says where its source was; a copy inside the container is no event of Docker's. */
const isCopyIn = (cause: Cause): boolean => cause[0] === 'cp' && cause.at(-1) === COPY_FROM_HOST;

function timed({ Type, Action, Actor, from }: ToldEvent, timeNano: bigint): DockerEvent {
  const head = Type === 'volume' || Type === 'network' ? {} : { status: Action, id: Actor.ID };
  const origin = from === undefined ? {} : { from };
  const nanoseconds = ((timeNano % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  const time = Number((timeNano - nanoseconds) / 1_000_000_000n);
  return { ...head, ...origin, Type, Action, Actor, scope: 'local', time, timeNano };
}

/** An event as one line of JSON, byte for byte in Docker's form; `timeNano` is a number of 19 digits. */
export function dockerEventJson(event: DockerEvent): string {
  const { timeNano, ...rest } = event;
  return `${JSON.stringify(rest).slice(0, -1)},"timeNano":${timeNano}}`;
}
