/**
 * Reads a scenario. Any bytes give a scenario or one `ERR_SCENARIO_SYNTAX` that names the line and what was expected there.
 *
 * The forms are in docs/scenarios.md; this file tells the statements apart, its neighbours read each of them.
 */

import { decodeName } from '../../events/name.ts';
import { filesOf } from './build/files-of.ts';
import { parseCommand, parseCommands } from './commands.ts';
import { INDENT, parseExpectedLine } from './expectation.ts';
import { isFileHeader, parseFiles } from './parse-files.ts';
import { parseImage } from './parse-image.ts';
import { parseClock, parseStep } from './parse-settings.ts';
import type {
  ContainerStep,
  Expectation,
  ExpectedLine,
  Scenario,
  ScenarioFile,
  ScenarioMount,
  Step,
} from './scenario.ts';
import { markdownBlocks, SourceLines } from './source-lines.ts';
import { type SourcePlace, syntaxError } from './syntax-error.ts';
import { FILE_VERBS } from './verb-names.ts';
import { isBlank, type Token, tokenize } from './words.ts';

const STATEMENTS =
  'a statement: NAME$ verb, NAME! verb, $ verb, image, volume, container, @label, @ +5s, check invariants or -- path --';

/** Longest scenario, in bytes. */
const SOURCE_BYTES_MAX = 64 * 2 ** 20;

/**
 * @param file - What errors and groups call the source; a name that ends in `.md` is read as Markdown.
 * @throws `ERR_SCENARIO_SYNTAX`.
 */
export function parseScenario(file: string, bytes: Uint8Array): Scenario {
  if (bytes.length > SOURCE_BYTES_MAX) throw syntaxError({ file, line: 1 }, 'at most 64 MiB');
  const lines = decodeName(bytes).split('\n');
  const isMarkdown = /\.(md|markdown)$/i.test(file);
  const blocks = isMarkdown ? markdownBlocks(file, lines) : [{ start: 0, end: lines.length }];
  const parser = new ScenarioParser(file);
  for (const block of blocks) parser.read(new SourceLines(file, lines, block));
  const { driver, clock, steps, files } = parser;
  checkSources(file, steps, files);
  return { file, lines, driver, clock, steps, files };
}

/** What COPY and ADD name must be among the files at the end. */
function checkSources(file: string, steps: readonly Step[], files: readonly ScenarioFile[]): void {
  for (const step of steps) {
    if (step.kind !== 'image') continue;
    for (const instruction of step.instructions) {
      if (instruction.word !== 'COPY' && instruction.word !== 'ADD') continue;
      const { copy } = instruction;
      const lost =
        copy.kind === 'files' ? copy.sources.find((source) => filesOf(files, source).length === 0) : undefined;
      if (lost === undefined) continue;
      throw syntaxError(
        { file, line: instruction.line },
        'a path with a section -- path -- at the end of the scenario',
        lost,
      );
    }
  }
}

class ScenarioParser {
  driver: string | null = null;
  clock: Scenario['clock'] = null;
  readonly steps: Step[] = [];
  readonly files: ScenarioFile[] = [];
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  read(lines: SourceLines): void {
    for (let line = lines.next; line !== undefined; line = lines.next) {
      if (isFileHeader(line)) return parseFiles(lines, this.files);
      if (line.trim() === '' || line.startsWith('#')) lines.advance();
      else this.#statement(line, lines);
    }
  }

  #statement(line: string, lines: SourceLines): void {
    const { place } = lines;
    if (isBlank(line[0]))
      throw syntaxError(place, 'expected output only below a command that prints some', line.trim());
    const prompt = /^([A-Za-z0-9][\w./-]*)?([$!])(?=[ \t\r]|$)/.exec(line);
    if (prompt !== null) {
      this.steps.push(this.#command(line, prompt, lines));
      return;
    }
    const { tokens, end } = tokenize(line, place);
    const operator = tokens.find((token) => token.kind === 'operator');
    if (operator !== undefined) throw syntaxError(place, STATEMENTS, line);
    const words = tokens.map((token) => token.text);
    const text = line.slice(0, end);
    lines.advance();
    if (this.#setting(words, place)) return;
    const at = { line: place.line, text };
    if (words[0] === 'image') {
      if (words.length !== 2) throw syntaxError(place, 'image NAME', text);
      this.steps.push(parseImage(lines, { reference: words[1], ...at }));
    } else {
      this.steps.push(parsePlainStatement(words, at, place));
    }
    this.#refuseOutput(lines, words[0]);
  }

  /** `driver` and `clock`, which stand before the first step. */
  #setting(words: readonly string[], place: SourcePlace): boolean {
    if (words[0] !== 'driver' && words[0] !== 'clock') return false;
    if (this.steps.length > 0) throw syntaxError(place, `${words[0]} before the first step`, words.join(' '));
    if (words[0] === 'clock') {
      if (this.clock !== null) throw syntaxError(place, 'one clock', words.join(' '));
      this.clock = parseClock(words.slice(1), place);
    } else {
      if (this.driver !== null) throw syntaxError(place, 'one driver', words.join(' '));
      if (words.length !== 2) throw syntaxError(place, 'driver NAME, such as driver overlay2', words.join(' '));
      this.driver = words[1];
    }
    return true;
  }

