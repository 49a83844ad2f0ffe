import { describe, expect, test } from 'vitest';
import { chainIdsOf, checkReference, removeImage, tagImage } from '../../../src/engine/decide/image.ts';
import { EMPTY_REGISTRY, type ImageRecord, type Registry } from '../../../src/projections/registry.ts';

const sha = (digit: string): string => `sha256:${digit.repeat(64)}`;

function registry(images: Record<string, { layers: string[]; tags: string[] }>, user?: string): Registry {
  const records = Object.entries(images).map(([id, { layers }]): [string, ImageRecord] => {
    return [sha(id), { image: sha(id), config: new Uint8Array(), layers, seq: 1, timeNs: 0n }];
  });
  const tags = Object.entries(images).flatMap(([id, image]) =>
    image.tags.map((tag): [string, string] => [tag, sha(id)]),
  );
  const container = { container: 1, id: 'c'.repeat(64), name: 'web', image: user === undefined ? null : sha(user) };
  return {
    ...EMPTY_REGISTRY,
    images: new Map(records),
    tags: new Map(tags),
    containers: new Map([[1, container as never]]),
  };
}

const remove = (state: Registry, id: string, reference: string, force = false): string[] =>
  removeImage(state, state.images.get(sha(id)) as ImageRecord, reference, force).map((event) => {
    return event.type === 'LayerRemoved' ? `LayerRemoved ${event.chainId}` : event.type;
  });

test('chainIDs follow from diffIDs as the OCI spec says (SEM-2.4)', () => {
  const empty = 'sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef';
  // sha256sum of the two texts with one blank between them
  expect(chainIdsOf([empty, empty])).toEqual([
    empty,
    'sha256:170b376f64fb30995c140276be3d71dfb256b308d86183ca3b22aa93a79ad548',
  ]);
});

describe('removing images (SEM-2.6)', () => {
  test('one of several names only goes by itself', () => {
    const state = registry({ a: { layers: ['l1'], tags: ['app:1', 'app:2'] } });
    expect(remove(state, 'a', 'app:1')).toEqual(['ImageUntagged']);
  });

  test('the last name takes the image along, and layers that no other image has, uppermost first', () => {
    const state = registry({
      a: { layers: ['l1', 'l2', 'l3'], tags: ['app:1'] },
      b: { layers: ['l1'], tags: ['b:1'] },
    });
    expect(remove(state, 'a', 'app:1')).toEqual([
      'ImageUntagged',
      'ImageRemoved',
      'LayerRemoved l3',
      'LayerRemoved l2',
    ]);
  });

  test('an image that a container uses stays, forced or not', () => {
    const state = registry({ a: { layers: [], tags: ['app:1'] } }, 'a');
    expect(() => remove(state, 'a', 'app:1', true)).toThrow('(must force) - container cccccccccccc is using');
  });

  test('an id with several names needs force', () => {
    const state = registry({ a: { layers: [], tags: ['app:1', 'app:2'] } });
    expect(() => remove(state, 'a', 'aaaa')).toThrow('image is referenced in multiple repositories');
    expect(remove(state, 'a', 'aaaa', true)).toEqual(['ImageUntagged', 'ImageUntagged', 'ImageRemoved']);
  });
});

test('tagging moves a name, and says nothing when it is there already', () => {
  const state = registry({ a: { layers: [], tags: ['app:latest'] }, b: { layers: [], tags: [] } });
  expect(tagImage(state, sha('b'), 'app')).toEqual([{ type: 'ImageTagged', reference: 'app:latest', image: sha('b') }]);
  expect(tagImage(state, sha('a'), 'app')).toEqual([]);
});

test.each(['app', 'app:1', 'team/app', 'host.example:5000/a/b_c:v1.0-x', 'localhost/edge:latest'])(
  '%s is a reference',
  (name) => {
    expect(checkReference(name)).toContain(':');
  },
);

test.each(['', 'App', 'a b', 'a//b', 'a:', ':1', 'a:b c', '-a'])('"%s" is no reference', (name) => {
  expect(() => checkReference(name)).toThrow('is not an image name');
});
