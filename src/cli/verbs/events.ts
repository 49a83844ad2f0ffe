import { setTimeout as sleep } from 'node:timers/promises';
import { type DockerEvent, dockerEventJson } from '../../index.ts';
import { usageError } from '../exit-codes.ts';
import { formatEventTime } from '../format/time.ts';
import { flag, listOption, textOption } from '../options.ts';
import type { Verb } from '../verb.ts';

/** How often --follow looks for more. */
const FOLLOW_MS = 100;

export const eventsVerb: Verb = {
  name: 'events',
  summary: 'tell the life cycle of images, containers and volumes as docker events does',
  details:
    "A stop is kill, die and stop, as Docker does it. Events of files are not Docker's: log and show tell those. " +
    "With --ndjson each line is what docker events --format '{{json .}}' prints.",
  args: [],
  options: [
    { flags: '--since <moment>', description: 'of what happened after this moment; default: the start' },
    { flags: '--until <moment>', description: 'up to this moment; default: now' },
    {
      flags: '--filter <key=value>',
      description: 'by type, event, container, image, network, volume or label',
      repeat: true,
    },
    { flags: '-f, --follow', description: 'go on as more happens' },
  ],
  examples: [
    { command: 'events --since ~1h', explains: 'what happened in the last hour' },
    { command: 'events --filter container=web --filter event=die --ndjson', explains: 'every end of a container' },
  ],
  streams: true,
  run: async (context, _, options) => {
    const store = await context.store('read');
    const isWanted = filterOf(listOption(options, 'filter'));
    const [since, until] = [textOption(options, 'since'), textOption(options, 'until')];
    if (flag(options, 'follow') && (until !== undefined || context.isJson)) {
      throw usageError('--follow goes on, so it takes neither --until nor --json');
    }
    const events = store.events({ ...(since !== undefined && { since }), ...(until !== undefined && { until }) });
    if (context.isJson) {
      const lines = [...events].filter(isWanted).map(dockerEventJson);
      return context.line(lines.length === 0 ? '[]' : `[\n${lines.map((line) => `  ${line}`).join(',\n')}\n]`);
    }
    const print = async (found: Iterable<DockerEvent>): Promise<void> => {
      for (const event of found) {
        if (!isWanted(event)) continue;
        context.line(context.isNdjson ? dockerEventJson(event) : eventLine(event));
        await context.stdout.drained();
      }
    };
    let { seq } = store;
    await print(events);
    while (flag(options, 'follow')) {
      await sleep(FOLLOW_MS);
      if (store.refresh() === seq) continue;
      await print(store.events({ since: seq }));
      seq = store.seq;
    }
  },
};

/** As Docker prints it: time, type, action, id, and the attributes in brackets. */
function eventLine({ Type, Action, Actor, timeNano }: DockerEvent): string {
  const attributes = Object.entries(Actor.Attributes).map(([key, value]) => `${key}=${value}`);
  return `${formatEventTime(timeNano)} ${Type} ${Action} ${Actor.ID} (${attributes.join(', ')})`;
}

type Filter = (event: DockerEvent, value: string) => boolean;

const FILTERS: ReadonlyMap<string, Filter> = new Map<string, Filter>([
  ['type', ({ Type }, value) => Type === value],
  // docker events takes exec_create and exec_start without the command behind them, too.
  ['event', ({ Action }, value) => Action === value || Action.startsWith(`${value}: `)],
  ['container', ({ Type, Actor }, value) => Type === 'container' && isNamed(Actor, value)],
  ['volume', ({ Type, Actor }, value) => Type === 'volume' && isNamed(Actor, value)],
  ['network', ({ Type, Actor }, value) => Type === 'network' && isNamed(Actor, value)],
  ['image', ({ Type, Actor, from }, value) => from === value || (Type === 'image' && isNamed(Actor, value))],
  [
    'label',
    ({ Actor: { Attributes } }, value) => {
      const equals = value.indexOf('=');
      if (equals < 0) return value in Attributes;
      return Attributes[value.slice(0, equals)] === value.slice(equals + 1);
    },
  ],
]);

const isNamed = ({ ID, Attributes }: DockerEvent['Actor'], value: string): boolean =>
  value !== '' && (ID.startsWith(value) || Attributes['name'] === value);

/** Filters of one key are alternatives; those of several keys must all hold, as with Docker. */
function filterOf(asked: readonly string[]): (event: DockerEvent) => boolean {
  const values = new Map<string, string[]>();
  for (const text of asked) {
    const equals = text.indexOf('=');
    const key = text.slice(0, Math.max(0, equals));
    if (!FILTERS.has(key)) throw usageError(`"${text}" is no filter: KEY=VALUE, of ${[...FILTERS.keys()].join(', ')}`);
    values.set(key, [...(values.get(key) ?? []), text.slice(equals + 1)]);
  }
  return (event) => [...values].every(([key, any]) => any.some((value) => FILTERS.get(key)?.(event, value) === true));
}
