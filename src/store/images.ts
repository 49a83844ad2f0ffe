/** Images: adding, naming and removing them. */

import { STORE_SUBJECT } from '../events/event.ts';
import { checkReference, removeImage, tagImage, untagImage } from '../engine/decide/image.ts';
import { addPrepared, type NewImage, type PreparedImage, prepareImage, type PreparedLayer } from './image-build.ts';
import { loadDirectories, loadImages, type LoadedImage } from './image-load.ts';
import type { LoadOptions } from './load-options.ts';
import { type ImageInfo, ImageViews } from './image-views.ts';
import { imageOf, type LiveMoment } from './moment.ts';

/** The images of a live store. */
export class Images extends ImageViews {
  readonly #live: LiveMoment;

  constructor(live: LiveMoment) {
    super(live);
    this.#live = live;
  }

  /**
   * Loads the images of a file or directory: an OCI layout, a `docker save` archive, the tar of a root file system, or a
   * directory that is one. Its content tells which.
   *
   * `lower:lower:upper` names several, lowest first, that become one image: overlay upperdirs, as directories or tars, on top of
   * each other or of an image. A path that holds a colon and is there is taken as it is.
   *
   * @returns What was loaded, with what was odd about it. When one image is damaged, none is added.
   * @throws `ERR_NOT_FOUND`, `ERR_OCI_CORRUPT`, `ERR_OCI_DIGEST`, `ERR_OCI_UNSUPPORTED`, naming file, layer and entry.
   */
  async load(path: string, options: LoadOptions = {}): Promise<LoadedImage[]> {
    this.#live.expectWritable();
    return loadImages(this.#live, path, options);
  }

  /**
   * Loads directories that lie over one another, as the lowers of an overlay mount do, as one image of a layer each.
   *
   * @param paths - Lowest first. What is in them is taken as it is, also when it looks like an image archive.
   * @throws As {@link Images.load}.
   */
  async loadDirectories(paths: readonly string[], options: LoadOptions = {}): Promise<LoadedImage> {
    this.#live.expectWritable();
    return loadDirectories(this.#live, paths, options);
  }

  /**
   * Adds an image whose layers come from the caller. A stack that the store has already is not asked for again.
   *
   * @throws `ERR_OCI_CORRUPT` when the config's diff_ids do not fit the layers; what a layer's function throws. Nothing
   *   of the image is in the store then.
   */
  async add(image: NewImage): Promise<ImageInfo> {
    this.#live.expectWritable();
    const built = new Map<string, PreparedLayer>();
    const prepared = await prepareImage(this.#live, image, built);
    const [id] = await addPrepared(this.#live, [prepared], built);
    return this.get(id);
  }

  /**
   * Adds an image whose layers were built on a stack of this store.
   *
   * @param views - The view of each new stack, by chainID, so that it is not made again.
   */
  async addBuilt(image: PreparedImage, views: ReadonlyMap<string, PreparedLayer>): Promise<ImageInfo> {
    const references = image.references.map(checkReference);
    const [id] = await addPrepared(this.#live, [{ ...image, references }], views);
    return this.get(id);
  }

  /** Gives an image one more name; it is taken from the image that had it. Throws as {@link ImageViews.get}. */
  async tag(reference: string, name: string): Promise<void> {
    await this.#live.run(['tag', reference, name], () => {
      const { image } = imageOf(this.#live, reference);
      this.#live.commit(STORE_SUBJECT, tagImage(this.#live.world.registry, image, name));
    });
  }

  /** Takes a name away; the image stays. Throws `ERR_NOT_FOUND`. */
  async untag(name: string): Promise<void> {
    await this.#live.run(['untag', name], () => {
      this.#live.commit(STORE_SUBJECT, untagImage(this.#live.world.registry, name));
    });
  }

  /**
   * Removes a name, and with the last one the image and the layers that no other image has. Earlier moments keep them.
   *
   * @param options.force - Removes an image by id although it has several names.
   * @throws `ERR_CONFLICT` when a container uses it, or it has several names; as {@link ImageViews.get}.
   */
  async remove(reference: string, options: { force?: boolean } = {}): Promise<void> {
    await this.#live.run(['rmi', reference], () => {
      const { registry } = this.#live.world;
      const image = imageOf(this.#live, reference);
      this.#live.commit(STORE_SUBJECT, removeImage(registry, image, reference, options.force ?? false));
    });
  }
}
