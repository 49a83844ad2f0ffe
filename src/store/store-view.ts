/** A store at one moment: queries. The live store has the same ones. */

import type { World } from '../projections/world.ts';
import { ContainerView } from './container-view.ts';
import { ContainerViews } from './container-views.ts';
import { ImageViews } from './image-views.ts';
import type { Moment } from './moment.ts';
import { VolumeViews } from './volumes.ts';

/** What can be asked of a store at any moment. */
export interface StoreQueries {
  /** Sequence number of the last event in it. */
  readonly seq: number;
  /** Time of the last transaction in it, ns; 0 in an empty store. */
  readonly timeNs: bigint;
  readonly containers: Pick<ContainerViews, 'list' | 'get' | 'of'>;
  readonly images: Pick<ImageViews, 'list' | 'get' | 'has' | 'history' | 'save'>;
  readonly volumes: Pick<VolumeViews, 'list' | 'get' | 'fs'>;
  /** Labels and the sequence numbers that they name, as known then. */
  readonly labels: ReadonlyMap<string, number>;
  /** Registry and trees, for projections; not to be folded. */
  readonly world: World;
}

/** A past moment of a store, for reading: what writes to it is EROFS. It stays valid until the store is closed. */
export class StoreView implements StoreQueries {
  readonly world: World;
  readonly containers: ContainerViews;
  readonly images: ImageViews;
  readonly volumes: VolumeViews;

  constructor(moment: Moment) {
    this.world = moment.world;
    this.containers = new ContainerViews(moment, (subject) => new ContainerView(moment, subject));
    this.images = new ImageViews(moment);
    this.volumes = new VolumeViews(moment);
  }

  get seq(): number {
    return this.world.seq;
  }

  get timeNs(): bigint {
    return this.world.timeNs;
  }

  get labels(): ReadonlyMap<string, number> {
    return this.world.registry.labels;
  }
}
