import { createHash } from 'node:crypto';

/** A digest as the OCI image spec writes it (descriptor.md, "Digests"): algorithm, colon, lower-case hex. */
const DIGEST = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

export type DigestAlgorithm = 'sha256' | 'sha512';

/** Whether the text is a digest whose algorithm can be computed here. Such a text is safe as a part of a path. */
export function isDigest(text: unknown): text is string {
  return typeof text === 'string' && DIGEST.test(text);
}

export function digestAlgorithm(digest: string): DigestAlgorithm {
  return digest.startsWith('sha512:') ? 'sha512' : 'sha256';
}

/** Digest of bytes at hand. */
export function digestOf(bytes: Uint8Array, algorithm: DigestAlgorithm = 'sha256'): string {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
}

/** Computes the digest of bytes on their way. */
export class DigestMeter {
  readonly #algorithm: DigestAlgorithm;
  readonly #hash;
  #bytes = 0;

  constructor(algorithm: DigestAlgorithm = 'sha256') {
    this.#algorithm = algorithm;
    this.#hash = createHash(algorithm);
  }

  /** Bytes so far. */
  get bytes(): number {
    return this.#bytes;
  }

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    this.#bytes += bytes.byteLength;
  }

  /** The digest; ends the computation. */
  finish(): string {
    return `${this.#algorithm}:${this.#hash.digest('hex')}`;
  }
}
