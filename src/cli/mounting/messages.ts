/** What the thread that serves a mount and the main thread say to each other. */

export interface ServeRequest {
  readonly store: string;
  /** Name or id of the container. */
  readonly container: string;
  /** A moment as it was asked for; null: now, for reading and writing. */
  readonly at: string | null;
  readonly device: number;
  /** Two 32-bit flags: {@link WANTED}, {@link UNSYNCED}. */
  readonly flags: SharedArrayBuffer;
  readonly env: Readonly<Record<string, string>>;
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

export type ToServer = { readonly type: 'serve' } | { readonly type: 'abandon' } | CommandMessage;

export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export type FromServer =
  | { readonly type: 'opened'; readonly container: string; readonly at: number | null; readonly readOnly: boolean }
  | { readonly type: 'refused'; readonly message: string; readonly exitCode: number }
  | { readonly type: 'notify'; readonly notices: readonly Uint8Array[] }
  | { readonly type: 'result'; readonly id: number; readonly result: CommandResult }
  | { readonly type: 'closed'; readonly error: string | null };
