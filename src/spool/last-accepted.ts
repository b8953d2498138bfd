// When the last image of a revision was with a peer: what a person does afterwards, or a peer commits itself to or loses, does not make it later.
import type { CommitmentState } from './commitments.js';
import { nextSteps } from './state.js';
import type { RevisionState, SeriesState } from './state.js';
import { isWithdrawalTask } from './withdrawals.js';

/** @returns ms since epoch; null: no peer has taken any */
export function lastAcceptedMs({ deliveries }: Pick<RevisionState, 'deliveries'>): number | null {
  const times = [...deliveries].flatMap(([name, batches]) => {
    if (isWithdrawalTask(name.split('@')[0] ?? '')) return [];
    const first = new Map<string, number>();
    for (const { at, instances } of batches) {
      for (const { sopInstanceUid, class: how } of instances) {
        // one that the peer has lost since, and was sent again, had been there
        const isTaken = (how === 'delivered' || how === 'warned') && !first.has(sopInstanceUid);
        if (isTaken) first.set(sopInstanceUid, Date.parse(at));
      }
    }
    return [...first.values()];
  });
  return times.length === 0 ? null : times.reduce((latest, time) => Math.max(latest, time));
}

/** What of a delivery's commitment there was before a time. */
function commitmentAsOf({ transactions, end }: CommitmentState, isThere: (at: string) => boolean): CommitmentState {
  const known = transactions.flatMap((transaction) => {
    const { asked, answer, report } = transaction;
    if (!isThere(asked.at)) return [];
    const kept = {
      answer: answer !== null && isThere(answer.at) ? answer : null,
      report: report !== null && isThere(report.at) ? report : null,
    };
    return [{ ...transaction, ...kept }];
  });
  return { transactions: known, end: end !== null && isThere(end.at) ? end : null };
}

/** The series without what people and peers have done and said since a time, ms since epoch. */
function asOf(state: SeriesState, beforeMs: number): SeriesState {
  const isThere = (at: string): boolean => Date.parse(at) < beforeMs;
  return {
    ...state,
    actions: state.actions.filter(({ action }) => isThere(action.at)),
    revisions: state.revisions.map((revision) => ({
      ...revision,
      deliveries: new Map(
        [...revision.deliveries].map(([name, batches]) => [name, batches.filter(({ at }) => isThere(at))]),
      ),
      commitments: new Map(
        [...revision.commitments].map(([name, commitment]) => [name, commitmentAsOf(commitment, isThere)]),
      ),
    })),
  };
}

/**
 * Whether a series was done before a person acted on it, or a peer reported once more, behind a time: that it is done again is nothing new
 * of its images. One that still waited then for the commitment of a peer was not.
 */
export function wasDoneBefore(state: SeriesState, acceptedMs: number): boolean {
  const reports = state.revisions.flatMap(({ commitments }) =>
    [...commitments.values()].flatMap(({ transactions }) => transactions.flatMap(({ report }) => report?.at ?? [])),
  );
  const times = [...state.actions.map(({ action }) => action.at), ...reports].map((at) => Date.parse(at));
  const later = new Set(times.filter((time) => time > acceptedMs));
  return [...later].some((time) => nextSteps(asOf(state, time)).done);
}
