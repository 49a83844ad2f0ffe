/** A large image: a tree of 20,000 files, packed with tar and gzip into an OCI layout that other tools read, too. */

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

const DIRECTORIES = 200;
/** Most files are small, as in real images: the cube of an even spread up to this. */
const FILE_BYTES_MAX = 32_000;

/**
 * Writes the layout.
 *
 * @param folder - Empty; the tree lies in it, too, afterwards.
 * @returns The layout's directory; the image's tag in it is `large`.
 */
export function packLargeImage(folder: string, files: number): string {
  const tree = join(folder, 'tree');
  const random = randomNumbers();
  for (let index = 0; index < files; index++) {
    const directory = join(tree, `d${index % DIRECTORIES}`);
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, `file-${index}.txt`), textOf(Math.floor(random() ** 3 * FILE_BYTES_MAX), random));
  }
  const tar = execFileSync('tar', ['--sort=name', '--format=pax', '-C', tree, '-czf', '-', '.'], {
    maxBuffer: 2 ** 31,
  });
  return writeLayout(join(folder, 'layout'), tar);
}

/** Letters from an alphabet of 16, so that gzip halves them. */
function textOf(bytes: number, random: () => number): Buffer {
  const text = Buffer.allocUnsafe(bytes);
  for (let at = 0; at < bytes; at++) text[at] = 97 + Math.floor(random() * 16);
  return text;
}

/** The same numbers every time (a linear congruential generator, Numerical Recipes). */
function randomNumbers(): () => number {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function writeLayout(directory: string, layer: Buffer): string {
  const blobs = join(directory, 'blobs', 'sha256');
  mkdirSync(blobs, { recursive: true });
  const put = (mediaType: string, bytes: Buffer): { mediaType: string; digest: string; size: number } => {
    const hex = sha256(bytes);
    writeFileSync(join(blobs, hex), bytes);
    return { mediaType, digest: `sha256:${hex}`, size: bytes.length };
  };
  const json = (value: object): Buffer => Buffer.from(JSON.stringify(value));
  const stored = put('application/vnd.oci.image.layer.v1.tar+gzip', layer);
  const diffIds = [`sha256:${sha256(gunzipSync(layer))}`];
  const config = put(
    'application/vnd.oci.image.config.v1+json',
    json({
      architecture: 'amd64',
      os: 'linux',
      config: {},
      rootfs: { type: 'layers', diff_ids: diffIds },
      history: [{}],
    }),
  );
  const manifest = put(
    'application/vnd.oci.image.manifest.v1+json',
    json({ schemaVersion: 2, config, layers: [stored] }),
  );
  const named = { ...manifest, annotations: { 'org.opencontainers.image.ref.name': 'large' } };
  writeFileSync(join(directory, 'index.json'), json({ schemaVersion: 2, manifests: [named] }));
  writeFileSync(join(directory, 'oci-layout'), json({ imageLayoutVersion: '1.0.0' }));
  return directory;
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
