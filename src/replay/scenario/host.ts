/** What a scenario needs from the store that it is played into, and from the command line. */

import type { Caller } from '../../engine/caller.ts';
import type { Engine } from '../../engine/engine.ts';
import type { BuiltLayer } from '../../engine/store-layer.ts';
import type { Tree } from '../../projections/tree/tree.ts';
import type { ContainerStep } from './scenario.ts';

/** A new layer of an image, and the view of the stack that it is the top of. */
export interface StackedLayer {
  readonly layer: BuiltLayer;
  readonly diffId: string;
  readonly merged: Tree;
}

export interface CliResult {
  readonly stdout: Uint8Array;
  readonly stderr: string;
  readonly exitCode: number;
}

/** An image of the store, as far as building on it goes. */
export interface ScenarioImage {
  readonly config: Uint8Array;
  /** Lowest first. */
  readonly layers: readonly { readonly diffId: string; readonly chainId: string; readonly parent: string | null }[];
  readonly merged: Tree;
}

export interface ScenarioHost {
  readonly engine: Engine;
  /** An image to build on. @throws `ERR_NOT_FOUND`. */
  image(reference: string): ScenarioImage;
  /** The diffID of a layer's own tree. */
  layerDiffId(layer: Tree): string;
  /** Adds an image: the layers of the one below, then the new ones. */
  addImage(image: {
    readonly reference: string;
    readonly config: Uint8Array;
    readonly below: ScenarioImage | null;
    readonly layers: readonly StackedLayer[];
  }): Promise<void>;
  createVolume(name: string): Promise<void>;
  createContainer(step: ContainerStep): Promise<void>;
  /** Who runs file verbs in a container. @throws `ERR_NOT_FOUND`. */
  caller(container: string): Caller;
  label(name: string): Promise<void>;
  /** What does not hold, in sentences. */
  checkInvariants(): Promise<readonly string[]>;
  /** Hands what a step wrote to the operating system. */
  flush(): Promise<void>;
  /** Runs a verb of the command line on the same store. */
  cli(argv: readonly string[]): Promise<CliResult>;
}
