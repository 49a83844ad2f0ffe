import { describe, expect, it } from 'vitest';
import { exitCodeOf, usageError } from '../../../src/cli/exit-codes.ts';
import { toJson } from '../../../src/cli/format/json.ts';
import { DF_DIGITS, formatSize, groupDigits, plural } from '../../../src/cli/format/size.ts';
import { styleFor } from '../../../src/cli/format/style.ts';
import { displayWidth, formatTable, formatTemplate } from '../../../src/cli/format/table.ts';
import { formatAge, formatDuration, formatLogTime, formatTime } from '../../../src/cli/format/time.ts';
import { causeLine } from '../../../src/cli/format/transaction.ts';
import { summarize } from '../../../src/cli/format/events.ts';
import { storeError } from '../../../src/events/log-error.ts';
import { fsError } from '../../../src/engine/errno.ts';

describe('sizes', () => {
  it.each([
    [0, '0B'],
    [999, '999B'],
    [1000, '1kB'],
    [4982, '4.98kB'],
    [10_000_010, '10MB'],
    [14_982_446, '15MB'],
    [999_999, '1MB'],
    [1_480_000_000, '1.48GB'],
    [-20, '-20B'],
  ])('of %i bytes are %s, as ps prints them', (bytes, text) => {
    expect(formatSize(bytes)).toBe(text);
  });

  it.each([
    [14_982_446, '14.98MB'],
    [21_000_017, '21MB'],
    [2_000_000, '2MB'],
  ])('of %i bytes are %s, as system df prints them', (bytes, text) => {
    expect(formatSize(bytes, DF_DIGITS)).toBe(text);
  });

  it('name one and many', () => {
    expect([plural(1, 'byte'), plural(2, 'entry', 'entries'), plural(12_345, 'event')]).toEqual([
      '1 byte',
      '2 entries',
      '12 345 events',
    ]);
    expect(groupDigits(1234)).toBe('1234');
  });
});

describe('times', () => {
  it('are exact', () => {
    expect(formatTime(1_767_323_045_500_000_000n)).toBe('2026-01-02T03:04:05.5Z');
    expect(formatTime(1_767_323_045_000_000_001n)).toBe('2026-01-02T03:04:05.000000001Z');
    expect(formatTime(-1n)).toBe('1969-12-31T23:59:59.999999999Z');
    expect(formatLogTime(1_767_323_045_123_999_999n)).toBe('2026-01-02 03:04:05.123');
  });

  it.each([
    [0, 'Less than a second'],
    [1, '1 second'],
    [59, '59 seconds'],
    [60, 'About a minute'],
    [3599, '59 minutes'],
    [3600, 'About an hour'],
    [7200, '2 hours'],
    [86_400 * 2, '2 days'],
    [86_400 * 21, '3 weeks'],
    [86_400 * 90, '3 months'],
    [86_400 * 800, '2 years'],
  ])('of %i seconds are said as docker does: %s', (seconds, text) => {
    expect(formatDuration(BigInt(seconds) * 1_000_000_000n)).toBe(text);
  });

  it('of the future are now', () => {
    expect(formatAge(10n, 5n)).toBe('Less than a second ago');
  });
});

describe('tables', () => {
  it('align columns by what they take on a screen', () => {
    const rows = [
      { name: '名前', size: '1B' },
      { name: 'é', size: '10MB' },
    ];
    const table = formatTable(rows, [
      { title: 'NAME', value: (row) => row.name },
      { title: 'SIZE', value: (row) => row.size, align: 'right' },
    ]);
    expect(table).toBe('NAME   SIZE\n名前     1B\né      10MB\n');
    expect(displayWidth('\u001b[1mab\u001b[22m')).toBe(2);
  });

  it('fill templates, and say which keys there are', () => {
    expect(formatTemplate(String.raw`{size}\t{name}`, { size: 3, name: 'a' })).toBe('3\ta');
    expect(formatTemplate('{list}{none}', { list: [1], none: null })).toBe('[1]');
    expect(() => formatTemplate('{toString}', { size: 3 })).toThrow('there is no {toString}; there are {size}');
  });
});

describe('JSON', () => {
  it('has int64 as strings, bytes as base64, Maps as objects, odd names as lone surrogates', () => {
    const value = {
      big: 2n ** 60n,
      bytes: Uint8Array.of(1),
      buffer: Buffer.of(2),
      map: new Map([['a', 1]]),
      name: 'x\udcff',
    };
    expect(toJson(value)).toBe(
      String.raw`{"big":"1152921504606846976","bytes":"AQ==","buffer":"Ag==","map":{"a":1},"name":"x\udcff"}`,
    );
  });
});

describe('colour', () => {
  it('is for terminals, unless NO_COLOR forbids it', () => {
    expect(styleFor(true, {}).bold('a')).toBe('\u001b[1ma\u001b[22m');
    expect(styleFor(true, { NO_COLOR: '1' }).bold('a')).toBe('a');
    expect(styleFor(false, {}).bold('a')).toBe('a');
    expect(styleFor(false, { FORCE_COLOR: '1' }).bold('a')).toBe('\u001b[1ma\u001b[22m');
  });
});

describe('transactions', () => {
  it('say what was asked and what it did', () => {
    expect(causeLine(['rename', '/a b', "/c'", ''])).toBe("rename '/a b' /c' ''");
    const times = { timeNs: 0n, parentTimeNs: null };
    const node = { parent: 1, name: 'a', uid: 0, gid: 0, rdev: 0, target: '', ...times };
    expect(
      summarize([
        { type: 'DirectoryCopiedUp', ino: 2, layer: 0, ctimeNs: 0n },
        { type: 'DirectoryCopiedUp', ino: 3, layer: 0, ctimeNs: 0n },
        { type: 'NodeCreated', ino: 4, mode: 0o100644, ...node },
        { type: 'Written', ino: 4, offset: 0, length: 1, pieces: [1, 0, 1], timeNs: 0n },
        { type: 'WhiteoutCreated', parent: 1, name: 'b' },
      ]),
    ).toBe('2 directories copied up, file made, 1 byte written, whiteout made');
  });
});

describe('exit codes', () => {
  it.each<[unknown, number]>([
    [storeError('ERR_NOT_FOUND', ''), 4],
    [storeError('ERR_AT_INVALID', ''), 4],
    [storeError('ERR_LOG_CORRUPT', ''), 3],
    [storeError('ERR_OCI_DIGEST', ''), 3],
    [storeError('ERR_SCENARIO_SYNTAX', ''), 3],
    [storeError('ERR_INVALID_ARGUMENT', ''), 2],
    [storeError('ERR_STATE', ''), 1],
    [usageError(''), 2],
    [fsError(-2, 'open', '/a'), 4],
    [fsError(-30, 'open', '/a'), 1],
    [new Error('x'), 1],
  ])('%s ends with %i', (error, code) => {
    expect(exitCodeOf(error)).toBe(code);
  });
});
