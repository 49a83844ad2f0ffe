import { beforeAll, describe, expect, test } from 'vitest';
import { listTree, openStore, type Store } from '../../../src/index.ts';
import { layerBuilder } from '../../../src/engine/layer-builder.ts';
import type { BuiltLayer } from '../../../src/engine/store-layer.ts';
import { LayerReader } from '../../../src/oci/layer-reader.ts';
import type { LayerRecord } from '../../../src/projections/registry.ts';
import type { Tree } from '../../../src/projections/tree/tree.ts';
import { layerDiffId, writeLayerTar } from '../../../src/store/layer-tar.ts';
import { imageFixture } from '../oci/support/fixtures.ts';
import { smallStore } from './store-kit.ts';

/** A layer written as a tar and read again over the same stack. */
function reread(store: Store, layer: Tree, below: Tree): BuiltLayer {
  const { chunks } = store.engine.log;
  const builder = layerBuilder({ chunks, below });
  const reader = new LayerReader(builder, { file: 'layer.tar' });
  writeLayerTar(layer, chunks, (bytes) => reader.push(Buffer.from(bytes)));
  reader.end();
  return builder.finish();
}

describe('a layer’s canonical tar (law 9)', () => {
  let store: Store;
  let layers: LayerRecord[];
  beforeAll(async () => {
    store = await openStore(':memory:');
    const [image] = await store.images.load(imageFixture('edge-oci-archive.tar'));
    layers = store.world.layersOf(image.id);
  });

  test.each([0, 1, 2, 3, 4, 5])('gives layer %i of the edge image again, with the same digest', (index) => {
    const { chunks } = store.engine.log;
    const below = index === 0 ? store.world.lowers.empty : store.world.lowers.stack(layers.slice(0, index));
    const layer = store.world.lowers.layer(layers[index]);
    const again = reread(store, layer, below);
    expect([...listTree(again.tree, chunks, { upper: true })]).toEqual([...listTree(layer, chunks, { upper: true })]);
    expect(layerDiffId(again.tree, chunks)).toBe(layerDiffId(layer, chunks));
    expect([again.entries, again.bytes]).toEqual([layers[index].entries, layers[index].bytes]);
  });

  test('gives a committed layer again, down to its Merkle root', async () => {
    const small = await smallStore();
    const c = await small.containers.create({ image: 'app' });
    c.fs.rmSync('/data', { recursive: true });
    c.fs.mkdirSync('/data/deep', { recursive: true });
    c.fs.writeFileSync('/data/deep/x', 'x');
    c.fs.linkSync('/data/deep/x', '/data/y');
    c.fs.chmodSync('/etc/conf', 0o600);
    const [layer] = small.world.layersOf(await c.commit()).slice(-1);
    const again = reread(small, small.world.lowers.layer(layer), small.world.lowerOf(c.record.image));
    expect(again.root).toBe(layer.root);
    expect(layerDiffId(again.tree, small.engine.log.chunks)).toBe(layer.diffId);
  });
});
