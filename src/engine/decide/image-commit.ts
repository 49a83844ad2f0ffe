import type { StoreEvent } from '../../events/event.ts';
import type { ContainerRecord, Registry } from '../../projections/registry.ts';
import { addImage, checkLayerCount, imageIdOf, type NewLayer } from './image.ts';

/**
 * Makes an image of a container (SEM-2.3). A running one is paused meanwhile, unless asked otherwise, as with Docker.
 *
 * @param image.layers - Those of its image, and the new one on top unless it is empty.
 */
export function commitContainer(
  registry: Registry,
  container: ContainerRecord,
  image: { config: Uint8Array; layers: readonly NewLayer[]; references: readonly string[]; pause: boolean },
): StoreEvent[] {
  checkLayerCount(image.layers.length);
  const subject = container.container;
  const pauses = image.pause && container.state === 'running';
  const events: StoreEvent[] = [];
  if (pauses) events.push({ type: 'ContainerPaused', container: subject });
  events.push(...addImage(registry, image));
  events.push({ type: 'ContainerCommitted', container: subject, image: imageIdOf(image.config) });
  if (pauses) events.push({ type: 'ContainerUnpaused', container: subject });
  return events;
}
