import { jsonMember, jsonString } from './json.ts';
import type { JsonObject } from './json.ts';

/** What an image runs on (OCI image-spec, image-index.md, "platform"). */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant: string | null;
}

export const DEFAULT_PLATFORM = 'linux/amd64';

/** Reads `os/architecture[/variant]`; null if the text is not of that form. */
export function parsePlatform(text: string): Platform | null {
  const parts = text.split('/');
  if (parts.length < 2 || parts.length > 3 || parts.includes('')) return null;
  return { os: parts[0], architecture: parts[1], variant: parts[2] ?? null };
}

export function formatPlatform(platform: Platform): string {
  const { os, architecture, variant } = platform;
  return variant === null ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`;
}

/** The platform of a manifest's descriptor; null if it gives none. */
export function descriptorPlatform(descriptor: JsonObject): Platform | null {
  const platform = jsonMember(descriptor, 'platform');
  const os = jsonString(platform, 'os');
  const architecture = jsonString(platform, 'architecture');
  return os === null || architecture === null ? null : { os, architecture, variant: jsonString(platform, 'variant') };
}

/**
 * How well an image's platform fits the wanted one: 0 not at all, 1 by another variant where none was asked for, 2 as it is. Names
 * mean what they mean to containerd (platforms, normalizeArch): `aarch64` is `arm64`, whose variant is v8, `arm` alone is v7.
 */
export function fitOfPlatform(platform: Platform, wanted: Platform): 0 | 1 | 2 {
  const [own, asked] = [normalized(platform), normalized(wanted)];
  if (own.os !== asked.os || own.architecture !== asked.architecture) return 0;
  if (own.variant === asked.variant) return 2;
  return wanted.variant === null && asked.isPlain ? 1 : 0;
}

const ARCHITECTURES: ReadonlyMap<string, readonly [architecture: string, variant: string | null]> = new Map([
  ['x86_64', ['amd64', null]],
  ['x86-64', ['amd64', null]],
  ['i386', ['386', null]],
  ['aarch64', ['arm64', null]],
  ['armhf', ['arm', 'v7']],
  ['armel', ['arm', 'v6']],
]);

/** What an architecture without a variant means. */
const PLAIN_VARIANTS: ReadonlyMap<string, string> = new Map([
  ['amd64', 'v1'],
  ['arm64', 'v8'],
  ['arm', 'v7'],
]);

/** @returns `isPlain`: nothing was said of a variant. */
function normalized({ os, architecture, variant }: Platform): Platform & { readonly isPlain: boolean } {
  const [name, implied] = ARCHITECTURES.get(architecture) ?? [architecture, null];
  const said = implied ?? (variant !== null && /^\d/.test(variant) ? `v${variant}` : variant);
  return { os, architecture: name, variant: said ?? PLAIN_VARIANTS.get(name) ?? null, isPlain: said === null };
}
