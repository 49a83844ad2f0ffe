/** Tests of a container as a user spells them: `exists /a`, `contains /a text`, `size /a > 1MB`, `upper > 5MB`. */

import type { ContainerView } from '../index.ts';
import { usageError } from './exit-codes.ts';

export type Expression = (container: ContainerView) => boolean;

const FORMS = 'exists PATH, missing PATH, contains PATH TEXT, size PATH > SIZE, upper > SIZE';

const COMPARISONS: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '=': (a, b) => a === b,
};

/** Base 1000, as Docker prints sizes. */
const UNITS: Readonly<Record<string, number>> = { '': 1, b: 1, kb: 1e3, mb: 1e6, gb: 1e9, tb: 1e12 };

/** @throws a usage error for another form. */
export function parseExpression(text: string): Expression {
  const match =
    /^\s*(?:(exists|missing)\s+(\S+)|(contains)\s+(\S+)\s+(.+?)|(size)\s+(\S+)\s*(>=?|<=?|=)\s*(\S+)|(upper)\s*(>=?|<=?|=)\s*(\S+))\s*$/s.exec(
      text,
    );
  if (match === null) throw usageError(`"${text}" is not an expression: ${FORMS}`);
  const [, existence, path, contains, file, part, size, sized, operator, limit, upper, upperOperator, upperLimit] =
    match;
  if (existence !== undefined) return ({ fs }) => isThere(fs, path) === (existence === 'exists');
  if (contains !== undefined) return ({ fs }) => isThere(fs, file) && fs.readFileSync(file).includes(part);
  if (size !== undefined) {
    const bytes = bytesOf(limit);
    return ({ fs }) => COMPARISONS[operator](isThere(fs, sized) ? fs.statSync(sized).size : 0, bytes);
  }
  if (upper !== undefined) {
    const bytes = bytesOf(upperLimit);
    return (container) => COMPARISONS[upperOperator](container.sizes().sizeRwBytes, bytes);
  }
  throw usageError(`"${text}" is not an expression: ${FORMS}`);
}

const isThere = (fs: ContainerView['fs'], path: string): boolean =>
  fs.lstatSync(path, { throwIfNoEntry: false }) !== undefined;

function bytesOf(text: string): number {
  const match = /^(\d+(?:\.\d+)?)([a-z]*)$/i.exec(text);
  const unit = match === null ? undefined : UNITS[match[2].toLowerCase()];
  if (match === null || unit === undefined) throw usageError(`"${text}" is not a size, such as 5MB or 1200`);
  return Number(match[1]) * unit;
}
