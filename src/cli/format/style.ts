/** Colour, where a terminal shows it and NO_COLOR (no-color.org) does not forbid it. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  cyan(text: string): string;
}

export function styleFor(isTerminal: boolean, env: NodeJS.ProcessEnv): Style {
  const isForced = env['FORCE_COLOR'] !== undefined && env['FORCE_COLOR'] !== '0';
  const isForbidden = (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb';
  const isOn = !isForbidden && (isTerminal || isForced);
  const wrap = (code: number, end: number) => (text: string) => (isOn ? `\u001b[${code}m${text}\u001b[${end}m` : text);
  return {
    bold: wrap(1, 22),
    dim: wrap(2, 22),
    red: wrap(31, 39),
    green: wrap(32, 39),
    yellow: wrap(33, 39),
    cyan: wrap(36, 39),
  };
}
