/** What the thread that serves an overlay and the main thread say to each other. */

import type { OverlayOptions } from '../../entry/mount.ts';

export interface OverlayRequest {
  readonly options: OverlayOptions;
  readonly device: number;
  /** One 32-bit number: {@link GO} when it is mounted, {@link GIVE_UP} when it could not be. */
  readonly mounted: SharedArrayBuffer;
}

export const GO = 1;
export const GIVE_UP = 2;

export type FromOverlay =
  | { readonly type: 'opened' }
  | { readonly type: 'refused'; readonly message: string; readonly exitCode: number }
  | { readonly type: 'notify'; readonly notices: readonly Uint8Array[] }
  | { readonly type: 'closed'; readonly error: string | null };
