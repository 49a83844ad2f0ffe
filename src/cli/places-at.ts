/** What the upper and the layers hold at a path of a container or image. */

import {
  type ContainerView,
  type PathPlace,
  placesInImage,
  placesOf,
  printableName,
  type Store,
  type StoreQueries,
  type WhereNames,
} from '../index.ts';
import { pastIn } from './past-place.ts';
import { findContainer } from './place.ts';

export interface PlacesAt {
  /** The topmost first, never empty. */
  readonly places: readonly PathPlace[];
  readonly names: WhereNames;
}

/**
 * @param name - Of a container; with a colon of an image.
 * @throws ENOENT where nothing has ever been at the path, also when a volume is mounted there and has it.
 */
export function placesAt(store: Store, view: StoreQueries, name: string, path: string): PlacesAt {
  const found = name.includes(':') ? imagePlaces(store, view, name, path) : containerPlaces(store, view, name, path);
  if (found.places.length > 0) return found;
  throw neverThere(path, name);
}

/** @param title - Of a container, volume or image. */
export const neverThere = (path: string, title: string): Error =>
  Object.assign(new Error(`nothing has ever been at ${path} of ${title}`), { code: 'ENOENT' });

function containerPlaces(store: Store, view: StoreQueries, name: string, path: string): PlacesAt {
  const container = findContainer(view, name);
  const { imageReference } = container.inspect();
  const places = placesOf(view.world, container.subject, path);
  if (places.length === 0) refuseInVolume(view, container, path);
  return { places, names: { container: container.name, image: imageReference, transactionAt: reader(store) } };
}

/** A volume has no layers. */
function refuseInVolume(view: StoreQueries, container: ContainerView, path: string): void {
  const { of, title } = pastIn(view, container, path);
  if ('container' in of) return;
  const place = `${printableName(path)} of ${printableName(container.name)}`;
  const message = `${place} is in ${title}, not in a layer; blame and versions tell what was there`;
  throw Object.assign(new Error(message), { code: 'ENOENT' });
}

function imagePlaces(store: Store, view: StoreQueries, name: string, path: string): PlacesAt {
  const places = placesInImage(view.world, view.world.layersOf(view.images.get(name).id), path);
  return { places, names: { container: null, image: name, transactionAt: reader(store) } };
}

const reader =
  (store: Store): WhereNames['transactionAt'] =>
  (seq) =>
    store.time.transactionAt(seq);
