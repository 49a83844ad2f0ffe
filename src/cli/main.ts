#!/usr/bin/env node
/** The command `overlog`. */

import type { VerbContext } from './context.ts';
import { EXIT_INTERRUPTED } from './exit-codes.ts';
import { StreamOutput } from './output.ts';
import { helperArguments } from './mounting/mount-helper.ts';
import { hasTerminal } from './mounting/terminal.ts';
import { runCli } from './run-cli.ts';

let running: VerbContext | null = null;
const hadTerminal = hasTerminal();

/** Node sets the terminal's modes back as it ends, and aborts where that has hung up: it ends as others do then. */
function endWithTerminal(): void {
  if (!hadTerminal || hasTerminal()) return;
  process.removeAllListeners('SIGHUP');
  process.kill(process.pid, 'SIGHUP');
}

// A reader that has seen enough (`overlog log | head`) is no error. What serves a mount ends in order, whoever listens.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (running !== null && running.onSignal !== null) return;
    running?.closeSync();
    endWithTerminal();
    process.exit(error.code === 'EPIPE' ? 0 : 1);
  });
}

// Transactions are whole or absent whenever the process ends; closing releases the lock at once.
for (const [signal, code] of [
  ['SIGINT', EXIT_INTERRUPTED],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  process.on(signal, () => {
    if (running !== null && running.onSignal !== null) return running.onSignal(signal);
    try {
      running?.progress(null);
      running?.closeSync();
    } finally {
      endWithTerminal();
      process.exit(code);
    }
  });
}

process.exitCode = await runCli({
  argv: helperArguments(process.argv),
  stdout: new StreamOutput(process.stdout),
  stderr: new StreamOutput(process.stderr),
  stdin: { isTerminal: process.stdin.isTTY, bytes: process.stdin },
  env: process.env,
  onContext: (context) => {
    running = context;
  },
});

endWithTerminal();
