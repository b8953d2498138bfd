import type { Key } from '../spool/key.js';
import type { DeliveryRecord, Priority } from '../spool/records.js';

/** What one job brings to one peer: a task's result, or the originals. */
export interface DeliveryJob {
  readonly key: Key;
  readonly revision: number;
  readonly task: string;
  readonly peer: string;
}

/** One that its peer still waits for, with what it has recorded so far. */
export interface WaitingDelivery {
  readonly job: DeliveryJob;
  readonly priority: Priority;
  readonly batches: readonly DeliveryRecord[];
}
