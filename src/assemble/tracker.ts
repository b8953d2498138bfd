// Gathers arriving instances by series, closes revisions, answers requeues. The only writer of rN/series.json.
import type { Log } from '../observe/log.js';
import type { Metrics } from '../observe/metrics.js';
import type { Arrival } from '../spool/arrival.js';
import type { Key } from '../spool/key.js';
import type { Modality, SeriesRecord } from '../spool/records.js';
import type { Spool } from '../spool/spool.js';
import { listedFiles, unansweredRequeues, unlistedFiles } from '../spool/state.js';
import type { SeriesState } from '../spool/state.js';
import { decideCompletion } from './decide.js';
import type { CompletionPolicy } from './decide.js';
import { stackHasGaps } from './gaps.js';
import { readArrival } from './read-arrival.js';
import { closingRecord, countIn, factsOf, markOpen, modalityOf, newPending, policyOf } from './pending.js';
import type { Pending } from './pending.js';
import { requeuedRevision } from './requeued.js';

export interface TrackerDeps {
  readonly spool: Spool;
  /** Adds the `series` job of a closed revision; a queue that is away is no failure, the reconciler catches up. */
  readonly announce: (record: SeriesRecord, modality: Modality) => Promise<void>;
  /** When the series of this instance is complete; asked at the first one of each source. Never fails. */
  readonly policy: (arrival: Arrival) => CompletionPolicy | Promise<CompletionPolicy>;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Wall clock, ms since epoch: only for records. */
  readonly now: () => number;
  /** Monotonic clock, ms: every period runs on it. */
  readonly monotonic: () => number;
}

/** A series that could not be read is looked at again after this long, touched or not. */
const againMs = 60_000;
/** Series that are read at once: each waits a dozen times for the volume, one time after the other. */
const readAtOnce = 8;
const lookEveryMs = 1_000;

/** UIDs and hashes that the revisions of a series list: an instance with both is a duplicate even after sweeping. */
export type ListedInstances = ReadonlyMap<string, ReadonlySet<string>>;

