/** Completion for shells, made from the table of verbs. */

import type { VerbForm } from './verb-form.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

export function completionScript(shell: Shell, verbs: readonly VerbForm[]): string {
  switch (shell) {
    case 'bash':
      return bash(verbs);
    case 'zsh':
      return zsh(verbs);
    case 'fish':
      return fish(verbs);
  }
}

/** All option flags of a verb, with what they tell. */
export function flagsOf(verb: VerbForm): { flag: string; takesValue: boolean; description: string }[] {
  const specs = [
    ...verb.options,
    ...(verb.reads ? [{ flags: '--at <moment>', description: 'look at an earlier moment' }] : []),
    ...(verb.hasSizes ? [{ flags: '--bytes', description: 'exact sizes, in bytes' }] : []),
    { flags: '--json', description: 'print one JSON document' },
    ...(verb.streams ? [{ flags: '--ndjson', description: 'print one JSON object a line' }] : []),
    { flags: '--store <dir>', description: 'the store' },
    { flags: '-h, --help', description: 'tell more' },
  ];
  return specs.flatMap(({ flags, description }) => {
    const takesValue = flags.includes('<');
    return flags
      .replace(/ <.*/, '')
      .split(', ')
      .map((flag) => ({ flag, takesValue, description }));
  });
}

function bash(verbs: readonly VerbForm[]): string {
  const cases = verbs.map(
    (verb) =>
      `    ${verb.name}) words='${flagsOf(verb)
        .map(({ flag }) => flag)
        .join(' ')}' ;;`,
  );
  return `# bash completion for overlog
_overlog() {
  local current=\${COMP_WORDS[COMP_CWORD]} verb= word words i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ $word == --store ]]; then ((i++)); continue; fi
    if [[ $word != -* ]]; then verb=$word; break; fi
  done
  case $verb in
    '' | help) words='help ${verbs.map(({ name }) => name).join(' ')}' ;;
${cases.join('\n')}
    *) words= ;;
  esac
  if [[ -n $verb && $verb != help && $current != -* ]]; then
    COMPREPLY=($(compgen -f -- "$current") $(compgen -W "$(overlog ps --format '{name}' 2>/dev/null)" -- "$current"))
  else
    COMPREPLY=($(compgen -W "$words" -- "$current"))
  fi
}
complete -o filenames -F _overlog overlog
`;
}

const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;

function zsh(verbs: readonly VerbForm[]): string {
  const names = verbs.map(({ name, summary }) => `    ${quoted(`${name}:${summary.replaceAll(':', String.raw`\:`)}`)}`);
  const cases = verbs.map((verb) => {
    const specs = flagsOf(verb).map(({ flag, takesValue, description }) =>
      quoted(`*${flag}[${description.replaceAll(/[[\]]/g, '')}]${takesValue ? ':value:_files' : ''}`),
    );
    return `    ${verb.name}) _arguments ${specs.join(' ')} '*:file:_files' ;;`;
  });
  return `#compdef overlog
_overlog() {
  local -a verbs=(
    'help:tell more about a verb'
${names.join('\n')}
  )
  if ((CURRENT == 2)) || [[ \${words[2]} == help ]]; then
    _describe 'verb' verbs
    return
  fi
  case \${words[2]} in
${cases.join('\n')}
  esac
}
compdef _overlog overlog
`;
}

function fish(verbs: readonly VerbForm[]): string {
  const lines = verbs.map(
    ({ name, summary }) => `complete -c overlog -n __fish_use_subcommand -a ${name} -d ${quoted(summary)}`,
  );
  for (const verb of verbs) {
    for (const { flag, takesValue, description } of flagsOf(verb)) {
      const name = flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`;
      const value = takesValue ? ' -r' : '';
      lines.push(
        `complete -c overlog -n '__fish_seen_subcommand_from ${verb.name}' ${name}${value} -d ${quoted(description)}`,
      );
    }
  }
  return `# fish completion for overlog\ncomplete -c overlog -n __fish_use_subcommand -a help -d 'tell more about a verb'\n${lines.join('\n')}\n`;
}
