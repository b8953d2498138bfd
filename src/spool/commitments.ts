/**
 * What a series' files say about storage commitment: which instances a peer has committed itself to, which it has lost, what is
 * still to be asked. Delivered means stored; committed means reported. Pure.
 */
import type {
  CommitmentAnswerRecord,
  CommitmentAskedRecord,
  CommitmentEndRecord,
  CommitmentReportRecord,
} from './records.js';

/** One transaction: what was asked, what the peer has answered to the request, what it has reported. */
export interface CommitmentTransaction {
  readonly number: number;
  readonly asked: CommitmentAskedRecord;
  /** Null: no answer was recorded, because the process was ended meanwhile, or the request is on its way. */
  readonly answer: CommitmentAnswerRecord | null;
  readonly report: CommitmentReportRecord | null;
}

/** All about one delivery. */
export interface CommitmentState {
  readonly transactions: readonly CommitmentTransaction[];
  /** No further transaction follows. */
  readonly end: CommitmentEndRecord | null;
}

/** A revision as far as it matters here; `commitments` by `TASK@PEER`. */
interface Revision {
  readonly commitments: ReadonlyMap<string, CommitmentState>;
}

/** Failure Reason (0008,1197): the peer does not have the instance. */
export const noSuchObjectInstance = 0x0112;

/** SOP Instance UIDs that a peer has committed itself to, by any report of any revision. */
export function committedBy(revisions: readonly Revision[], peer: string): Set<string> {
  const committed = new Set<string>();
  for (const { commitments } of revisions) {
    for (const [name, { transactions }] of commitments) {
      if (!name.endsWith(`@${peer}`)) continue;
      for (const { report } of transactions) for (const uid of report?.committed ?? []) committed.add(uid);
    }
  }
  return committed;
}

/** What a peer has said it does not have, and how many batches it had been sent until it was asked. */
export interface Loss extends Pick<CommitmentAskedRecord, 'batches' | 'elsewhere'> {
  readonly uids: ReadonlySet<string>;
}

export function lossesIn(state: CommitmentState | undefined): Loss[] {
  return (state?.transactions ?? []).flatMap(({ asked: { batches, elsewhere }, report }) => {
    const lost = (report?.failed ?? []).filter(({ reason }) => reason === noSuchObjectInstance);
    if (lost.length === 0) return [];
    return [{ batches, elsewhere, uids: new Set(lost.map(({ sopInstanceUid }) => sopInstanceUid)) }];
  });
}
