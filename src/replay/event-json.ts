/**
 * Transactions as JSON, for exchange with programs that know nothing of the log's own format.
 *
 * Every field is explicit and has one form: whole numbers as numbers, times as decimal strings (they exceed 2^53), bytes as
 * base64, texts as strings, or as `{"b64": …}` where their bytes are not UTF-8. Reading is total: whatever is not exactly
 * of this form is refused with what and where.
 */

import type { Cause, StoreEvent, Transaction } from '../events/event.ts';
import { decodeName, encodeName, NAME_BYTES_MAX, nameBytes } from '../events/name.ts';
import { FILE_BYTES_MAX } from '../projections/tree/content.ts';
import { TRIE_KEY_MAX } from '../projections/tree/trie.ts';
import { EVENT_FIELDS, type EventType, type FieldKind } from './event-fields.ts';

/** What JSON.stringify writes as it is. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** A value that does not have the form; the message says which and where. Callers add file and line. */
export class JsonFormError extends Error {}

export function transactionToJson(transaction: Transaction): Readonly<Record<string, Json>> {
  const { seq, timeNs, subject, cause, group, actor, events } = transaction;
  return {
    seq,
    timeNs: String(timeNs),
    subject,
    cause: cause.map(causeToJson),
    group: group === null ? null : textToJson(group),
    actor: actor === null ? null : textToJson(actor),
    events: events.map(eventToJson),
  };
}

export function eventToJson(event: StoreEvent): Readonly<Record<string, Json>> {
  const json: Record<string, Json> = { type: event.type };
  const fields = event as unknown as Readonly<Record<string, unknown>>;
  for (const [field, kind] of Object.entries(EVENT_FIELDS[event.type])) {
    json[field] = fieldToJson(kind, fields[field]);
  }
  return json;
}

/** @throws {@link JsonFormError} */
export function transactionFromJson(json: unknown): Transaction {
  const fields = objectOf(json, ['seq', 'timeNs', 'subject', 'cause', 'group', 'actor', 'events'], 'transaction');
  const events = listOf(fields.events, 'events').map((event, index) => eventFromJson(event, `events[${index}]`));
  if (events.length === 0) throw new JsonFormError('events is empty');
  return {
    seq: intOf(fields.seq, 'seq', 1),
    timeNs: timeOf(fields.timeNs, 'timeNs'),
    subject: intOf(fields.subject, 'subject'),
    cause: causeOf(fields.cause),
    group: fields.group === null ? null : textOf(fields.group, 'group'),
    actor: fields.actor === null ? null : textOf(fields.actor, 'actor'),
    events,
  };
}

/** @throws {@link JsonFormError} */
export function eventFromJson(json: unknown, where = 'event'): StoreEvent {
  const type: unknown = typeof json === 'object' && json !== null ? (json as { type?: unknown }).type : undefined;
  if (typeof type !== 'string' || !Object.hasOwn(EVENT_FIELDS, type)) {
    throw new JsonFormError(`${where} has no known type`);
  }
  const kinds = Object.entries(EVENT_FIELDS[type as EventType]);
  const fields = objectOf(json, ['type', ...kinds.map(([field]) => field)], where);
  const event: Record<string, unknown> = { type };
  for (const [field, kind] of kinds) event[field] = fieldFromJson(kind, fields[field], `${where}.${field}`);
  return event as unknown as StoreEvent;
}

function fieldToJson(kind: FieldKind, value: unknown): Json {
  switch (kind) {
    case 'time':
    case 'timeOrNull':
      return value === null ? null : (value as bigint).toString();
    case 'text':
    case 'textOrNull':
    case 'name':
      return value === null ? null : textToJson(value as string);
    case 'texts':
    case 'names':
      return (value as readonly string[]).map(textToJson);
    case 'pairs':
      return (value as readonly (readonly string[])[]).map((pair) => pair.map(textToJson));
    case 'bytes':
      return base64(value as Uint8Array);
    case 'profile': {
      const { redirectDir, index, metacopy } = value as Record<(typeof PROFILE)[number], boolean>;
      return { redirectDir, index, metacopy };
    }
    case 'int':
    case 'intOrNull':
    case 'signed':
    case 'ino':
    case 'extent':
    case 'flag':
    case 'chunks':
    case 'pieces':
    case 'nodes':
    case 'inos':
    case 'ints':
    case 'volumeKind':
      return value as Json;
  }
}

