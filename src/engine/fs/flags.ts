/** The flags of `open`: Node's strings, or numbers. */

import { O_APPEND, O_CREAT, O_EXCL, O_RDONLY, O_RDWR, O_SYNC, O_TRUNC, O_WRONLY } from '../open-files.ts';
import { validateInt32 } from './arguments.ts';
import { invalidArgValue } from './node-errors.ts';

const WRITE = O_TRUNC | O_CREAT | O_WRONLY;
const WRITE_READ = O_TRUNC | O_CREAT | O_RDWR;
const APPEND = O_APPEND | O_CREAT | O_WRONLY;
const APPEND_READ = O_APPEND | O_CREAT | O_RDWR;

/** @throws `ERR_INVALID_ARG_VALUE` for an unknown string or type, `ERR_OUT_OF_RANGE` for a number that is no int32. */
export function parseFlags(flags: unknown, name = 'flags'): number {
  if (typeof flags === 'number') {
    validateInt32(flags, name);
    return flags;
  }
  if (flags === undefined || flags === null) return O_RDONLY;
  switch (flags) {
    case 'r':
      return O_RDONLY;
    case 'rs':
    case 'sr':
      return O_RDONLY | O_SYNC;
    case 'r+':
      return O_RDWR;
    case 'rs+':
    case 'sr+':
      return O_RDWR | O_SYNC;
    case 'w':
      return WRITE;
    case 'wx':
    case 'xw':
      return WRITE | O_EXCL;
    case 'w+':
      return WRITE_READ;
    case 'wx+':
    case 'xw+':
      return WRITE_READ | O_EXCL;
    case 'a':
      return APPEND;
    case 'ax':
    case 'xa':
      return APPEND | O_EXCL;
    case 'as':
    case 'sa':
      return APPEND | O_SYNC;
    case 'a+':
      return APPEND_READ;
    case 'ax+':
    case 'xa+':
      return APPEND_READ | O_EXCL;
    case 'as+':
    case 'sa+':
      return APPEND_READ | O_SYNC;
    default:
      throw invalidArgValue('flags', flags);
  }
}
