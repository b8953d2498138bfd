// What is done with a report of storage commitment, by whichever association it comes: kept, counted, and its series looked at again.
import { namesOfEntity } from '../config/peers.js';
import type { Config } from '../config/schema.js';
import type { CommitmentReport } from '../io/dimse/commitment.js';
import type { StoreAnswer } from '../io/dimse/sink.js';
import type { PipelineDeps } from '../pipeline.js';
import { advance } from '../pipeline.js';
import { jobIdOf } from '../queue/jobs.js';
import { takeReport } from '../spool/commitment-records.js';

/** Takes a report from the peer of this name. Answered 0000 also when it is unknown or repeated (PS3.4 Annex J.3.3). */
export type TakeReport = (by: string, report: CommitmentReport) => Promise<StoreAnswer>;

/** @param peers of the configuration: a report may be of a transaction with the same application entity under another name */
export function openTakeReport(pipeline: PipelineDeps, peers: Config['peers']): TakeReport {
  const { spool, queue, log, metrics, now } = pipeline;
  return async (by, { transactionUid, committed, failed }) => {
    const taken = await takeReport(spool, {
      transactionUid,
      by: namesOfEntity(peers, by),
      at: new Date(now()).toISOString(),
      committed: committed.map(({ sopInstanceUid }) => sopInstanceUid),
      failed,
    });
    if (taken.kind !== 'taken') {
      log.warn('a report of storage commitment changes nothing', { peer: by, why: taken.kind });
      return { status: 0 };
    }
    const { delivery } = taken;
    metrics.inc('commitments_total', { peer: delivery.peer, outcome: 'committed' }, taken.committed);
    metrics.inc('commitments_total', { peer: delivery.peer, outcome: 'failed' }, taken.failed);
    log.info('storage commitment reported', {
      ...delivery,
      by,
      committed: taken.committed,
      failed: taken.failed,
      missing: taken.missing,
    });
    // The job sleeps until the report is overdue. A queue that is away finds the series by its marker later.
    const woken = queue
      .promote('commitments', jobIdOf('commitments', delivery))
      .then(() => advance(pipeline, delivery.key));
    woken.catch((error: unknown) => log.warn('the series of a report will be looked at later', { ...delivery, error }));
    return { status: 0 };
  };
}
