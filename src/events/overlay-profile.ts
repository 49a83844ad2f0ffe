/** The overlay options that a container is made with, by profile or one by one. */

import type { OverlayProfile } from './event.ts';
import { storeError } from './log-error.ts';

/** The kernel's defaults, and Docker's. */
export const DOCKER_PROFILE: OverlayProfile = { redirectDir: false, index: false, metacopy: false };

/** Directories move, hard links and inode numbers are kept, attributes change without copying. */
export const POSIX_PROFILE: OverlayProfile = { redirectDir: true, index: true, metacopy: true };

/** Options by the names that mount(8) has for them. */
export const OVERLAY_OPTIONS = [
  ['redirect_dir', 'redirectDir'],
  ['index', 'index'],
  ['metacopy', 'metacopy'],
] as const satisfies readonly (readonly [string, keyof OverlayProfile])[];

/** As for mount(8), every option spelled out: `redirect_dir=off,index=off,metacopy=off`. */
export function profileText(profile: OverlayProfile): string {
  return OVERLAY_OPTIONS.map(([option, member]) => `${option}=${profile[member] ? 'on' : 'off'}`).join(',');
}

/**
 * The profile that a caller asks for, as the kernel would understand its options: what is not said is as in Docker's
 * profile, but `metacopy` brings `redirect_dir` with it.
 *
 * @throws `ERR_INVALID_ARGUMENT` for `metacopy` with `redirect_dir` off, which mount(2) refuses with EINVAL.
 */
export function profileOf(asked: 'docker' | 'posix' | Partial<OverlayProfile> = 'docker'): OverlayProfile {
  if (asked === 'docker') return DOCKER_PROFILE;
  if (asked === 'posix') return POSIX_PROFILE;
  const { redirectDir, index = false, metacopy = false } = asked;
  if (metacopy && redirectDir === false) {
    const message = 'the overlay option metacopy=on needs redirect_dir, which is off';
    throw storeError('ERR_INVALID_ARGUMENT', message, { detail: { option: 'metacopy' } });
  }
  return { redirectDir: redirectDir ?? metacopy, index, metacopy };
}

/**
 * A profile from what a command line says: a profile's name, and options as mount(8) spells them, joined by commas or one by
 * one. An option goes before the profile.
 *
 * @throws `ERR_INVALID_ARGUMENT` for another name, option or value, and as {@link profileOf}.
 */
export function parseProfile(name: string | undefined, options: readonly string[]): OverlayProfile {
  if (name !== undefined && name !== 'docker' && name !== 'posix')
    throw storeError('ERR_INVALID_ARGUMENT', `a profile is docker or posix, not "${name}"`, { detail: { name } });
  const asked: { -readonly [Member in keyof OverlayProfile]?: boolean } = name === 'posix' ? { ...POSIX_PROFILE } : {};
  for (const option of options.flatMap((text) => text.split(','))) {
    const [key, value] = option.split('=');
    const member = OVERLAY_OPTIONS.find(([known]) => known === key)?.[1];
    if (member === undefined || (value !== 'on' && value !== 'off')) {
      const message = `an overlay option is redirect_dir, index or metacopy, =on or =off, not "${option}"`;
      throw storeError('ERR_INVALID_ARGUMENT', message, { detail: { option } });
    }
    asked[member] = value === 'on';
  }
  return profileOf(asked);
}
