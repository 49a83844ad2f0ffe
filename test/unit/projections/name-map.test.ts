import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NameMap } from '../../../src/projections/tree/name-map.ts';
import { Owner } from '../../../src/projections/tree/trie.ts';

/** Calls on entries come in runs: name by name upwards or downwards, or wherever. */
const runs = fc.array(
  fc.record({
    call: fc.constantFrom('get', 'set', 'delete', 'get and set', 'get and delete', 'share'),
    first: fc.nat(400),
    length: fc.nat(150),
    step: fc.constantFrom(0, 1, -1, 7),
  }),
  { maxLength: 12 },
);

test('a NameMap is the map of the same calls, whatever was searched before, and copies stay as they are', () => {
  fc.assert(
    fc.property(runs, (calls) => {
      let map = new NameMap();
      let owner = new Owner();
      const model = new Map<string, number>();
      const copies: { readonly map: NameMap; readonly model: ReadonlyMap<string, number> }[] = [];
      for (const { call, first, length, step } of calls) {
        if (call === 'share') {
          copies.push({ map, model: new Map(model) });
          map = map.share();
          owner = new Owner();
        }
        for (let at = 0; at <= length; at++) {
          const name = `n${String(Math.abs(first + at * step)).padStart(3, '0')}`;
          if (call.startsWith('get')) expect(map.get(name)).toBe(model.get(name));
          if (call.endsWith('set')) {
            map.set(name, at, owner);
            model.set(name, at);
          }
          if (call.endsWith('delete')) expect(map.delete(name, owner)).toBe(model.delete(name));
          expect(map.get(name)).toBe(model.get(name));
        }
      }
      for (const each of [...copies, { map, model }]) {
        expect(each.map.names()).toEqual([...each.model.keys()].toSorted());
        expect(each.map.size).toBe(each.model.size);
        for (const [name, value] of each.model) expect(each.map.get(name)).toBe(value);
      }
    }),
    { numRuns: 300 },
  );
});
