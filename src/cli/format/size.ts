/** Sizes as Docker prints them (docker/go-units, HumanSize): base 1000, the figures that matter, no zeros at the end. */

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'];

/** Significant digits of `ps` and `history`. */
export const SIZE_DIGITS = 3;
/** Significant digits of `system df`. */
export const DF_DIGITS = 4;

export function formatSize(bytes: number, digits = SIZE_DIGITS): string {
  let value = Math.abs(bytes);
  let unit = 0;
  while (unit < UNITS.length - 1 && Number(value.toPrecision(digits)) >= 1000) {
    value /= 1000;
    unit++;
  }
  return `${bytes < 0 ? '-' : ''}${Number(value.toPrecision(digits))}${UNITS[unit]}`;
}

/** The size for people, or with `exact` the plain number. */
export const sizeText = (bytes: number, exact: boolean, digits = SIZE_DIGITS): string =>
  exact ? String(bytes) : formatSize(bytes, digits);

/** `1 byte`, `12 bytes`: a number with its noun. */
export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${groupDigits(count)} ${count === 1 ? one : many}`;

/** `10 000 000`: groups of three, apart by a thin blank's plain cousin, from five digits on. */
export function groupDigits(value: number): string {
  const text = String(value);
  return text.length < 5 ? text : text.replaceAll(/\B(?=(\d{3})+$)/g, ' ');
}
