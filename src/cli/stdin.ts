/** What a run of the command reads: the stdin of the process. */
export interface Input {
  readonly isTerminal: boolean;
  readonly bytes: AsyncIterable<Uint8Array>;
}
