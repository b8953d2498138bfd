import type { SeriesRecord } from '../spool/records.js';

/** When a series counts as complete; every time in ms on the monotonic clock. */
export interface CompletionPolicy {
  /** No instance for this long. */
  readonly quietMs: number;
  /** After an association was released, where count or geometry say that nothing is missing. */
  readonly releasedMs: number;
  /** No instance for this long, where positions are missing. */
  readonly gapsMs: number;
  /** From the first instance that no revision lists, whatever still comes. */
  readonly longestMs: number;
}

/** Of the policies of several sources, or rules, the longer period counts. */
export function longerOf(a: CompletionPolicy, b: CompletionPolicy): CompletionPolicy {
  return {
    quietMs: Math.max(a.quietMs, b.quietMs),
    releasedMs: Math.max(a.releasedMs, b.releasedMs),
    gapsMs: Math.max(a.gapsMs, b.gapsMs),
    longestMs: Math.max(a.longestMs, b.longestMs),
  };
}

/** What is known of the instances that no revision lists yet. */
export interface PendingFacts {
  readonly firstAtMs: number;
  readonly lastAtMs: number;
  /** Instances in all, those of earlier revisions included. */
  readonly count: number;
  /** By Number of Series Related Instances, or by Images in Acquisition of every acquisition seen; null where that is not known. */
  readonly expected: number | null;
  /** Positions along the normal have a step above 1.5 x the usual one. */
  readonly hasGaps: boolean;
  /** An association that has brought an instance of the series is still open. */
  readonly associationOpen: boolean;
  /** When the last association of the series was released; null if none was, or if one was aborted or lost since. */
  readonly releasedAtMs: number | null;
  /** The released association carried more than one instance of the series. */
  readonly releasedWithSeveral: boolean;
  /**
   * Something of the series may come again: what ended so had been refused an instance for now, or was open when another association of the
   * series was. Missing slices at the end of a stack leave no gap.
   */
  readonly mayComeAgain: boolean;
  /** Each instance is a whole by itself: a multi-frame object that is no part of a concatenation. */
  readonly allWhole: boolean;
  readonly firstRevision: boolean;
}

export type Decision =
  | { readonly kind: 'close'; readonly why: SeriesRecord['closed'] }
  | { readonly kind: 'wait'; readonly untilMs: number };

/**
 * Decides whether a series is complete. C-STORE has no end-of-series signal (PS3.4 Annex B), so time decides, sooner where
 * the count is reached, or where an association with several instances ended and the geometry has no gap.
 *
 * Many modalities open one association an image: a release alone says nothing. An abort never shortens, nor does an instance that was
 * refused for now, or a release of an association beside such a one: the sender comes back.
 */
export function decideCompletion(facts: PendingFacts, policy: CompletionPolicy, nowMs: number): Decision {
  const candidates: { why: SeriesRecord['closed']; untilMs: number }[] = [
    { why: 'quiet', untilMs: facts.lastAtMs + (facts.hasGaps ? policy.gapsMs : policy.quietMs) },
    { why: 'timeout', untilMs: facts.firstAtMs + policy.longestMs },
  ];
  if (facts.firstRevision && !facts.associationOpen && facts.releasedAtMs !== null) {
    const untilMs = Math.max(facts.releasedAtMs, facts.lastAtMs) + policy.releasedMs;
    const counted = facts.expected !== null && facts.count === facts.expected;
    if (counted) candidates.unshift({ why: 'count', untilMs });
    else if (!facts.mayComeAgain && !facts.hasGaps && (facts.releasedWithSeveral || facts.allWhole))
      candidates.unshift({ why: 'released', untilMs });
  }
  const first = candidates.reduce((a, b) => (b.untilMs < a.untilMs ? b : a));
  return nowMs >= first.untilMs ? { kind: 'close', why: first.why } : { kind: 'wait', untilMs: first.untilMs };
}
