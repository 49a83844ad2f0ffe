/** Times as people write them, read to the nanosecond without floating point. Each parser answers null to other texts. */

const SECOND_NS = 1_000_000_000n;

const UNIT_SECONDS: ReadonlyMap<string, bigint> = new Map([
  ['w', 604_800n],
  ['d', 86_400n],
  ['h', 3600n],
  ['m', 60n],
  ['s', 1n],
]);

/** A length of time: `5m`, `1h30m`; units from large to small, each at most once. */
export function parseDurationNs(text: string): bigint | null {
  const match = /^(?:(\d{1,12})w)?(?:(\d{1,12})d)?(?:(\d{1,12})h)?(?:(\d{1,12})m)?(?:(\d{1,12})s)?$/.exec(text);
  if (match === null || text === '') return null;
  let seconds = 0n;
  let group = 1;
  for (const unit of UNIT_SECONDS.values()) {
    const amount = match[group++];
    if (amount !== undefined) seconds += BigInt(amount) * unit;
  }
  return seconds * SECOND_NS;
}

/** Seconds since 1970 with up to nine decimals; negative before. */
export function parseSecondsNs(text: string): bigint | null {
  const match = /^(-?)(\d{1,12})(?:\.(\d{1,9}))?$/.exec(text);
  if (match === null) return null;
  const ns = BigInt(match[2]) * SECOND_NS + fractionNs(match[3]);
  return match[1] === '-' ? -ns : ns;
}

const DATE =
  /^(\d{4})-(\d{2})-(\d{2})(?:[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?(?:([Zz])|([+-])(\d{2}):?(\d{2}))?)?$/;

/**
 * An ISO 8601 date, with or without time of day. Without a zone it is UTC; a date alone is its first moment. A day or an
 * hour that does not exist is refused, and so is a leap second, which nanoseconds since 1970 can't name.
 */
export function parseDateNs(text: string): bigint | null {
  const match = DATE.exec(text);
  if (match === null) return null;
  const number = (group: number): number => Number(match[group] ?? 0);
  const year = number(1);
  const month = number(2);
  const day = number(3);
  const hour = number(4);
  const minute = number(5);
  const second = number(6);
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return null;
  if (hour > 23 || minute > 59 || second > 59 || number(10) > 23 || number(11) > 59) return null;
  const offset = (match[9] === '-' ? -1 : 1) * (number(10) * 3600 + number(11) * 60);
  const seconds = daysSince1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset;
  return BigInt(seconds) * SECOND_NS + fractionNs(match[7]);
}

function fractionNs(digits: string | undefined): bigint {
  return digits === undefined ? 0n : BigInt(digits.padEnd(9, '0'));
}

const isLeapYear = (year: number): boolean => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;

function daysInMonth(year: number, month: number): number {
  if (month === 2) return isLeapYear(year) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Days of the proleptic Gregorian calendar; years count from March, so that a leap day is the last of its year. */
function daysSince1970(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}
