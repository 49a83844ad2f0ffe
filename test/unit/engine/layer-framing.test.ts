import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FramingRecorder, framedTar } from '../../../src/engine/layer-framing.ts';
import { layerBuilder } from '../../../src/engine/layer-builder.ts';
import { LayerReader } from '../../../src/oci/layer-reader.ts';
import { Tree } from '../../../src/projections/tree/tree.ts';
import { openMemoryLog } from '../../../src/storage/memory.ts';
import { archive, extension, file, header, pax } from '../oci/support/raw-tar.ts';

/** Reads a tar as a layer, in pieces, and puts it together again; null: its framing is not kept. */
function again(tar: Buffer, pieceBytes = tar.length): Buffer | null {
  const { chunks } = openMemoryLog();
  const builder = layerBuilder({ chunks, below: Tree.empty(0n) });
  const reader = new LayerReader(builder, { file: 'layer' });
  for (let at = 0; at < tar.length; at += pieceBytes) reader.push(tar.subarray(at, at + pieceBytes));
  reader.end();
  const { framing, tree } = builder.finish();
  return framing.length === 0 ? null : Buffer.concat([...framedTar(framing, tree, chunks)]);
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

test('a tar of any form is put together again, byte for byte', () => {
  const odd = [
    pax([
      ['path', 'päth'],
      ['mtime', '1.5'],
      ['comment', 'kept'],
    ]),
    file('short', 'content', { mode: 0o7777, uid: 9 }),
    pax([
      ['GNU.sparse.size', '100'],
      ['GNU.sparse.map', '2,1,50,2'],
    ]),
    file('s', 'abc'),
    extension('L', Buffer.from('long/name\0')),
    header({ name: 'l', typeflag: '2', link: 'to' }),
    file('.wh.x', 'content that no whiteout has'),
    header({ name: 'V', typeflag: 'V' }),
    file('.wh..wh.plnk/1', 'held by aufs'),
    header({ name: 'h', typeflag: '1', link: '.wh..wh.plnk/1' }),
  ];
  // A file that is replaced: what it held is in no tree.
  expect(again(archive(...odd, file('päth/below', 'a directory now')))).toBeNull();
  const kept = archive(...odd);
  const withGarbage = Buffer.concat([archive(file('f', 'x')), Buffer.alloc(1000, 'garbage')]);
  for (const tar of [kept, withGarbage, archive(), archive(file('f', Buffer.alloc(300_000, 'f')))]) {
    for (const piece of [1, 511, 512, 65_536]) {
      if (piece === 1 && tar.length > 20_000) continue;
      expect(sha256(again(tar, piece) as Buffer)).toBe(sha256(tar));
    }
  }
});

test('a tar of any files, in pieces of any size, is put together again', () => {
  const entry = fc.tuple(fc.nat(5), fc.nat(2000), fc.boolean());
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 30 }), fc.integer({ min: 1, max: 3000 }), (entries, piece) => {
      const tar = archive(
        ...entries.map(([mode, size, isFile], at) =>
          isFile ? file(`f${at}`, Buffer.alloc(size, at), { mode }) : header({ name: `d${at}/`, typeflag: '5', mode }),
        ),
      );
      expect(again(tar, piece)?.equals(tar)).toBe(true);
    }),
    { numRuns: 100 },
  );
});

test('a framing takes a small part of what the headers take', () => {
  const { chunks } = openMemoryLog();
  const recorder = new FramingRecorder(chunks);
  for (let at = 0; at < 2000; at++) recorder.bytes(header({ name: `usr/share/doc/package-${at}/copyright`, size: at }));
  const stored = recorder.finish(Tree.empty(0n)).reduce((sum, chunk) => sum + chunks.byteLength(chunk), 0);
  expect(stored).toBeLessThan((2000 * 512) / 10);
});

test('a framing that is none is refused as damage', () => {
  const { chunks } = openMemoryLog();
  const tree = Tree.empty(0n);
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(fc.array(bytes, { minLength: 1, maxLength: 4 }), (pieces) => {
      const framing = pieces.map((piece) => chunks.put(piece));
      try {
        for (const piece of framedTar(framing, tree, chunks)) expect(piece.length).toBeLessThanOrEqual(60_000);
      } catch (error) {
        expect(error).toMatchObject({ code: 'ERR_LOG_CORRUPT' });
      }
    }),
    { numRuns: 500 },
  );
});
