import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NameMap } from '../../../src/projections/tree/name-map.ts';
import { Owner } from '../../../src/projections/tree/trie.ts';

/** Calls on entries come in runs: name by name upwards or downwards, or wherever. */
const runs = fc.array(
  fc.record({
    call: fc.constantFrom('get', 'set', 'delete', 'get and set', 'get and delete', 'share', 'list'),
    first: fc.nat(400),
    length: fc.nat(150),
    step: fc.constantFrom(0, 1, -1, 7),
  }),
  { maxLength: 12 },
);

test('a NameMap is the map of the same calls, whatever was searched before, and copies stay as they are', () => {
  fc.assert(
    fc.property(runs, fc.boolean(), (calls, isBulk) => {
      let map = new NameMap();
      let owner = new Owner(isBulk);
      const model = new Map<string, number>();
      const copies: { readonly map: NameMap; readonly model: ReadonlyMap<string, number> }[] = [];
      for (const { call, first, length, step } of calls) {
        if (call === 'share') {
          copies.push({ map, model: new Map(model) });
          map = map.share();
          // A bulk fold may go on behind a copy, and what it began may be changed by others.
          owner = new Owner(isBulk && length % 2 === 0);
        }
        if (call === 'list') expect(map.names()).toEqual([...model.keys()].toSorted());
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
        const different = new Map<string, [number | undefined, number | undefined]>();
        each.map.diff(map, (name, here, there) => void different.set(name, [here, there]));
        for (const name of new Set([...each.model.keys(), ...model.keys()])) {
          const values = [each.model.get(name), model.get(name)];
          expect(different.get(name)).toEqual(values[0] === values[1] ? undefined : values);
        }
        expect(each.map.names()).toEqual([...each.model.keys()].toSorted());
        expect(each.map.size).toBe(each.model.size);
        for (const [name, value] of each.model) expect(each.map.get(name)).toBe(value);
      }
    }),
    { numRuns: 300 },
  );
});
