// One delivery job: sends what one peer still lacks of a result (or of the originals), and records each instance's outcome.
import type { Log } from '../observe/log.js';
import type { Metrics } from '../observe/metrics.js';
import type { Key } from '../spool/key.js';
import { originals } from '../spool/layout.js';
import type { DeliveryRecord } from '../spool/records.js';
import type { Spool } from '../spool/spool.js';
import { isDiscarded, isOnHold, remaining } from '../spool/state.js';
import type { RevisionState, SeriesState } from '../spool/state.js';
import { Breaker } from './breaker.js';
import type { BreakerState } from './breaker.js';
import { busyWaitMs, decideDelivery } from './decide.js';
import type { RetryPolicy } from './decide.js';
import type { Destination, Outgoing } from './destination.js';

/** Instances sent before their outcomes are written down: what a killed process sends again. */
const batchInstances = 500;

/** Jobs of one peer at a time in this process, so that a silent peer never takes every consumer. */
const mostJobsOfAPeer = 2;

export interface DelivererDeps {
  readonly spool: Spool;
  /** The destination of a peer's name as it is configured now; undefined where it is gone. */
  readonly destination: (
    peer: string,
  ) => { readonly destination: Destination; readonly retry: RetryPolicy } | undefined;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly now: () => number;
  /** 0 to 1. */
  readonly random: () => number;
}

export interface DeliveryJob {
  readonly key: Key;
  readonly revision: number;
  readonly task: string;
  readonly peer: string;
}

export type DeliveryResult = { readonly kind: 'done' } | { readonly kind: 'later'; readonly atMs: number };

/** How long a delivery waits that cannot go on without a change by a person. */
const humanWaitMs = 300_000;

export class Deliverer {
  readonly #deps: DelivererDeps;
  readonly #breakers = new Map<string, Breaker>();
  readonly #running = new Map<string, number>();
  /** Jobs that found a peer busy since the last one of it ended. */
  readonly #turnedAway = new Map<string, number>();

  constructor(deps: DelivererDeps) {
    this.#deps = deps;
  }

  /** State of a peer's breaker. */
  breaker(peer: string): BreakerState {
    return this.#breakerOf(peer).state;
  }

