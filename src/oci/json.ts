import { sourceError } from './source-place.ts';
import type { SourcePlace } from './source-place.ts';

/** Bytes of a manifest or index; registries take no more than 4 MiB (OCI distribution-spec, "Pushing Manifests"). */
export const MANIFEST_BYTES_MAX = 4 * 2 ** 20;

/** Bytes of an image config. */
export const CONFIG_BYTES_MAX = 16 * 2 ** 20;

const JSON_DEPTH_MAX = 64;

export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Parses a JSON document of an image.
 *
 * @param what - What it is, for the error, e.g. `index.json`.
 * @throws StoreError `ERR_OCI_CORRUPT` if it is not UTF-8 (a byte order mark is none of it, RFC 8259 §8.1), not JSON or nested deeper than 64 levels.
 */
export function parseJson(bytes: Uint8Array, what: string, place: SourcePlace): unknown {
  if (jsonDepth(bytes) > JSON_DEPTH_MAX) {
    throw sourceError('ERR_OCI_CORRUPT', `${what} is nested deeper than ${JSON_DEPTH_MAX} levels`, place);
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)) as unknown;
  } catch (error) {
    throw sourceError('ERR_OCI_CORRUPT', `${what} is not JSON`, place, error);
  }
}

/** Parses a document that must be an object. */
export function parseJsonObject(bytes: Uint8Array, what: string, place: SourcePlace): JsonObject {
  const value = parseJson(bytes, what, place);
  if (!isJsonObject(value)) throw sourceError('ERR_OCI_CORRUPT', `${what} is not a JSON object`, place);
  return value;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An array member; an absent or null one is empty (Go writes empty slices as null). */
export function jsonArray(object: JsonObject, key: string, what: string, place: SourcePlace): readonly unknown[] {
  const value = object[key] ?? [];
  if (!Array.isArray(value)) throw sourceError('ERR_OCI_CORRUPT', `${what}: "${key}" is not an array`, place);
  return value;
}

/** A string member, or null if it is absent. */
export function jsonString(object: JsonObject, key: string): string | null {
  const value = object[key];
  return typeof value === 'string' ? value : null;
}

/** An object member, or an empty one if it is absent. */
export function jsonMember(object: JsonObject, key: string): JsonObject {
  const value = object[key];
  return isJsonObject(value) ? value : {};
}

/** The deepest nesting of brackets outside of strings. */
function jsonDepth(bytes: Uint8Array): number {
  let depth = 0;
  let deepest = 0;
  let isText = false;
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index];
    if (isText) {
      if (byte === 0x5c) index++;
      else if (byte === 0x22) isText = false;
    } else if (byte === 0x22) {
      isText = true;
    } else if (byte === 0x5b || byte === 0x7b) {
      depth++;
      if (depth > deepest) deepest = depth;
    } else if (byte === 0x5d || byte === 0x7d) {
      depth--;
    }
  }
  return deepest;
}
