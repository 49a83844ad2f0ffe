/** Image configs as JSON (OCI image spec, config.md): what is read of them, and those that commits make. */

import { storeError } from '../events/log-error.ts';
import type { ImageRecord } from '../projections/registry.ts';

/** One step of an image's history. */
export interface HistoryStep {
  /** RFC 3339; null where the config has none. */
  readonly created: string | null;
  readonly createdBy: string;
  readonly comment: string;
  readonly author: string;
  /** The step changed the config only. */
  readonly emptyLayer: boolean;
}

/** What a container made from an image takes from its config. */
export interface RunConfig {
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly environment: readonly string[];
  readonly workingDirectory: string;
  readonly user: string;
  /** Paths that get an anonymous volume each. */
  readonly volumes: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

/** A config, as far as this library understands it; anything odd in it counts as absent. */
export interface ParsedConfig {
  readonly created: string | null;
  readonly architecture: string;
  readonly os: string;
  readonly variant: string | null;
  readonly author: string;
  readonly diffIds: readonly string[];
  readonly history: readonly HistoryStep[];
  readonly run: RunConfig;
}

type Json = Readonly<Record<string, unknown>>;

const parsed = new WeakMap<Uint8Array, ParsedConfig>();

/** Parses an image's config, once per record. */
export function parseConfig(image: Pick<ImageRecord, 'config'>): ParsedConfig {
  const known = parsed.get(image.config);
  if (known !== undefined) return known;
  const config = parseConfigJson(image.config);
  const run = objectOf(config['config']);
  const result: ParsedConfig = {
    created: textOrNull(config['created']),
    architecture: textOf(config['architecture']),
    os: textOf(config['os']),
    variant: textOrNull(config['variant']),
    author: textOf(config['author']),
    diffIds: textsOf(objectOf(config['rootfs'])['diff_ids']),
    history: listOf(config['history']).map(historyStep),
    run: {
      entrypoint: textsOf(run['Entrypoint']),
      command: textsOf(run['Cmd']),
      environment: textsOf(run['Env']),
      workingDirectory: textOf(run['WorkingDir']),
      user: textOf(run['User']),
      volumes: Object.keys(objectOf(run['Volumes'])).toSorted(),
      labels: Object.fromEntries(
        Object.entries(objectOf(run['Labels'])).map(([key, value]): [string, string] => [key, textOf(value)]),
      ),
    },
  };
  parsed.set(image.config, result);
  return result;
}

/** A config as the JSON object it is. */
export function parseConfigJson(bytes: Uint8Array): Json {
  try {
    return objectOf(JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch (error) {
    throw storeError('ERR_OCI_CORRUPT', 'an image config is not JSON', { cause: error });
  }
}

/** What a commit adds to the config below it. */
export interface ConfigStep {
  /** RFC 3339. */
  readonly created: string;
  readonly createdBy: string;
  readonly comment: string;
  readonly author: string;
  /** Null: nothing but the config changed. */
  readonly diffId: string | null;
  /** What containers of it run with, in Docker's spelling (`Env`, `Cmd`, …). */
  readonly config: Json;
}

/**
 * The config of a new image on top of another one.
 *
 * @param below - null: an image from nothing, for linux/amd64.
 * @returns The same bytes for the same input; members that this library does not know are kept.
 */
export function extendConfig(below: Uint8Array | null, step: ConfigStep): Buffer {
  const { author: _, ...base } =
    below === null ? { architecture: 'amd64', os: 'linux', author: '' } : parseConfigJson(below);
  const history = {
    created: step.created,
    ...(step.author === '' ? {} : { author: step.author }),
    ...(step.createdBy === '' ? {} : { created_by: step.createdBy }),
    ...(step.comment === '' ? {} : { comment: step.comment }),
    ...(step.diffId === null ? { empty_layer: true } : {}),
  };
  const diffIds = textsOf(objectOf(base['rootfs'])['diff_ids']);
  const config = {
    ...base,
    created: step.created,
    ...(step.author === '' ? {} : { author: step.author }),
    config: step.config,
    rootfs: { type: 'layers', diff_ids: step.diffId === null ? diffIds : [...diffIds, step.diffId] },
    history: [...completeHistory(listOf(base['history']), diffIds.length), history],
  };
  return Buffer.from(JSON.stringify(config));
}

/** A history is optional, but one that is there accounts for every layer: so steps that nobody described are added. */
function completeHistory(history: readonly unknown[], layers: number): readonly unknown[] {
  const told = history.filter((step) => !historyStep(step).emptyLayer).length;
  return [...history, ...Array.from({ length: Math.max(0, layers - told) }, () => ({}))];
}

/** RFC 3339 with nanoseconds, as Go prints a time: no trailing zeros. */
export function formatTime(timeNs: bigint): string {
  const fraction = ((timeNs % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  const seconds = (timeNs - fraction) / 1_000_000_000n;
  const date = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  const digits = fraction === 0n ? '' : `.${fraction.toString().padStart(9, '0').replace(/0+$/, '')}`;
  return `${date}${digits}Z`;
}

function historyStep(value: unknown): HistoryStep {
  const step = objectOf(value);
  return {
    created: textOrNull(step['created']),
    createdBy: textOf(step['created_by']),
    comment: textOf(step['comment']),
    author: textOf(step['author']),
    emptyLayer: step['empty_layer'] === true,
  };
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const objectOf = (value: unknown): Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null);
const textsOf = (value: unknown): string[] => listOf(value).filter((item) => typeof item === 'string');
