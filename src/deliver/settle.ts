// What one answer of a peer means for its instance, given the answers before it (conformance statement, delivery outcomes).
import { deliveryRule } from '../io/dimse/status.js';
import type { DeliveryClass, DeliveryRecord } from '../spool/records.js';
import { isBusyStatus } from './decide.js';
import type { Outcome } from './destination.js';

/** Tries of what a peer refuses when it is only busy. */
export const busyTries = 3;

export interface Settled {
  readonly class: DeliveryClass;
  /** Whether a person should be told at once. */
  readonly alarm: boolean;
}

/**
 * @param batches of this delivery, before this answer
 * @param othersPass whether the peer has taken other instances since this one was refused first, by `firstRefusedMs`
 */
export function settleOutcome(
  outcome: Outcome,
  batches: readonly DeliveryRecord[],
  treatAsTransient: readonly string[],
  othersPass: (sinceMs: number) => boolean,
): Settled {
  const { status } = outcome;
  if (status === null) return { class: outcome.class, alarm: outcome.class === 'permanent' };
  const rule = isBusyStatus(status, treatAsTransient)
    ? ({ class: 'transient', tries: busyTries, counts: 'always', alarm: 'none' } as const)
    : deliveryRule(status);
  if (rule.class !== 'transient') return { class: rule.class, alarm: rule.alarm === 'alarm' };
  const earlier = batches.filter(({ instances }) =>
    instances.some((entry) => entry.sopInstanceUid === outcome.sopInstanceUid && entry.status !== null),
  );
  if (rule.tries === null || earlier.length + 1 < rule.tries) return { class: 'transient', alarm: false };
  const firstMs = Date.parse(earlier[0]?.at ?? '');
  const spent = rule.counts === 'always' || othersPass(firstMs);
  return { class: spent ? 'permanent' : 'transient', alarm: spent };
}
