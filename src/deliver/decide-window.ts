// Whether a peer may be sent to at this hour of its own time zone, and when it may next: pure.

/** Hours of the day: from `fromMinute` up to `toMinute`, minutes since midnight; over midnight where that is earlier. */
export interface DeliveryWindow {
  readonly fromMinute: number;
  readonly toMinute: number;
  /** IANA name. */
  readonly timeZone: string;
}

const minuteMs = 60_000;
const dayMinutes = 1440;

/** Minutes since midnight on the zone's clocks. */
function minuteOfDay(atMs: number, timeZone: string): number {
  const parts = new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
    .format(atMs)
    .split(':')
    .map(Number);
  return 60 * (parts[0] ?? 0) + (parts[1] ?? 0);
}

function isInside(minute: number, { fromMinute, toMinute }: DeliveryWindow): boolean {
  if (fromMinute < toMinute) return minute >= fromMinute && minute < toMinute;
  return minute >= fromMinute || minute < toMinute;
}

/** @returns null: inside the window; else when it opens next, ms since epoch, to the minute */
export function opensAt(window: DeliveryWindow | null, nowMs: number): number | null {
  if (window === null || isInside(minuteOfDay(nowMs, window.timeZone), window)) return null;
  const ahead = (window.fromMinute - minuteOfDay(nowMs, window.timeZone) + dayMinutes) % dayMinutes;
  const guess = Math.floor(nowMs / minuteMs) * minuteMs + ahead * minuteMs;
  // Clocks may be put forward or back in between, and then the hour that was meant may not exist: the first minute inside counts.
  const earliest = Math.max(nowMs, guess - 120 * minuteMs);
  for (let at = Math.ceil(earliest / minuteMs) * minuteMs; at < guess + 240 * minuteMs; at += minuteMs) {
    if (isInside(minuteOfDay(at, window.timeZone), window)) return at;
  }
  return guess;
}
