/** `image NAME` … `end`: an image in the words of a Dockerfile. */

import { parseCommands } from './commands.ts';
import type { CopySource, ImageStep, Instruction } from './scenario.ts';
import type { SourceLines } from './source-lines.ts';
import { type SourcePlace, syntaxError } from './syntax-error.ts';
import { FILE_VERBS } from './verb-names.ts';
import { type Token, tokenize } from './words.ts';

const WORDS = 'FROM, COPY, ADD, RUN, ENV, LABEL, CMD, ENTRYPOINT, WORKDIR, USER, EXPOSE or end';

/** Reads the instructions up to `end`; the line `image NAME` has been read. */
export function parseImage(lines: SourceLines, head: Pick<ImageStep, 'reference' | 'line' | 'text'>): ImageStep {
  const instructions: Instruction[] = [];
  for (;;) {
    const raw = lines.next;
    const { place } = lines;
    if (raw === undefined) throw syntaxError(place, `end, which closes image ${head.reference} of line ${head.line}`);
    const { tokens, end } = tokenize(raw, place);
    if (tokens.length === 1 && tokens[0].text === 'end') break;
    if (tokens.length > 0) {
      const code = raw.slice(tokens[0].start, end);
      instructions.push(parseInstruction(code, place, instructions));
    }
    lines.advance();
  }
  if (instructions.length === 0) throw syntaxError(lines.place, 'FROM before end', 'end');
  lines.advance();
  return { kind: 'image', ...head, instructions };
}

function parseInstruction(code: string, place: SourcePlace, before: readonly Instruction[]): Instruction {
  const { tokens } = tokenize(code, place);
  const word = tokens[0].text;
  const isFirst = before.length === 0;
  if ((word === 'FROM') !== isFirst) {
    throw syntaxError(place, isFirst ? 'FROM as the first word of an image' : `FROM once, then ${WORDS}`, code);
  }
  const sameLayer = isSameLayer(tokens);
  const isAfterLayer = ['COPY', 'ADD', 'RUN'].includes(before.at(-1)?.word ?? '');
  if (sameLayer && !isAfterLayer) throw syntaxError(place, 'COPY, ADD or RUN on the line before "; same-layer"', code);
  const args = sameLayer ? tokens.slice(1, -2) : tokens.slice(1);
  const text = args.length === 0 ? '' : code.slice(args[0].start, args.at(-1)?.end);
  const at = { line: place.line, createdBy: text === '' ? word : `${word} ${text}` };
  switch (word) {
    case 'FROM': {
      const [image] = texts(args, 1, 'FROM IMAGE', place);
      return { ...at, word, image: image === 'scratch' ? null : image };
    }
    case 'COPY':
    case 'ADD':
      return { ...at, word, sameLayer, copy: parseCopy(word, text, args, place) };
    case 'RUN':
      return { ...at, word, sameLayer, commands: parseCommands(args, place, FILE_VERBS) };
    default:
      if (sameLayer) throw syntaxError(place, 'COPY, ADD or RUN before "; same-layer"', code);
      return { ...at, ...parseConfigWord(word, text, args, place) };
  }
}

/** The line ends in `; same-layer`. */
function isSameLayer(tokens: readonly Token[]): boolean {
  const [mark, name] = tokens.slice(-2);
  return name?.text === 'same-layer' && mark.kind === 'operator' && mark.text === ';';
}

/** The instructions without a layer. */
function parseConfigWord(word: string, text: string, args: readonly Token[], place: SourcePlace) {
  switch (word) {
    case 'ENV':
    case 'LABEL':
      return { word, pairs: parsePairs(word, text, args, place) } as const;
    case 'CMD':
    case 'ENTRYPOINT':
      return { word, argv: parseArgv(word, text, place) } as const;
    case 'WORKDIR':
    case 'USER':
      return { word, value: texts(args, 1, `${word} VALUE`, place)[0] } as const;
    case 'EXPOSE': {
      const ports = args.map((token) => token.text);
      const wrong = ports.find((port) => !/^\d{1,5}(\/(tcp|udp|sctp))?$/.test(port));
      if (ports.length === 0 || wrong !== undefined) throw syntaxError(place, 'EXPOSE PORT[/tcp|udp]', wrong ?? '');
      return { word, ports: ports.map((port) => (port.includes('/') ? port : `${port}/tcp`)) } as const;
    }
    default:
      throw syntaxError(place, WORDS, word);
  }
}

