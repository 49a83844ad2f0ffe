/** Tables as Docker prints them: headings in capitals, columns three blanks apart. */

export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string;
  readonly align?: 'right';
}

const GAP = '   ';

export function formatTable<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const cells = [columns.map(({ title }) => title), ...rows.map((row) => columns.map((column) => column.value(row)))];
  const widths = columns.map((_, index) => Math.max(...cells.map((line) => displayWidth(line[index]))));
  return cells
    .map((line) => {
      const padded = line.map((cell, index) => {
        const blanks = ' '.repeat(widths[index] - displayWidth(cell));
        return columns[index].align === 'right' ? blanks + cell : cell + blanks;
      });
      return `${padded.join(GAP).trimEnd()}\n`;
    })
    .join('');
}

/** Columns that a text takes; wide (East Asian) and combining characters counted, colour codes not. */
export function displayWidth(text: string): number {
  let width = 0;
  // oxlint-disable-next-line no-control-regex -- the escape of a colour code
  for (const char of text.replaceAll(/\u001b\[[0-9;]*m/g, '')) {
    if (/\p{M}/u.test(char)) continue;
    const code = char.codePointAt(0) as number;
    width +=
      (code >= 0x1100 && code <= 0x115f) || (code >= 0x2e80 && code <= 0xffe6 && code !== 0x303f) || code >= 0x1f300
        ? 2
        : 1;
  }
  return width;
}

/** Fills `{key}` of a template from a row; `\t` and `\n` are undone. An unknown key is an error that names the known ones. */
export function formatTemplate(template: string, row: Readonly<Record<string, unknown>>): string {
  const text = template.replaceAll(
    /\\([tn\\])/g,
    (_, letter: string) => ({ t: '\t', n: '\n', '\\': '\\' })[letter] ?? '',
  );
  return text.replaceAll(/\{(\w+)\}/g, (_, key: string) => {
    if (!Object.hasOwn(row, key))
      throw new RangeError(`there is no {${key}}; there are {${Object.keys(row).join('} {')}}`);
    const value = row[key];
    if (value === null || value === undefined) return '';
    return typeof value === 'string' ? value : JSON.stringify(value);
  });
}
