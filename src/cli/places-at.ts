/** What the upper and the layers hold at a path of a container or image. */

import { type PathPlace, placesInImage, placesOf, type Store, type StoreQueries, type WhereNames } from '../index.ts';
import { findContainer } from './place.ts';

export interface PlacesAt {
  /** The topmost first, never empty. */
  readonly places: readonly PathPlace[];
  readonly names: WhereNames;
}

/**
 * @param name - Of a container; with a colon of an image.
 * @throws ENOENT where nothing has ever been at the path.
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
  return { places, names: { container: container.name, image: imageReference, transactionAt: reader(store) } };
}

function imagePlaces(store: Store, view: StoreQueries, name: string, path: string): PlacesAt {
  const places = placesInImage(view.world, view.world.layersOf(view.images.get(name).id), path);
  return { places, names: { container: null, image: name, transactionAt: reader(store) } };
}

const reader =
  (store: Store): WhereNames['transactionAt'] =>
  (seq) =>
    store.time.transactionAt(seq);
