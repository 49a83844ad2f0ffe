/** Mounts as `docker run` spells them: `-v VOLUME:PATH[:ro,nocopy]` and `--mount type=…,source=…,target=…`. */

import type { ScenarioMount } from './scenario.ts';

/**
 * Reads the value of `-v`.
 *
 * @returns The mount, or in words what is wrong with the text.
 */
export function parseVolumeFlag(text: string): ScenarioMount | string {
  const parts = text.split(':');
  const form = 'VOLUME:PATH[:ro,nocopy], /HOST/PATH:PATH or PATH';
  if (parts.length > 3 || parts.some((part) => part === '')) return form;
  if (parts.length === 1) return absolute({ type: 'volume', source: null, target: parts[0] }, []) ?? form;
  const type = parts[0].startsWith('/') ? 'bind' : 'volume';
  return absolute({ type, source: parts[0], target: parts[1] }, parts[2]?.split(',') ?? []) ?? form;
}

/**
 * Reads the value of `--mount`.
 *
 * @returns The mount, or in words what is wrong with the text.
 */
export function parseMountFlag(text: string): ScenarioMount | string {
  const form = 'type=volume|bind|tmpfs,source=NAME,target=PATH[,readonly]';
  let type: ScenarioMount['type'] = 'volume';
  let source: string | null = null;
  let target = '';
  const options: string[] = [];
  for (const field of text.split(',')) {
    const equals = field.indexOf('=');
    const key = equals < 0 ? field : field.slice(0, equals);
    const value = equals < 0 ? 'true' : field.slice(equals + 1);
    if (key === 'type') {
      if (value !== 'volume' && value !== 'bind' && value !== 'tmpfs') return form;
      type = value;
    } else if (key === 'source' || key === 'src') source = value;
    else if (key === 'target' || key === 'destination' || key === 'dst') target = value;
    else if (key === 'readonly' || key === 'ro') options.push(...(value === 'false' || value === '0' ? [] : ['ro']));
    else if (key === 'volume-nocopy') options.push(...(value === 'false' || value === '0' ? [] : ['nocopy']));
    else return form;
  }
  if (type === 'bind' && source === null) return 'source=/HOST/PATH with type=bind';
  return absolute({ type, source, target }, options) ?? form;
}

function absolute(
  mount: Pick<ScenarioMount, 'type' | 'source' | 'target'>,
  options: readonly string[],
): ScenarioMount | null {
  const known = ['ro', 'rw', 'nocopy'];
  if (!mount.target.startsWith('/') || !options.every((option) => known.includes(option))) return null;
  return { ...mount, readOnly: options.includes('ro'), noCopy: options.includes('nocopy') };
}
