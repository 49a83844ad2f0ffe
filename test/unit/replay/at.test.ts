import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AtContext, isLabelName, resolveAt, resolveRange } from '../../../src/replay/at.ts';
import { parseDateNs, parseDurationNs, parseSecondsNs } from '../../../src/replay/at-time.ts';

const HEAD = 100;
const NOW = 1_767_323_045n * 1_000_000_000n;
/** One event a second, the newest now. */
const context: AtContext = {
  oldest: 0,
  head: HEAD,
  nowNs: NOW,
  labels: new Map([
    ['before-rm', 40],
    ['v1.0', 7],
  ]),
  seqAtTime: (ns) => Math.max(0, Math.min(HEAD, HEAD - Number((NOW - ns + 999_999_999n) / 1_000_000_000n))),
  stepsBack: (container, steps) =>
    container === 'web' ? { seq: 90 - 2 * Math.min(steps, 5), found: Math.min(steps, 5) } : null,
};
const at = (text: string): number => resolveAt(text, context);
const failure = (text: string, from = context): unknown => {
  try {
    resolveAt(text, from);
  } catch (error) {
    return error;
  }
  return null;
};

describe('a moment', () => {
  test.each([
    ['0', 0],
    ['1', 1],
    ['0042', 42],
    ['100', 100],
    ['~0', 100],
    ['~10', 90],
    ['~100', 0],
    ['~5s', 95],
    ['~1m', 40],
    ['~1m5s', 35],
    ['~2w', 0],
    ['start', 0],
    ['now', 100],
    ['now~3', 97],
    ['before-rm', 40],
    ['before-rm~3', 37],
    ['v1.0', 7],
    ['web~3', 84],
    ['@1767323045', 100],
    ['@1767323044.999999999', 99],
    ['@1767323040.5', 95],
    ['@-1', 0],
    ['2026-01-02T03:04:05Z', 100],
    ['2026-01-02T03:04:05', 100],
    ['2026-01-02 03:04:04.5', 99],
    ['2026-01-02T04:04:05+01:00', 100],
    ['2026-01-02T04:04:00+0100', 95],
    ['2026-01-02T03:04', 95],
    ['2026-01-02', 0],
  ])('%s is event %d', (text, seq) => {
    expect(at(text)).toBe(seq);
  });

  test.each([
    '',
    '~',
    '~x',
    '~5',
    '5m',
    '-1',
    '1.5',
    '~5m1h',
    '~-1',
    '@',
    '@1.',
    '@x',
    '@1.1234567890',
    'a b',
    'a~',
    'a~b',
  ])('%j that is no form, or is out of range, is refused or in range', (text) => {
    if (text === '~5') expect(at(text)).toBe(95);
    else expect(failure(text)).toMatchObject({ code: 'ERR_AT_INVALID', detail: { kind: 'form' } });
  });

  test.each([
    '2026-13-01',
    '2026-02-29',
    '2026-1-2',
    '2026-01-02T24:00',
    '2026-01-02T03:04:60Z',
    '2026-01-02T03:04:05+24:00',
    '2026-01-02Z',
  ])('a date that does not exist, %s, is refused', (text) => {
    expect(failure(text)).toMatchObject({ code: 'ERR_AT_INVALID', detail: { kind: 'form' } });
  });

  test.each(['101', '~101', 'before-rm~41', 'start~1', '99999999999999999999999'])(
    '%s is outside of the log',
    (text) => {
      expect(failure(text)).toMatchObject({ code: 'ERR_AT_INVALID', detail: { kind: 'range', head: 100 } });
    },
  );

  test('an unknown label is told apart from a text that has no form', () => {
    expect(failure('nope')).toMatchObject({ code: 'ERR_AT_INVALID', detail: { kind: 'label', label: 'nope' } });
  });

  test('more steps back than a container has made are told from a name that nobody has', () => {
    expect(failure('web~6')).toMatchObject({ code: 'ERR_AT_INVALID', detail: { kind: 'range', steps: 5 } });
    expect(failure('nobody~1')).toMatchObject({ code: 'ERR_AT_INVALID', detail: { kind: 'label', label: 'nobody' } });
    expect(resolveAt('web~3', { ...context, labels: new Map([['web', 50]]) })).toBe(47);
  });

  test('a label called start takes the word over', () => {
    const labelled = { ...context, labels: new Map([['start', 12]]) };
    expect(resolveAt('start', labelled)).toBe(12);
    expect(resolveAt('start~2', labelled)).toBe(10);
    expect(resolveRange('..', labelled)).toEqual({ from: 12, to: 100 });
  });
});

