import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { LAYER_CASES, LOWER, type LayerCase } from '../fixtures/layer-cases.ts';
import { ociLayout } from '../unit/oci/support/images.ts';
import { layerOf, seen } from '../unit/oci/support/layer-lines.ts';
import { linesOf, missing, titled } from './other-tools.ts';

/** What the cases of SEM-2.5 say of the OCI spec is what umoci makes of them, but for two that name it. */

const reason = missing('umoci');
const folder = mkdtempSync(join(tmpdir(), 'overlog-umoci-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe.skipIf(reason !== null)(titled('a layer that umoci unpacks', reason), () => {
  test.each(LAYER_CASES.map((one) => [one.name, one] as const))('%s shows what the case says (SEM-2.5)', (_, one) => {
    const expected = one.umoci ?? one.oci;
    expect(unpacked(one)).toEqual(expected === 'refused' ? expected : seen(expected));
  });
});

function unpacked({ upper }: LayerCase): string[] | 'refused' {
  const at = mkdtempSync(join(folder, 'case-'));
  const [image, rootfs] = [join(at, 'image'), join(at, 'rootfs')];
  const content = ociLayout({ layers: [layerOf(LOWER), layerOf(upper)], tags: ['case'] });
  for (const [name, bytes] of Object.entries(content)) {
    mkdirSync(dirname(join(image, name)), { recursive: true });
    writeFileSync(join(image, name), bytes);
  }
  try {
    execFileSync('umoci', ['raw', 'unpack', '--image', `${image}:case`, rootfs], { stdio: 'pipe' });
  } catch (error) {
    expect(String((error as { stderr: Buffer }).stderr)).toContain('unpack entry: ');
    return 'refused';
  }
  return linesOf(rootfs);
}
