/** What the thread that serves a mount and the main thread say to each other. */

import type { OverlayOptions } from '../../entry/mount.ts';
import type { RunDefaults, RunSpec } from './run-spec.ts';

export interface ServeRequest {
  readonly store: string;
  /** A container that is there, at a moment or now; one that a program will run in; or one of plain directories. */
  readonly what:
    | { readonly container: string; readonly at: string | null }
    | { readonly run: RunSpec }
    | { readonly overlay: OverlayOptions; readonly directory: string };
  readonly device: number;
  /** Two 32-bit flags: {@link WANTED}, {@link UNSYNCED}. */
  readonly flags: SharedArrayBuffer;
  readonly env: Readonly<Record<string, string>>;
  /** Where it is noted what a next server has to know, and whether there is something to go on from. */
  readonly journal?: { readonly stem: string; readonly goesOn: boolean };
}

/** Set by the main thread: leave the loop after the next request. */
export const WANTED = 0;
/** Set by the serving thread: something is not on the disk yet. */
export const UNSYNCED = 1;

/** A verb to run on the open store. */
export interface CommandMessage {
  readonly type: 'command';
  readonly id: number;
  readonly argv: readonly string[];
}

/** What becomes of a container when the program in it has ended and nothing is mounted any more. */
export interface RunEnd {
  readonly exitCode: number;
  /** `drop`: what the program did goes again. `remove`: the container goes. */
  readonly afterwards: 'keep' | 'drop' | 'remove';
}

export type ToServer =
  | { readonly type: 'serve' }
  | { readonly type: 'abandon' }
  | { readonly type: 'ended'; readonly end: RunEnd }
  | CommandMessage;

export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface OpenedMessage {
  readonly type: 'opened';
  readonly container: string;
  readonly id: string;
  /** The moment that is mounted; null: now. */
  readonly at: number | null;
  readonly readOnly: boolean;
  /** What the program gets from the image; null: none will run. */
  readonly defaults: RunDefaults | null;
}

export type FromServer =
  | OpenedMessage
  | { readonly type: 'refused'; readonly message: string; readonly exitCode: number }
  | { readonly type: 'said'; readonly text: string }
  | { readonly type: 'notify'; readonly notices: readonly Uint8Array[] }
  | {
      readonly type: 'result';
      readonly id: number;
      readonly result: CommandResult;
      /** What the mounted container is called now; null: it was removed. */
      readonly container: string | null;
    }
  | { readonly type: 'closed'; readonly error: string | null };
