// The listener's storage commitment: reports of peers that were asked are taken.
import type { CommitmentReport, CommitmentService } from '../io/dimse/commitment.js';
import type { StoreAnswer } from '../io/dimse/sink.js';
import { Status } from '../io/dimse/constants.js';

export interface CommitmentDeps {
  /** Names of the peers that this node asks for commitment: only they report. */
  readonly asked: ReadonlySet<string>;
  readonly reported: (by: string, report: CommitmentReport) => Promise<StoreAnswer>;
}

export function openCommitmentService({ asked, reported }: CommitmentDeps): CommitmentService {
  return {
    offers: (peer) => ({ requests: false, reports: asked.has(peer) }),
    requested: () => Promise.resolve({ status: Status.NotAuthorized, comment: 'this node gives no commitment' }),
    reported: ({ peer }, report) => reported(peer, report),
  };
}
