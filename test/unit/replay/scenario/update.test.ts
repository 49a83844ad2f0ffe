import fc from 'fast-check';
import { expect, it } from 'vitest';
import { encodeName } from '../../../../src/events/name.ts';
import { parseScenario } from '../../../../src/replay/scenario/parse.ts';
import type { Expectation } from '../../../../src/replay/scenario/scenario.ts';
import { updateSource } from '../../../../src/replay/scenario/update.ts';

function expectationsOf(source: Uint8Array): { scenario: ReturnType<typeof parseScenario>; all: Expectation[] } {
  const scenario = parseScenario('a.scn', source);
  const all = scenario.steps.flatMap((step) =>
    'expectation' in step && step.expectation !== null ? [step.expectation] : [],
  );
  return { scenario, all };
}

it('rewrites expected lines and leaves every other byte', () => {
  const source = Buffer.from(
    '#  x \t\r\nc1$ cat /a   # why\r\n  old\r\n  older\r\n\r\nc1! cat /b\n  ENOENT\n-- f --\n\xff\xfe',
    'latin1',
  );
  const { scenario, all } = expectationsOf(source);
  const updated = updateSource(scenario, [
    { expectation: all[0], seen: ['new', '', '...'] },
    { expectation: all[1], seen: ['EROFS'] },
  ]);
  const wanted =
    '#  x \t\r\nc1$ cat /a   # why\r\n  new\r\n  (blank)\r\n  \\.\\.\\. (re)\r\n\r\nc1! cat /b\n  EROFS\n-- f --\n\xff\xfe';
  expect(updated.toString('latin1')).toBe(wanted);
});

it('gives the same bytes for no updates, whatever they are', () => {
  const part = fc.constantFrom('c1$ cat /a\n', '  x\n', '\n', '# \xff\n', '$ ls\r\n', '  y\r\n', '-- f --\n', '\xc3');
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      const source = Buffer.from(parts.join(''), 'latin1');
      let scenario;
      try {
        scenario = parseScenario('a.scn', source);
      } catch {
        return;
      }
      expect(updateSource(scenario, [])).toEqual(source);
      expect(encodeName(scenario.lines.join('\n'))).toEqual(source);
    }),
  );
});
