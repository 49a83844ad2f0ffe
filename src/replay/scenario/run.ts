/**
 * Plays a scenario into a store: one step after the other, each one group of the log (`file:line`).
 *
 * A run stops at the first failure. With `update` an expectation that does not match is noted instead, for
 * {@link updateSource}, and the run goes on.
 */

import { close } from '../../engine/calls/open.ts';
import type { OpenFile } from '../../engine/open-files.ts';
import { decodeName } from '../../events/name.ts';
import { configureDrivers } from '../../projections/drivers/drivers.ts';
import { buildImage } from './build/build-image.ts';
import type { ScenarioClock } from './clock.ts';
import { matchesOutput, outputLines } from './expectation.ts';
import type { ScenarioHost } from './host.ts';
import type { CliStep, Expectation, FilesStep, RefusedStep, Scenario, Step } from './scenario.ts';
import type { ExpectationUpdate } from './update.ts';
import { Shell } from './verbs/shell.ts';
import { isVerbError } from './verbs/verb-error.ts';
import { pipeInto, runCommands } from './verbs/verb-table.ts';

/** What a step did, told after it. */
export interface StepReport {
  readonly step: Step;
  /** Id of its group in the log. */
  readonly group: string;
  /** Lines that it printed. */
  readonly output: readonly string[];
  /** Events `(fromSeq, toSeq]` are its own. */
  readonly fromSeq: number;
  readonly toSeq: number;
}

export interface RunOptions {
  readonly update?: boolean;
  readonly onStep?: (report: StepReport) => void;
}

export interface ScenarioFailure {
  readonly file: string;
  readonly line: number;
  /** The statement. */
  readonly text: string;
  /** In a sentence. */
  readonly message: string;
  /** Expected lines as the scenario spells them, and what was seen; null where it is not a matter of output. */
  readonly want: readonly string[] | null;
  readonly got: readonly string[] | null;
}

export interface ScenarioResult {
  /** Steps done, a failed one not counted. */
  readonly steps: number;
  /** Expectations that matched. */
  readonly matched: number;
  readonly failure: ScenarioFailure | null;
  readonly updates: readonly ExpectationUpdate[];
}

/**
 * @param clock - The same one that the store was opened with.
 * @throws `ERR_INVALID_ARGUMENT` for a storage driver that there is not, before anything is done.
 */
export async function runScenario(
  scenario: Scenario,
  host: ScenarioHost,
  clock: ScenarioClock,
  options: RunOptions = {},
): Promise<ScenarioResult> {
  if (scenario.driver !== null) configureDrivers([scenario.driver]);
  const run = new ScenarioRun(scenario, host, clock, options);
  const { engine } = host;
  const groupBefore = engine.group;
  clock.notBefore(engine.world.timeNs);
  let steps = 0;
  let failure: ScenarioFailure | null = null;
  try {
    for (const step of scenario.steps) {
      const group = `${scenario.file}:${step.line}`;
      engine.group = group;
      const fromSeq = engine.log.head;
      const output = await run.step(step); // steps come one after the other
      await host.flush();
      clock.endStep();
      steps++;
      options.onStep?.({ step, group, output, fromSeq, toSeq: engine.log.head });
    }
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
    failure = error.failure;
  } finally {
    run.closeFiles();
    engine.group = groupBefore;
  }
  return { steps, matched: run.matched, failure, updates: run.updates };
}

class StepFailed extends Error {
  readonly failure: ScenarioFailure;

  constructor(failure: ScenarioFailure) {
    super(failure.message);
    this.failure = failure;
  }
}

class ScenarioRun {
  matched = 0;
  readonly updates: ExpectationUpdate[] = [];
  readonly #scenario: Scenario;
  readonly #host: ScenarioHost;
  readonly #clock: ScenarioClock;
  readonly #options: RunOptions;
  /** What `sys open` has opened. */
  readonly #descriptors = new Map<number, OpenFile>();

  constructor(scenario: Scenario, host: ScenarioHost, clock: ScenarioClock, options: RunOptions) {
    this.#scenario = scenario;
    this.#host = host;
    this.#clock = clock;
    this.#options = options;
  }