export class Tracker {
  readonly #deps: TrackerDeps;
  readonly #pending = new Map<Key, Pending>();
  /** Series whose revisions are known, so that each is read once while it is being received. */
  readonly #listed = new Map<Key, Promise<Map<string, Set<string>>>>();
  readonly #seenTouch = new Map<Key, number>();
  /** Series that could not be read, and when they are looked at again. */
  readonly #unreadable = new Map<Key, number>();
  /** Series whose revision is being published: their files are in none yet. */
  readonly #closing = new Set<Key>();
  #timer: NodeJS.Timeout | null = null;
  #scanning: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(deps: TrackerDeps) {
    this.#deps = deps;
  }

  /** What earlier revisions of the series list; read from the spool at its first instance. */
  listed(key: Key): Promise<ListedInstances> {
    let listed = this.#listed.get(key);
    if (listed === undefined) {
      listed = this.#deps.spool.state(key).then(listedIn);
      this.#listed.set(key, listed);
      listed.catch(() => this.#listed.delete(key));
    }
    return listed;
  }

  /** An instance has been published. */
  arrived(arrival: Arrival): void {
    const at = this.#deps.monotonic();
    const pending = this.#pendingOf(arrival.key, at);
    if (arrival.kind === 'stored' && !pending.arrivals.has(arrival.instance.file)) pending.tally.add(arrival.facts);
    pending.arrivals.set(arrival.instance.file, arrival);
    pending.lastAtMs = at;
    if (arrival.association !== null) countIn(pending, arrival.association);
    this.#askPolicy(pending, arrival);
    this.#evaluate(pending);
  }

  /**
   * An instance has come that was there before. Who sends a series anew after its association or this node has failed begins with
   * those: it has not stopped sending.
   */
  repeated(key: Key, association: number): void {
    const pending = this.#pending.get(key);
    if (pending === undefined) return;
    pending.lastAtMs = this.#deps.monotonic();
    countIn(pending, association);
    this.#evaluate(pending);
  }

  #askPolicy(pending: Pending, arrival: Arrival): void {
    const { peer } = arrival.source;
    if (pending.policies.has(peer)) return;
    const answer = this.#deps.policy(arrival);
    if (!(answer instanceof Promise)) {
      pending.policies.set(peer, answer);
      return;
    }
    pending.policies.set(peer, null);
    void answer.then((policy) => {
      pending.policies.set(peer, policy);
      if (this.#pending.get(pending.key) === pending) this.#evaluate(pending);
    });
  }

  /** @param how `incomplete`: released, and an instance of it was refused that may come again */
  associationEnded(association: number, how: 'released' | 'incomplete' | 'aborted' | 'lost'): void {
    const isReleased = how === 'released' || how === 'incomplete';
    for (const pending of this.#pending.values()) {
      const known = pending.associations.get(association);
      if (known === undefined) continue;
      known.open = false;
      pending.releasedAtMs = isReleased ? this.#deps.monotonic() : null;
      pending.releasedWithSeveral = isReleased && known.count > 1;
      pending.mayComeAgain = how !== 'released' || known.besideFailed;
      if (how !== 'released') markOpen(pending);
      this.#evaluate(pending);
    }
    // Of series that only sent duplicates: retention may forget them one day.
    for (const key of this.#listed.keys()) if (!this.#pending.has(key)) this.#listed.delete(key);
  }

  /**
   * Takes up what an earlier process left: unlisted instances begin a new quiet period, closed revisions are left to the
   * reconciler. Then looks once a second for series that were touched (requeue actions, instances of a killed process).
   *
   * Nobody waits for the first look, which takes a minute where thousands of series wait for a peer: instances that come meanwhile
   * open their series, and what lies there of it already is taken up when it closes.
   */
  start(): void {
    const look = async (): Promise<void> => {
      try {
        await this.#scan();
      } catch (error) {
        this.#deps.log.error('looking through the active series failed', { error });
      }
      if (!this.#closed) this.#timer = setTimeout(again, lookEveryMs);
    };
    const again = (): void => {
      this.#scanning = look();
    };
    again();
  }

  /** Stops the timers, and looks at no further series. What is pending stays in the spool for the next process. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const pending of this.#pending.values()) if (pending.timer !== null) clearTimeout(pending.timer);
    this.#pending.clear();
    await this.#scanning;
  }

  /** Series that are being gathered now. */
  get pendingSeries(): number {
    return this.#pending.size;
  }

  async #scan(): Promise<void> {
    const active = await this.#deps.spool.active.keys();
    for (const key of this.#seenTouch.keys()) if (!active.has(key)) this.#seenTouch.delete(key);
    for (const key of this.#unreadable.keys()) if (!active.has(key)) this.#unreadable.delete(key);
    const marked = [...active];
    for (let start = 0; start < marked.length && !this.#closed; start += readAtOnce) {
      const some = marked.slice(start, start + readAtOnce);
      await Promise.all(some.map(([key, touched]) => this.#lookAt(key, touched)));
    }
  }

  async #lookAt(key: Key, touched: number): Promise<void> {
    const isDue = this.#deps.monotonic() >= (this.#unreadable.get(key) ?? Infinity);
    if (this.#seenTouch.get(key) === touched && !isDue) return;
    this.#seenTouch.set(key, touched);
    this.#unreadable.delete(key);
    if (this.#pending.has(key) || this.#closing.has(key)) return;
    try {
      await this.#takeUp(key);
    } catch (error) {
      // A sick series does not keep the others waiting.
      this.#deps.log.error('an active series cannot be read; it is looked at again in a minute', { key, error });
      this.#unreadable.set(key, this.#deps.monotonic() + againMs);
    }
  }

  async #takeUp(key: Key): Promise<void> {
    const state = await this.#deps.spool.state(key);
    const requeues = unansweredRequeues(state);
    const unlisted = unlistedFiles(state);
    // An instance came, or a revision was being closed, while the files were read; or another process has the spool.
    if (this.#closed || this.#pending.has(key) || this.#closing.has(key)) return;
    if (unlisted.length > 0) return this.#take(key, unlisted);
    const last = state.revisions.at(-1);
    if (requeues.length === 0 || last === undefined) return;
    await this.#publish(
      requeuedRevision(state, last.record, requeues, this.#deps.now()),
      last.decision?.modality ?? 'other',
    );
  }

  /** Files that nobody has told of. */
  async #take(key: Key, files: readonly string[]): Promise<void> {
    for (const file of files) {
      if (this.#closed) return;
      const arrival = await readArrival(this.#deps.spool.layout.instance(key, file), key, file);
      if (arrival === null) await this.#setAside(key, file);
      else this.arrived(arrival);
    }
  }

  /** The series goes on without a file that nobody can read; the instance may come again. */
  async #setAside(key: Key, file: string): Promise<void> {
    await this.#deps.spool.instances.setAside(key, file);
    this.#seenTouch.delete(key); // what the other files ask for
    const code = 'SPOOL_INSTANCE_DAMAGED';
    this.#deps.metrics.inc('failures_total', { code });
    this.#deps.log.error('an instance in the spool cannot be read and is set aside', { key, file, code });
  }

  #pendingOf(key: Key, at: number): Pending {
    const pending = this.#pending.get(key) ?? newPending(key, this.#deps.now(), at);
    this.#pending.set(key, pending);
    return pending;
  }

  #evaluate(pending: Pending): void {
    if (pending.closing || this.#closed) return;
    if (pending.timer !== null) clearTimeout(pending.timer);
    const policy = policyOf(pending);
    if (policy === null) return;
    pending.timer = setTimeout(
      () => {
        this.#closeIfComplete(pending).catch((error: unknown) => {
          this.#deps.log.error('closing a revision failed; it is taken up again from its files', {
            key: pending.key,
            error,
          });
          this.#pending.delete(pending.key);
          this.#seenTouch.delete(pending.key);
        });
      },
      this.#waitMs(pending, policy),
    );
  }

  /** Until the earliest moment at which the series can be complete; the geometry is looked at only then. */
  #waitMs(pending: Pending, policy: CompletionPolicy): number {
    const decision = decideCompletion(factsOf(pending, true, false), policy, this.#deps.monotonic());
    return decision.kind === 'close' ? 0 : Math.min(decision.untilMs - this.#deps.monotonic(), 2 ** 31 - 1);
  }

  async #closeIfComplete(pending: Pending): Promise<void> {
    pending.closing = true;
    await this.#hash(pending);
    const state = await this.#deps.spool.state(pending.key);
    if (this.#closed) return; // it stays in the spool for the next process
    // What a process left that was killed before it had marked the series: the instances that come again are no news.
    if (!this.#closing.has(pending.key)) {
      await this.#take(
        pending.key,
        unlistedFiles(state).filter((file) => !pending.arrivals.has(file)),
      );
      if (this.#closed) return;
    }
    const previous = state.revisions.at(-1)?.record ?? null;
    // Late slices fill what was missing: of their own positions nothing follows. The gate looks at all of them.
    const gaps = previous === null && stackHasGaps([...pending.arrivals.values()].map(({ facts }) => facts));
    const facts = factsOf(pending, previous === null, gaps);
    const policy = policyOf(pending);
    const decision = policy === null ? null : decideCompletion(facts, policy, this.#deps.monotonic());
    if (decision === null) {
      // Another source has come meanwhile; its policy brings this back.
      pending.closing = false;
      return;
    }
    if (decision.kind === 'wait') {
      pending.closing = false;
      pending.timer = setTimeout(
        () => this.#evaluate(pending),
        Math.max(1, Math.min(decision.untilMs - this.#deps.monotonic(), 2 ** 31 - 1)),
      );
      return;
    }
    this.#pending.delete(pending.key); // whatever comes from here on opens the next revision
    // What was taken up twice, and listed meanwhile. Not: what the files do not show because it came after they were read.
    for (const file of listedFiles(state)) pending.arrivals.delete(file);
    if (pending.arrivals.size === 0) {
      this.#seenTouch.delete(pending.key); // a requeue may have come meanwhile
      return;
    }
    this.#closing.add(pending.key);
    try {
      await this.#hash(pending); // of those that came while the first were hashed
      const closed = { why: decision.why, hasGaps: gaps, atMs: this.#deps.now() };
      await this.#publish(closingRecord(pending, previous, closed), modalityOf(pending));
    } finally {
      this.#closing.delete(pending.key);
    }
    const label = { modality: modalityOf(pending) };
    this.#deps.metrics.observe('quiet_seconds', label, (this.#deps.monotonic() - pending.lastAtMs) / 1000);
  }

  /** Hashes what has none yet: when its series closes, since while it arrives the time belongs to the network and the disk. */
  async #hash({ key, arrivals, hashed }: Pending): Promise<void> {
    const unhashed = [...arrivals].flatMap(([file, { instance }]) => (hashed.has(file) ? [] : [instance]));
    for (const record of await this.#deps.spool.instances.hashed(key, unhashed)) hashed.set(record.file, record);
  }

  async #publish(record: SeriesRecord, modality: Modality): Promise<void> {
    const first = await this.#deps.spool.publishRevision(record);
    this.#listed.delete(record.key);
    this.#seenTouch.delete(record.key); // a requeue may have come while instances were gathered
    this.#deps.log.info('revision closed', {
      key: record.key,
      revision: record.revision,
      cause: record.cause,
      why: record.closed,
      instances: record.instances.length,
      published: first,
    });
    await this.#deps.announce(record, modality);
  }
}

function listedIn(state: SeriesState): Map<string, Set<string>> {
  const listed = new Map<string, Set<string>>();
  for (const { record } of state.revisions) {
    for (const { sopInstanceUid, sha256 } of [...record.instances, ...record.variants]) {
      const hashes = listed.get(sopInstanceUid) ?? new Set<string>();
      hashes.add(sha256);
      listed.set(sopInstanceUid, hashes);
    }
  }
  return listed;
}
