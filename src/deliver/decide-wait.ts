// Why a delivery waits now, in the order in which the deliverer asks: pure, from its records and what this process knows of the peer.
import { momentSays } from '../spool/moment.js';
import type { DeliveryRecord } from '../spool/records.js';
import type { DeliveryWait } from '../spool/view.js';
import type { BreakerState } from './breaker.js';
import { decideDelivery } from './decide.js';
import type { RetryPolicy } from './decide.js';
import { longestRetryAfterMs } from './decide-retry-after.js';
import { opensAt } from './decide-window.js';
import type { DeliveryWindow } from './decide-window.js';
import type { DestinationFailure } from './destination.js';
import type { WaitingDelivery } from './job.js';
import type { ThrottleRates } from './throttle.js';

/** What the process that sends to a peer knows of it; times in ms since epoch. */
export interface PeerStanding {
  readonly state: BreakerState;
  /** What stands between limpid and the peer now; null: nothing. */
  readonly failure: (DestinationFailure & { readonly class: 'transient' | 'permanent' }) | null;
  /** When the row of such failures began. */
  readonly sinceMs: number;
  /** Nothing goes to the peer before; then a probe does, where the breaker is open. */
  readonly untilMs: number;
  /** When its throttle lets the next instance out. */
  readonly throttledUntilMs: number;
}

export interface WaitPolicy {
  readonly retry: RetryPolicy;
  readonly window: DeliveryWindow | null;
  readonly throttle: ThrottleRates;
}

const iso = (ms: number): string => new Date(ms).toISOString();

/** A throttle in words; empty: there is none. */
export function rateWords({ instancesPerSecond, bytesPerSecond }: ThrottleRates): string {
  const limits = [
    ...(instancesPerSecond === null ? [] : [`${instancesPerSecond} instances a second`]),
    ...(bytesPerSecond === null ? [] : [`${bytesPerSecond} bytes a second`]),
  ];
  return limits.length === 0 ? '' : `at most ${limits.join(' and ')}`;
}

/**
 * @param open SOP Instance UIDs that the peer lacks and that are worth a try
 * @param standing null: another process sends to the peer, or none does, and the records alone tell
 * @returns null: nothing is known that the delivery waits for but its turn
 */
export function decideWait(
  open: readonly string[],
  batches: readonly DeliveryRecord[],
  { retry, window, throttle }: WaitPolicy,
  standing: PeerStanding | null,
  nowMs: number,
): DeliveryWait | null {
  const decision = decideDelivery(open, batches, retry, nowMs);
  if (decision.kind === 'given-up') return null;
  if (decision.kind === 'wait') return refusedForNow(batches, decision.untilMs);
  const opensMs = opensAt(window, nowMs);
  if (opensMs !== null) {
    return { why: 'hours', says: `its hours begin at ${momentSays(iso(opensMs))}`, since: null, until: iso(opensMs) };
  }
  if (standing === null) return recordedFailure(batches, nowMs);
  if (standing.failure !== null) return behindFailure(standing, standing.failure, nowMs);
  const { throttledUntilMs } = standing;
  if (throttledUntilMs <= nowMs) return null;
  const says = `throttled to ${rateWords(throttle)}; the next instance goes out at ${momentSays(iso(throttledUntilMs))}`;
  return { why: 'throttle', says, since: null, until: iso(throttledUntilMs) };
}

/** What is left has been answered for with a status that means later. */
function refusedForNow(batches: readonly DeliveryRecord[], untilMs: number): DeliveryWait {
  const last = batches.findLast(({ instances }) => instances.some((entry) => entry.class === 'transient'));
  const until = iso(untilMs);
  return { why: 'retry', says: `refused for now; tried again at ${momentSays(until)}`, since: last?.at ?? null, until };
}

function behindFailure(
  { state, sinceMs, untilMs }: PeerStanding,
  failure: NonNullable<PeerStanding['failure']>,
  nowMs: number,
): DeliveryWait {
  const since = iso(sinceMs);
  const next = iso(Math.max(untilMs, nowMs));
  if (state === 'closed') {
    return { why: 'peer', says: `tried again at ${momentSays(next)} (${failure.detail})`, since, until: next };
  }
  const asks = failure.retryAfterMs === undefined ? '' : ', as it asks';
  const probing =
    state === 'half-open' ? 'a probe is on its way' : `the next probe goes out at ${momentSays(next)}${asks}`;
  const mend = failure.class === 'permanent' ? ', and a person has to mend the cause' : '';
  const says = `it has taken nothing since ${momentSays(since)} (${failure.detail})${mend}; ${probing}`;
  return { why: 'peer', says, since, until: state === 'half-open' ? null : next };
}

/** What the records say of the peer: the row of equal failures at their end. */
function recordedFailure(batches: readonly DeliveryRecord[], nowMs: number): DeliveryWait | null {
  const last = batches.at(-1)?.association ?? null;
  const since = failingSince(batches);
  if (last === null || since === null) return null;
  const untilMs = askedUntil(batches, nowMs);
  const until = untilMs === null ? null : iso(untilMs);
  const asks = until === null ? '' : `, and asks to be left alone until ${momentSays(until)}`;
  return {
    why: 'peer',
    says: `by the records it has taken nothing since ${momentSays(since)} (${last.detail})${asks}`,
    since,
    until,
  };
}

/** The time before which the peer has asked in its last record not to be asked, ms since epoch; null: none that is still to come. */
function askedUntil(batches: readonly DeliveryRecord[], nowMs: number): number | null {
  const untilMs = Date.parse(batches.at(-1)?.association?.until ?? '');
  // Where the clock was set back since, no longer than any peer may ask for.
  return untilMs > nowMs ? Math.min(untilMs, nowMs + longestRetryAfterMs) : null;
}

/**
 * What the records of all that waits for a peer tell of a wait that it has asked for itself (Retry-After): the one that ends last.
 *
 * @returns null: none is still going on
 */
export function recordedWait(
  waiting: readonly WaitingDelivery[],
  nowMs: number,
): {
  readonly failure: DestinationFailure & { readonly retryAfterMs: number };
  readonly sinceMs: number;
  readonly untilMs: number;
} | null {
  const waits = waiting.flatMap(({ batches }) => {
    const last = batches.at(-1)?.association;
    const untilMs = askedUntil(batches, nowMs);
    if (last === undefined || last === null || untilMs === null) return [];
    // Nobody but a web server says when it may be asked again.
    const failure = {
      code: 'DICOMWEB_REFUSED',
      detail: last.detail,
      pace: 'refused',
      retryAfterMs: untilMs - nowMs,
    } as const;
    return [{ failure, sinceMs: Date.parse(failingSince(batches) ?? iso(nowMs)), untilMs }];
  });
  return waits.toSorted((a, b) => b.untilMs - a.untilMs)[0] ?? null;
}

/** The time of the first record of the row of equal failures that ends the batches; null: they do not end with one. */
export function failingSince(batches: readonly DeliveryRecord[]): string | null {
  const last = batches.at(-1)?.association ?? null;
  if (last === null) return null;
  const isOther = ({ association, instances }: DeliveryRecord): boolean =>
    association?.code !== last.code ||
    association.detail !== last.detail ||
    instances.some(({ status }) => status !== null);
  const before = batches.findLastIndex(isOther);
  return (batches[before + 1] ?? batches.at(-1))?.at ?? null;
}
