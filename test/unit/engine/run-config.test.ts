import { describe, expect, test } from 'vitest';
import { RunConfigDraft, type RunConfigInstruction, type RunConfigJson } from '../../../src/engine/run-config.ts';

function changed(before: RunConfigJson, ...instructions: RunConfigInstruction[]): RunConfigJson {
  const config = new RunConfigDraft(before);
  for (const instruction of instructions) config.apply(instruction);
  return config.members;
}

describe('instructions for the config', () => {
  test('ENV keeps the place of a name that is there, also one that begins another', () => {
    const before = { Env: ['AB=1', 'A=2', 'C=3'] };
    const pairs: [string, string][] = [
      ['D', '4'],
      ['A', '5=5'],
    ];
    expect(changed(before, { word: 'ENV', pairs })).toEqual({ Env: ['AB=1', 'A=5=5', 'C=3', 'D=4'] });
    expect(before).toEqual({ Env: ['AB=1', 'A=2', 'C=3'] });
  });

  test('LABEL replaces equal names and leaves the others', () => {
    const pairs: [string, string][] = [['a', '2']];
    expect(changed({ Labels: { a: '1', b: '1' } }, { word: 'LABEL', pairs })).toEqual({ Labels: { a: '2', b: '1' } });
    expect(changed({ Labels: null }, { word: 'LABEL', pairs })).toEqual({ Labels: { a: '2' } });
  });

  test('ENTRYPOINT drops a command from before, and leaves one that was said since', () => {
    const entrypoint: RunConfigInstruction = { word: 'ENTRYPOINT', argv: ['run'] };
    const cmd: RunConfigInstruction = { word: 'CMD', argv: ['own'] };
    expect(changed({ Cmd: ['below'] }, entrypoint)).toEqual({ Entrypoint: ['run'] });
    expect(changed({ Cmd: ['below'] }, cmd, entrypoint)).toEqual({ Cmd: ['own'], Entrypoint: ['run'] });
    expect(changed({}, entrypoint, cmd)).toEqual({ Cmd: ['own'], Entrypoint: ['run'] });
  });

  test.each([
    [undefined, 'a', '/a'],
    ['', 'a', '/a'],
    ['/srv', 'a/b', '/srv/a/b'],
    ['/srv/', 'a', '/srv/a'],
    ['/srv', '/a', '/a'],
  ])('WORKDIR after %j with %s is %s', (WorkingDir, value, expected) => {
    const config = new RunConfigDraft(WorkingDir === undefined ? {} : { WorkingDir });
    config.apply({ word: 'WORKDIR', value });
    expect(config.workdir).toBe(expected);
  });

  test('USER and HEALTHCHECK replace what was there', () => {
    const before = { User: 'a', Healthcheck: { Test: ['NONE'] } };
    const check = { Test: ['CMD', 'true'] };
    expect(changed(before, { word: 'USER', value: 'b' }, { word: 'HEALTHCHECK', check })).toEqual({
      User: 'b',
      Healthcheck: check,
    });
  });

  test('EXPOSE and VOLUME add to sorted sets, ONBUILD to a list', () => {
    const config = changed(
      { ExposedPorts: { '90/tcp': {} }, Volumes: null, OnBuild: ['RUN a'] },
      { word: 'EXPOSE', ports: ['80/tcp', '90/tcp'] },
      { word: 'VOLUME', paths: ['/b', '/a'] },
      { word: 'ONBUILD', trigger: 'RUN b' },
    );
    expect(config).toEqual({
      ExposedPorts: { '80/tcp': {}, '90/tcp': {} },
      Volumes: { '/a': {}, '/b': {} },
      OnBuild: ['RUN a', 'RUN b'],
    });
    expect(Object.keys(config['ExposedPorts'] as object)).toEqual(['80/tcp', '90/tcp']);
    expect(Object.keys(config['Volumes'] as object)).toEqual(['/a', '/b']);
  });
});
