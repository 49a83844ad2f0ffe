/**
 * JSON documents. Times and other int64 numbers are decimal strings, bytes base64, Maps objects. A name that is not UTF-8
 * keeps its bytes as lone surrogates (\udc80 … \udcff), as Python's surrogateescape writes them.
 */
export function toJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, plain, indent);
}

function plain(this: unknown, _: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Map) return Object.fromEntries(value);
  if (value instanceof Set) return [...value];
  if (isBufferJson(value)) return Buffer.from(value.data).toString('base64');
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  return value;
}

/** A Buffer has become this before a replacer sees it. */
function isBufferJson(value: unknown): value is { data: number[] } {
  return (
    typeof value === 'object' && value !== null && (value as { type?: unknown }).type === 'Buffer' && 'data' in value
  );
}
