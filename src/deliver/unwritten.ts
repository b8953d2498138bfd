// What a peer has answered that could not be written down, on a full volume say: kept until it can, so that nothing goes out again meanwhile.
import type { DeliveryRecord } from '../spool/records.js';
import type { DeliveryJob } from './job.js';

interface Kept {
  readonly record: DeliveryRecord;
  /** Batches of the delivery when it was sent. */
  readonly behind: number;
}

const nameOf = ({ key, revision, task, peer }: DeliveryJob): string => `${key}.${revision}.${task}.${peer}`;

export class Unwritten {
  readonly #kept = new Map<string, Kept>();

  /** Of one without instances nothing is lost: why a peer took nothing is met again. */
  keep(job: DeliveryJob, record: DeliveryRecord, behind: number): void {
    if (record.instances.length > 0) this.#kept.set(nameOf(job), { record, behind });
  }

  /**
   * @param batches those of the delivery now: where another process has gone on with it, an older answer written behind its own would
   * count for what a peer has lost since
   * @returns null: there is none
   */
  of(job: DeliveryJob, batches: number): DeliveryRecord | null {
    const kept = this.#kept.get(nameOf(job));
    return kept?.behind === batches ? kept.record : null;
  }

  written(job: DeliveryJob): void {
    this.#kept.delete(nameOf(job));
  }
}
