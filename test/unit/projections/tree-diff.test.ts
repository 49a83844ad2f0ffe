import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Content } from '../../../src/projections/tree/content.ts';
import { PAGE_BYTES } from '../../../src/projections/tree/page.ts';
import { NameMap } from '../../../src/projections/tree/name-map.ts';
import { Owner } from '../../../src/projections/tree/trie.ts';

type Change = readonly [name: number, value: number];

function changed(map: NameMap, changes: readonly Change[]): NameMap {
  const copy = map.share();
  const owner = new Owner();
  for (const [name, value] of changes) {
    if (value === 0) copy.delete(`n${name}`, owner);
    else copy.set(`n${name}`, value, owner);
  }
  return copy;
}

function entriesOf(map: NameMap): Map<string, number> {
  const entries = new Map<string, number>();
  map.forEach((name, value) => {
    entries.set(name, value);
  });
  return entries;
}

describe('NameMap.diff', () => {
  const changes = fc.array(fc.tuple(fc.nat(3000), fc.nat(3)));

  test('visits exactly the names whose values differ, also where the trees grew or shrank', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 3000 }), changes, changes, fc.boolean(), (size, here, there, isEmptied) => {
        const base = changed(
          new NameMap(),
          Array.from({ length: size }, (_, index) => [index, 1] as const),
        );
        const left = changed(base, here);
        const right = isEmptied
          ? changed(
              base,
              Array.from({ length: size }, (_, index) => [index, index % 97 === 0 ? 1 : 0] as const),
            )
          : changed(base, there);
        const seen = new Map<string, readonly (number | undefined)[]>();
        left.diff(right, (name, before, after) => {
          expect(seen.has(name)).toBe(false);
          seen.set(name, [before, after]);
        });
        const before = entriesOf(left);
        const after = entriesOf(right);
        const expected = new Map<string, readonly (number | undefined)[]>();
        for (const name of new Set([...before.keys(), ...after.keys()])) {
          if (before.get(name) !== after.get(name)) expected.set(name, [before.get(name), after.get(name)]);
        }
        expect(seen).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });
});

describe('Content.diff', () => {
  test('visits the pages that are not the same object', () => {
    const owner = new Owner();
    const before = new Content(owner);
    before.write(0, 10, 1, 0);
    const small = before.own(new Owner());
    small.write(5, 1, 2, 0);
    const large = before.own(new Owner());
    large.write(PAGE_BYTES * 3, 4, 2, 0);
    const pages = (left: Content, right: Content): number[] => {
      const seen: number[] = [];
      left.diff(right, (index) => seen.push(index));
      return seen;
    };
    expect(pages(before, before)).toEqual([]);
    expect(pages(before, small)).toEqual([0]);
    expect(pages(before, large)).toEqual([3]);
    expect(pages(large, before)).toEqual([3]);
    expect(pages(large, small)).toEqual([0, 3]);
  });
});
