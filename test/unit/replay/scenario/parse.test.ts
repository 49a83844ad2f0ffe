import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isStoreError, type StoreError } from '../../../../src/events/log-error.ts';
import { parseScenario } from '../../../../src/replay/scenario/parse.ts';

const parse = (text: string, file = 'a.scn') => parseScenario(file, Buffer.from(text));

/** The one error that a wrong text gives. */
function syntaxErrorOf(text: string | Uint8Array, file = 'a.scn'): StoreError {
  try {
    parseScenario(file, typeof text === 'string' ? Buffer.from(text) : text);
  } catch (error) {
    if (isStoreError(error, 'ERR_SCENARIO_SYNTAX')) return error;
    throw error;
  }
  throw new Error('the text was read');
}

describe('parseScenario', () => {
  it('reads settings, statements, commands and files with their lines', () => {
    const scenario = parse(
      [
        '# a comment',
        'driver overlay2    # another',
        'clock 2026-01-02T03:04:05Z +1s',
        '',
        'image app:1',
        '  FROM scratch',
        '  COPY etc/ /etc/',
        '  ADD fill(10, "xy") /data ; same-layer',
        '  RUN rm /data && chmod 0600 /etc/conf',
        '  ENV A=1 B="two words"',
        'end',
        'volume v1',
        'container c1 app:1 -v v1:/data:ro --read-only',
        '@label here',
        '@ +5s',
        "c1$ echo 'a b' >> /etc/conf ; cat /etc/conf | tail -n 1",
        '  a b',
        'c1! cat /none',
        '  ENOENT',
        '$ ps -s --bytes',
        '  ...',
        'check invariants',
        '-- etc/conf mode=0600 --',
        'port=80',
        '-- etc/empty/ mode=1777 --',
      ].join('\n'),
    );
    expect(scenario.driver).toBe('overlay2');
    expect(scenario.clock).toEqual({ startNs: 1_767_323_045_000_000_000n, stepNs: 1_000_000_000n });
    expect(scenario.steps.map(({ kind, line }) => `${line} ${kind}`)).toEqual([
      '5 image',
      '12 volume',
      '13 container',
      '14 label',
      '15 wait',
      '16 files',
      '18 refused',
      '20 cli',
      '22 check',
    ]);
    expect(scenario.files).toEqual([
      { path: 'etc/conf', isDirectory: false, mode: 0o600, content: Buffer.from('port=80\n'), line: 23 },
      { path: 'etc/empty', isDirectory: true, mode: 0o1777, content: new Uint8Array(), line: 25 },
    ]);
    expect(scenario.steps).toMatchSnapshot();
  });

  it('keeps the history of an instruction without comment and same-layer', () => {
    const [step] = parse(
      'image a\n  FROM b:1\n  ADD  fill(3,"c") /x   # why\n  RUN  echo a > /b ; same-layer\nend\n',
    ).steps;
    expect(step.kind === 'image' && step.instructions.map(({ createdBy }) => createdBy)).toEqual([
      'FROM b:1',
      'ADD fill(3,"c") /x',
      'RUN echo a > /b',
    ]);
  });

  it('reads the scn blocks of Markdown as one scenario, with the lines of the file', () => {
    const text = '# Title\n\n```scn\nvolume v1\n```\n\n```js\nnot a scenario\n```\n\n~~~scn\n$ volume ls\n  v1\n~~~\n';
    expect(parse(text, 'a.md').steps.map(({ kind, line }) => `${line} ${kind}`)).toEqual(['4 volume', '12 cli']);
  });

  it('takes CRLF line ends', () => {
    const [step] = parse('c1$ cat /a\r\n  x\r\n').steps;
    expect(step.kind === 'files' && step.expectation?.lines).toEqual([{ kind: 'exact', text: 'x' }]);
  });

  const WRONG: [text: string, line: number, expected: string][] = [
    ['nonsense here', 1, 'a statement'],
    ['\n\nc1$ frobnicate /x', 3, 'a file verb'],
    ['c1$', 1, 'a verb'],
    ['c1$ cat /a |', 1, 'a pipe into tail, head or wc'],
    ['c1$ cat /a | sort', 1, 'a pipe into tail, head or wc'],
    ['c1$ echo a > ', 1, 'one path after >'],
    ['c1$ echo a > b > c', 1, 'at most one'],
    ["c1$ echo 'a", 1, "a closing '"],
    ['c1$ echo a & b', 1, 'no &'],
    ['c1$ cat < a', 1, 'no <'],
    ['c1$ cat a || cat b', 1, 'one of'],
    ["c1$ echo $'\\q'", 1, 'one of'],
    ['c1! cat /a', 2, 'the errno'],
    ['c1! cat /a\n  no such file', 2, 'one errno'],
    ['  stray output', 1, 'expected output only below a command'],
    ['volume v1\n  output', 2, 'no output below volume'],
    ['volume', 1, 'volume NAME'],
    ['container c1', 1, 'container NAME IMAGE'],
    ['clock yesterday', 1, 'a time'],
    ['clock 2026-01-02 1s', 1, 'a step of time'],
    ['volume v1\ndriver vfs', 2, 'driver before the first step'],
    ['@ 5s', 1, 'a step of time'],
    ['check everything', 1, 'check invariants'],
    ['image a\n  FROM scratch', 3, 'end, which closes image a'],
    ['image a\nend', 2, 'FROM before end'],
    ['image a\n  COPY a /', 2, 'FROM as the first word'],
    ['image a\n  FROM scratch\n  FROM b\nend', 3, 'FROM once'],
    [
      'image a\n  FROM scratch\n  ENV A=1\n  ADD fill(1,"c") /a ; same-layer\nend',
      4,
      'COPY, ADD or RUN on the line before',
    ],
    ['image a\n  FROM scratch\n  COPY lost /\nend', 3, 'a path with a section'],
    ['image a\n  FROM scratch\n  RUN make\nend', 3, 'a file verb'],
    ['image a\n  FROM scratch\n  CMD [1]\nend', 3, 'CMD ["program","argument"]'],
    ['image a\n  FROM scratch\n  VOLUME /a\nend', 3, 'FROM, COPY, ADD'],
    ['-- ../evil --\nx', 1, 'a relative path'],
    ['-- a --\n-- a --\n', 2, 'each file once'],
    ['-- a/ --\ncontent', 1, 'nothing below a directory'],
    ['$ ls\n  a( (re)', 2, 'a regular expression'],
  ];
  it.each(WRONG)('says where and what it expected: %j', (text, line, expected) => {
    const error = syntaxErrorOf(text);
    expect(error.message).toMatch(new RegExp(`^a\\.scn:${line}: expected `));
    expect(error.message).toContain(expected);
    expect(error.detail).toEqual({ file: 'a.scn', line });
    expect(error.message).not.toContain('\n');
  });

  it('answers any bytes with a scenario or one syntax error', () => {
    const pieces = fc.constantFrom(
      'c1$ ',
      'c1! ',
      '$ ',
      'image a\n',
      '  FROM scratch\n',
      '  RUN ',
      '  COPY a b',
      'end\n',
      '-- a --\n',
      '@ +',
      '@label ',
      'clock ',
      '\n',
      '  ',
      '\r\n',
      '"',
      "'",
      "$'",
      '\\x',
      '> ',
      '>> ',
      '; ',
      '&& ',
      '| tail',
      '...',
      ' (re)',
      ' (glob)',
      'fill(9,"c")',
      'cat ',
      '/a',
      '#',
      '```scn\n',
      '```\n',
      '; same-layer',
      '[',
      '(',
      '*',
      '\0',
    );
    const text = fc.array(
      fc.oneof(
        pieces,
        fc.string(),
        fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('latin1')),
      ),
    );
    fc.assert(
      fc.property(text, fc.boolean(), (parts, isMarkdown) => {
        const bytes = Buffer.from(parts.join(''), 'latin1');
        try {
          parseScenario(isMarkdown ? 'a.md' : 'a.scn', bytes);
        } catch (error) {
          expect(isStoreError(error, 'ERR_SCENARIO_SYNTAX') && (error.detail['line'] as number) >= 1).toBe(true);
        }
      }),
      { numRuns: 3000 },
    );
  });
});
