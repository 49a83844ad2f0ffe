/**
 * `docker commit --change`: instructions of a Dockerfile that change nothing but the config (moby v20.10.24,
 * builder/dockerfile BuildFromConfig and dispatchers.go). What is refused there is refused here, in the same words.
 */

import { RunConfigDraft, type RunConfigInstruction, type RunConfigJson, textsOf } from '../engine/run-config.ts';
import { storeError } from '../events/log-error.ts';
import { expandWord, splitWords } from './dockerfile-words.ts';
import { healthcheck } from './healthcheck-instruction.ts';

/**
 * @param changes - Each one or more lines.
 * @returns The config with them; nothing is left of a member that was emptied so that the container's own comes back.
 * @throws `ERR_INVALID_ARGUMENT` that says which instruction is wrong.
 */
export function changedConfig(config: RunConfigJson, changes: readonly string[]): RunConfigJson {
  if (changes.length === 0) return config;
  const lines = changes
    .flatMap((change) => change.replaceAll(/\\[ \t]*\n/g, '').split('\n'))
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  if (lines.length === 0) throw refused('file with no instructions');
  const change = new ConfigChange(config);
  for (const line of lines) change.add(line);
  return change.finish();
}

class ConfigChange {
  readonly #before: RunConfigJson;
  readonly #config: RunConfigDraft;

  constructor(config: RunConfigJson) {
    this.#before = config;
    this.#config = new RunConfigDraft(config);
  }

  add(line: string): void {
    const [, name, rest] = /^(\S+)\s*(.*)$/s.exec(line) as RegExpExecArray;
    this.#config.apply(this.#read(name, rest));
  }

  #read(name: string, rest: string): RunConfigInstruction {
    const word = name.toUpperCase();
    switch (word) {
      case 'CMD':
      case 'ENTRYPOINT':
        return { word, argv: this.#argv(rest) };
      case 'ENV':
      case 'LABEL':
        return { word, pairs: this.#pairs(word, rest) };
      case 'USER':
      case 'WORKDIR':
        return { word, value: this.#expand(only(word, rest)) };
      case 'VOLUME':
        return { word, paths: this.#paths(jsonWords(rest) ?? splitWords(rest)) };
      case 'EXPOSE':
        return { word, ports: this.#ports(splitWords(rest)) };
      case 'ONBUILD':
        return { word, trigger: trigger(rest) };
      case 'HEALTHCHECK':
        return { word, check: healthcheck(rest, jsonWords) };
      default:
        throw refused(`${name.toLowerCase()} is not a valid change command`);
    }
  }

  /** What was emptied comes back from the container: of the entrypoint always, of the command only together with it. */
  finish(): RunConfigJson {
    const config: Record<string, unknown> = { ...this.#config.members };
    const { Cmd, Entrypoint } = this.#before;
    if (textsOf(config['Entrypoint']).length === 0) {
      if (textsOf(config['Cmd']).length === 0) config['Cmd'] = Cmd;
      config['Entrypoint'] = Entrypoint;
    }
    return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined));
  }

  /** A program and its arguments as JSON, or a line for the shell. */
  #argv(rest: string): readonly string[] {
    const shell = textsOf(this.#config.members['Shell']);
    return jsonWords(rest) ?? [...(shell.length === 0 ? ['/bin/sh', '-c'] : shell), ...(rest === '' ? [] : [rest])];
  }

  #paths(words: readonly string[]): readonly string[] {
    if (words.length === 0) throw refused('VOLUME requires at least one argument');
    const paths = words.map((word) => this.#expand(word));
    if (paths.some((path) => path.trim() === '')) throw refused('VOLUME specified can not be an empty string');
    return paths;
  }

  #ports(words: readonly string[]): readonly string[] {
    if (words.length === 0) throw refused('EXPOSE requires at least one argument');
    return words.flatMap((word) => portsOf(this.#expand(word)));
  }

  /** `K=V K2="v w"`, or `K the rest`. All see the variables as they were before the instruction. */
  #pairs(word: string, rest: string): [string, string][] {
    const words = splitWords(rest);
    if (words.length === 0) throw refused(`${word} requires at least one argument`);
    if (!words[0].includes('=')) {
      const value = rest.slice(words[0].length).trim();
      if (value === '') throw refused(`${word} must have two arguments`);
      return [[words[0], this.#expand(value)]];
    }
    return words.map((pair) => {
      const equals = pair.indexOf('=');
      if (equals < 0) throw refused(`Syntax error - can't find = in "${pair}". Must be of the form: name=value`);
      if (equals === 0) throw refused(`${word} names can not be blank`);
      return [this.#expand(pair.slice(0, equals)), this.#expand(pair.slice(equals + 1))];
    });
  }

  #expand(word: string): string {
    const variables = this.#config.env.map((pair): [string, string] => {
      const equals = pair.indexOf('=');
      return [pair.slice(0, equals), pair.slice(equals + 1)];
    });
    return expandWord(word, new Map(variables));
  }
}

const PORT = /^(\d+)(?:-(\d+))?(?:\/([a-z]+))?$/i;

/** `80`, `80/udp`, `7000-7002`. */
function portsOf(text: string): string[] {
  const match = PORT.exec(text);
  const [first, last] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])];
  if (match === null || last > 65_535 || first > last) {
    throw refused(`Invalid containerPort: ${text.replace(/\/.*$/, '')}`);
  }
  const protocol = (match[3] ?? 'tcp').toLowerCase();
  if (!['tcp', 'udp', 'sctp'].includes(protocol)) throw refused(`Invalid proto: ${protocol}`);
  return Array.from({ length: last - first + 1 }, (_, index) => `${first + index}/${protocol}`);
}

/** A JSON list of texts; null where it is none, which is then a plain line. */
function jsonWords(text: string): string[] | null {
  if (!text.startsWith('[')) return null;
  try {
    const words: unknown = JSON.parse(text);
    return Array.isArray(words) && words.every((word) => typeof word === 'string') ? words : null;
  } catch {
    return null;
  }
}

function trigger(rest: string): string {
  const word = /^\S*/.exec(rest)?.[0].toUpperCase() ?? '';
  if (word === '') throw refused('ONBUILD requires at least one argument');
  if (word === 'ONBUILD') throw refused("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
  if (word === 'MAINTAINER' || word === 'FROM') throw refused(`${word} isn't allowed as an ONBUILD trigger`);
  return rest;
}

function only(word: string, rest: string): string {
  if (rest === '') throw refused(`${word} requires exactly one argument`);
  return rest;
}

const refused = (message: string): Error => storeError('ERR_INVALID_ARGUMENT', message);