  #command(line: string, prompt: RegExpExecArray, lines: SourceLines): Step {
    const { place } = lines;
    const [mark, name, kind] = prompt;
    const { tokens, end } = tokenize(line, place, mark.length);
    const at = { line: place.line, text: line.slice(0, end) };
    lines.advance();
    if (name === undefined) {
      if (kind === '!') throw syntaxError(place, 'the name of a container before !', line);
      return this.#cliStep(tokens, at, lines, place);
    }
    const commands = parseCommands(tokens, place, FILE_VERBS);
    const expectation = this.#expectation(lines);
    if (kind === '$') return { kind: 'files', ...at, container: name, commands, expectation };
    if (expectation === null)
      throw syntaxError(lines.place, 'the errno of the refusal, such as ENOENT, indented', lines.next);
    const code = expectation.lines[0];
    const isCode = expectation.lines.length === 1 && code.kind === 'exact' && /^(E[A-Z0-9]{1,15}|1)$/.test(code.text);
    if (!isCode) {
      throw syntaxError(
        { file: this.#file, line: expectation.line },
        'one errno, such as ENOENT',
        lines.all[expectation.line - 1].trim(),
      );
    }
    return { kind: 'refused', ...at, container: name, commands, expectation };
  }

  #cliStep(tokens: readonly Token[], at: { line: number; text: string }, lines: SourceLines, place: SourcePlace): Step {
    const command = parseCommand(tokens, place, null);
    if (command.redirect !== null) throw syntaxError(place, 'a pipe at most after a verb of the command line', '>');
    if (command.words[0] === 'container' && command.filter === null) {
      const step = parsePlainStatement(command.words, at, place);
      this.#refuseOutput(lines, 'container');
      return step;
    }
    return { kind: 'cli', ...at, command, expectation: this.#expectation(lines) };
  }

  /** The indented lines that follow directly. */
  #expectation(lines: SourceLines): Expectation | null {
    const { line } = lines.place;
    const expected: ExpectedLine[] = [];
    for (let next = lines.next; next !== undefined && isExpected(next); next = lines.next) {
      expected.push(parseExpectedLine(next.slice(INDENT.length), lines.place));
      lines.advance();
    }
    return expected.length === 0 ? null : { line, lines: expected };
  }

  #refuseOutput(lines: SourceLines, word: string): void {
    const { next } = lines;
    if (next === undefined || next.trim() === '' || !isBlank(next[0])) return;
    throw syntaxError(lines.place, `no output below ${word}, which prints none`, next.trim());
  }
}

const isExpected = (line: string): boolean => line.startsWith(INDENT) && line.trim() !== '';

type StepStart = Pick<Step, 'line' | 'text'>;

/** The statements of one line that print nothing. */
function parsePlainStatement(words: readonly string[], at: StepStart, place: SourcePlace): Step {
  const [word = '', ...args] = words;
  if (word === 'volume') {
    if (args.length !== 1) throw syntaxError(place, 'volume NAME', at.text);
    return { kind: 'volume', ...at, name: args[0] };
  }
  if (word === 'container') return parseContainer(args, at, place);
  if (word === 'check') {
    if (args.join(' ') !== 'invariants') throw syntaxError(place, 'check invariants', at.text);
    return { kind: 'check', ...at };
  }
  if (word === '@') {
    if (args.length !== 1) throw syntaxError(place, '@ +5s', at.text);
    return { kind: 'wait', ...at, durationNs: parseStep(args[0], place) };
  }
  if (word === '@label') {
    if (args.length !== 1) throw syntaxError(place, '@label NAME', at.text);
    return { kind: 'label', ...at, label: args[0] };
  }
  throw syntaxError(place, STATEMENTS, at.text);
}

function parseContainer(args: readonly string[], at: StepStart, place: SourcePlace): ContainerStep {
  const form =
    'container NAME IMAGE [-v VOLUME:PATH] [--mount …] [--read-only] [--profile NAME] [--overlay-option OPTION=on]';
  const mounts: ScenarioMount[] = [];
  const names: string[] = [];
  const overlayOptions: string[] = [];
  let profile: string | null = null;
  let readOnly = false;
  for (let index = 0; index < args.length; index++) {
    const arg = args[index];
    if (arg === '--read-only') readOnly = true;
    else if (WITH_VALUE.has(arg)) {
      const value = args[++index];
      if (value === undefined) throw syntaxError(place, `a value for ${arg}`, '');
      if (arg === '--profile') profile = value;
      else if (arg === '--overlay-option') overlayOptions.push(value);
      else mounts.push({ option: arg === '--mount' ? arg : '-v', value });
    } else if (arg.startsWith('-')) throw syntaxError(place, form, arg);
    else names.push(arg);
  }
  if (names.length !== 2) throw syntaxError(place, form, at.text);
  return { kind: 'container', ...at, name: names[0], image: names[1], mounts, readOnly, profile, overlayOptions };
}

const WITH_VALUE: ReadonlySet<string> = new Set(['-v', '--volume', '--mount', '--profile', '--overlay-option']);
