import type { DeliveryRecord } from '../spool/records.js';

/** When a delivery is tried again. */
export interface RetryPolicy {
  /** First wait after a failure, ms; doubled each time. */
  readonly firstMs: number;
  readonly longestMs: number;
  /** From the first try on, ms: after that the delivery is given up, alarmed, and kept. */
  readonly giveUpMs: number;
}

export const defaultRetryPolicy: Omit<RetryPolicy, 'giveUpMs'> = { firstMs: 30_000, longestMs: 900_000 };

const unreachableMs = 60_000;

export type DeliveryDecision =
  | { readonly kind: 'send' }
  | { readonly kind: 'wait'; readonly untilMs: number }
  | { readonly kind: 'given-up' };

/**
 * Decides from the batches so far whether a delivery may be tried now: exponential back-off with full jitter after tries that
 * brought nothing forward, from the time of the last one.
 *
 * @param jitter between 0 and 1: the share of the wait that is taken
 */
export function decideDelivery(
  batches: readonly DeliveryRecord[],
  policy: RetryPolicy,
  nowMs: number,
  jitter: number,
): DeliveryDecision {
  const first = batches[0];
  const last = batches.at(-1);
  if (first === undefined || last === undefined) return { kind: 'send' };
  if (nowMs - Date.parse(first.at) > policy.giveUpMs) return { kind: 'given-up' };
  let fruitless = 0;
  for (const batch of [...batches].reverse()) {
    if (batch.instances.some((instance) => instance.class === 'delivered' || instance.class === 'warned')) break;
    fruitless += 1;
  }
  if (fruitless === 0) return { kind: 'send' };
  // A peer that nobody listens for costs nothing to ask, and may be back any moment: a minute at most, as a breaker probes.
  const longestMs = last.association?.code === 'DIMSE_CONNECT' ? unreachableMs : policy.longestMs;
  const ceiling = Math.min(longestMs, policy.firstMs * 2 ** (fruitless - 1));
  // Full jitter, but never at once: a peer that has just refused needs a moment.
  const untilMs = Date.parse(last.at) + Math.max(policy.firstMs / 10, ceiling * jitter);
  return nowMs >= untilMs ? { kind: 'send' } : { kind: 'wait', untilMs };
}

const busyFirstMs = 500;
const busyStepMs = 200;
const busyLongestMs = 30_000;

/**
 * How long a job waits that finds its peer busy with others: the longer the more have found it so, spread over the time, so that
 * a backlog of hundreds does not turn round in the queue.
 *
 * @param turnedAway jobs that found it busy since the last one of it ended, this one counted
 * @param jitter between 0 and 1
 */
export function busyWaitMs(turnedAway: number, jitter: number): number {
  return busyFirstMs + Math.round(jitter * Math.min(busyLongestMs, busyStepMs * turnedAway));
}
