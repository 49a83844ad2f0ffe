/** Times for people. Everything is UTC. */

/** RFC 3339 to the nanosecond, without zeros at the end. */
export function formatTime(ns: bigint): string {
  const { date, fraction } = split(ns);
  return `${date.replace(' ', 'T')}${fraction.replace(/\.?0+$/, '')}Z`;
}

/** RFC 3339 with all nine digits, as `docker events` prints it. */
export function formatEventTime(ns: bigint): string {
  const { date, fraction } = split(ns);
  return `${date.replace(' ', 'T')}${fraction}Z`;
}

/** `2026-01-02 03:04:05.123`. */
export function formatLogTime(ns: bigint): string {
  const { date, fraction } = split(ns);
  return date + fraction.slice(0, 4);
}

function split(ns: bigint): { date: string; fraction: string } {
  const rest = ((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  const date = new Date(Number((ns - rest) / 1_000_000n));
  const text = Number.isNaN(date.getTime()) ? `@${(ns - rest) / 1_000_000_000n}` : date.toISOString();
  return { date: text.slice(0, 19).replace('T', ' '), fraction: `.${String(rest).padStart(9, '0')}` };
}

/** A length of time as Docker says it (docker/go-units, HumanDuration). */
export function formatDuration(ns: bigint): string {
  const seconds = Number(ns / 1_000_000_000n);
  if (seconds < 1) return 'Less than a second';
  if (seconds === 1) return '1 second';
  if (seconds < 60) return `${seconds} seconds`;
  const minutes = Math.floor(seconds / 60);
  if (minutes === 1) return 'About a minute';
  if (minutes < 60) return `${minutes} minutes`;
  const hours = Math.round(seconds / 3600);
  if (hours === 1) return 'About an hour';
  if (hours < 48) return `${hours} hours`;
  if (hours < 24 * 7 * 2) return `${Math.floor(hours / 24)} days`;
  if (hours < 24 * 30 * 2) return `${Math.floor(hours / 24 / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.floor(hours / 24 / 30)} months`;
  return `${Math.floor(hours / 24 / 365)} years`;
}

export const formatAge = (ns: bigint, nowNs: bigint): string => `${formatDuration(nowNs > ns ? nowNs - ns : 0n)} ago`;
