/** `HEALTHCHECK` of a Dockerfile, as it lies in an image's config (docs.docker.com/reference/dockerfile, "HEALTHCHECK"). */

import { storeError } from '../events/log-error.ts';

/** Times are nanoseconds. */
export interface Healthcheck {
  /** `['NONE']`, `['CMD', …]` or `['CMD-SHELL', line]`. */
  readonly Test: readonly string[];
  readonly Interval?: number;
  readonly Timeout?: number;
  readonly StartPeriod?: number;
  readonly Retries?: number;
}

const TIMES: Readonly<Record<string, 'Interval' | 'Timeout' | 'StartPeriod'>> = {
  interval: 'Interval',
  timeout: 'Timeout',
  'start-period': 'StartPeriod',
};

/**
 * @param rest - What stands behind the word.
 * @param jsonWords - A JSON list of texts, or null where it is none.
 * @throws `ERR_INVALID_ARGUMENT`.
 */
export function healthcheck(rest: string, jsonWords: (text: string) => string[] | null): Healthcheck {
  const settings: Partial<Record<'Interval' | 'Timeout' | 'StartPeriod' | 'Retries', number>> = {};
  let text = rest;
  for (let match = OPTION.exec(text); match !== null; match = OPTION.exec(text)) {
    const [all, name, value] = match;
    const time = TIMES[name];
    if (time !== undefined) settings[time] = durationNs(name, value);
    else if (name === 'retries') settings.Retries = retries(value);
    else throw refused(`Unknown flag: ${name}`);
    text = text.slice(all.length);
  }
  const [, kind, command] = /^(\S*)\s*(.*)$/s.exec(text) as RegExpExecArray;
  switch (kind.toUpperCase()) {
    case 'NONE':
      if (command !== '') throw refused('HEALTHCHECK NONE takes no arguments');
      return { Test: ['NONE'] };
    case 'CMD':
      if (command === '') throw refused('Missing command after HEALTHCHECK CMD');
      return { Test: testOf(command, jsonWords(command)), ...settings };
    case '':
      throw refused('HEALTHCHECK requires at least one argument');
    default:
      throw refused(`Unknown type "${kind}" in HEALTHCHECK (try CMD)`);
  }
}

const OPTION = /^--([a-z-]+)=(\S+)\s*/;

const testOf = (line: string, words: readonly string[] | null): string[] =>
  words === null ? ['CMD-SHELL', line] : ['CMD', ...words];

const UNITS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };

/** As Go prints it: `1m30s`, `500ms`. At least 1 ms, or 0 for the default. */
function durationNs(name: string, text: string): number {
  if (text === '0') return 0;
  if (!/^(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+$/.test(text)) throw refused(`invalid duration "${text}"`);
  let ns = 0;
  for (const [, amount, unit] of text.matchAll(/([\d.]+)(ns|us|µs|ms|s|m|h)/g)) ns += Number(amount) * UNITS[unit];
  if (ns > 0 && ns < 1e6) throw refused(`Interval "${name}" cannot be less than 1ms`);
  return ns;
}

function retries(text: string): number {
  if (!/^\d{1,9}$/.test(text) || Number(text) < 1) throw refused(`--retries must be at least 1 (not ${text})`);
  return Number(text);
}

const refused = (message: string): Error => storeError('ERR_INVALID_ARGUMENT', message);
