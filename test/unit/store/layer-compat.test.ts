import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { openStore, type Store } from '../../../src/index.ts';
import { LAYER_CASES, type LayerCase } from '../../fixtures/layer-cases.ts';
import { imageOf, seen } from '../oci/support/layer-lines.ts';
import { shownLines } from './shown-lines.ts';

const folder = mkdtempSync(join(tmpdir(), 'overlog-compat-'));
afterAll(() => rmSync(folder, { recursive: true }));

function archiveOf(one: LayerCase): string {
  const path = join(folder, `${one.name.replaceAll(' ', '-')}.tar`);
  writeFileSync(path, imageOf(one));
  return path;
}

/** What a store shows of a case, or `refused`; after a refusal it must be as it was. */
async function shown(one: LayerCase, compat: 'oci' | 'docker', store?: Store): Promise<string[] | 'refused'> {
  const into = store ?? (await openStore());
  const { seq } = into;
  try {
    await into.images.load(archiveOf(one), { compat });
  } catch (error) {
    const { message } = error as Error;
    expect(error).toMatchObject({ code: 'ERR_OCI_CORRUPT', detail: { file: archiveOf(one), layer: 'layer 2 of 2' } });
    expect(message).toMatch(/^\S+\.tar, layer 2 of 2, entry /);
    expect(into.seq).toBe(seq);
    return 'refused';
  }
  return shownLines(into, 'case:1');
}

const expected = (change: LayerCase['oci']): string[] | 'refused' => (change === 'refused' ? change : seen(change));

describe('a layer with a', () => {
  test.each(LAYER_CASES.map((one) => [one.name, one] as const))(
    '%s is read by the OCI spec (SEM-2.5)',
    async (_, one) => {
      expect(await shown(one, 'oci')).toEqual(expected(one.oci));
    },
  );

  test.each(LAYER_CASES.map((one) => [one.name, one] as const))(
    '%s is with compat docker what Docker 20.10 shows (SEM-2.5)',
    async (_, one) => {
      expect(await shown(one, 'docker')).toEqual(expected(one.docker ?? one.oci));
    },
  );
});

test('a stack that is in the store by other rules is refused, not shown wrong', async () => {
  const one = LAYER_CASES.find(({ name }) => name === 'opaque root') as LayerCase;
  const store = await openStore();
  await shown(one, 'oci', store);
  const { seq } = store;
  await expect(store.images.load(archiveOf(one), { compat: 'docker' })).rejects.toMatchObject({ code: 'ERR_CONFLICT' });
  expect(store.seq).toBe(seq);
  const same = LAYER_CASES.find(({ name }) => name === 'file over a directory') as LayerCase;
  const other = await openStore();
  await shown(same, 'oci', other);
  expect(await shown(same, 'docker', other)).toEqual(seen(same.oci as string[]));
});