describe('a range', () => {
  test.each([
    ['3..7', 3, 7],
    ['7..3', 7, 3],
    ['..', 0, 100],
    ['..7', 0, 7],
    ['before-rm..', 40, 100],
    ['start..before-rm', 0, 40],
    ['~1m..now', 40, 100],
    ['v1.0..~1', 7, 99],
    ['9', 9, 100],
  ])('%s', (text, from, to) => {
    expect(resolveRange(text, context)).toEqual({ from, to });
  });

  test.each(['1..2..3', '1...5', 'a....b'])('%s is refused', (text) => {
    expect(() => resolveRange(text, context)).toThrow(expect.objectContaining({ code: 'ERR_AT_INVALID' }));
  });
});

describe('a label', () => {
  test.each(['x', 'before-rm', 'start', 'v1.0', 'a/b+c', '_1', 'größe', 'nowhere'])('%s is one', (text) => {
    expect(isLabelName(text)).toBe(true);
  });

  test.each([
    '',
    'now',
    '1',
    '2026-01-02',
    '~1',
    '@1',
    'a..b',
    'a.',
    'a~1',
    'a b',
    '-x',
    '.x',
    'a\n',
    'a\udc80',
    'x'.repeat(129),
  ])('%j is none', (text) => {
    expect(isLabelName(text)).toBe(false);
  });

  test('whatever passes as a label resolves to the label and to nothing else', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat(HEAD), (text, seq) => {
        fc.pre(isLabelName(text));
        const labelled = { ...context, labels: new Map([[text, seq]]) };
        expect(resolveAt(text, labelled)).toBe(seq);
        expect(resolveRange(`${text}..${text}`, labelled)).toEqual({ from: seq, to: seq });
        expect(resolveAt(text + '~0', labelled)).toBe(seq);
      }),
    );
    const alphabet = fc.string({ unit: fc.constantFrom(...'an0w~@.:-T2Zs/_+'.split('')) });
    fc.assert(
      fc.property(alphabet, (text) => {
        fc.pre(isLabelName(text));
        expect(resolveAt(text, { ...context, labels: new Map([[text, 5]]) })).toBe(5);
      }),
      { numRuns: 2000 },
    );
  });

  test('any text resolves into the log or is refused by ERR_AT_INVALID', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'0123456789~@.:-+TZ smhdwnow'.split('')) }), (text) => {
        const error = failure(text);
        if (error !== null) expect(error).toMatchObject({ code: 'ERR_AT_INVALID' });
        else expect(at(text)).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('times', () => {
  test('a date reads as Date.parse does', () => {
    const dates = fc.date({
      min: new Date('0000-01-01T00:00:00Z'),
      max: new Date('9999-12-31T23:59:59Z'),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(dates, (date) => {
        expect(parseDateNs(date.toISOString())).toBe(BigInt(date.getTime()) * 1_000_000n);
      }),
    );
  });

  test('seconds keep every nanosecond', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }), (ns) => {
        const abs = ns < 0n ? -ns : ns;
        const text = `${ns < 0n ? '-' : ''}${abs / 10n ** 9n}.${String(abs % 10n ** 9n).padStart(9, '0')}`;
        expect(parseSecondsNs(text)).toBe(ns);
      }),
    );
  });

  test('a duration is the sum of its units', () => {
    expect(parseDurationNs('1w2d3h4m5s')).toBe((((7n + 2n) * 24n + 3n) * 3600n + 4n * 60n + 5n) * 1_000_000_000n);
    expect(parseDurationNs('m')).toBeNull();
    expect(parseDurationNs('1m1m')).toBeNull();
  });
});
