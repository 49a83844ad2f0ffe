/** A store as a scenario sees it. */

import { rootCaller } from '../engine/caller.ts';
import type { Namespace } from '../engine/namespace.ts';
import { chainIdOf, type NewLayer } from '../engine/decide/image.ts';
import { parseProfile } from '../events/overlay-profile.ts';
import { findContainer, findVolume } from '../projections/registry.ts';
import { checkInvariants } from '../replay/invariants.ts';
import type { CliResult, ScenarioHost } from '../replay/scenario/host.ts';
import type { ScenarioMount } from '../replay/scenario/scenario.ts';
import { layerDiffId } from './layer-tar.ts';
import { type MountRequest, parseMountOption, parseVolumeOption } from './mount-spec.ts';
import type { Store } from './store.ts';

/** @param cli - Runs a verb of the command line on the same store. */
export function scenarioHost(store: Store, cli: (argv: readonly string[]) => Promise<CliResult>): ScenarioHost {
  const { engine, world } = store;
  return {
    engine,
    cli,
    image: (reference) => {
      const { id, configBytes } = store.images.get(reference);
      return { config: configBytes, layers: world.layersOf(id), merged: world.lowerOf(id) };
    },
    layerDiffId: (layer) => layerDiffId(layer, engine.log.chunks),
    addImage: async ({ reference, config, below, layers }) => {
      const stack: NewLayer[] = (below?.layers ?? []).map(({ diffId, chainId, parent }) => {
        return { diffId, chainId, parent, built: null };
      });
      const views = new Map<string, (typeof layers)[number]>();
      for (const each of layers) {
        const parent = stack.at(-1)?.chainId ?? null;
        const chainId = chainIdOf(parent, each.diffId);
        stack.push({ diffId: each.diffId, chainId, parent, built: each.layer });
        views.set(chainId, each);
      }
      await store.images.addBuilt({ config, layers: stack, references: [reference] }, views);
    },
    createVolume: async (name) => {
      await store.volumes.create(name);
    },
    createContainer: async ({ name, image, mounts, readOnly, profile, overlayOptions }) => {
      await store.containers.create({
        name,
        image,
        mounts: mounts.map(mountRequest),
        readOnly,
        profile: parseProfile(profile ?? undefined, overlayOptions),
      });
    },
    caller: (name) => rootCaller(namespaceOf(store, name)),
    label: async (name) => {
      await store.label(name);
    },
    checkInvariants: async () => checkInvariants(world, engine.log),
    flush: () => engine.log.flush(),
  };
}

/** Of a container, or where none has the name, of a volume. */
function namespaceOf(store: Store, name: string): Namespace {
  const { registry } = store.world;
  const isVolume = findContainer(registry, name) === undefined && findVolume(registry, name) !== undefined;
  return isVolume ? store.volumes.namespace(name) : store.containers.get(name).namespace();
}

const mountRequest = ({ option, value }: ScenarioMount): MountRequest =>
  option === '-v' ? parseVolumeOption(value) : parseMountOption(value);
