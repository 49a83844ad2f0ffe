/**
 * What `docker events --format json` and `podman events --format json` print, one object a line, as marks on the timeline.
 *
 *     {"Type":"container","Action":"die","Actor":{"ID":"4f…","Attributes":{"name":"web","exitCode":"0"}},"timeNano":1700000000123456789}
 *     {"Name":"web","Status":"died","Time":"2024-01-01T10:00:00.123456789+01:00","Type":"container","Image":"app:1"}
 *
 * They tell of the life cycle only, so nothing of them is replayed.
 */

import { storeError } from '../events/log-error.ts';
import type { LogEvent } from '../events/event.ts';
import { parseDateNs } from './at-time.ts';

export type Mark = Extract<LogEvent, { type: 'MarkAdded' }>;

/**
 * The marks of a listing, in its order.
 *
 * @throws `ERR_LOG_IMPORT` with the line that is not one of these events.
 */
export function parseEngineEvents(text: string, file: string): Mark[] {
  const marks: Mark[] = [];
  text.split('\n').forEach((line, index) => {
    if (line.trim() === '') return;
    const mark = markOf(line);
    if (mark === null) {
      const message = `${file}: line ${index + 1} is not an event of docker events or podman events in JSON`;
      throw storeError('ERR_LOG_IMPORT', message, { detail: { file, line: index + 1 } });
    }
    marks.push(mark);
  });
  return marks;
}

function markOf(line: string): Mark | null {
  const event = objectIn(line);
  if (event === null) return null;
  const actor = objectOf(event['Actor']);
  const isDocker = actor !== null && typeof event['Action'] === 'string';
  const action = isDocker ? event['Action'] : event['Status'];
  const type = event['Type'];
  const timeNs = timeOf(event, line);
  if (typeof action !== 'string' || typeof type !== 'string' || timeNs === null) return null;
  const attributes = {
    ...texts(objectOf(event['Attributes'])),
    ...texts(objectOf(actor?.['Attributes'])),
    ...texts({ id: actor?.['ID'] ?? event['ID'], name: event['Name'], image: event['Image'] ?? event['from'] }),
    ...texts({ exitCode: event['ContainerExitCode'] }),
  };
  const name = attributes['name'] ?? attributes['id']?.slice(0, 12) ?? '';
  return {
    type: 'MarkAdded',
    source: isDocker ? 'docker' : 'podman',
    timeNs,
    text: `${type} ${action}${name === '' ? '' : ` ${name}`}`,
    attributes: Object.entries(attributes).toSorted(([a], [b]) => (a < b ? -1 : 1)),
  };
}

/** A number of nanoseconds is larger than JSON.parse keeps exactly: it is read from the text. */
function timeOf(event: Readonly<Record<string, unknown>>, line: string): bigint | null {
  const nano = /"timeNano"\s*:\s*(\d{1,19})/.exec(line);
  if (nano !== null) return BigInt(nano[1]);
  const { time, Time } = event;
  if (typeof time === 'number' && Number.isSafeInteger(time)) return BigInt(time) * 1_000_000_000n;
  return typeof Time === 'string' ? parseDateNs(Time) : null;
}

function objectIn(line: string): Readonly<Record<string, unknown>> | null {
  try {
    return objectOf(JSON.parse(line));
  } catch {
    return null;
  }
}

const objectOf = (value: unknown): Readonly<Record<string, unknown>> | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;

/** Those members that say something, as text. */
function texts(members: Readonly<Record<string, unknown>> | null): Record<string, string> {
  const said = Object.entries(members ?? {}).filter(
    ([, value]) => (typeof value === 'string' && value !== '') || typeof value === 'number',
  );
  return Object.fromEntries(said.map(([key, value]) => [key, String(value)]));
}
