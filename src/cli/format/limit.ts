/** Limits as people write them: `10m`, `2g`, `none`. */

import { usageError } from '../exit-codes.ts';
import { type Options, textOption } from '../options.ts';

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** Bytes, as Docker reads a `--storage-opt size`: units of 1024. Null: none; undefined: not given. */
export function sizeLimit(options: Options, name: string): number | null | undefined {
  const text = textOption(options, name);
  if (text === undefined) return undefined;
  if (text === 'none') return null;
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?$/i.exec(text);
  if (match === null) throw usageError(`--${name} is a size such as 512k, 10m or 2g, or none, not "${text}"`);
  return Math.floor(Number(match[1]) * UNITS[match[2].toLowerCase()]);
}

export function countLimit(options: Options, name: string): number | null | undefined {
  const text = textOption(options, name);
  if (text === undefined) return undefined;
  if (text === 'none') return null;
  if (!/^\d+$/.test(text)) throw usageError(`--${name} is a number, or none, not "${text}"`);
  return Number(text);
}
