import type { ScenarioFailure } from '../../index.ts';
import type { Style } from './style.ts';

/** A failed step: where, what, and wanted and got side by side as a diff. */
export function failureText({ file, line, text, message, want, got }: ScenarioFailure, style: Style): string {
  const head = `${style.bold(`${file}:${line}`)}: ${style.red('failed')}: ${message}\n    ${text}\n`;
  if (want === null) return head;
  const indent = (lines: readonly string[], mark: string): string =>
    lines.length === 0 ? `  ${mark} ${style.dim('(nothing)')}\n` : lines.map((each) => `  ${mark} ${each}\n`).join('');
  return `${head}${style.green(indent(want, 'want').trimEnd())}\n${style.red(indent(got ?? [], 'got ').trimEnd())}\n`;
}
