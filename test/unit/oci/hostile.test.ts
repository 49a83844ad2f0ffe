import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { openImageSource } from '../../../src/oci/image-archive.ts';
import type { RecordedEntry } from './support/record-sink.ts';
import { imageFixture } from './support/fixtures.ts';
import { RecordSink } from './support/record-sink.ts';

async function load(name: string): Promise<{ layers: RecordedEntry[][]; warnings: string[] }> {
  const source = await openImageSource(imageFixture(`hostile/${name}.tar`));
  try {
    const layers: RecordedEntry[][] = [];
    for (const layer of source.images[0].layers) {
      const sink = new RecordSink();
      await source.readLayer(layer, sink);
      layers.push(sink.finish());
    }
    return { layers, warnings: source.warnings.map(({ entry, message }) => `${entry}: ${message}`) };
  } finally {
    await source.close();
  }
}

const pathsOf = (layers: RecordedEntry[][]): string[][] =>
  layers.map((layer) => layer.map(({ entry }) => `${entry.kind} ${entry.path}`));

describe('contained', () => {
  test('paths with .. end up inside the image', async () => {
    const { layers } = await load('traversal');
    expect(pathsOf(layers)[1]).toEqual([
      'file evil-1',
      'dir a',
      'dir a/b',
      'file evil-2',
      'file evil-3',
      'file a/fine',
    ]);
  });

  test('entries below symlinks keep their paths; nothing is looked up on the host', async () => {
    const { layers } = await load('symlink-escape');
    expect(pathsOf(layers)).toEqual([
      ['symlink rel', 'file rel/evil-1', 'dir d', 'symlink d/abs'],
      ['file d/abs/evil-2', 'hardlink d/abs/evil-3'],
    ]);
  });

  test('devices are entries, char 0:0 hides the lower name, with a warning', async () => {
    const { layers, warnings } = await load('devices');
    expect(pathsOf(layers)[1]).toEqual([
      'dir dev',
      'chr dev/zero',
      'blk dev/loop0',
      'whiteout dev/ghost',
      'fifo dev/fifo',
    ]);
    expect(warnings).toEqual([expect.stringContaining('dev/ghost')]);
  });
});

describe('refused', () => {
  test.each([
    ['layer-digest', 'ERR_OCI_DIGEST', 'layer 1 of 1', 'the blob is sha256:'],
    ['truncated-gzip', 'ERR_OCI_CORRUPT', 'layer 1 of 1', 'gzip data is truncated'],
    ['tar-checksum', 'ERR_OCI_CORRUPT', 'layer 2 of 2', 'entry 1, byte 0: not a tar header'],
    ['missing-blob', 'ERR_OCI_CORRUPT', null, 'is missing'],
    ['index-not-json', 'ERR_OCI_CORRUPT', null, 'index.json is not JSON'],
  ])('%s', async (name, code, layer, text) => {
    await expect(load(name)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(text),
      detail: expect.objectContaining({ file: imageFixture(`hostile/${name}.tar`), layer }),
    });
  });
});

test('every hostile archive is covered here', () => {
  const names = readdirSync(imageFixture('hostile')).filter((name) => name.endsWith('.tar'));
  expect(names).toHaveLength(8);
});
