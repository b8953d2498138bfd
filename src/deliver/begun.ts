// The word that a peer may have something, taken back once a record tells what it has: also where the disk fails to, just then.
import type { DeliveryJob } from './job.js';

type TakeBack = () => Promise<void>;

const nameOf = ({ key, revision, task, peer }: DeliveryJob): string => `${key}.${revision}.${task}.${peer}`;

export class Begun {
  /** What could not be taken back yet, by delivery. Of none of them anything is under way here. */
  readonly #left = new Map<string, TakeBack>();
  #taking: Promise<void> = Promise.resolve();

  /** @throws what the file system says; it is tried again */
  async takeBack(job: DeliveryJob, recorded: TakeBack): Promise<void> {
    try {
      await recorded();
    } catch (error) {
      this.#left.set(nameOf(job), recorded);
      throw error;
    }
  }

  /**
   * Tries again, before a delivery sends. The job of one that left something may have gone to another process, so each tries for all.
   *
   * @throws what the file system says where this delivery's own is left still: sent under it, it would be taken back too early
   */
  async again(job: DeliveryJob): Promise<void> {
    if (this.#left.size === 0) return;
    const taking = this.#taking.then(() => this.#all());
    this.#taking = taking;
    await taking;
    const own = this.#left.get(nameOf(job));
    if (own === undefined) return;
    await own();
    this.#left.delete(nameOf(job));
  }

  async #all(): Promise<void> {
    for (const [name, recorded] of this.#left) {
      const isTaken = await recorded().then(
        () => true,
        () => false,
      );
      if (isTaken) this.#left.delete(name);
    }
  }
}
