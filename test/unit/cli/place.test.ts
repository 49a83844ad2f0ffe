import { describe, expect, it } from 'vitest';
import { isPlace, parsePlace } from '../../../src/cli/place.ts';

describe('parsePlace', () => {
  it.each([
    ['web:/etc', { kind: 'container', name: 'web', path: '/etc' }],
    ['web', { kind: 'container', name: 'web', path: '/' }],
    ['web:', { kind: 'container', name: 'web', path: '/' }],
    ['web:etc', { kind: 'container', name: 'web', path: '/etc' }],
    ['web:/a:b', { kind: 'container', name: 'web', path: '/a:b' }],
    ['rescue/c1:/tmp', { kind: 'container', name: 'rescue/c1', path: '/tmp' }],
    ['upper(c2):/app', { kind: 'upper', name: 'c2', path: '/app' }],
    ['volume(v1):/', { kind: 'volume', name: 'v1', path: '/' }],
    ['volume(v1)', { kind: 'volume', name: 'v1', path: '/' }],
  ])('reads %s', (text, place) => {
    expect(parsePlace(text)).toEqual(place);
  });

  it.each(['', ':/etc', 'upper(:/x', 'upper()'])('refuses "%s"', (text) => {
    expect(() => parsePlace(text)).toThrow('is not a place');
  });
});

describe('isPlace', () => {
  it.each([
    ['web:/a', true],
    ['rescue/c1:/a', true],
    ['volume(v):/a', true],
    ['./a:b', false],
    ['/a:b', false],
    ['a', false],
    ['..:/x', false],
    ['-', false],
  ])('of %s is %s', (text, answer) => {
    expect(isPlace(text)).toBe(answer);
  });
});
