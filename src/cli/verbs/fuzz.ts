import { writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { fuzz, type FuzzAgainst, type FuzzResult, type FuzzSummary, KNOWN_RULES } from '../../entry/testing.ts';
import { isStoreError, parseProfile } from '../../index.ts';
import type { VerbContext } from '../context.ts';
import { EXIT_DIFFERENT, EXIT_NOT_FOUND, EXIT_OK, usageError } from '../exit-codes.ts';
import { plural } from '../format/size.ts';
import { listOption, type Options, textOption } from '../options.ts';
import type { Verb } from '../verb.ts';

/** Where nothing else is said. */
const RUNS = 100;

export const fuzzVerb: Verb = {
  name: 'fuzz',
  summary: 'play random sequences, and look for one that the kernel, a model or the laws do not agree with',
  details:
    'Against `kernel` each call is made on a real overlay mount as well (root, Linux and python3 are needed), against `model` ' +
    'on a plain file system in memory, against `self` the laws are checked: layers never change, replays are equal, figures ' +
    'add up. A sequence that differs is made as short as it can be, and written down as a scenario that `overlog replay` ' +
    'plays. The same seed and number of runs do the same, bit for bit. No store is opened. The exit code is 1 for a ' +
    'difference alone; where the kernel cannot be asked, it is 4 and the message says what is missing.',
  args: [],
  options: [
    { flags: '--against <what>', description: 'kernel, model or self (default: self)' },
    { flags: '--profile <name>', description: 'docker or posix (default: docker)' },
    { flags: '--overlay-option <option>', description: 'redirect_dir=on, index=on, metacopy=on', repeat: true },
    { flags: '--runs <number>', description: `sequences (default: ${RUNS})` },
    { flags: '--seconds <number>', description: 'in the place of a number of sequences' },
    { flags: '--seed <number>', description: 'what a run begins from; default: another one each time' },
    { flags: '-o, --output <file>', description: 'where a counterexample goes (default: fuzz-SEED.scn)' },
  ],
  examples: [
    { command: 'fuzz --runs 20', explains: 'the laws, on twenty sequences' },
    { command: 'fuzz --against kernel --profile posix --seconds 60', explains: 'a minute against overlayfs' },
    { command: 'fuzz --against model --seed 7 --runs 100', explains: 'a run that can be repeated' },
  ],
  run: async (context, _, options) => {
    const against = parseAgainst(textOption(options, 'against'));
    const runs = parseNumber(options, 'runs');
    const seconds = parseNumber(options, 'seconds');
    if (runs !== undefined && seconds !== undefined) throw usageError('--runs or --seconds, not both');
    const seed = parseNumber(options, 'seed');
    const profile = parseProfile(textOption(options, 'profile'), listOption(options, 'overlayOption'));
    if (against === 'model' && (profile.redirectDir || profile.index || profile.metacopy))
      throw usageError('the model knows the docker profile alone; the kernel and the laws know every one');
    const result = await fuzz({
      against,
      profile,
      ...(seconds === undefined ? { runs: runs ?? RUNS } : { seconds }),
      ...(seed !== undefined && { seed }),
      onSequence: (summary) => context.progress(progressText(against, summary)),
    }).catch(refuseAsAbsent);
    context.progress(null);
    return report(context, result, options);
  },
};

/** What a run needs and does not find is no difference: scripts tell them apart by the exit code. */
function refuseAsAbsent(error: unknown): never {
  if (!isStoreError(error) || error.code !== 'ERR_UNSUPPORTED') throw error;
  throw Object.assign(new Error(error.message, { cause: error }), { exitCode: EXIT_NOT_FOUND });
}

function parseAgainst(text = 'self'): FuzzAgainst {
  if (text === 'kernel' || text === 'model' || text === 'self') return text;
  throw usageError(`--against is kernel, model or self, not "${text}"`);
}

function parseNumber(options: Options, name: string): number | undefined {
  const text = textOption(options, name);
  if (text === undefined) return undefined;
  if (/^\d{1,10}$/.test(text) && Number(text) < 2 ** 31) return Number(text);
  throw usageError(`--${name} is a whole number below ${2 ** 31}, not "${text}"`);
}

const progressText = (against: FuzzAgainst, { sequences, operations }: FuzzSummary): string =>
  `fuzz against ${against}: ${plural(sequences, 'sequence')}, ${plural(operations, 'operation')}`;

async function report(context: VerbContext, result: FuzzResult, options: Options): Promise<number> {
  const { counterexample, seed } = result;
  let file: string | null = null;
  if (counterexample !== null) {
    file = textOption(options, 'output') ?? `fuzz-${seed}.scn`;
    await writeFile(file, counterexample.scenario);
  }
  context.answer({ ...result, file }, () => [...summaryLines(result), ...foundLines(result, file)].join('\n') + '\n');
  return counterexample === null ? EXIT_OK : EXIT_DIFFERENT;
}

function summaryLines({ against, seed, summary }: FuzzResult): string[] {
  const { sequences, operations, kinds, refusals, rules } = summary;
  const average = sequences === 0 ? 0 : Math.round((10 * operations) / sequences) / 10;
  const missed = KNOWN_RULES.filter((rule) => rules[rule] === undefined);
  return [
    `${plural(sequences, 'sequence')} against ${against}, ${plural(operations, 'operation')} (${average} each), seed ${seed}`,
    `operations: ${listing(kinds)}`,
    `refused: ${listing(refusals)}`,
    `rules met: ${listing(rules)}`,
    ...(missed.length === 0 ? [] : [`rules not met: ${missed.join(' ')}`]),
  ];
}

const listing = (counts: Readonly<Record<string, number>>): string =>
  Object.keys(counts).length === 0
    ? 'none'
    : Object.entries(counts)
        .map(([name, count]) => `${name} ${count}`)
        .join(', ');

function foundLines({ counterexample, seed }: FuzzResult, file: string | null): string[] {
  if (counterexample === null) return ['no difference'];
  return [
    `a difference, in ${plural(counterexample.operations, 'operation')}, with seed ${seed}:`,
    ...counterexample.what.split('\n').map((line) => `  ${line}`),
    `written to ${file}: overlog replay --scratch ${basename(file ?? '')} plays it`,
  ];
}
