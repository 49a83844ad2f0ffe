#!/usr/bin/env node
/** The command `overlog`. */

import type { VerbContext } from './context.ts';
import { EXIT_INTERRUPTED } from './exit-codes.ts';
import { StreamOutput } from './output.ts';
import { helperArguments } from './mounting/mount-helper.ts';
import { runCli } from './run-cli.ts';

let running: VerbContext | null = null;

// A reader that has seen enough (`overlog log | head`) is no error.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    running?.closeSync();
    process.exit(error.code === 'EPIPE' ? 0 : 1);
  });
}

// Transactions are whole or absent whenever the process ends; closing releases the lock at once.
for (const [signal, code] of [
  ['SIGINT', EXIT_INTERRUPTED],
  ['SIGTERM', 143],
] as const) {
  process.on(signal, () => {
    if (running !== null && running.onSignal !== null) return running.onSignal(signal);
    try {
      running?.progress(null);
      running?.closeSync();
    } finally {
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
