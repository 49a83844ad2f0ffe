import { expect, test } from 'vitest';
import { inOrderOfNeed } from '../../../src/engine/late-links.ts';

test('a chain of links is put in order, each behind the one that it needs, in steps that grow with its length', () => {
  const links = new Map(Array.from({ length: 20_000 }, (_, at) => [`h${at}`, `h${at + 1}`]));
  let asked = 0;
  const order = inOrderOfNeed(links, (path) => {
    asked++;
    return path;
  });
  expect([order[0], order.at(-1), order.length]).toEqual(['h19999', 'h0', 20_000]);
  expect(asked).toBe(40_000);
});

test('links in a circle come once each', () => {
  const links = new Map([
    ['a', 'b'],
    ['b', 'a'],
    ['c', 'a'],
  ]);
  expect(inOrderOfNeed(links, (path) => path).toSorted()).toEqual(['a', 'b', 'c']);
});

test('paths that mean the same name count as one', () => {
  const links = new Map([
    ['d/a', 'link/b'],
    ['d/b', 'file'],
  ]);
  expect(inOrderOfNeed(links, (path) => path.replace(/^link/, 'd'))).toEqual(['d/b', 'd/a']);
});
