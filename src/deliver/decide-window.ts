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

/** A clock takes a millisecond to make, as long as a thousand looks at it, and one opening takes hundreds of looks: made once a window. */
const clocks = new WeakMap<DeliveryWindow, Intl.DateTimeFormat>();

function clockOf(window: DeliveryWindow): Intl.DateTimeFormat {
  const { timeZone } = window;
  const clock =
    clocks.get(window) ??
    new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  clocks.set(window, clock);
  return clock;
}

/** Minutes since midnight on the zone's clocks. */
function minuteOfDay(atMs: number, window: DeliveryWindow): number {
  const parts = clockOf(window).format(atMs).split(':').map(Number);
  return 60 * (parts[0] ?? 0) + (parts[1] ?? 0);
}

function isInside(minute: number, { fromMinute, toMinute }: DeliveryWindow): boolean {
  if (fromMinute < toMinute) return minute >= fromMinute && minute < toMinute;
  return minute >= fromMinute || minute < toMinute;
}

/** @returns null: inside the window; else when it opens next, ms since epoch, to the minute */
export function opensAt(window: DeliveryWindow | null, nowMs: number): number | null {
  if (window === null || isInside(minuteOfDay(nowMs, window), window)) return null;
  const ahead = (window.fromMinute - minuteOfDay(nowMs, window) + dayMinutes) % dayMinutes;
  const guess = Math.floor(nowMs / minuteMs) * minuteMs + ahead * minuteMs;
  // Clocks may be put forward or back in between, and then the hour that was meant may not exist: the first minute inside counts.
  const earliest = Math.max(nowMs, guess - 120 * minuteMs);
  for (let at = Math.ceil(earliest / minuteMs) * minuteMs; at < guess + 240 * minuteMs; at += minuteMs) {
    if (isInside(minuteOfDay(at, window), window)) return at;
  }
  return guess;
}

/**
 * How long a peer's hours were open in a stretch of time, ms; null: always. Minutes count by the zone's clocks: a night in which they change counts like
 * all nights.
 */
export function openMs(window: DeliveryWindow | null, fromMs: number, toMs: number): number {
  if (window === null) return Math.max(0, toMs - fromMs);
  const lengthMs = ((window.toMinute - window.fromMinute + dayMinutes) % dayMinutes) * minuteMs;
  /** When the last hours before a time began, and how much of them is over by then. */
  const last = (atMs: number): { readonly beganMs: number; readonly overMs: number } => {
    const minutes = (minuteOfDay(atMs, window) - window.fromMinute + dayMinutes) % dayMinutes;
    const sinceMs = minutes * minuteMs + (atMs % minuteMs);
    return { beganMs: atMs - sinceMs, overMs: Math.min(sinceMs, lengthMs) };
  };
  const [from, to] = [last(fromMs), last(toMs)];
  const nights = Math.round((to.beganMs - from.beganMs) / (dayMinutes * minuteMs));
  return Math.max(0, nights * lengthMs + to.overMs - from.overMs);
}
