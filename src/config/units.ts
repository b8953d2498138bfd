// Durations and sizes as people write them.

const second = 1000;
const durations: Readonly<Record<string, number>> = {
  ms: 1,
  s: second,
  m: 60 * second,
  h: 3600 * second,
  d: 86_400 * second,
};
const sizes: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

function read(text: string, units: Readonly<Record<string, number>>): number | null {
  const parts = /^(\d{1,9}(?:\.\d{1,3})?)([A-Za-z]{1,3})$/.exec(text);
  const factor = units[parts?.[2] ?? ''];
  return parts === null || factor === undefined ? null : Math.round(Number(parts[1]) * factor);
}

/** Milliseconds of `500ms`, `60s`, `1.5h`, `30m`, `7d`; null where the text is no duration. */
export function parseDuration(text: string): number | null {
  return read(text, durations);
}

const longestTimerMs = 24 * 86_400_000;

/**
 * Milliseconds of a duration that a timer runs for, from 1ms to 24d; null for any other text. None that has ended before it begins, and none
 * longer than Node's timers can be: those would end at once.
 */
export function parseTimer(text: string): number | null {
  const ms = parseDuration(text);
  return ms !== null && ms >= 1 && ms <= longestTimerMs ? ms : null;
}

const longestPeriodMs = 36_500 * 86_400_000;

/** Milliseconds of a duration whose end is written down as a date, up to a hundred years; null for any other text. No date lies 10^9 days ahead. */
export function parsePeriod(text: string): number | null {
  const ms = parseDuration(text);
  return ms !== null && ms <= longestPeriodMs ? ms : null;
}

/** Bytes of `512MB` (10^6) or `4GiB` (2^30); null where the text is no size. */
export function parseSize(text: string): number | null {
  return read(text, sizes);
}

/** Hours of the day in a time zone: from `fromMinute` up to `toMinute` (minutes since midnight), over midnight where that is earlier. */
export interface Window {
  readonly fromMinute: number;
  readonly toMinute: number;
  /** IANA name. */
  readonly timeZone: string;
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) instanceof Intl.DateTimeFormat;
  } catch {
    return false; // RangeError: no such zone
  }
}

/** The hours of `20:00-06:00 Europe/Vienna`; null where the text is none, the zone is unknown, or the hours are empty. */
export function parseWindow(text: string): Window | null {
  const parts = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d) (\S{1,64})$/.exec(text);
  const [fromHour, fromMinutes, toHour, toMinutes] = (parts?.slice(1, 5) ?? []).map(Number);
  const timeZone = parts?.[5] ?? '';
  if (fromHour === undefined || fromMinutes === undefined || toHour === undefined || toMinutes === undefined)
    return null;
  const [fromMinute, toMinute] = [60 * fromHour + fromMinutes, 60 * toHour + toMinutes];
  return fromMinute === toMinute || !isTimeZone(timeZone) ? null : { fromMinute, toMinute, timeZone };
}