const FILL = /^fill\(\s*(\d{1,15})\s*,\s*(?:"((?:[^"\\]|\\.)+)"|'([^']+)'|([^\s)"']+))\s*\)\s+(.*)$/s;

function parseCopy(word: string, text: string, args: readonly Token[], place: SourcePlace): CopySource {
  if (word === 'ADD' && text.startsWith('fill(')) {
    const match = FILL.exec(text);
    if (match === null) throw syntaxError(place, 'ADD fill(N,"c") PATH', text);
    const [target] = texts(tokenize(match[5], place).tokens, 1, 'ADD fill(N,"c") PATH', place);
    const pattern = match[2]?.replaceAll(/\\(.)/gs, '$1') ?? match[3] ?? match[4];
    return { kind: 'fill', size: Number(match[1]), pattern, target };
  }
  let mode: number | null = null;
  let owner: { uid: number; gid: number } | null = null;
  const paths: string[] = [];
  for (const token of texts(args, null, `${word} FROM… TO`, place)) {
    const chmod = /^--chmod=([0-7]{3,5})$/.exec(token);
    const chown = /^--chown=(\d{1,10})(?::(\d{1,10}))?$/.exec(token);
    if (chmod !== null) mode = Number.parseInt(chmod[1], 8);
    else if (chown !== null) owner = { uid: Number(chown[1]), gid: Number(chown[2] ?? chown[1]) };
    else if (token.startsWith('--')) throw syntaxError(place, '--chmod=MODE or --chown=UID:GID', token);
    else paths.push(token);
  }
  const target = paths.pop();
  if (target === undefined || paths.length === 0) throw syntaxError(place, `${word} FROM… TO`, text);
  const isMany = paths.length > 1 && !target.endsWith('/');
  if (isMany) throw syntaxError(place, 'a directory, with / at its end, for several files', target);
  return { kind: 'files', sources: paths, target, mode, owner };
}

/** `K=V K2="v w"`, or of ENV `K the rest`. */
function parsePairs(word: string, text: string, args: readonly Token[], place: SourcePlace): [string, string][] {
  const words = texts(args, null, `${word} KEY=VALUE`, place);
  const [first] = words;
  if (first !== undefined && !first.includes('=') && words.length > 1 && word === 'ENV') {
    return [[first, text.slice(text.indexOf(first) + first.length).trim()]];
  }
  if (words.length === 0) throw syntaxError(place, `${word} KEY=VALUE`, text);
  return words.map((pair) => {
    const equals = pair.indexOf('=');
    if (equals < 1) throw syntaxError(place, `${word} KEY=VALUE`, pair);
    return [pair.slice(0, equals), pair.slice(equals + 1)];
  });
}

/** The JSON form, or a line for the image's shell. */
function parseArgv(word: string, text: string, place: SourcePlace): string[] {
  if (text === '') throw syntaxError(place, `${word} ["program","argument"]`, text);
  if (!text.startsWith('[')) return ['/bin/sh', '-c', text];
  let argv: unknown;
  try {
    argv = JSON.parse(text);
  } catch {
    argv = null;
  }
  const isArgv = Array.isArray(argv) && argv.length > 0 && argv.every((part) => typeof part === 'string');
  if (!isArgv) throw syntaxError(place, `${word} ["program","argument"]`, text);
  return argv as string[];
}

/** The words of arguments without operators; `count` null: any number. */
function texts(args: readonly Token[], count: number | null, form: string, place: SourcePlace): string[] {
  const operator = args.find((token) => token.kind === 'operator');
  if (operator !== undefined || (count !== null && args.length !== count)) {
    throw syntaxError(place, form, operator?.text ?? args.map((token) => token.text).join(' '));
  }
  return args.map((token) => token.text);
}
