import { countedUpper, recountUpper } from '../../projections/recount-upper.ts';
import type { Tree } from '../../projections/tree/tree.ts';
import { type ListingEntry, listTree } from '../../replay/listing.ts';
import type { Store } from '../../store/store.ts';

/**
 * Law 6: what is counted as events come equals what a walk counts; figures of containers, images and volumes add up; what
 * is shared is counted once.
 *
 * @returns What does not hold, in sentences.
 */
export function accountingProblems(store: Store): string[] {
  const { world } = store;
  const { registry } = world;
  const problems: string[] = [];
  const expect = (what: string, counted: unknown, meant: unknown): void => {
    if (counted !== meant) problems.push(`${what} is ${String(counted)}, not ${String(meant)}`);
  };
  const layerBytes = new Map<string, number>();
  for (const layer of registry.layers.values()) {
    const bytes = walkedBytes(store, world.lowers.layer(layer));
    layerBytes.set(layer.chainId, bytes);
    expect(`size of layer ${layer.chainId}`, layer.bytes, bytes);
  }
  const sizeOf = (layers: Iterable<string>): number => {
    let size = 0;
    for (const chainId of layers) size += layerBytes.get(chainId) ?? 0;
    return size;
  };
  for (const { subject, tree } of world.overlays()) {
    const counted = countedUpper(tree);
    const recounted = recountUpper(tree);
    for (const key of Object.keys(counted) as (keyof typeof counted)[]) {
      expect(`${key} of ${subject}`, counted[key], recounted[key]);
    }
    expect(`size of ${subject}`, tree.upperBytes, walkedBytes(store, tree));
  }

  const usage = store.diskUsage();
  let containers = 0;
  for (const record of registry.containers.values()) {
    const { sizeRwBytes, sizeRootFsBytes } = store.containers.of(record.container).sizes();
    const used = usage.containers.get(record.container);
    containers += sizeRwBytes;
    expect(`sizeRw of ${record.name}`, used?.sizeRw, sizeRwBytes);
    const layers = record.image === null ? [] : (registry.images.get(record.image)?.layers ?? []);
    expect(`virtual size of ${record.name}`, sizeRootFsBytes, sizeRwBytes + sizeOf(layers));
    expect(`virtual size of ${record.name} in df`, used?.virtual, sizeRootFsBytes);
    expect(`state of ${record.name} in df`, used?.state, record.state);
    expect(`name of ${record.name} in df`, used?.name, record.name);
  }
  expect('number of containers in df', usage.containers.size, registry.containers.size);
  expect('size of all containers', usage.totals.containers.size, containers);

  const users = new Map<string, number>();
  for (const { layers } of registry.images.values()) {
    for (const chainId of new Set(layers)) users.set(chainId, (users.get(chainId) ?? 0) + 1);
  }
  for (const image of registry.images.values()) {
    const used = usage.images.get(image.image);
    expect(`size of image ${image.image}`, used?.size, sizeOf(image.layers));
    const shared = image.layers.filter((chainId) => (users.get(chainId) ?? 0) > 1);
    expect(`shared size of image ${image.image}`, used?.shared, sizeOf(shared));
    expect(`unique size of image ${image.image}`, used?.unique, (used?.size ?? 0) - (used?.shared ?? 0));
  }
  expect('size of all images', usage.totals.images.size, sizeOf(users.keys()));
  expect('number of images in df', usage.images.size, registry.images.size);

  let volumes = 0;
  for (const { volume, kind } of registry.volumes.values()) {
    if (kind === 'volume') volumes += world.overlay(volume)?.tree.upperBytes ?? 0;
  }
  expect('size of all volumes', usage.totals.volumes.size, volumes);
  return problems;
}

/** Docker's size rule by a walk: st_size of what is not a directory, hard links once. */
function walkedBytes(store: Store, tree: Tree): number {
  let bytes = 0;
  for (const entry of listTree(tree, store.engine.log.chunks, { upper: true })) {
    if (entry.hardlink !== undefined) continue;
    if (entry.type === 'symlink') bytes += targetBytes(entry);
    else bytes += entry.size ?? 0;
  }
  return bytes;
}

/** Length of a symbolic link's target as it lies on the disk. */
function targetBytes({ linkname = '', linkname_b64 }: ListingEntry): number {
  return linkname_b64 === undefined ? Buffer.byteLength(linkname) : Buffer.from(linkname_b64, 'base64').length;
}
