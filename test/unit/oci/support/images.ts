import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { archive, file, header, pax } from './raw-tar.ts';

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export type Files = Record<string, Buffer>;

export interface OciParts {
  readonly layers: readonly Buffer[];
  readonly tags?: readonly string[];
  readonly config?: object;
  /** Members to put over the manifest's own. */
  readonly manifest?: object;
  /** Members to put over each layer's descriptor. */
  readonly layer?: object;
  readonly compress?: (bytes: Buffer) => Buffer;
}

export const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

export const config = (layers: readonly Buffer[], change: object = {}): object => ({
  architecture: 'amd64',
  os: 'linux',
  config: {},
  rootfs: { type: 'layers', diff_ids: layers.map((layer) => `sha256:${sha256(layer)}`) },
  history: layers.map(() => ({ created_by: 'test' })),
  ...change,
});

const INDEX_TYPE = 'application/vnd.oci.image.index.v1+json';
const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';

/** Adds a blob and returns its descriptor. */
export function addBlob(files: Files, bytes: Buffer, mediaType: string, more: object = {}): object {
  files[`blobs/sha256/${sha256(bytes)}`] = bytes;
  return { mediaType, digest: `sha256:${sha256(bytes)}`, size: bytes.length, ...more };
}

/** Adds an image's blobs and returns the descriptor of its manifest. */
export function addImage(files: Files, parts: OciParts, more: object = {}): object {
  const compress = parts.compress ?? gzipSync;
  const layers = parts.layers.map((layer) => ({
    ...addBlob(files, compress(layer), 'application/vnd.oci.image.layer.v1.tar+gzip'),
    ...parts.layer,
  }));
  const configBytes = json(parts.config ?? config(parts.layers));
  const manifest = {
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: addBlob(files, configBytes, 'application/vnd.oci.image.config.v1+json'),
    layers,
    ...parts.manifest,
  };
  return addBlob(files, json(manifest), MANIFEST_TYPE, more);
}

/** Adds an index as a blob and returns its descriptor. */
export const addIndex = (files: Files, manifests: readonly object[], more: object = {}): object =>
  addBlob(files, json({ schemaVersion: 2, mediaType: INDEX_TYPE, manifests }), INDEX_TYPE, more);

/** Makes the files of an OCI layout. */
export function layout(files: Files, manifests: readonly object[]): Files {
  files['oci-layout'] = json({ imageLayoutVersion: '1.0.0' });
  files['index.json'] = json({ schemaVersion: 2, manifests });
  return files;
}

/** An OCI layout with one image. */
export function ociLayout(parts: OciParts): Files {
  const files: Files = {};
  const tags = parts.tags ?? ['latest'];
  const descriptors = tags.map((tag) =>
    addImage(files, parts, { annotations: { 'org.opencontainers.image.ref.name': tag } }),
  );
  return layout(files, descriptors);
}

/** Packs files into a tar, as the archive forms of images are. */
export const pack = (files: Files, links: Readonly<Record<string, string>> = {}): Buffer =>
  archive(
    ...Object.entries(files).map(([path, bytes]) => {
      return path.length <= 100 ? file(path, bytes) : Buffer.concat([pax([['path', path]]), file('long', bytes)]);
    }),
    ...Object.entries(links).map(([path, link]) => header({ name: path, typeflag: '2', link })),
  );
