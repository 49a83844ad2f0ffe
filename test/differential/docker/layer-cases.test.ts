import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LAYER_CASES, LOWER, type LayerCase } from '../../fixtures/layer-cases.ts';
import { config, json } from '../../unit/oci/support/images.ts';
import { dockerArchiveOf, layerOf, seen } from '../../unit/oci/support/layer-lines.ts';
import { linesOf } from '../other-tools.ts';
import { Daemon, dockerMissing } from './daemon.ts';

/** What the cases of SEM-2.5 say of Docker is what a real daemon makes of them. */

const missing = dockerMissing();
const title = missing === null ? 'a layer that Docker loads' : `a layer that Docker loads (skipped: ${missing})`;

/** What Docker puts into the root of every container. */
const OF_DOCKER = /^(?:\.dockerenv|dev|proc|sys|etc)(?:=|\/|$)/;

describe.skipIf(missing !== null)(title, () => {
  let daemon: Daemon;

  beforeAll(async () => {
    daemon = await Daemon.start();
  }, 60_000);

  afterAll(async () => {
    await daemon?.stop();
  }, 60_000);

  test.each(LAYER_CASES.map((one) => [one.name, one] as const))('%s shows what the case says (SEM-2.5)', (_, one) => {
    const expected = one.docker ?? one.oci;
    expect(loadedByDocker(daemon, one)).toEqual(expected === 'refused' ? expected : seen(expected));
  });
});

function loadedByDocker(daemon: Daemon, one: LayerCase): string[] | 'refused' {
  const tag = `overlog-test/case-${LAYER_CASES.indexOf(one)}:1`;
  const archive = join(daemon.folder, 'case.tar');
  writeFileSync(archive, dockerArchiveOf(one, tag, json(config([layerOf(LOWER), layerOf(one.upper)]))));
  const loaded = daemon.try('load', '--input', archive);
  // The command ends with 0 when a layer is refused.
  if (daemon.try('image', 'inspect', tag).exitCode !== 0) {
    expect(loaded.stdout + loaded.stderr).toMatch(/error|invalid|duplicates|no such|exists/i);
    return 'refused';
  }
  const container = daemon.run('create', '--network', 'none', tag, '/none');
  const [exported, root] = [join(daemon.folder, 'case-out.tar'), join(daemon.folder, `case-${container}`)];
  daemon.run('export', '--output', exported, container);
  mkdirSync(root);
  execFileSync('tar', ['-xpf', exported, '-C', root]);
  return linesOf(root).filter((line) => !OF_DOCKER.test(line));
}
