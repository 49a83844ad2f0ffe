/**
 * A scenario: a story of images, containers and file operations, with what must be seen on the way.
 *
 * The parser makes it from text, the runner plays it. Every step carries the line that it stands on, so that a failure
 * names it, and expectations carry their lines, so that `--update` can rewrite them and leave the rest alone.
 */

import type { RunConfigInstruction } from '../../engine/run-config.ts';

/** Text as events/name.ts spells names: bytes that are not UTF-8 are lone surrogates, so that nothing is lost. */
export interface Scenario {
  /** As the caller named it; errors and groups start with it. */
  readonly file: string;
  /** All lines of the source, without their line feeds. */
  readonly lines: readonly string[];
  /** The storage driver to model; null: none was named. */
  readonly driver: string | null;
  readonly clock: ClockSetting | null;
  readonly steps: readonly Step[];
  /** The files that COPY and ADD take, in the order of the source. */
  readonly files: readonly ScenarioFile[];
}

export interface ClockSetting {
  readonly startNs: bigint;
  /** How far each step moves the clock. */
  readonly stepNs: bigint;
}

export type Step =
  | ImageStep
  | VolumeStep
  | ContainerStep
  | FilesStep
  | RefusedStep
  | CliStep
  | LabelStep
  | WaitStep
  | CheckStep;

interface StepPlace {
  /** From 1. */
  readonly line: number;
  /** The statement as it stands, without a comment. */
  readonly text: string;
}

export interface ImageStep extends StepPlace {
  readonly kind: 'image';
  readonly reference: string;
  readonly instructions: readonly Instruction[];
}

export interface VolumeStep extends StepPlace {
  readonly kind: 'volume';
  readonly name: string;
}

export interface ContainerStep extends StepPlace {
  readonly kind: 'container';
  readonly name: string;
  readonly image: string;
  readonly mounts: readonly ScenarioMount[];
  readonly readOnly: boolean;
  /** Values of `--profile` and `--overlay-option`. */
  readonly profile: string | null;
  readonly overlayOptions: readonly string[];
}

/** A mount in Docker's spelling: the value of `-v` or of `--mount`. */
export interface ScenarioMount {
  readonly option: '-v' | '--mount';
  readonly value: string;
}

/** `NAME$ verb …`: file verbs in a container; all must succeed. */
export interface FilesStep extends StepPlace {
  readonly kind: 'files';
  readonly container: string;
  readonly commands: readonly Command[];
  readonly expectation: Expectation | null;
}

/** `NAME! verb …`: must be refused. */
export interface RefusedStep extends StepPlace {
  readonly kind: 'refused';
  readonly container: string;
  readonly commands: readonly Command[];
  /** One line: the error's code. */
  readonly expectation: Expectation;
}

/** `$ verb …`: a verb of the command line. */
export interface CliStep extends StepPlace {
  readonly kind: 'cli';
  readonly command: Command;
  readonly expectation: Expectation | null;
}

export interface LabelStep extends StepPlace {
  readonly kind: 'label';
  readonly label: string;
}

export interface WaitStep extends StepPlace {
  readonly kind: 'wait';
  readonly durationNs: bigint;
}

export interface CheckStep extends StepPlace {
  readonly kind: 'check';
}

/** One verb with its arguments, and where its output goes. */
export interface Command {
  readonly words: readonly string[];
  readonly redirect: { readonly path: string; readonly append: boolean } | null;
  /** What the output is piped into: `tail`, `head` or `wc`, with arguments. */
  readonly filter: readonly string[] | null;
}

/** Lines of expected output, directly below their command. */
export interface Expectation {
  /** Line of the first one, from 1. */
  readonly line: number;
  readonly lines: readonly ExpectedLine[];
}

export type ExpectedLine =
  | { readonly kind: 'exact'; readonly text: string }
  | { readonly kind: 'pattern'; readonly text: string; readonly pattern: RegExp }
  /** `...`: any number of lines. */
  | { readonly kind: 'any' };

export type Instruction = LayerInstruction | ConfigInstruction | FromInstruction;

interface InstructionPlace {
  readonly line: number;
  /** As the history shows it: the word and its arguments. */
  readonly createdBy: string;
}

export interface FromInstruction extends InstructionPlace {
  readonly word: 'FROM';
  /** Null: scratch. */
  readonly image: string | null;
}

export type LayerInstruction = InstructionPlace & {
  /** Part of the layer before, with no entry in the history. */
  readonly sameLayer: boolean;
} & (
    | { readonly word: 'COPY' | 'ADD'; readonly copy: CopySource }
    | { readonly word: 'RUN'; readonly commands: readonly Command[] }
  );

/** What COPY and ADD bring. */
export type CopySource =
  | {
      readonly kind: 'files';
      readonly sources: readonly string[];
      readonly target: string;
      readonly mode: number | null;
      readonly owner: { readonly uid: number; readonly gid: number } | null;
    }
  /** `fill(N,"c")`: a file of `size` bytes, `pattern` over and over. */
  | { readonly kind: 'fill'; readonly size: number; readonly pattern: string; readonly target: string };

/** What changes the config only. */
export type ConfigInstruction = InstructionPlace & RunConfigInstruction;

/** A file, or with a path that ends in `/` a directory, from the end of the scenario. */
export interface ScenarioFile {
  /** Relative, components joined by one `/`; a directory without its last slash. */
  readonly path: string;
  readonly isDirectory: boolean;
  /** Permission bits; null: 0644, of a directory 0755. */
  readonly mode: number | null;
  readonly content: Uint8Array;
  readonly line: number;
}
