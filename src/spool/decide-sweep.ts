/** What retention takes away, from what a series' files say: nothing, its pixels, or all that is known of it. Pure. */
import { nextSteps } from './state.js';
import type { SeriesState } from './state.js';

/** How long a series is kept behind the newest thing that happened to it, ms. */
export interface RetentionPolicy {
  /** Originals and results. */
  readonly deliveredMs: number;
  /** The JSON records. */
  readonly recordsMs: number;
}

export type SweepDecision =
  | { readonly kind: 'keep' }
  | { readonly kind: 'pixels' }
  | { readonly kind: 'records' }
  /** Something is recorded for a time that has not come yet, by a clock that was ahead: the series stays until then. */
  | { readonly kind: 'clock' };

/** Time of the newest record, ms since epoch; null for a series without a revision. */
export function newestRecordMs({ revisions, actions }: SeriesState): number | null {
  if (revisions.length === 0) return null;
  const times = revisions.flatMap(({ record, decision, tasks, deliveries, commitments }) => [
    record.closedAt,
    ...(decision === null ? [] : [decision.decidedAt]),
    ...[...tasks.values()].flatMap(({ outcome }) => (outcome === null ? [] : [outcome.endedAt])),
    ...[...deliveries.values()].flat().map(({ at }) => at),
    ...[...commitments.values()].flatMap(({ transactions, end }) => [
      ...transactions.flatMap(({ asked, report }) => [asked.at, ...(report === null ? [] : [report.at])]),
      ...(end === null ? [] : [end.at]),
    ]),
  ]);
  return Math.max(...[...times, ...actions.map(({ action }) => action.at)].map((at) => Date.parse(at)));
}

/**
 * Decides on one series. A series that has something left to do, a refused delivery that nobody has discarded among it, keeps
 * everything however old it is; so does one of which this node has committed itself to keep instances, until that time is over.
 *
 * @param activity whether `active/` has a marker of it
 */
export function decideSweep(
  state: SeriesState,
  activity: 'active' | 'quiet',
  policy: RetentionPolicy,
  nowMs: number,
): SweepDecision {
  const newestMs = newestRecordMs(state);
  if (newestMs === null || activity === 'active' || !nextSteps(state).done) return { kind: 'keep' };
  if (newestMs > nowMs) return { kind: 'clock' };
  if (state.promisedUntilMs > nowMs) return { kind: 'keep' };
  if (nowMs - newestMs > policy.recordsMs) return { kind: 'records' };
  return nowMs - newestMs > policy.deliveredMs ? { kind: 'pixels' } : { kind: 'keep' };
}
