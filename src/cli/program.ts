/** The command line as commander parses it, made from the table of verbs. */

import { Command, Option } from 'commander';
import type { Options } from './options.ts';
import type { Verb } from './verb.ts';

/** What was asked for, when the arguments fit. */
export interface Parsed {
  readonly verb: Verb;
  readonly args: readonly string[];
  readonly options: Options;
}

export interface ProgramOutput {
  out(text: string): void;
  error(text: string): void;
}

/** Options that verbs share. */
const STORE = ['--store <dir>', 'the store; default: $OVERLOG_STORE, else ./.overlog'] as const;

/**
 * @param found - Called with the verb and its arguments.
 * @returns A command whose parsing throws commander's errors instead of ending the process.
 */
export function makeProgram(
  verbs: readonly Verb[],
  version: string,
  output: ProgramOutput,
  found: (parsed: Parsed) => void,
): Command {
  const program = new Command('overlog')
    .description('A copy-on-write file system with layers, a log of every change, and time travel.')
    .version(version, '-V, --version', 'print the version')
    .option(...STORE)
    .helpCommand('help [verb]', 'tell more about a verb, with examples')
    .helpOption('-h, --help', 'tell more, with examples')
    .configureOutput({ writeOut: (text) => output.out(text), writeErr: (text) => output.error(text) })
    .configureHelp({ sortSubcommands: false, showGlobalOptions: false, subcommandTerm: (command) => command.name() })
    .exitOverride()
    .addHelpText('after', AFTER);
  for (const verb of verbs) program.addCommand(verbCommand(verb, program, output, found));
  return program;
}

const AFTER = `
Moments (--at, label, fork, rewind, A..B):
  1234          after event 1234            ~10           ten events ago
  ~5m           five minutes ago            before-rm~3   three events before a label
  2026-01-02    a date, maybe with time, UTC  web~3         three steps of a container ago
  start, now    the empty store, the newest event

Exit codes: 0 fine, 1 a difference or a refusal, 2 usage, 3 corrupt store or input, 4 not found, 130 interrupted.

Start here:
  $ overlog load app.oci.tar          load an image
  $ overlog create --name web app:1   make a container of it
  $ overlog help diff                 tell more about a verb, with examples
`;

function verbCommand(verb: Verb, program: Command, output: ProgramOutput, found: (parsed: Parsed) => void): Command {
  const command = new Command(verb.name)
    .copyInheritedSettings(program)
    .summary(verb.summary)
    .description(verb.details === undefined ? verb.summary : `${verb.summary}\n\n${verb.details}`)
    .aliases(verb.aliases ?? [])
    .helpOption('-h, --help', 'tell more, with examples');
  for (const { form, description } of verb.args) command.argument(form, description);
  for (const { flags, description, repeat } of verb.options) {
    const option = new Option(flags, description);
    if (repeat) option.argParser((value: string, before: string[] | undefined) => [...(before ?? []), value]);
    command.addOption(option);
  }
  if (verb.reads) command.option('--at <moment>', 'look at an earlier moment');
  if (verb.hasSizes) command.option('--bytes', 'exact sizes, in bytes');
  command.option('--json', 'print one JSON document');
  if (verb.streams) command.option('--ndjson', 'print one JSON object a line');
  command.option(...STORE);
  command.addHelpText('after', `\n${exampleText(verb)}`);
  command.configureOutput({
    outputError: (text, write) => write(`overlog ${verb.name}: ${text.replace(/^error: /, '')}${usageText(command)}`),
    writeOut: (text) => output.out(text),
    writeErr: (text) => output.error(text),
  });
  command.action(() => {
    found({ verb, args: command.args, options: command.optsWithGlobals() });
  });
  return command;
}

/** The right form, and where there is more. */
export function usageText(command: Command): string {
  return `usage: overlog ${command.name()} ${command.usage()}\n       overlog help ${command.name()} tells more\n`;
}

function exampleText({ examples }: Verb): string {
  const width = Math.max(...examples.map(({ command }) => command.length));
  const lines = examples.map(({ command, explains }) => `  $ overlog ${command.padEnd(width)}   ${explains}`);
  return `Examples:\n${lines.join('\n')}`;
}
