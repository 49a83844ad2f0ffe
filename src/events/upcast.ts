import type { StoreEvent } from './event.ts';
import { storeError } from './log-error.ts';

/** The format that this version writes: the layout of segments, frames and stored events (docs/log-format.md). */
export const FORMAT_VERSION = 2;

/**
 * Turns an event that was read from an older format into the form of {@link FORMAT_VERSION}. Every decoded event passes here.
 *
 * Each older format has a step to the next one, so that an event of format 1 walks all steps up. Format 2 only adds
 * events to those of format 1, so an event of format 1 is one of format 2 as it stands.
 *
 * @param format - The format of the segment or event batch that holds the event.
 */
export function upcast<E extends StoreEvent>(event: E, format: number): E {
  if (format < 1 || format > FORMAT_VERSION) throw unsupportedFormat(format);
  return event;
}

/** The error for a format that this version cannot read: newer, not broken. */
export function unsupportedFormat(
  format: number,
  detail: Readonly<Record<string, string | number | null>> = {},
): Error {
  return storeError(
    'ERR_LOG_FORMAT_UNSUPPORTED',
    `log format ${format} is not supported: this version reads formats 1 to ${FORMAT_VERSION}`,
    { detail: { ...detail, format } },
  );
}
