// Which deliveries must not be under way, in whichever process, while another one is: what comes last is what the peer keeps.
import type { SeriesState } from '../spool/state.js';
import { withdrawalsOf } from '../spool/withdrawals.js';
import type { DeliveryJob } from './job.js';

/**
 * Deliveries to the same peer whose last instance has to have arrived: those of earlier revisions, which may bring a copy that a
 * corrected one replaces, and those of a derived series before the document that withdraws it.
 */
export function goesFirst(state: SeriesState, { key, revision, task, peer }: DeliveryJob): DeliveryJob[] {
  const withdrawn = withdrawalsOf(state).find((withdrawal) => withdrawal.task === task)?.made.seriesInstanceUid;
  const found: DeliveryJob[] = [];
  for (const { record, tasks } of state.revisions) {
    if (record.revision < revision) found.push({ key, revision: record.revision, task, peer });
    if (withdrawn === undefined) continue;
    for (const [name, { outcome }] of tasks) {
      if (outcome?.seriesInstanceUid !== withdrawn || name === task) continue;
      found.push({ key, revision: record.revision, task: name, peer });
    }
  }
  return found;
}
