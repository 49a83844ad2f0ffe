import { describe, expect, it } from 'vitest';
import { parseExpression } from '../../../src/cli/past-expression.ts';
import { openStore } from '../../../src/store/open-store.ts';

describe('an expression', () => {
  it.each([
    ['exists /a', true],
    ['missing /a', false],
    ['contains /a some words', true],
    ['contains /a other', false],
    ['size /a > 10', true],
    ['size /a<=10', false],
    ['size /none = 0', true],
    ['upper >= 2KB', true],
    ['upper > 2.5kB', false],
  ])('%s is %s', async (text, expected) => {
    const store = await openStore();
    const container = await store.containers.create({ name: 'c' });
    container.fs.writeFileSync('/a', `some words${' '.repeat(2000)}`);
    expect(parseExpression(text)(container)).toBe(expected);
  });

  it.each(['', 'exists', 'size /a', 'upper > many', 'upper ! 3'])('"%s" is refused', (text) => {
    expect(() => parseExpression(text)).toThrow(/is not (?:an expression|a size)/);
  });
});