  /** Plays one step; gives the lines that it printed. */
  async step(step: Step): Promise<readonly string[]> {
    try {
      switch (step.kind) {
        case 'image':
          await buildImage(this.#host, step, this.#scenario.files, (line, error) =>
            this.#failed({ ...step, line }, messageOf(error)),
          );
          return [];
        case 'volume':
          await this.#host.createVolume(step.name);
          return [];
        case 'container':
          await this.#host.createContainer(step);
          return [];
        case 'label':
          await this.#host.label(step.label);
          return [];
        case 'wait':
          this.#clock.wait(step.durationNs);
          return [];
        case 'check':
          return await this.#check(step);
        case 'files':
          return this.#files(step);
        case 'refused':
          return this.#refused(step);
        case 'cli':
          return await this.#cli(step);
      }
    } catch (error) {
      if (error instanceof StepFailed) throw error;
      const isExpected = isVerbError(error) || (error instanceof Error && error.name === 'StoreError');
      if (!isExpected) throw error;
      throw this.#failed(step, error.message);
    }
  }

  #files(step: FilesStep): string[] {
    const output = runCommands(this.#shell(step.container), step.commands);
    const lines = outputLines(decodeName(output));
    this.#expect(step, step.expectation, lines);
    return lines;
  }

  #refused(step: RefusedStep): string[] {
    let code: string;
    try {
      runCommands(this.#shell(step.container), step.commands);
      throw this.#failed(step, 'it was not refused', step.expectation, []);
    } catch (error) {
      if (!isVerbError(error)) throw error;
      if (error.code === 'usage') throw this.#failed(step, error.message);
      code = error.code;
    }
    this.#expect(step, step.expectation, [code]);
    return [code];
  }

  /** `drivers` prices the driver that the scenario names, unless it is told which. */
  #withDriver(words: readonly string[]): readonly string[] {
    const { driver } = this.#scenario;
    const isAsked = words[0] === 'drivers' && !words.some((word) => word.startsWith('--driver'));
    return isAsked && driver !== null ? [...words, '--driver', driver] : words;
  }

  async #cli(step: CliStep): Promise<readonly string[]> {
    const { words, filter } = step.command;
    const { stdout, stderr, exitCode } = await this.#host.cli(this.#withDriver(words));
    const printed = filter === null ? stdout : pipeInto(filter, stdout);
    const lines = outputLines(decodeName(printed));
    // As in cram: an exit code other than 0 is the last line.
    if (exitCode !== 0) lines.push(`[${exitCode}]`);
    // --update does not accept an error where none was expected.
    if (exitCode !== 0 && !expectsExitCode(step.expectation)) {
      throw this.#failed(step, `it ended with exit code ${exitCode}: ${stderr.trim()}`);
    }
    this.#expect(step, step.expectation, lines, exitCode === 0 ? '' : stderr.trim());
    return lines;
  }

  async #check(step: Step): Promise<string[]> {
    const problems = await this.#host.checkInvariants();
    if (problems.length > 0) throw this.#failed(step, problems.join('; '));
    return [];
  }

  #shell(container: string): Shell {
    return new Shell(this.#host.caller(container), this.#host.engine, this.#descriptors);
  }

  /** Closes what the steps have left open, in the order of the descriptors. */
  closeFiles(): void {
    for (const descriptor of [...this.#descriptors.keys()].sort((a, b) => a - b)) {
      close(this.#descriptors.get(descriptor) as OpenFile);
    }
    this.#descriptors.clear();
  }

  #expect(step: Step, expectation: Expectation | null, lines: readonly string[], note = ''): void {
    if (expectation === null) return;
    if (matchesOutput(expectation.lines, lines)) this.matched++;
    else if (this.#options.update) this.updates.push({ expectation, seen: lines });
    else throw this.#failed(step, note === '' ? 'it printed something else' : note, expectation, lines);
  }

  #failed(
    step: Pick<Step, 'line' | 'text'>,
    message: string,
    expectation: Expectation | null = null,
    got: readonly string[] | null = null,
  ): StepFailed {
    const { file } = this.#scenario;
    const want = expectation?.lines.map((line) => (line.kind === 'any' ? '...' : line.text)) ?? null;
    return new StepFailed({ file, line: step.line, text: step.text, message, want, got });
  }
}

function expectsExitCode(expectation: Expectation | null): boolean {
  const last = expectation?.lines.at(-1);
  return last !== undefined && (last.kind === 'any' || /^\[.+\]( \((re|glob)\))?$/.test(last.text));
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
