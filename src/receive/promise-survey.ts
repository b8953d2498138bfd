// What becomes of the instances of one request for storage commitment: where they lie, whether whole, and who else has them.
import { setImmediate as endOfTurn } from 'node:timers/promises';
import { LimpidError } from '../errors.js';
import type { InstanceReference } from '../io/dimse/commitment.js';
import type { Log } from '../observe/log.js';
import { forwardingIn, readHeld } from '../spool/holding.js';
import type { Forwarding, OnDisk } from '../spool/holding.js';
import { instanceNameOf } from '../spool/key.js';
import type { Key } from '../spool/key.js';
import { findInstances, promiseSeries } from '../spool/promises.js';
import type { PromiseTransaction } from '../spool/promises.js';
import type { PromiseOutcomeRecord } from '../spool/records.js';
import type { Spool } from '../spool/spool.js';
import type { SeriesState } from '../spool/state.js';
import { decidePromise, isOver, unreadable } from './decide-promise.js';

export interface PromisePolicy {
  /** What is committed: all that is whole in the spool, or of that only what every peer has that it is forwarded to. */
  readonly of: 'received' | 'forwarded';
  /** Pixels stay so long after the report, ms. */
  readonly keepMs: number;
  /** What is not forwarded so long after the request fails, ms. */
  readonly waitMs: number;
}

export interface SurveyDeps {
  readonly spool: Spool;
  readonly policy: PromisePolicy;
  readonly recent: RecentInstances;
  readonly log: Log;
  readonly now: () => number;
}

const mostRecent = 100_000;
/** Others have their turn behind so many instances: a request may name tens of thousands, and nothing need be read from the disk for any. */
const instancesOfTurn = 250;

/** Which series the newest instances are of: a request follows its instances at once, and years of series need not be walked. */
export class RecentInstances {
  readonly #keys = new Map<string, Key>();

  /** @param file name of the instance file in the spool */
  arrived(key: Key, file: string): void {
    this.#keys.set(file, key);
    for (const oldest of this.#keys.keys()) {
      if (this.#keys.size <= mostRecent) return;
      this.#keys.delete(oldest);
    }
  }

  keyOf(file: string): Key | undefined {
    return this.#keys.get(file);
  }
}

interface Instance {
  readonly reference: InstanceReference;
  readonly file: string;
  key: Key | null;
  /** Looked at once: what was whole then stays, because its series is promised. */
  onDisk: OnDisk | null;
}

/** A series whose instances are asked for. */
interface Found {
  readonly state: SeriesState;
  readonly forwarding: (sopInstanceUid: string) => Forwarding | 'not needed';
}

export class PromiseSurvey {
  readonly #deps: SurveyDeps;
  readonly #transaction: PromiseTransaction;
  #instances: Instance[] | null = null;

  constructor(deps: SurveyDeps, transaction: PromiseTransaction) {
    this.#deps = deps;
    this.#transaction = transaction;
  }

  /** @returns null while instances are on their way to others and there is time */
  async look(): Promise<Pick<PromiseOutcomeRecord, 'committed' | 'failed'> | null> {
    const { policy, log, now } = this.#deps;
    const { name, request } = this.#transaction;
    this.#instances ??= await this.#find();
    const time = isOver(request.at, policy.waitMs, now()) ? 'over' : 'left';
    const series = new Map<Key, Found | 'unreadable'>();
    const committed: InstanceReference[] = [];
    const failed: (InstanceReference & { reason: number })[] = [];
    const reasons = new Map<string, number>();
    let waits = false;
    for (const [index, instance] of this.#instances.entries()) {
      if (index % instancesOfTurn === 0) await endOfTurn();
      const { reference, key } = instance;
      const found = key === null ? null : (series.get(key) ?? (await this.#read(key)));
      if (key !== null && found !== null) series.set(key, found);
      const decision = await this.#decide(instance, found, time);
      if (decision.kind === 'wait') waits = true;
      else if (decision.kind === 'committed') committed.push(reference);
      else {
        failed.push({ ...reference, reason: decision.reason });
        reasons.set(decision.why, (reasons.get(decision.why) ?? 0) + 1);
      }
    }
    if (waits) return null;
    const why = [...reasons].map(([text, count]) => `${count}: ${text}`).join('; ');
    if (failed.length > 0)
      log.warn('this node does not commit itself to instances', { peer: request.by, transaction: name, why });
    return { committed, failed };
  }

  /** A series whose records cannot be read does not hold back the answer for the others. */
  async #read(key: Key): Promise<Found | 'unreadable'> {
    const { spool, policy } = this.#deps;
    try {
      const state = await spool.state(key);
      return { state, forwarding: policy.of === 'received' ? () => 'not needed' : forwardingIn(state) };
    } catch (error) {
      if (error instanceof LimpidError) return 'unreadable';
      throw error;
    }
  }

  async #decide(instance: Instance, found: Found | 'unreadable' | null, time: 'left' | 'over') {
    if (found === 'unreadable') return unreadable;
    const { reference, file } = instance;
    const { sopInstanceUid } = reference;
    instance.onDisk ??=
      found === null ? { kind: 'absent' } : await readHeld(this.#deps.spool, found.state, file, sopInstanceUid);
    const forwarding = found === null ? 'not needed' : found.forwarding(sopInstanceUid);
    return decidePromise(reference.sopClassUid, instance.onDisk, forwarding, time);
  }

  /** Finds the series of each instance, and promises them before any file is looked at: retention sees that, or has said before what it takes. */
  async #find(): Promise<Instance[]> {
    const { spool, policy, recent, now } = this.#deps;
    const { name, request } = this.#transaction;
    const instances: Instance[] = [];
    for (const [index, reference] of request.references.entries()) {
      if (index % instancesOfTurn === 0) await endOfTurn();
      const file = instanceNameOf(reference.sopInstanceUid);
      instances.push({ reference, file, key: recent.keyOf(file) ?? null, onDisk: null });
    }
    const missing = new Set(instances.filter(({ key }) => key === null).map(({ file }) => file));
    if (missing.size > 0) {
      const found = await findInstances(spool, missing);
      for (const instance of instances) instance.key ??= found.get(instance.file) ?? null;
    }
    const at = new Date(now()).toISOString();
    const until = new Date(now() + policy.waitMs + policy.keepMs).toISOString();
    for (const key of new Set(instances.map((instance) => instance.key))) {
      if (key !== null) await promiseSeries(spool, key, name, { at, until, by: request.by });
    }
    return instances;
  }
}
