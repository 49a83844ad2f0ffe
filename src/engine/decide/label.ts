import type { LogEvent } from '../../events/event.ts';
import { storeError } from '../../events/log-error.ts';
import type { Registry } from '../../projections/registry.ts';

/** Words that mean a point of time by themselves. */
const RESERVED: ReadonlySet<string> = new Set(['start', 'now', 'head']);

/**
 * Names the state after an event. A label that there is moves.
 *
 * @throws `ERR_INVALID_ARGUMENT` for a name that could be read as a point of time.
 */
export function setLabel(registry: Registry, label: string, seq: number): LogEvent[] {
  if (!/^[A-Za-z_][A-Za-z0-9_./-]{0,127}$/.test(label) || label.includes('..') || RESERVED.has(label)) {
    throw storeError(
      'ERR_INVALID_ARGUMENT',
      `"${label}" is not a label: a letter or _, then letters, digits, _ . / -, no "..", not ${[...RESERVED].join(', ')}`,
      { detail: { label } },
    );
  }
  return registry.labels.get(label) === seq ? [] : [{ type: 'LabelSet', label, seq }];
}

/** @throws `ERR_NOT_FOUND`. */
export function removeLabel(registry: Registry, label: string): LogEvent[] {
  if (!registry.labels.has(label)) throw storeError('ERR_NOT_FOUND', `there is no label "${label}"`);
  return [{ type: 'LabelRemoved', label }];
}
