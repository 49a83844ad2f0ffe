/** Markdown as the tests of the documents read it. */

export interface Block {
  /** What stands behind the fence; '' where nothing does. */
  readonly language: string;
  readonly text: string;
}

export interface DocumentedCommand {
  readonly command: string;
  /** What it prints; null where the document does not say. */
  readonly expected: string | null;
}

export function blocksOf(markdown: string): Block[] {
  return [...markdown.matchAll(/^```(\S*)\n(.*?)^```$/gms)].map(([, language, text]) => ({ language, text }));
}

/** In `sh` every line is a command. In `console` those behind `$ ` are, and below each stands what it prints. */
export function commandsOf({ language, text }: Block): DocumentedCommand[] {
  const lines = text.split('\n').slice(0, -1);
  if (language === 'sh') return lines.map((command) => ({ command, expected: null }));
  const commands: { command: string; expected: string }[] = [];
  for (const line of lines) {
    if (isCommand(line, commands.at(-1)?.command)) commands.push({ command: line.slice(2), expected: '' });
    else (commands.at(-1) as { expected: string }).expected += `${line}\n`;
  }
  return commands;
}

/** What `npm start` prints has commands in it, which it runs itself. */
const isCommand = (line: string, before: string | undefined): boolean =>
  line.startsWith('$ ') && before !== 'npm start';

/** `…` alone on a line stands for any lines, in a line for any text. */
export function patternOf(expected: string): RegExp {
  const parts = expected.split(/(^…\n|…)/m).map((part) => {
    if (part === '…\n') return '(?:.*\\n)*?';
    return part === '…' ? '.*?' : part.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
  });
  return new RegExp(`^${parts.join('')}$`);
}

/** Links to files of the project, and within the document. */
export function linksOf(markdown: string): string[] {
  const prose = markdown.replaceAll(/^```.*?^```$/gms, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link).filter((link) => !/^[a-z]+:/.test(link));
}
