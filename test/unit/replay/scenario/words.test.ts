import { describe, expect, it } from 'vitest';
import { encodeName } from '../../../../src/events/name.ts';
import { tokenize, wordsOf } from '../../../../src/replay/scenario/words.ts';

const place = { file: 'a.scn', line: 1 };

describe('tokenize', () => {
  it.each<[string, string[]]>([
    ['a  b\tc', ['a', 'b', 'c']],
    ['\'a b\' "c d"', ['a b', 'c d']],
    ['a\\ b', ['a b']],
    ['"\\t" "\\"" "\\\\"', ['\\t', '"', '\\']],
    ['a\'b\'"c"d', ['abcd']],
    ["''", ['']],
    ['a #b', ['a', '#b']],
    ['a  # b', ['a']],
    ['a\t# b', ['a']],
    ["'a  # b'", ['a  # b']],
    ['upper(c2):/app *.x $HOME', ['upper(c2):/app', '*.x', '$HOME']],
    ["$'a\\n\\t\\'\\\\'", ["a\n\t'\\"]],
  ])('cuts %j', (line, words) => {
    expect(wordsOf(line, place)).toEqual(words);
  });

  it('finds operators with and without blanks', () => {
    const { tokens } = tokenize('a>b >>c;d&&e|f', place);
    expect(tokens.map(({ text }) => text)).toEqual(['a', '>', 'b', '>>', 'c', ';', 'd', '&&', 'e', '|', 'f']);
    expect(tokens.filter(({ kind }) => kind === 'operator').map(({ text }) => text)).toEqual([
      '>',
      '>>',
      ';',
      '&&',
      '|',
    ]);
  });

  it("writes any byte of a name in $'…'", () => {
    const [word] = wordsOf("$'\\xff\\xc3\\xa4é'", place);
    expect(encodeName(word)).toEqual(Buffer.from([0xff, 0xc3, 0xa4, 0xc3, 0xa9]));
  });

  it('ends before a comment', () => {
    const line = 'rm /a   # gone';
    expect(line.slice(0, tokenize(line, place).end)).toBe('rm /a');
  });
});
