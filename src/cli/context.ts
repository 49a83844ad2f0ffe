/** What a verb works with: the store, the outputs, and how they were asked for. */

import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  type CliResult,
  isStoreError,
  openStore,
  type OpenStoreOptions,
  type Store,
  type StoreQueries,
} from '../index.ts';
import { usageError } from './exit-codes.ts';
import { toJson } from './format/json.ts';
import { type Style, styleFor } from './format/style.ts';
import { type Column, formatTable, formatTemplate } from './format/table.ts';
import type { Output } from './output.ts';
import { type Options, textOption } from './options.ts';
import type { Input } from './stdin.ts';
import type { VerbForm } from './verb-form.ts';

/** Where a store lies unless said otherwise. */
export const DEFAULT_STORE = './.overlog';

export interface ContextParts {
  readonly stdout: Output;
  readonly stderr: Output;
  /** Not there for a verb of a scenario. */
  readonly stdin?: Input | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly options: Options;
  /** The store that a scenario runs on; it is not closed. */
  readonly session?: Store | undefined;
  /** All verbs of the command. */
  readonly verbs: readonly VerbForm[];
  /** Runs a verb on an open store, its output collected. */
  readonly nested: (store: Store, argv: readonly string[]) => Promise<CliResult>;
}

export class VerbContext {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly stdin: Input | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly options: Options;
  readonly style: Style;
  readonly session: Store | undefined;
  readonly verbs: readonly VerbForm[];
  /** Runs a verb on an open store: what `$ verb` in a scenario does. */
  readonly nested: ContextParts['nested'];
  /** Takes a signal over from the command, which would end at once. */
  onSignal: ((signal: NodeJS.Signals) => void) | null = null;
  readonly #opened: Store[] = [];
  readonly #leftovers = new Set<string>();

  constructor(parts: ContextParts) {
    this.stdout = parts.stdout;
    this.stderr = parts.stderr;
    this.stdin = parts.stdin;
    this.env = parts.env;
    this.options = parts.options;
    this.session = parts.session;
    this.verbs = parts.verbs;
    this.nested = parts.nested;
    this.style = styleFor(parts.stdout.isTerminal, parts.env);
  }

  /** The store's directory. */
  get directory(): string {
    const asked = textOption(this.options, 'store') ?? this.env['OVERLOG_STORE'];
    return asked === undefined || asked === '' ? DEFAULT_STORE : asked;
  }

  /** The store that the verb works on, once it has opened one. */
  get openedStore(): Store | undefined {
    return this.session ?? this.#opened[0];
  }

  /** The same, for a store elsewhere. */
  at(directory: string): VerbContext {
    const { stdout, stderr, stdin, env, session, verbs, nested } = this;
    return new VerbContext({
      stdout,
      stderr,
      stdin,
      env,
      session,
      verbs,
      nested,
      options: { ...this.options, store: directory },
    });
  }

  /** Whether the user named the store. */
  get isStoreNamed(): boolean {
    return textOption(this.options, 'store') !== undefined || (this.env['OVERLOG_STORE'] ?? '') !== '';
  }

  /** Whether there is a store. */
  get storeExists(): boolean {
    return existsSync(join(this.directory, 'log'));
  }

  /**
   * Opens the store.
   *
   * @param mode - `read` follows it, also while another process writes; `write` expects it; `create` makes it.
   */
  async store(mode: 'read' | 'write' | 'create', more: Pick<OpenStoreOptions, 'clock'> = {}): Promise<Store> {
    if (this.session !== undefined) return this.session;
    const { directory } = this;
    const options = { directory, readOnly: mode === 'read', create: mode === 'create', ...more };
    try {
      return this.keep(await openStore(options));
    } catch (error) {
      const isMissing = isStoreError(error, 'ERR_LOG_NOT_FOUND') && !this.storeExists;
      if (!isMissing) throw error;
      const message = `there is no store at ${directory}; overlog init makes one, and so does overlog load`;
      throw Object.assign(new Error(message, { cause: error }), { code: 'ENOENT' });
    }
  }

  /** The store as it is now, or with `--at` as it was. */
  async view(): Promise<{ readonly store: Store; readonly view: StoreQueries }> {
    const store = await this.store('read');
    const at = textOption(this.options, 'at');
    return { store, view: at === undefined ? store : store.at(at) };
  }

  /** Takes care of a store that the verb opened by itself. */
  keep(store: Store): Store {
    this.#opened.push(store);
    return store;
  }

  /**
   * Takes away a store that the verb has made itself, because nothing came into it.
   *
   * @param madeDirectory - The directory was not there before either.
   */
  async discard(madeDirectory: boolean): Promise<void> {
    await this.close();
    rmSync(madeDirectory ? this.directory : join(this.directory, 'log'), { recursive: true, force: true });
  }

  async close(): Promise<void> {
    for (const store of this.#opened.splice(0)) await store.close();
  }

  /** Notes a file or directory that is not whole yet, and goes when the command is interrupted. */
  leftover(path: string, isThere: boolean): void {
    if (isThere) this.#leftovers.add(path);
    else this.#leftovers.delete(path);
  }

  /** For an interrupt: what was written is whole, the lock goes, and what is not whole goes. */
  closeSync(): void {
    for (const path of this.#leftovers) rmSync(path, { recursive: true, force: true });
    for (const store of this.#opened.splice(0)) store.engine.log.closeSync();
  }

  get isJson(): boolean {
    return this.options['json'] === true;
  }

  get isNdjson(): boolean {
    return this.options['ndjson'] === true;
  }

  get exactBytes(): boolean {
    return this.options['bytes'] === true;
  }

  print(text: string): void {
    this.stdout.write(text);
  }

  line(text: string): void {
    this.stdout.write(`${text}\n`);
  }

  /** One JSON document. */
  json(value: unknown): void {
    this.line(toJson(value, 2));
  }

  /** Talk, for people. */
  say(text: string): void {
    this.stderr.write(`${text}\n`);
  }

  /** A line that stands while work goes on, where a terminal shows it. */
  progress(text: string | null): void {
    if (!this.stderr.isTerminal) return;
    this.stderr.write(text === null ? '\r\u001b[K' : `\r\u001b[K${text.slice(0, this.stderr.columns - 1)}`);
  }

  /** Prints the answer of a verb that is a value: as JSON, or as `text` says. */
  answer(value: unknown, text: () => string): void {
    if (this.isJson) this.json(value);
    else this.print(text());
  }

  /** Prints rows: as JSON, one a line, by the template of `--format`, or as a table. */
  rows<Row extends Readonly<Record<string, unknown>>>(rows: readonly Row[], columns: readonly Column<Row>[]): void {
    const template = textOption(this.options, 'format');
    if (this.isJson) this.json(rows);
    else if (this.isNdjson) for (const row of rows) this.line(toJson(row));
    else if (template === undefined) this.print(formatTable(rows, columns));
    else for (const row of rows) this.line(filled(template, row));
  }
}

function filled(template: string, row: Readonly<Record<string, unknown>>): string {
  try {
    return formatTemplate(template, row);
  } catch (error) {
    throw usageError(`--format: ${(error as Error).message}`);
  }
}
