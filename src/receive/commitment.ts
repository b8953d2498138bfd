// The listener's storage commitment: reports of peers that were asked are taken, and requests where this node gives commitment.
import type { CommitmentReport, CommitmentRequest, CommitmentService, SendReport } from '../io/dimse/commitment.js';
import type { AssociationInfo, StoreAnswer } from '../io/dimse/sink.js';
import { Status } from '../io/dimse/constants.js';

export interface CommitmentDeps {
  /** Names of the peers that this node asks for commitment: only they report. */
  readonly asked: ReadonlySet<string>;
  readonly reported: (by: string, report: CommitmentReport) => Promise<StoreAnswer>;
  /** Takes the requests of the peers with a name; null: this node gives no commitment. */
  readonly promises: {
    requested(association: AssociationInfo, request: CommitmentRequest, sendReport: SendReport): Promise<StoreAnswer>;
  } | null;
}

/** Callers that no peer of the configuration names. */
const unnamed = 'unknown';

export function openCommitmentService({ asked, reported, promises }: CommitmentDeps): CommitmentService {
  const refused = { status: Status.NotAuthorized, comment: 'this node gives no commitment' };
  return {
    offers: (peer) => ({ requests: promises !== null && peer !== unnamed, reports: asked.has(peer) }),
    requested: (association, request, sendReport) =>
      promises === null ? Promise.resolve(refused) : promises.requested(association, request, sendReport),
    reported: ({ peer }, report) => reported(peer, report),
  };
}
