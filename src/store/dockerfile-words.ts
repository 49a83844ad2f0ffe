/**
 * Words of a Dockerfile's instruction, and the variables in them (docs.docker.com/reference/dockerfile, "Environment
 * replacement"; moby buildkit v0.8, shell/lex.go).
 *
 *     'single'    as it stands
 *     "double"    variables; a backslash in front of " $ \ takes them as they are
 *     \x          x
 *     $NAME ${NAME} ${NAME:-else} ${NAME:+instead}
 */

/** Cuts a text at its blanks, but for those that are quoted or behind a backslash; quotes stay in the words. */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  let word = '';
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (quote === '' && /\s/.test(char)) {
      if (word !== '') words.push(word);
      word = '';
      continue;
    }
    if (char === '\\' && quote !== "'" && at + 1 < text.length) {
      word += char + text[++at];
      continue;
    }
    if (quote === '' && (char === '"' || char === "'")) quote = char;
    else if (char === quote) quote = '';
    word += char;
  }
  if (word !== '') words.push(word);
  return words;
}

/** What a word is once its quotes are gone and its variables have their values; one that is not set is nothing. */
export function expandWord(word: string, variables: ReadonlyMap<string, string>): string {
  let out = '';
  let quote = '';
  for (let at = 0; at < word.length; at++) {
    const char = word[at];
    if (char === quote) quote = '';
    else if (quote === '' && (char === '"' || char === "'")) quote = char;
    else if (char === '\\' && quote !== "'" && at + 1 < word.length) {
      const next = word[++at];
      out += quote === '"' && !/["$\\]/.test(next) ? `\\${next}` : next;
    } else if (char === '$' && quote !== "'") {
      const match = VARIABLE.exec(word.slice(at));
      out += match === null ? '$' : valueOf(match, variables);
      at += (match?.[0].length ?? 1) - 1;
    } else out += char;
  }
  return out;
}

const VARIABLE = /^\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?::([-+])([^}]*))?\})/;

function valueOf([, plain, braced, rule, other = '']: RegExpExecArray, variables: ReadonlyMap<string, string>): string {
  const value = variables.get(plain ?? braced) ?? '';
  if (rule === '+') return value === '' ? '' : expandWord(other, variables);
  return rule === '-' && value === '' ? expandWord(other, variables) : value;
}