  /** Runs one delivery job as far as it gets. Never throws for a peer's failure. */
  async deliver(job: DeliveryJob, signal: AbortSignal): Promise<DeliveryResult> {
    const started = this.#deps.now();
    const configured = this.#deps.destination(job.peer);
    if (configured === undefined) {
      this.#deps.metrics.inc('failures_total', { code: 'DELIVER_UNKNOWN_PEER' });
      this.#deps.log.error('the peer of a delivery is not configured', { key: job.key, peer: job.peer });
      return { kind: 'later', atMs: started + humanWaitMs };
    }
    const running = this.#running.get(job.peer) ?? 0;
    if (running >= mostJobsOfAPeer) {
      const turnedAway = (this.#turnedAway.get(job.peer) ?? 0) + 1;
      this.#turnedAway.set(job.peer, turnedAway);
      return { kind: 'later', atMs: started + busyWaitMs(turnedAway, this.#deps.random()) };
    }
    this.#running.set(job.peer, running + 1);
    try {
      return await this.#deliver(job, configured.destination, configured.retry, started, signal);
    } finally {
      this.#running.set(job.peer, (this.#running.get(job.peer) ?? 1) - 1);
      this.#turnedAway.delete(job.peer);
    }
  }

  async #deliver(
    job: DeliveryJob,
    destination: Destination,
    retry: RetryPolicy,
    started: number,
    signal: AbortSignal,
  ): Promise<DeliveryResult> {
    for (;;) {
      const state = await this.#deps.spool.state(job.key);
      const revision = state.revisions.find(({ record }) => record.revision === job.revision);
      if (revision === undefined || revision.swept) return { kind: 'done' };
      // What a person has held or discarded meanwhile: its job leaves, and a release adds it anew.
      if (isOnHold(state, job.revision, job.task) || isDiscarded(state, job.revision, job.task, job.peer)) {
        return { kind: 'done' };
      }
      const { open } = remaining(state, revision, job.task, job.peer);
      if (open.length === 0) return this.#finished(job, started);
      const batches = revision.deliveries.get(`${job.task}@${job.peer}`) ?? [];
      const decision = decideDelivery(batches, retry, this.#deps.now(), this.#deps.random());
      if (decision.kind === 'wait') return { kind: 'later', atMs: decision.untilMs };
      if (decision.kind === 'given-up') return { kind: 'later', atMs: this.#deps.now() + humanWaitMs };
      const gate = await this.#passBreaker(job.peer, destination, signal);
      if (gate.kind === 'later') return gate;
      const outgoing = outgoingOf(this.#deps.spool, state, revision, job.task, open.slice(0, batchInstances));
      const failed = await this.#send(job, destination, outgoing, signal);
      if (signal.aborted) return { kind: 'later', atMs: this.#deps.now() };
      if (failed) continue; // decides anew from the batch just written: waits
    }
  }

  async #passBreaker(
    peer: string,
    destination: Destination,
    signal: AbortSignal,
  ): Promise<{ kind: 'send' } | { kind: 'later'; atMs: number }> {
    const breaker = this.#breakerOf(peer);
    const word = breaker.ask(this.#deps.now());
    if (word.kind === 'wait') return { kind: 'later', atMs: word.untilMs };
    if (word.kind === 'send') return { kind: 'send' };
    this.#showBreaker(peer);
    const answered = await destination.probe(signal);
    if (answered) breaker.succeeded();
    else breaker.failed(this.#deps.now());
    this.#showBreaker(peer);
    this.#deps.log.info('probed a peer behind an open breaker', { peer, answered });
    if (answered) return { kind: 'send' };
    const again = breaker.ask(this.#deps.now());
    return { kind: 'later', atMs: again.kind === 'wait' ? again.untilMs : this.#deps.now() };
  }

  async #send(
    job: DeliveryJob,
    destination: Destination,
    outgoing: readonly Outgoing[],
    signal: AbortSignal,
  ): Promise<boolean> {
    const report = await destination.send(outgoing, signal);
    const record: DeliveryRecord = {
      version: 1,
      at: new Date(this.#deps.now()).toISOString(),
      peer: job.peer,
      association: report.association,
      instances: report.outcomes.map(({ sopInstanceUid, class: outcome, status, comment }) => ({
        sopInstanceUid,
        class: outcome,
        status,
        comment,
      })),
    };
    await this.#deps.spool.recordDelivery(job.key, job.revision, job.task, record);
    for (const outcome of report.outcomes) {
      this.#deps.metrics.inc('deliveries_total', { peer: job.peer, outcome: outcome.class });
    }
    const breaker = this.#breakerOf(job.peer);
    if (report.association === null) breaker.succeeded();
    else {
      breaker.failed(this.#deps.now());
      this.#deps.metrics.inc('failures_total', { code: report.association.code });
      this.#deps.log.warn('a delivery was cut short', {
        key: job.key,
        task: job.task,
        peer: job.peer,
        ...report.association,
      });
    }
    this.#showBreaker(job.peer);
    return report.association !== null;
  }

  #finished(job: DeliveryJob, started: number): DeliveryResult {
    this.#deps.metrics.observe('delivery_seconds', { peer: job.peer }, (this.#deps.now() - started) / 1000);
    return { kind: 'done' };
  }

  #breakerOf(peer: string): Breaker {
    let breaker = this.#breakers.get(peer);
    if (breaker === undefined) {
      breaker = new Breaker();
      this.#breakers.set(peer, breaker);
    }
    return breaker;
  }

  #showBreaker(peer: string): void {
    const value = { closed: 0, 'half-open': 1, open: 2 }[this.breaker(peer)];
    this.#deps.metrics.set('peer_breaker_state', { peer }, value);
  }
}

/** The files of a result, or the originals; a result that an earlier revision has made lies there. */
function outgoingOf(
  spool: Spool,
  state: SeriesState,
  revision: RevisionState,
  task: string,
  uids: readonly string[],
): Outgoing[] {
  const wanted = new Set(uids);
  const { key } = state;
  const number = revision.record.revision;
  if (task === originals) {
    return revision.record.instances
      .filter(({ sopInstanceUid }) => wanted.has(sopInstanceUid))
      .map((instance) => ({ ...instance, file: spool.layout.instance(key, instance.file) }));
  }
  const outcome = revision.tasks.get(task)?.outcome;
  const made = outcome?.sameAs ?? number;
  return (outcome?.instances ?? [])
    .filter(({ sopInstanceUid }) => wanted.has(sopInstanceUid))
    .map((instance) => ({ ...instance, file: spool.objectFile(key, made, task, instance.file) }));
}
