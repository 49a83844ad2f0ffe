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

/** Whether an image's platform is the wanted one. A wanted variant must be the same; v8 is what arm64 without one means. */
export function matchesPlatform(platform: Platform, wanted: Platform): boolean {
  if (platform.os !== wanted.os || platform.architecture !== wanted.architecture) return false;
  return (
    wanted.variant === null ||
    wanted.variant === (platform.variant ?? (platform.architecture === 'arm64' ? 'v8' : null))
  );
}
