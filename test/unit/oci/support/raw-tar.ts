/** Writes tar blocks without any check, so that tests can say exactly what is in them. */

export interface RawHeader {
  readonly name?: string | Buffer;
  readonly typeflag?: string;
  readonly size?: number;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: number;
  readonly link?: string | Buffer;
  readonly magic?: string;
  readonly major?: number;
  readonly minor?: number;
  /** Bytes to put somewhere before the checksum is computed. */
  readonly patches?: readonly (readonly [offset: number, bytes: Buffer | string])[];
  /** Sums signed bytes, as old tars did. */
  readonly signed?: boolean;
}

export function header(options: RawHeader): Buffer {
  const block = Buffer.alloc(512);
  Buffer.from(options.name ?? 'f').copy(block, 0, 0, 100);
  octal(block, 100, 8, options.mode ?? 0o644);
  octal(block, 108, 8, options.uid ?? 0);
  octal(block, 116, 8, options.gid ?? 0);
  octal(block, 124, 12, options.size ?? 0);
  octal(block, 136, 12, options.mtime ?? 0);
  block.write(options.typeflag ?? '0', 156, 'latin1');
  Buffer.from(options.link ?? '').copy(block, 157, 0, 100);
  block.write(options.magic ?? 'ustar\x0000', 257, 'latin1');
  if (options.magic !== '') {
    octal(block, 329, 8, options.major ?? 0);
    octal(block, 337, 8, options.minor ?? 0);
  }
  for (const [offset, bytes] of options.patches ?? []) Buffer.from(bytes).copy(block, offset);
  block.fill(0x20, 148, 156);
  let sum = 0;
  for (const byte of block) sum += options.signed === true && byte > 127 ? byte - 256 : byte;
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

const octal = (block: Buffer, start: number, length: number, value: number): void =>
  void block.write(value.toString(8).padStart(length - 1, '0'), start, 'latin1');

export const pad = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);

/** A file with content. */
export function file(name: string | Buffer, content: string | Buffer = '', options: RawHeader = {}): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([header({ ...options, name, size: bytes.length }), pad(bytes)]);
}

/** An extension header: `x`, `g`, `L` or `K`. */
export function extension(typeflag: string, body: Buffer): Buffer {
  return Buffer.concat([header({ name: 'ext', typeflag, size: body.length }), pad(body)]);
}

export function pax(records: readonly (readonly [string, string | Buffer])[], typeflag = 'x'): Buffer {
  return extension(typeflag, Buffer.concat(records.map(([key, value]) => paxRecord(key, value))));
}

export function paxRecord(key: string, value: string | Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value), Buffer.from('\n')]);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length++;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

/** An archive with its end mark. */
export const archive = (...parts: readonly Buffer[]): Buffer => Buffer.concat([...parts, Buffer.alloc(1024)]);