function fieldFromJson(kind: FieldKind, json: unknown, where: string): unknown {
  switch (kind) {
    case 'int':
      return intOf(json, where);
    case 'intOrNull':
      return json === null ? null : intOf(json, where);
    case 'signed':
      return intOf(json, where, Number.MIN_SAFE_INTEGER);
    case 'ino':
      return intOf(json, where, 0, TRIE_KEY_MAX);
    case 'extent':
      return intOf(json, where, 0, FILE_BYTES_MAX);
    case 'time':
      return timeOf(json, where);
    case 'timeOrNull':
      return json === null ? null : timeOf(json, where);
    case 'text':
      return textOf(json, where);
    case 'textOrNull':
      return json === null ? null : textOf(json, where);
    case 'name':
      return nameOf(json, where);
    case 'texts':
      return listOf(json, where).map((item, index) => textOf(item, `${where}[${index}]`));
    case 'pairs':
      return listOf(json, where).map((item, index) => pairOf(item, `${where}[${index}]`));
    case 'bytes':
      // A copy: small buffers are views of a pool, which they would keep.
      return new Uint8Array(bytesOf(json, where));
    case 'flag':
      return flagOf(json, where);
    case 'chunks':
      return listOf(json, where).map((item, index) => intOf(item, `${where}[${index}]`, 1));
    case 'pieces':
    case 'nodes':
      return triplesOf(json, where);
    case 'inos':
      return listOf(json, where).map((item, index) => intOf(item, `${where}[${index}]`, 0, TRIE_KEY_MAX));
    case 'ints':
      return listOf(json, where).map((item, index) => intOf(item, `${where}[${index}]`));
    case 'names':
      return listOf(json, where).map((item, index) => nameOf(item, `${where}[${index}]`));
    case 'profile': {
      const fields = objectOf(json, PROFILE, where);
      return Object.fromEntries(PROFILE.map((name) => [name, flagOf(fields[name], `${where}.${name}`)]));
    }
    case 'volumeKind':
      if (json === 'volume' || json === 'bind' || json === 'tmpfs') return json;
      throw new JsonFormError(`${where} is not a kind of volume`);
  }
}

const PROFILE = ['redirectDir', 'index', 'metacopy'] as const;

const textToJson = (text: string): Json => (text.isWellFormed() ? text : { b64: base64(encodeName(text)) });

export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

/** Arguments of a cause: JSON has no NaN and no infinities. */
function causeToJson(value: string | number): Json {
  if (typeof value === 'string') return textToJson(value);
  return Number.isFinite(value) ? value : { number: String(value) };
}

function causeOf(json: unknown): Cause {
  const [operation, ...args] = listOf(json, 'cause');
  const cause: [string, ...(string | number)[]] = [textOf(operation, 'cause[0]')];
  args.forEach((arg, index) => {
    const where = `cause[${index + 1}]`;
    if (typeof arg === 'number') cause.push(arg);
    else if (typeof arg === 'object' && arg !== null && 'number' in arg) cause.push(specialNumberOf(arg, where));
    else cause.push(textOf(arg, where));
  });
  return cause;
}

function specialNumberOf(json: object, where: string): number {
  const { number } = objectOf(json, ['number'], where);
  if (number === 'NaN' || number === 'Infinity' || number === '-Infinity') return Number(number);
  throw new JsonFormError(`${where} is not a number`);
}

/** An object with exactly these keys. */
export function objectOf(json: unknown, keys: readonly string[], where: string): Readonly<Record<string, unknown>> {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new JsonFormError(`${where} is not an object`);
  }
  for (const key of keys) if (!Object.hasOwn(json, key)) throw new JsonFormError(`${where} lacks ${key}`);
  for (const key of Object.keys(json)) {
    if (!keys.includes(key)) throw new JsonFormError(`${where} has an unknown field ${JSON.stringify(key)}`);
  }
  return json as Readonly<Record<string, unknown>>;
}

function listOf(json: unknown, where: string): readonly unknown[] {
  if (Array.isArray(json)) return json;
  throw new JsonFormError(`${where} is not a list`);
}

export function intOf(json: unknown, where: string, min = 0, max = Number.MAX_SAFE_INTEGER): number {
  if (typeof json === 'number' && Number.isSafeInteger(json) && json >= min && json <= max) return json;
  throw new JsonFormError(`${where} is not a whole number from ${min} to ${max}`);
}

function flagOf(json: unknown, where: string): boolean {
  if (typeof json === 'boolean') return json;
  throw new JsonFormError(`${where} is not true or false`);
}

const INT64_MAX = 2n ** 63n - 1n;

function timeOf(json: unknown, where: string): bigint {
  if (typeof json === 'string' && /^(0|-?[1-9]\d{0,18})$/.test(json)) {
    const time = BigInt(json);
    if (time <= INT64_MAX && time >= -INT64_MAX - 1n) return time;
  }
  throw new JsonFormError(`${where} is not a time: nanoseconds as a decimal string`);
}

function textOf(json: unknown, where: string): string {
  if (typeof json === 'string' && json.isWellFormed()) return json;
  if (typeof json === 'object' && json !== null) {
    const text = decodeName(bytesOf(objectOf(json, ['b64'], where).b64, where));
    if (!text.isWellFormed()) return text;
  }
  throw new JsonFormError(`${where} is not a text: a string, or {"b64": …} where its bytes are not UTF-8`);
}

function nameOf(json: unknown, where: string): string {
  const name = textOf(json, where);
  if (/[/\0]/.test(name) || name === '.' || name === '..' || nameBytes(name) > NAME_BYTES_MAX) {
    throw new JsonFormError(`${where} is not the name of a directory entry`);
  }
  return name;
}

function pairOf(json: unknown, where: string): readonly [string, string] {
  const pair = listOf(json, where);
  if (pair.length !== 2) throw new JsonFormError(`${where} is not a pair`);
  return [textOf(pair[0], where), textOf(pair[1], where)];
}

export function bytesOf(json: unknown, where: string): Buffer {
  if (typeof json === 'string') {
    const bytes = Buffer.from(json, 'base64');
    if (bytes.toString('base64') === json) return bytes;
  }
  throw new JsonFormError(`${where} is not base64`);
}

function triplesOf(json: unknown, where: string): number[] {
  const numbers = listOf(json, where).map((item, index) => intOf(item, `${where}[${index}]`));
  if (numbers.length % 3 !== 0) throw new JsonFormError(`${where} is not triples`);
  return numbers;
}
