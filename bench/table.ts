/** The figures as a table for people. */

import { type Figure, isReached, type Sample } from './figure.ts';

const HEAD = ['row', 'overlog', 'figure', '(min – max)', 'against', 'its figure', 'ratio', 'reach', ''];
/** Columns of numbers stand right. */
const RIGHT = new Set([2, 3, 5, 6, 7]);

export function tableText(figures: readonly Figure[]): string {
  const rows = figures.map(cellsOf);
  const widths = HEAD.map((head, column) => Math.max(head.length, ...rows.map((row) => row[column].length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (RIGHT.has(column) ? cell.padStart(widths[column]) : cell.padEnd(widths[column])))
      .join('  ')
      .trimEnd();
  return [line(HEAD), line(widths.map((width) => '─'.repeat(width))), ...rows.map(line)].join('\n');
}

/** The same as a table in Markdown. */
export function tableMarkdown(figures: readonly Figure[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const rule = HEAD.map((_, column) => (RIGHT.has(column) ? '--:' : '---'));
  return [HEAD, rule, ...figures.map(cellsOf)].map(line).join('\n');
}

function cellsOf(figure: Figure): string[] {
  const { sample, against, ratio, unit } = figure;
  return [
    figure.row,
    figure.subject,
    `${digits(sample.median)} ${unit}`,
    spread(sample),
    against?.name ?? '',
    against?.sample ? `${digits(against.sample.median)} ${unit}` : '',
    ratio === undefined ? '' : `${ratio.toFixed(2)} ×`,
    reachText(figure),
    markOf(figure),
  ];
}

const spread = ({ min, max }: Sample): string => (min === max ? '' : `${digits(min)} – ${digits(max)}`);

function reachText({ reach }: Figure): string {
  if (reach === undefined) return '';
  if (reach.atLeast !== undefined) return `≥ ${grouped(reach.atLeast)}`;
  return `≤ ${grouped(reach.atMost ?? 0)}`;
}

function markOf(figure: Figure): string {
  const reached = isReached(figure);
  return reached === undefined ? '' : reached ? 'ok' : 'below';
}

/** Three significant digits, thousands grouped. */
function digits(value: number): string {
  if (value >= 1000) return grouped(Math.round(value));
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

const grouped = (value: number): string => value.toLocaleString('en-US');
