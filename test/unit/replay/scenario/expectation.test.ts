import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatExpectedLine,
  matchesOutput,
  outputLines,
  parseExpectedLine,
} from '../../../../src/replay/scenario/expectation.ts';

const place = { file: 'a.scn', line: 1 };
const matches = (expected: string[], actual: string[]) =>
  matchesOutput(
    expected.map((line) => parseExpectedLine(line, place)),
    actual,
  );

describe('matchesOutput', () => {
  it.each<[string[], string[], boolean]>([
    [['a', 'b'], ['a', 'b'], true],
    [['a'], ['a', 'b'], false],
    [['a', 'b'], ['a'], false],
    [['a  '], ['a'], true],
    [['a'], ['a \t'], true],
    [['a'], [' a'], false],
    [['(blank)'], [''], true],
    [['a', '(blank)', 'b'], ['a', '  ', 'b'], true],
    [['...'], [], true],
    [['...'], ['x', 'y'], true],
    [['a', '...', 'z'], ['a', 'z'], true],
    [['a', '...', 'z'], ['a', 'm', 'z', 'n', 'z'], true],
    [['a', '...', 'z'], ['a', 'm'], false],
    [['...', 'b', '...'], ['a', 'b', 'c'], true],
    [['seq \\d+ (re)'], ['seq 12'], true],
    [['seq \\d+ (re)'], ['seq 12x'], false],
    [['a|b (re)'], ['b'], true],
    [['copied at #* by ? (glob)'], ['copied at #12 by x'], true],
    [['a.c (glob)'], ['abc'], false],
    [['\\* (glob)'], ['*'], true],
    [['[a] (glob)'], ['[a]'], true],
  ])('%j and %j: %s', (expected, actual, result) => {
    expect(matches(expected, actual)).toBe(result);
  });
});

describe('formatExpectedLine', () => {
  it('gives a line that matches just that output', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.constantFrom('...', '(blank)', 'a (re)', '(x) (glob)', '', '  ')),
        (text) => {
          const [line = ''] = outputLines(text.replaceAll('\n', ''));
          const expected = parseExpectedLine(formatExpectedLine(line).slice(2), place);
          expect(matchesOutput([expected], [line])).toBe(true);
          expect(matchesOutput([expected], [`${line}!`])).toBe(false);
        },
      ),
    );
  });
});

describe('outputLines', () => {
  it.each([
    ['', []],
    ['a', ['a']],
    ['a\n', ['a']],
    ['a\n\n', ['a', '']],
    ['\n', ['']],
  ])('cuts %j', (text, lines) => {
    expect(outputLines(text)).toEqual(lines);
  });
});
