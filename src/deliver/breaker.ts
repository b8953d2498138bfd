/**
 * One peer's circuit breaker, as values: after failures in a row nothing is sent to it but a probe (C-ECHO) now and then. Waits
 * grow exponentially, with full jitter; what paces them is the kind of failure (conformance statement, delivery outcomes).
 */
import type { DestinationFailure, FailurePace } from './destination.js';

interface Pace {
  /** Ceiling of the first wait, ms; doubled with each failure in a row up to `longestMs`. */
  readonly firstMs: number;
  readonly longestMs: number;
  /** Failures in a row that open the breaker. */
  readonly opensAfter: number;
  /** A row of it that lasts so long needs a person, ms; null: it never does. */
  readonly permanentAfterMs: number | null;
}

export const failurePaces: Readonly<Record<FailurePace, Pace>> = {
  // Nobody listens, or the name is unknown. Asking costs nothing, and it may be back any moment.
  unreachable: { firstMs: 1_000, longestMs: 60_000, opensAfter: 1, permanentAfterMs: null },
  // A-ABORT, reset or silence.
  lost: { firstMs: 30_000, longestMs: 900_000, opensAfter: 5, permanentAfterMs: null },
  // A-ASSOCIATE-RJ that the peer itself calls transient, or of its presentation layer.
  refused: { firstMs: 30_000, longestMs: 900_000, opensAfter: 1, permanentAfterMs: null },
  // A-ASSOCIATE-RJ 1/1/3 and 1/1/7: a PACS that restarts without its AE table answers so.
  unrecognized: { firstMs: 300_000, longestMs: 300_000, opensAfter: 1, permanentAfterMs: 3_600_000 },
  // A certificate, an address or a protocol that a person has to mend; asked now and then whether that has happened.
  operator: { firstMs: 300_000, longestMs: 900_000, opensAfter: 1, permanentAfterMs: 0 },
};

export type BreakerState = 'closed' | 'half-open' | 'open';

export interface Breaker {
  readonly state: BreakerState;
  /** In a row; a probe that succeeds does not end the row, an answer to something sent does. */
  readonly failures: number;
  /** Nothing goes to the peer before, ms since epoch. */
  readonly untilMs: number;
  /** The last failure of the row, and whether it needs a person; null where nothing stands in the way. */
  readonly failure: (DestinationFailure & { readonly class: 'transient' | 'permanent' }) | null;
  /** When the row of failures of its pace began. */
  readonly sinceMs: number;
}

export const closedBreaker: Breaker = { state: 'closed', failures: 0, untilMs: 0, failure: null, sinceMs: 0 };

interface FailureRow {
  readonly beganMs: number;
  readonly openMs: (fromMs: number, toMs: number) => number;
}

const span = (fromMs: number, toMs: number): number => toMs - fromMs;

/**
 * @param jitter between 0 and 1: the share of the ceiling that is waited
 * @param row.beganMs when this row of failures began, where it begins for this breaker now: earlier than now, if records tell so
 * @param row.openMs how much of a stretch of time the peer's hours were open, ms: outside them nobody asks it, and it lasts for nobody
 */
export function afterFailure(
  breaker: Breaker,
  failure: DestinationFailure,
  nowMs: number,
  jitter: number,
  { beganMs = nowMs, openMs = span }: Partial<FailureRow> = {},
): Breaker {
  const pace = failurePaces[failure.pace];
  const failures = breaker.failures + 1;
  const ceiling = Math.min(pace.longestMs, pace.firstMs * 2 ** Math.min(failures - 1, 30));
  const sinceMs = breaker.failure?.pace === failure.pace ? breaker.sinceMs : Math.min(beganMs, nowMs);
  const lasts = pace.permanentAfterMs !== null && openMs(sinceMs, nowMs) >= pace.permanentAfterMs;
  return {
    state: failures >= pace.opensAfter ? 'open' : 'closed',
    failures,
    // Full jitter, but never at once: a peer that has just failed needs a moment. What it asks for itself is kept.
    untilMs: nowMs + Math.max(pace.firstMs / 10, ceiling * jitter, failure.retryAfterMs ?? 0),
    failure: { ...failure, class: lasts ? 'permanent' : 'transient' },
    sinceMs,
  };
}

/** As it was when the peer asked to be left alone until a time: whatever it said that to has ended with its process. */
export function askedToWait(
  failure: DestinationFailure & { readonly retryAfterMs: number },
  sinceMs: number,
  untilMs: number,
): Breaker {
  return { state: 'open', failures: 1, untilMs, failure: { ...failure, class: 'transient' }, sinceMs };
}

/** A probe is on its way. */
export function whileProbing(breaker: Breaker): Breaker {
  return { ...breaker, state: 'half-open' };
}

/** The wait is over for good: a clock that is set back later does not begin it anew. */
export function afterWait(breaker: Breaker): Breaker {
  return { ...breaker, untilMs: 0 };
}

/** The probe was answered: all may go, on trial; the next failure opens it again, with the longer wait. */
export function afterProbe(breaker: Breaker): Breaker {
  return { ...closedBreaker, failures: breaker.failures };
}

/** Whether anything may be sent to the peer now. */
export function mayGo(breaker: Breaker, nowMs: number): boolean {
  return breaker.state === 'closed' && nowMs >= breaker.untilMs;
}
