/** Mounts as callers ask for them, also in the spelling of Docker's `-v` and `--mount`. */

import { posix, resolve } from 'node:path';
import { storeError } from '../events/log-error.ts';

export type MountRequest =
  | {
      readonly type: 'volume';
      /** Name; the volume is made when it is not there. Left out: an anonymous one. */
      readonly source?: string;
      readonly target: string;
      readonly readOnly?: boolean;
      /** Do not copy image content into the empty volume. */
      readonly noCopy?: boolean;
    }
  /**
   * A bind is a copy in the log that follows the host and is followed by it: what the container writes is written on the
   * host at once; what others write on the host is seen at the container's next start. Extended attributes and device
   * nodes stay in the log, and where the host refuses a write, the store warns and the log is ahead until that start.
   */
  | {
      readonly type: 'bind';
      /** A directory or file of the host. */
      readonly source: string;
      readonly target: string;
      readonly readOnly?: boolean;
      /** Make a missing source, as a directory. Default false. */
      readonly createSource?: boolean;
    }
  | {
      readonly type: 'tmpfs';
      readonly target: string;
      readonly readOnly?: boolean;
      /** Default: that of the covered directory. */
      readonly mode?: number;
    };

/**
 * Reads `-v`: `[SOURCE:]TARGET[:OPTIONS]`. A source with a slash or dot in front is a host path, another one a volume.
 *
 * @throws `ERR_INVALID_ARGUMENT`.
 */
export function parseVolumeOption(text: string): MountRequest {
  const parts = text.split(':');
  if (parts.length > 3 || parts.some((part) => part === ''))
    throw invalid('-v', text, 'it is [SOURCE:]TARGET[:OPTIONS]');
  if (parts.length === 1) return { type: 'volume', target: text };
  const [source, target, list = ''] = parts;
  const options = new Set(list === '' ? [] : list.split(','));
  for (const option of options) {
    if (!VOLUME_OPTIONS.has(option)) throw invalid('-v', text, `there is no option "${option}"`);
  }
  const readOnly = options.has('ro');
  if (!/^[./~]/.test(source)) return { type: 'volume', source, target, readOnly, noCopy: options.has('nocopy') };
  if (options.has('nocopy')) throw invalid('-v', text, 'nocopy is for volumes');
  return { type: 'bind', source: resolve(source), target, readOnly, createSource: true };
}

/** Understood; those about labels, propagation and consistency of a host mean nothing here. */
const VOLUME_OPTIONS: ReadonlySet<string> = new Set(
  'ro rw nocopy z Z shared rshared slave rslave private rprivate cached delegated consistent'.split(' '),
);

/**
 * Reads `--mount`: `type=volume|bind|tmpfs,source=…,target=…[,readonly][,volume-nocopy][,tmpfs-mode=1770]`.
 *
 * @throws `ERR_INVALID_ARGUMENT`.
 */
export function parseMountOption(text: string): MountRequest {
  const fields = new Map<string, string>();
  for (const field of text.split(',')) {
    const [key, ...value] = field.split('=');
    const name = MOUNT_KEYS.get(key.trim().toLowerCase());
    if (name === undefined) throw invalid('--mount', text, `there is no field "${key}"`);
    if (name !== '') fields.set(name, value.length === 0 ? 'true' : value.join('='));
  }
  const type = fields.get('type') ?? 'volume';
  const target = fields.get('target');
  const source = fields.get('source');
  if (target === undefined) throw invalid('--mount', text, 'the target is missing');
  const readOnly = isTrue(fields.get('readonly'));
  switch (type) {
    case 'volume':
      return { type, target, readOnly, noCopy: isTrue(fields.get('nocopy')), ...(source !== undefined && { source }) };
    case 'bind':
      if (source === undefined) throw invalid('--mount', text, 'the source is missing');
      return { type, source: resolve(source), target, readOnly };
    case 'tmpfs': {
      if (source !== undefined) throw invalid('--mount', text, 'a tmpfs has no source');
      const mode = fields.get('mode');
      if (mode !== undefined && !/^[0-7]{1,5}$/.test(mode)) throw invalid('--mount', text, `"${mode}" is not a mode`);
      return { type, target, readOnly, ...(mode !== undefined && { mode: Number.parseInt(mode, 8) & 0o7777 }) };
    }
    default:
      throw invalid('--mount', text, `there is no type "${type}"`);
  }
}

/** Spellings of the fields; '' for those that mean nothing here. */
const MOUNT_KEYS: ReadonlyMap<string, string> = new Map([
  ['type', 'type'],
  ['source', 'source'],
  ['src', 'source'],
  ['target', 'target'],
  ['dst', 'target'],
  ['destination', 'target'],
  ['readonly', 'readonly'],
  ['ro', 'readonly'],
  ['volume-nocopy', 'nocopy'],
  ['tmpfs-mode', 'mode'],
  ['tmpfs-size', ''],
  ['volume-driver', ''],
  ['bind-propagation', ''],
  ['consistency', ''],
]);

const isTrue = (value: string | undefined): boolean => value === 'true' || value === '1';

/**
 * Checks a container's mounts and puts them into the order in which they are made: short targets first.
 *
 * @throws `ERR_INVALID_ARGUMENT` for a target that is not absolute, is `/`, or comes twice.
 */
export function orderMounts(requests: readonly MountRequest[]): MountRequest[] {
  const seen = new Set<string>();
  const ordered = requests.map((request) => {
    const target = posix.normalize(request.target).replace(/(?<=.)\/+$/, '');
    if (!target.startsWith('/') || target.includes('\0')) throw badTarget(request.target, 'it is not an absolute path');
    if (target === '/') throw badTarget(request.target, 'the root can not be covered');
    if (seen.has(target)) throw badTarget(target, 'it comes twice');
    seen.add(target);
    return { ...request, target };
  });
  const depth = ({ target }: MountRequest): number => target.split('/').length;
  return ordered.toSorted((a, b) => depth(a) - depth(b));
}

function badTarget(target: string, reason: string): Error {
  return storeError('ERR_INVALID_ARGUMENT', `"${target}" is not a mount target: ${reason}`, { detail: { target } });
}

function invalid(option: string, text: string, reason: string): Error {
  return storeError('ERR_INVALID_ARGUMENT', `${option} ${text}: ${reason}`, { detail: { option, text } });
}
