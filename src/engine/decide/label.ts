import type { LogEvent } from '../../events/event.ts';
import { storeError } from '../../events/log-error.ts';
import type { Registry } from '../../projections/registry.ts';

/** Names the state after an event; a label that there is moves. What a label may be called is the matter of the AT grammar. */
export function setLabel(registry: Registry, label: string, seq: number): LogEvent[] {
  return registry.labels.get(label) === seq ? [] : [{ type: 'LabelSet', label, seq }];
}

/** @throws `ERR_NOT_FOUND`. */
export function removeLabel(registry: Registry, label: string): LogEvent[] {
  if (!registry.labels.has(label)) throw storeError('ERR_NOT_FOUND', `there is no label "${label}"`);
  return [{ type: 'LabelRemoved', label }];
}
