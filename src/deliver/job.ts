import type { Key } from '../spool/key.js';

/** What one job brings to one peer: a task's result, or the originals. */
export interface DeliveryJob {
  readonly key: Key;
  readonly revision: number;
  readonly task: string;
  readonly peer: string;
}
