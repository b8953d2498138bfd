// When a delivery may be tried again, and what of it: pure, from the batches so far.
import type { DeliveryRecord } from '../spool/records.js';
import { openMs } from './decide-window.js';
import type { DeliveryWindow } from './decide-window.js';

/** When an instance that a peer has answered for with a transient status is tried again. */
export interface RetryPolicy {
  /** Ceiling of the first wait, ms; doubled each time. */
  readonly firstMs: number;
  readonly longestMs: number;
  /** From the first try on, ms: after that the delivery is given up, alarmed, and kept. */
  readonly giveUpMs: number;
  /** The peer's hours; null: any. */
  readonly window: DeliveryWindow | null;
  /** Statuses of this peer that mean it is busy, as `C000` or `A7xx`. */
  readonly treatAsTransient: readonly string[];
}

export const defaultRetryPolicy: Pick<RetryPolicy, 'firstMs' | 'longestMs'> = {
  firstMs: 30_000,
  longestMs: 900_000,
};

/** Between the tries of what a peer refuses when it is only busy. */
export const busyPeerMs = 300_000;

export type DeliveryDecision =
  | { readonly kind: 'send'; readonly sopInstanceUids: readonly string[] }
  | { readonly kind: 'wait'; readonly untilMs: number }
  | { readonly kind: 'given-up' };

/** An instance that went unanswered may have ended its association: so many times it is the peer's fault, after that its own. */
const unansweredTries = 2;

interface Tries {
  /** Answered with a transient status, or gone unanswered more often than by chance. */
  readonly count: number;
  /** Of the last one. */
  readonly at: string;
  readonly status: number | null;
}

/** Transient tries of each instance. */
function triesOf(batches: readonly DeliveryRecord[]): Map<string, Tries> {
  const tries = new Map<string, Tries & { unanswered: number }>();
  for (const { at, instances } of batches) {
    for (const { sopInstanceUid, class: outcome, status } of instances) {
      if (outcome !== 'transient') continue;
      const before = tries.get(sopInstanceUid) ?? { count: 0, unanswered: 0, at, status };
      const unanswered = before.unanswered + (status === null ? 1 : 0);
      const counts = status !== null || unanswered > unansweredTries;
      tries.set(sopInstanceUid, { count: before.count + (counts ? 1 : 0), unanswered, at, status });
    }
  }
  return tries;
}

/** Whether an instance has gone unanswered so often that it, and not the peer, is at fault. */
export function isSuspect(batches: readonly DeliveryRecord[], sopInstanceUid: string): boolean {
  const unanswered = batches.filter(({ instances }) =>
    instances.some(
      (entry) => entry.sopInstanceUid === sopInstanceUid && entry.class === 'transient' && entry.status === null,
    ),
  );
  return unanswered.length >= unansweredTries;
}

/** A share between 0 and 1 that follows from a text (FNV-1a): the same wait each time it is asked for, another one for others. */
export function jitterOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

/** Whether a status of a peer is one of those it gives when it is only busy. */
export function isBusyStatus(status: number | null, patterns: readonly string[]): boolean {
  if (status === null) return false;
  const digits = status.toString(16).padStart(4, '0');
  return patterns.some((pattern) =>
    Array.from(digits).every((digit, index) => pattern[index]?.toLowerCase() === digit || pattern[index] === 'x'),
  );
}

/**
 * Decides from the batches so far which instances may be tried now: exponential back-off with full jitter for each that the
 * peer has answered for, from the time of its last try. What the destination itself is waited for is the breaker's business.
 *
 * @param open SOP Instance UIDs that the peer lacks and that are worth a try
 */
export function decideDelivery(
  open: readonly string[],
  batches: readonly DeliveryRecord[],
  policy: RetryPolicy,
  nowMs: number,
): DeliveryDecision {
  if (isGivenUp(batches, policy, nowMs)) return { kind: 'given-up' };
  const tries = triesOf(batches);
  const due: string[] = [];
  let untilMs = Infinity;
  for (const uid of open) {
    const dueMs = dueAt(tries.get(uid), policy, nowMs);
    if (dueMs <= nowMs) due.push(uid);
    else untilMs = Math.min(untilMs, dueMs);
  }
  return due.length > 0 || open.length === 0 ? { kind: 'send', sopInstanceUids: due } : { kind: 'wait', untilMs };
}

/** Longer than a delivery that was given up waits for a person. */
const longestLeftMs = 366 * 86_400_000;

const bringsSomething = ({ instances }: DeliveryRecord): boolean =>
  instances.some((entry) => entry.class === 'delivered' || entry.class === 'warned');

/**
 * Whether a delivery is past its time: it is kept, and not tried by itself any more. The time counts from the first try behind the
 * last one that has brought something: a peer whose hours end, that is throttled, or that says weeks later what it has lost, has
 * refused nothing. Of a peer with hours only the time within them counts: outside nothing is tried. What was recorded by a clock that stood years behind (a machine that has booted in 1970), or ahead, tells nothing
 * of it: the time counts from the first try that can be told by.
 */
export function isGivenUp(
  batches: readonly DeliveryRecord[],
  { giveUpMs, window }: Pick<RetryPolicy, 'giveUpMs' | 'window'>,
  nowMs: number,
): boolean {
  const inVain = batches.slice(batches.findLastIndex(bringsSomething) + 1);
  const times = inVain.map(({ at }) => Date.parse(at));
  const firstMs = times.find((atMs) => atMs <= nowMs && nowMs - atMs <= giveUpMs + longestLeftMs);
  if (firstMs === undefined) return false;
  return openMs(window, firstMs, nowMs) > giveUpMs;
}

/** When an instance with these tries may be tried again, ms since epoch. */
function dueAt(tries: Tries | undefined, policy: RetryPolicy, nowMs: number): number {
  if (tries === undefined || tries.count === 0) return -Infinity;
  const lastMs = Date.parse(tries.at);
  // Recorded by a clock that was ahead, perhaps by years: nothing can be told from it.
  if (lastMs - nowMs > policy.longestMs) return -Infinity;
  if (isBusyStatus(tries.status, policy.treatAsTransient)) return lastMs + busyPeerMs;
  const ceiling = Math.min(policy.longestMs, policy.firstMs * 2 ** Math.min(tries.count - 1, 30));
  // One jitter for all that failed in a batch: they go together again.
  return lastMs + Math.max(policy.firstMs / 10, ceiling * jitterOf(`${tries.at} ${tries.count}`));
}

const busyFirstMs = 500;
const busyStepMs = 200;
const busyLongestMs = 30_000;

/**
 * How long a job waits that finds its peer busy with others and is not woken before: the longer the more have found it so, spread
 * over the time, so that a backlog of hundreds does not turn round in the queue.
 *
 * @param turnedAway jobs that found it busy since the last one of it ended, this one counted
 * @param jitter between 0 and 1
 */
export function busyWaitMs(turnedAway: number, jitter: number): number {
  return busyFirstMs + Math.round(jitter * Math.min(busyLongestMs, busyStepMs * turnedAway));
}
