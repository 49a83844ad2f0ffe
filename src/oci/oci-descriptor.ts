import { isDigest } from './digest.ts';
import { isJsonObject, jsonMember, jsonString } from './json.ts';
import type { JsonObject } from './json.ts';
import { sourceError } from './source-place.ts';
import type { SourcePlace } from './source-place.ts';

/** What points at a blob (OCI image-spec, descriptor.md). */
export interface Descriptor {
  readonly mediaType: string | null;
  readonly digest: string;
  readonly size: number;
  readonly annotations: JsonObject;
  /** Whether the content is to be fetched from elsewhere. */
  readonly hasUrls: boolean;
  /** The object itself, for further members. */
  readonly json: JsonObject;
}

/**
 * Reads a descriptor.
 *
 * @throws StoreError `ERR_OCI_CORRUPT` if it has no size or no SHA-256 or SHA-512 digest.
 */
export function readDescriptor(value: unknown, what: string, place: SourcePlace): Descriptor {
  if (!isJsonObject(value)) throw sourceError('ERR_OCI_CORRUPT', `${what} is not an object`, place);
  const { digest, size, urls } = value;
  if (!isDigest(digest)) throw sourceError('ERR_OCI_CORRUPT', `${what} has no usable digest`, place);
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw sourceError('ERR_OCI_CORRUPT', `${what} has no usable size`, place);
  }
  return {
    mediaType: jsonString(value, 'mediaType'),
    digest,
    size,
    annotations: jsonMember(value, 'annotations'),
    hasUrls: Array.isArray(urls) && urls.length > 0,
    json: value,
  };
}

/** Where an OCI layout keeps a blob (image-layout.md, "Blobs"). */
export function blobPath(digest: string): string {
  return `blobs/${digest.replace(':', '/')}`;
}

/** Names that a descriptor gives its image: containerd's full name before the tag of the OCI annotation. */
export function descriptorTags(descriptor: Descriptor): string[] {
  const name =
    jsonString(descriptor.annotations, 'io.containerd.image.name') ??
    jsonString(descriptor.annotations, 'org.opencontainers.image.ref.name');
  return name === null || name === '' ? [] : [name];
}

/** Whether a manifest is a build's attestation about another one (BuildKit, attestation-storage.md). */
export function isAttestation(descriptor: Descriptor): boolean {
  const platform = jsonMember(descriptor.json, 'platform');
  return (
    jsonString(descriptor.annotations, 'vnd.docker.reference.type') === 'attestation-manifest' ||
    (platform['os'] === 'unknown' && platform['architecture'] === 'unknown')
  );
}
