import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { LayerEntry } from '../../../src/engine/layer-sink.ts';
import { openImageSource } from '../../../src/oci/image-archive.ts';
import type { ImageSource, ImageSourceOptions } from '../../../src/oci/image-source.ts';
import { GetfattrParser } from '../../../src/oci/xattr-scan.ts';
import { RecordSink } from './support/record-sink.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'overlog-test-'));
});
afterEach(() => rmSync(root, { recursive: true }));

const isRoot = process.getuid?.() === 0;

/** Sets an xattr by python; returns whether it could. */
function setXattr(path: string, name: string, hex: string): boolean {
  const script =
    'import os,sys; os.setxattr(sys.argv[1], sys.argv[2], bytes.fromhex(sys.argv[3]), follow_symlinks=False)';
  try {
    execFileSync('python3', ['-c', script, path, name, hex], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

async function load(
  path: string,
  options: ImageSourceOptions = {},
): Promise<{ source: ImageSource; entries: LayerEntry[]; contents: Buffer[]; holes: number }> {
  const source = await openImageSource(path, options);
  let holes = 0;
  const sink = new (class extends RecordSink {
    override hole(length: number): void {
      holes += length;
      super.hole(length);
    }
  })();
  await source.readLayer(source.images[0].layers[0], sink);
  await source.close();
  const recorded = sink.finish();
  return {
    source,
    entries: recorded.map(({ entry }) => entry),
    contents: recorded.map(({ content }) => content),
    holes,
  };
}

test('a directory is an image of one layer, with all that the disk holds', async () => {
  mkdirSync(join(root, 'd/e'), { recursive: true });
  writeFileSync(join(root, 'd/f'), 'content');
  chmodSync(join(root, 'd/f'), 0o4755);
  utimesSync(join(root, 'd/f'), 1, 1_234_567.25);
  linkSync(join(root, 'd/f'), join(root, 'd/e/link'));
  symlinkSync('nowhere', join(root, 's'));
  lutimesSync(join(root, 's'), 5, 5);
  writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0x62, 0xff])]), '');
  execFileSync('mkfifo', [join(root, 'p')]);
  const { source, entries, contents } = await load(root, { tags: ['dir:1'], platform: 'linux/arm64/v8' });
  expect(source.kind).toBe('directory');
  expect(entries.map(({ kind, path }) => `${kind} ${path}`)).toEqual([
    'dir ',
    'file b\udcff',
    'dir d',
    'dir d/e',
    'file d/e/link',
    'hardlink d/f',
    'fifo p',
    'symlink s',
  ]);
  expect(entries[4]).toMatchObject({ mode: 0o4755, mtimeNs: 1_234_567_250_000_000n, size: 7, uid: process.getuid?.() });
  expect(contents[4].toString()).toBe('content');
  expect(entries[5]).toEqual({ kind: 'hardlink', path: 'd/f', target: 'd/e/link' });
  expect(entries[7]).toMatchObject({ target: 'nowhere', mtimeNs: 5_000_000_000n });
  const config = JSON.parse(source.images[0].configBytes.toString()) as object;
  expect(config).toMatchObject({
    os: 'linux',
    architecture: 'arm64',
    variant: 'v8',
    rootfs: { diff_ids: [source.images[0].layers[0].diffId] },
  });
  expect(source.images[0].tags).toEqual(['dir:1']);
});

test('the same directory gives the same image', async () => {
  writeFileSync(join(root, 'f'), 'x');
  const first = await load(root);
  expect((await load(root)).source.images).toEqual(first.source.images);
});

test('holes stay holes, and the content is the same', async () => {
  const path = join(root, 'sparse');
  writeFileSync(path, 'start');
  truncateSync(path, 2_000_000);
  appendFileSync(path, 'end');
  const { contents, holes } = await load(root);
  expect(contents[1].equals(readFileSync(path))).toBe(true);
  expect(holes).toBeGreaterThan(1_900_000);
});

test('a change between opening and reading is refused', async () => {
  writeFileSync(join(root, 'f'), 'x');
  const source = await openImageSource(root);
  writeFileSync(join(root, 'f'), 'y');
  const reading = source.readLayer(source.images[0].layers[0], new RecordSink());
  await expect(reading).rejects.toMatchObject({ code: 'ERR_OCI_DIGEST' });
});

test('a socket is left out with a warning, and hides what is below in an upper directory', async () => {
  const server = createServer();
  await new Promise<void>((done) => void server.listen(join(root, 'socket'), () => done()));
  try {
    const { source, entries } = await load(root);
    expect(entries).toHaveLength(1);
    expect(source.warnings).toEqual([expect.objectContaining({ entry: 'socket' })]);
    const upper = await load(root, { dialect: 'overlay' });
    expect(upper.entries).toContainEqual({ kind: 'whiteout', path: 'socket' });
  } finally {
    server.close();
  }
});

test('a file named .wh.x is refused, because it would read as a whiteout', async () => {
  writeFileSync(join(root, '.wh.x'), '');
  await expect(openImageSource(root)).rejects.toMatchObject({ code: 'ERR_OCI_UNSUPPORTED', detail: { file: root } });
});

describe('extended attributes', () => {
  test('are read as bytes, of names with any bytes', async (context) => {
    const name = join(root, 'new\nline \\012 #');
    writeFileSync(name, '');
    if (!setXattr(name, 'user.bin', '00ff0a3d')) context.skip('xattrs cannot be set here');
    const { entries } = await load(root);
    expect(entries[1]).toMatchObject({
      path: 'new\nline \\012 #',
      xattrs: [['user.bin', Buffer.from('00ff0a3d', 'hex')]],
    });
  });

  test('are missing with a warning where no program can read them', async () => {
    const path = process.env['PATH'];
    process.env['PATH'] = root;
    try {
      const source = await openImageSource(root);
      expect(source.warnings).toEqual([expect.objectContaining({ message: expect.stringContaining('getfattr') })]);
    } finally {
      process.env['PATH'] = path;
    }
  });

  test("getfattr's output is understood", () => {
    const parser = new GetfattrParser();
    // The form that getfattr(1) documents for -d -e hex; special bytes are octal.
    const output =
      '# file: .\nuser.a=0x31\n\n# file: d/new\\012line\\134 x\nuser.bin=0x00ff\nuser.empty=0x\nuser.none\n\n';
    for (const line of output.split('\n')) parser.line(line);
    expect([...parser.found]).toEqual([
      ['', [['user.a', Buffer.from('1')]]],
      [
        'd/new\nline\\ x',
        [
          ['user.bin', Buffer.from([0, 255])],
          ['user.empty', Buffer.alloc(0)],
          ['user.none', Buffer.alloc(0)],
        ],
      ],
    ]);
  });
});

test.skipIf(!isRoot)('an upper directory becomes a layer: char 0:0 and opaque are marks', async (context) => {
  mkdirSync(join(root, 'd'));
  try {
    execFileSync('mknod', [join(root, 'gone'), 'c', '0', '0'], { stdio: 'ignore' });
  } catch {
    context.skip('device nodes cannot be made here');
  }
  if (!setXattr(join(root, 'd'), 'trusted.overlay.opaque', '79')) context.skip('trusted xattrs cannot be set here');
  const { entries } = await load(root, { dialect: 'overlay' });
  expect(entries.map(({ kind, path }) => `${kind} ${path}`)).toEqual(['dir ', 'dir d', 'opaque d', 'whiteout gone']);
  expect(entries[1]).toMatchObject({ xattrs: [] });
  await expect(openImageSource(root)).rejects.toMatchObject({ code: 'ERR_OCI_UNSUPPORTED' });
});
