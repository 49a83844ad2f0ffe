import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { openStore, type Store } from '../../src/index.ts';
import { BufferOutput } from '../../src/cli/output.ts';
import { runCli } from '../../src/cli/run-cli.ts';

export interface CommandResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

const root = fileURLToPath(new URL('../../', import.meta.url));
/** The command as it was built: from its sources it takes twice as long to start. */
export const builtMain = join(root, 'dist/cli/main.js');

export const repositoryFile = (path: string): string => join(root, path);

/** A directory that goes with the test. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'overlog-e2e-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

const environment = (more: Readonly<Record<string, string>>): NodeJS.ProcessEnv => ({
  PATH: process.env['PATH'],
  HOME: process.env['HOME'],
  NO_COLOR: '1',
  ...more,
});

interface SpawnOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
}

/** Runs the command as a process of its own, in a directory. */
export function spawnCommand(cwd: string, argv: readonly string[], options: SpawnOptions = {}): CommandResult {
  const { stdout, stderr, status } = spawnSync(process.execPath, [builtMain, ...argv], {
    cwd,
    encoding: 'utf8',
    env: environment(options.env ?? {}),
    maxBuffer: 2 ** 28,
    ...(options.input !== undefined && { input: options.input }),
  });
  return { stdout, stderr, exitCode: status ?? -1 };
}

/** Starts the command and leaves it running. */
export function startCommand(cwd: string, argv: readonly string[]): ReturnType<typeof spawn> {
  return spawn(process.execPath, [builtMain, ...argv], { cwd, env: environment({}) });
}

/** Runs the command in this process: the same but for the process around it, and much faster. */
export async function runCommand(argv: readonly string[], session?: Store): Promise<CommandResult> {
  const { stdout, ...rest } = await pipeCommand(argv, session);
  return { stdout: stdout.toString(), ...rest };
}

/** The same with bytes on stdin, and stdout as bytes. */
export async function pipeCommand(
  argv: readonly string[],
  session?: Store,
  input?: Uint8Array,
): Promise<Omit<CommandResult, 'stdout'> & { readonly stdout: Buffer }> {
  const stdout = new BufferOutput();
  const stderr = new BufferOutput();
  const stdin = input && { isTerminal: false, bytes: Readable.from([input]) };
  const parts = { argv, stdout, stderr, env: { NO_COLOR: '1' } };
  const exitCode = await runCli({ ...parts, ...(session && { session }), ...(stdin && { stdin }) });
  return { stdout: stdout.bytes(), stderr: stderr.bytes().toString(), exitCode };
}

/** An open store in memory, closed with the test. */
export async function memoryStore(): Promise<Store> {
  const store = await openStore();
  onTestFinished(() => store.close());
  return store;
}
