// What has to be looked after while a queue is open: was its store emptied, did a process with jobs die, was the clock set back.
import type { Log } from '../observe/log.js';
import { queueNames } from './jobs.js';
import type { QueueName } from './jobs.js';
import { isDeadWorker, takeBackOrphans } from './orphans.js';
import { promoteFromFuture } from './set-back.js';
import type { BullQueue, Store } from './store.js';

export interface UpkeepPorts {
  readonly store: Store;
  readonly queues: Readonly<Record<QueueName, BullQueue>>;
  readonly log: Log;
  readonly now: () => number;
  /** Asks the store; rejects with QUEUE_UNAVAILABLE, in time. */
  readonly ask: <T>(what: string, question: () => Promise<T>) => Promise<T>;
  readonly onError: (error: Error) => void;
  /** The store was emptied. */
  readonly onLost: () => void;
}

/** Nothing here but `probe` rejects: what fails is reported, and tried again in the next round. */
export class Upkeep {
  readonly #ports: UpkeepPorts;
  /** The store's marker as this process saw it last; undefined: it has not looked. */
  #marker: string | null | undefined;
  // What an earlier process put aside may be of a time that has not come yet.
  #isSetBack = true;
  #lookedAtMs: number;

  constructor(ports: UpkeepPorts) {
    this.#ports = ports;
    this.#lookedAtMs = ports.now();
  }

  async begin(): Promise<void> {
    await this.look();
    // Whatever an embedded queue says is running when it is opened was run by a process that is gone: nobody else can have it open.
    await this.#takeBack(this.#ports.store.kind === 'embedded' ? () => true : isDeadWorker);
    await this.#catchUp();
  }

  async round(): Promise<void> {
    await this.look();
    if (this.#ports.store.kind !== 'embedded') await this.#takeBack(isDeadWorker);
    await this.#catchUp();
  }

  /**
   * Writes the marker, and so sees whether the store was emptied. The first time it only puts it.
   *
   * @throws LimpidError QUEUE_UNAVAILABLE
   */
  async probe(): Promise<void> {
    const { store, ask, onLost } = this.#ports;
    const found = await ask('marker', () => store.mark());
    if (this.#marker !== undefined && found !== this.#marker) onLost();
    this.#marker = found;
  }

  /** As `probe`, reported where it fails. */
  async look(): Promise<void> {
    try {
      await this.probe();
    } catch (error) {
      this.#ports.onError(asError(error));
    }
  }

  async #takeBack(isDead: (worker: string | undefined) => boolean): Promise<void> {
    const { queues, log, ask, onError } = this.#ports;
    try {
      let jobs = 0;
      for (const name of queueNames) jobs += await ask('orphans', () => takeBackOrphans(queues[name], isDead));
      if (jobs > 0) log.info('jobs of a process that is gone run again', { jobs });
    } catch (error) {
      onError(asError(error)); // they wait for their locks
    }
  }

  /** After the clock was set back, what it had put aside runs now: each job says anew when it wants to run again. */
  async #catchUp(): Promise<void> {
    const { queues, log, now, ask, onError } = this.#ports;
    const nowMs = now();
    this.#isSetBack ||= nowMs < this.#lookedAtMs;
    this.#lookedAtMs = nowMs;
    if (!this.#isSetBack) return;
    try {
      let jobs = 0;
      for (const name of queueNames) {
        jobs += await promoteFromFuture(queues[name], nowMs, (page) => ask('delayed', page));
      }
      this.#isSetBack = false;
      if (jobs > 0) log.warn('the clock was set back: what waited by it runs now', { jobs });
    } catch (error) {
      onError(asError(error));
    }
  }
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
