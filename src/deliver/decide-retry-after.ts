// When a server that takes nothing now wants to be asked again (Retry-After, RFC 9110 Section 10.2.3): pure.

/** What a server asks for is kept up to here, ms: a clock or a proxy that is wrong must not hold a delivery back for days. */
export const longestRetryAfterMs = 3_600_000;

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const time = String.raw`(?<hour>\d\d):(?<minute>\d\d):(?<second>\d\d)`;
/** The forms that a recipient must read (RFC 9110 Section 5.6.7): IMF-fixdate, RFC 850, asctime. All are in UTC. */
const forms = [
  new RegExp(String.raw`^\w{3}, (?<day>\d\d) (?<month>\w{3}) (?<year>\d{4}) ${time} GMT$`),
  new RegExp(String.raw`^\w{6,9}, (?<day>\d\d)-(?<month>\w{3})-(?<year>\d\d) ${time} GMT$`),
  new RegExp(String.raw`^\w{3} (?<month>\w{3}) (?<day>[ \d]\d) ${time} (?<year>\d{4})$`),
];

/** @returns ms since epoch; null: no HTTP date. @param nowMs two digits of a year are the nearest to it */
function httpDate(text: string, nowMs: number): number | null {
  const found = forms.map((form) => form.exec(text)?.groups).find((groups) => groups !== undefined);
  const month = months.indexOf(found?.['month'] ?? '');
  if (found === undefined || month < 0) return null;
  const part = (name: string): number => Number(found[name]);
  const century = new Date(nowMs).getUTCFullYear() - 50;
  const year = found['year']?.length === 2 ? century + ((part('year') - century + 10_000) % 100) : part('year');
  const ms = Date.UTC(year, month, part('day'), part('hour'), part('minute'), part('second'));
  return Number.isFinite(ms) ? ms : null;
}

/**
 * The wait that an answer asks for, ms from now, at most `longestRetryAfterMs`; null: none, or none that can be read.
 *
 * @param answer `retryAfter`: seconds, or a date, which is held against the server's own clock (`date`) where it tells it
 */
export function decideRetryAfter(
  { retryAfter, date }: { readonly retryAfter: string | null; readonly date: string | null },
  nowMs: number,
): number | null {
  const text = retryAfter?.trim() ?? '';
  if (/^\d+$/.test(text)) return Math.min(longestRetryAfterMs, Number(text) * 1000);
  const untilMs = httpDate(text, nowMs);
  if (untilMs === null) return null;
  const fromMs = (date === null ? null : httpDate(date.trim(), nowMs)) ?? nowMs;
  return Math.min(longestRetryAfterMs, Math.max(0, untilMs - fromMs));
}
