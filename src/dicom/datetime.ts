// DA, TM and DT values (PS3.5 6.2).

const two = (value: number): string => String(value).padStart(2, '0');

/** Wall-clock fields of a moment, in the machine's zone or at a fixed offset from UTC. */
function fields(ms: number, offsetMinutes: number | null): { date: string; time: string } {
  // A moment moved by its offset reads as UTC what the wall clock shows.
  const at = new Date(ms + (offsetMinutes ?? -new Date(ms).getTimezoneOffset()) * 60_000);
  return {
    date: `${String(at.getUTCFullYear()).padStart(4, '0')}${two(at.getUTCMonth() + 1)}${two(at.getUTCDate())}`,
    time: `${two(at.getUTCHours())}${two(at.getUTCMinutes())}${two(at.getUTCSeconds())}.${String(at.getUTCMilliseconds()).padStart(3, '0')}`,
  };
}

/** DA of a moment (ms since epoch). `offsetMinutes`: from UTC; null for the machine's own zone. */
export function formatDa(ms: number, offsetMinutes: number | null = null): string {
  return fields(ms, offsetMinutes).date;
}

/** TM with milliseconds: `HHMMSS.mmm`. */
export function formatTm(ms: number, offsetMinutes: number | null = null): string {
  return fields(ms, offsetMinutes).time;
}

/** DT; with the offset suffix `+0100` only where one is given. */
export function formatDt(ms: number, offsetMinutes: number | null = null): string {
  const { date, time } = fields(ms, offsetMinutes);
  return date + time + (offsetMinutes === null ? '' : formatOffset(offsetMinutes));
}

function formatOffset(minutes: number): string {
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}${two(size % 60)}`;
}

/** Minutes from UTC of Timezone Offset From UTC (0008,0201), `+0100`; null where it is none. */
export function parseOffset(text: string): number | null {
  const parts = /^([+-])(\d\d)([0-5]\d)$/.exec(text.trim());
  if (parts === null) return null;
  const minutes = Number(parts[2]) * 60 + Number(parts[3]);
  return minutes > 14 * 60 ? null : (parts[1] === '-' ? -1 : 1) * minutes;
}

/** A calendar day of DA `YYYYMMDD`, or of its old form `YYYY.MM.DD`; null where the text is no day. */
export function parseDa(text: string): { readonly year: number; readonly month: number; readonly day: number } | null {
  const parts = /^(\d{4})(\.?)(\d\d)\2(\d\d)$/.exec(text.trim());
  if (parts === null) return null;
  const [year, month, day] = [Number(parts[1]), Number(parts[3]), Number(parts[4])];
  const check = new Date(0);
  check.setUTCFullYear(year, month - 1, day);
  return check.getUTCMonth() === month - 1 && check.getUTCDate() === day ? { year, month, day } : null;
}

/** Seconds since midnight of TM `HH[MM[SS[.FFFFFF]]]`, or of its old form with colons; null where the text is no time. */
export function parseTm(text: string): number | null {
  const parts = /^([01]\d|2[0-3])(?::?([0-5]\d)(?::?([0-5]\d|60)(\.\d{1,6})?)?)?$/.exec(text.trim());
  if (parts === null) return null;
  return Number(parts[1]) * 3600 + Number(parts[2] ?? 0) * 60 + Number(parts[3] ?? 0) + Number(parts[4] ?? 0);
}
