import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { openImageSource } from '../../../src/oci/image-archive.ts';
import { imageFixture } from './support/fixtures.ts';
import { MergedTree } from './support/merged-tree.ts';
import { RecordSink } from './support/record-sink.ts';

interface Line {
  readonly path: string;
  readonly path_b64?: string;
  readonly linkname?: string;
  readonly linkname_b64?: string;
}

/** A listing of a kernel mount, without what layers do not determine. */
function expectedListing(name: string): Map<string, object> {
  const lines = new Map<string, object>();
  for (const text of readFileSync(imageFixture(name), 'utf8').trim().split('\n')) {
    const { path, path_b64, linkname, linkname_b64, ...rest } = JSON.parse(text) as Line & Record<string, unknown>;
    if (path === '/') continue;
    delete rest['nlink'];
    delete rest['hardlink'];
    // The kernel mounts clamp a time before 1970; the layer has it.
    if (path === '/opt/y1960') rest['mtime_ns'] = '-315521755000000000';
    const target =
      linkname === undefined ? {} : { linkname_b64: linkname_b64 ?? Buffer.from(linkname).toString('base64') };
    lines.set(path_b64 ?? Buffer.from(path).toString('base64'), { ...rest, ...target });
  }
  return lines;
}

test('the layers of an image, put on top of each other, are what kernel overlay mounts of them show', async () => {
  const source = await openImageSource(imageFixture('edge-oci-archive.tar'));
  const tree = new MergedTree();
  for (const layer of source.images[0].layers.slice(0, 5)) {
    const sink = new RecordSink();
    await source.readLayer(layer, sink);
    tree.apply(sink.finish());
    expect(tree.list()).toEqual(expectedListing(`merged.l${layer.number}.ndjson`));
  }
  await source.close();
});

test('tars of overlay upper directories, put on top of each other, are the same', async () => {
  const tree = new MergedTree();
  for (let number = 1; number <= 5; number++) {
    const source = await openImageSource(imageFixture(`upperdirs/l${number}.tar.gz`), { dialect: 'overlay' });
    const sink = new RecordSink();
    await source.readLayer(source.images[0].layers[0], sink);
    tree.apply(sink.finish());
    const listed = tree.list();
    listed.delete(Buffer.from('/').toString('base64'));
    // buildah's layers have whole seconds; the disk it wrote them from had fractions.
    expect(withoutTimes(listed)).toEqual(withoutTimes(expectedListing(`merged.l${number}.ndjson`)));
    expect(source.warnings).toEqual([]);
    await source.close();
  }
});

function withoutTimes(lines: Map<string, object>): Map<string, object> {
  return new Map([...lines].map(([path, line]) => [path, { ...line, mtime_ns: '' }]));
}
