import { readFile, writeFile } from 'node:fs/promises';
import {
  openStore,
  parseScenario,
  runScenario,
  type Scenario,
  ScenarioClock,
  type ScenarioResult,
  scenarioHost,
  type Store,
  updateSource,
} from '../../index.ts';
import type { VerbContext } from '../context.ts';
import { EXIT_DIFFERENT, usageError } from '../exit-codes.ts';
import { plural } from '../format/size.ts';
import { failureText } from '../format/failure.ts';
import { StoryTeller } from '../story-teller.ts';
import { flag } from '../options.ts';
import { isRecording, replayRecordingVerb } from '../replay-recording.ts';
import type { Verb } from '../verb.ts';

export const replayVerb: Verb = {
  name: 'replay',
  summary: 'play scenario files, or a recorded program, into the store, and check what comes of it',
  details:
    'A scenario (.scn) is a console transcript with expected output; Markdown files have them in blocks marked scn. ' +
    'A run stops at the first failure, with what was wanted and what came. When the store is not named and holds a name that ' +
    'the scenario makes, the scenario runs in a store in memory instead. ' +
    'A folder with meta.json, strace.log and before.tar.gz is a recorded program: each of its system calls becomes one ' +
    'transaction, each process one group, and what can not be exact is told with its line and reason.',
  args: [{ form: '<file...>', description: 'scenarios, Markdown files with scn blocks, or one recording' }],
  options: [
    {
      flags: '--name <name>',
      description: 'of a recording: name of the image and the container (default: the folder)',
    },
    { flags: '--report <form>', description: 'of a recording: text or json' },
    { flags: '--strict', description: 'of a recording: end with 1 if any file is inexact' },
    {
      flags: '--resync',
      description: 'of a recording: put right what differs from the tree that was there afterwards',
    },
    { flags: '--update', description: 'rewrite expectations that do not hold with what was seen' },
    { flags: '--scratch', description: 'in a store in memory that is forgotten afterwards' },
    { flags: '--tell', description: 'tell the story: comments, steps, output, and what each step cost' },
  ],
  examples: [
    { command: 'replay story.scn', explains: 'play it, and look around in the store afterwards' },
    { command: 'replay --scratch --tell story.scn', explains: 'watch it' },
    { command: 'replay --scratch README.md', explains: 'check the examples of a document' },
    { command: 'replay --strict ./recording', explains: 'a recorded program, which has to come out exactly' },
    { command: 'replay --update story.scn', explains: 'accept what is seen now' },
  ],
  run: async (context, files, options) => {
    if (files.length === 1 && isRecording(files[0])) return replayRecordingVerb(context, files[0], options);
    if (context.session !== undefined) throw usageError('a scenario does not replay another one');
    const reports = [];
    for (const file of files) {
      const scenario = parseScenario(file, await readScenario(file));
      const result = await play(context, scenario);
      const isUpdated = flag(options, 'update') && result.updates.length > 0;
      if (isUpdated) await writeFile(file, updateSource(scenario, result.updates));
      reports.push({
        file,
        steps: result.steps,
        matched: result.matched,
        updated: result.updates.length,
        failure: result.failure,
      });
      if (!context.isJson) report(context, scenario, result);
      if (result.failure !== null) break;
    }
    if (context.isJson) context.json(reports);
    return reports.some(({ failure }) => failure !== null) ? EXIT_DIFFERENT : 0;
  },
};

async function readScenario(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'no such file' : code === 'EISDIR' ? 'it is a directory' : String(code);
    throw Object.assign(new Error(`${file}: ${why}`, { cause: error }), { code });
  }
}

async function play(context: VerbContext, scenario: Scenario): Promise<ScenarioResult> {
  const clock = new ScenarioClock(scenario.clock);
  const store = await storeFor(context, scenario, clock);
  const teller = flag(context.options, 'tell') && !context.isJson ? new StoryTeller(context, scenario, store) : null;
  const result = await runScenario(
    scenario,
    scenarioHost(store, (argv) => context.nested(store, argv)),
    clock,
    {
      update: flag(context.options, 'update'),
      onStep: (report) => {
        if (teller === null) context.progress(`${scenario.file}:${report.step.line}: ${report.step.text}`);
        else teller.tell(report);
      },
    },
  );
  context.progress(null);
  await context.close();
  return result;
}

/** The store that the scenario plays in: the one that is named, or one in memory when its names are taken there. */
async function storeFor(context: VerbContext, scenario: Scenario, clock: ScenarioClock): Promise<Store> {
  if (!flag(context.options, 'scratch')) {
    const store = await context.store('create', { clock: clock.now });
    const taken = context.isStoreNamed ? null : takenName(store, scenario);
    if (taken === null) return store;
    context.say(
      `${context.directory} has ${taken} already: playing in a store in memory (--store DIR plays it elsewhere)`,
    );
    await context.close();
  }
  return context.keep(await openStore({ clock: clock.now }));
}

/** A name that the scenario makes and the store has. */
function takenName(store: Store, { steps }: Scenario): string | null {
  const containers = new Set(store.containers.list().map((container) => container.name));
  const volumes = new Set(store.volumes.list().map((volume) => volume.name));
  for (const step of steps) {
    if (step.kind === 'container' && containers.has(step.name)) return `a container ${step.name}`;
    if (step.kind === 'volume' && volumes.has(step.name)) return `a volume ${step.name}`;
    if (step.kind === 'image' && store.images.has(step.reference)) return `an image ${step.reference}`;
  }
  return null;
}

function report(context: VerbContext, { file }: Scenario, { failure, steps, matched, updates }: ScenarioResult): void {
  if (failure !== null) {
    context.print(failureText(failure, context.style));
    return;
  }
  const updated = updates.length === 0 ? '' : `, ${plural(updates.length, 'expectation')} rewritten`;
  context.line(`${file}: ${plural(steps, 'step')}, ${plural(matched, 'expectation')} met${updated}`);
}
