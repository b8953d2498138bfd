// One delivery job: sends what one peer still lacks of a result (or of the originals), and records each instance's outcome.
import { setTimeout as sleep } from 'node:timers/promises';
import { stopLeaveMs } from '../deadline.js';
import type { Log } from '../observe/log.js';
import type { Metrics } from '../observe/metrics.js';
import type { StepResult } from '../queue/jobs.js';
import { originals } from '../spool/layout.js';
import type { Layout } from '../spool/layout.js';
import type { DeliveryRecord, Priority } from '../spool/records.js';
import type { Spool } from '../spool/spool.js';
import { isWithdrawalTask, withdrawnBy } from '../spool/withdrawals.js';
import { isDropped, isOnHold, isSwept, remaining } from '../spool/state.js';
import type { SeriesState } from '../spool/state.js';
import { spoiltAmong } from './cut-files.js';
import { busyWaitMs, decideDelivery, isSuspect } from './decide.js';
import type { RetryPolicy } from './decide.js';
import { openMs, opensAt } from './decide-window.js';
import { failingSince } from './decide-wait.js';
import type { PeerStanding } from './decide-wait.js';
import type { DeliveryWindow } from './decide-window.js';
import type { Destination, DestinationFailure, Outcome, Outgoing, SendControl, SendReport } from './destination.js';
import { Begun } from './begun.js';
import { goesFirst } from './goes-first.js';
import { haltWhen } from './halt.js';
import type { DeliveryJob, WaitingDelivery } from './job.js';
import { outgoingOf } from './outgoing-of.js';
import { PeerDesk } from './peer-desk.js';
import { settleOutcome } from './settle.js';
import type { ThrottleRates } from './throttle.js';
import { Unwritten } from './unwritten.js';

/** Instances sent before their outcomes are written down: what a killed process sends again. */
const batchInstances = 500;

/** How a peer is delivered to, as it is configured now. */
export interface PeerDelivery {
  readonly destination: Destination;
  readonly retry: RetryPolicy;
  readonly throttle: ThrottleRates;
  readonly window: DeliveryWindow | null;
}

/** Told of what goes out; it is waited for, and never throws. */
export interface DeliveryWatch {
  /** @param by who has asked for it; null: a rule did */
  began(peer: string, outgoing: readonly Outgoing[], by: string | null): Promise<void>;
  /** @param tried the instances that the report is about; where it is about none, those that were to go */
  ended(peer: string, tried: readonly Outgoing[], by: string | null, report: SendReport): Promise<void>;
}

interface Sent {
  readonly report: SendReport;
  readonly recorded: () => Promise<void>;
  readonly isAnswered: boolean;
}

export interface DelivererDeps {
  readonly spool: Pick<Spool, 'state' | 'beginDelivery' | 'recordDelivery' | 'objectFile'> & {
    readonly layout: Pick<Layout, 'instance'>;
  };
  /** Of a peer's name; undefined where it is gone. */
  readonly peer: (name: string) => PeerDelivery | undefined;
  /** Every delivery that a peer still waits for, oldest first. */
  readonly waiting: (peer: string) => Promise<readonly WaitingDelivery[]>;
  /** Whether a state is the last word on its series still: nobody has acted on it since. */
  readonly isCurrent: (state: SeriesState) => Promise<boolean>;
  /** Whether a delivery is under way now, in whichever process. */
  readonly runs: (job: DeliveryJob) => Promise<boolean>;
  /** Has a delayed job run now. False where there is none at this moment. */
  readonly wake: (job: DeliveryJob) => Promise<boolean>;
  readonly watch?: DeliveryWatch | undefined;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly now: () => number;
  /** 0 to 1. */
  readonly random: () => number;
}

/** How long a delivery waits that cannot go on without a change by a person, or is woken when its peer is back. */
const humanWaitMs = 300_000;
/** The same for one that waits for another one's last instance: that has been told to end. */
const underWayMs = 1_000;

export class Deliverer {
  readonly #deps: DelivererDeps;
  readonly #desks = new Map<string, PeerDesk>();
  readonly #unwritten = new Unwritten();
  readonly #begun = new Begun();

  constructor(deps: DelivererDeps) {
    this.#deps = deps;
  }

  /** State of a peer's breaker, what opened it, and when what waits for it goes on. */
  breaker(peer: string): PeerStanding {
    return this.#deskOf(peer).standing;
  }

  /** Wakes what waits for a peer since an earlier start, unless the peer itself has said when it may be asked again. */
  resume(peer: string): Promise<void> {
    return this.#deskOf(peer).resume();
  }

  close(): void {
    for (const desk of this.#desks.values()) desk.close();
  }

  /**
   * Runs one delivery job as far as it gets. Never throws for a peer's failure.
   *
   * @param priority its class now: its place in line for a peer that is busy with others
   */
  async deliver(job: DeliveryJob, priority: Priority, signal: AbortSignal): Promise<StepResult> {
    const started = this.#deps.now();
    const peer = this.#deps.peer(job.peer);
    if (peer === undefined) {
      this.#deps.metrics.inc('failures_total', { code: 'DELIVER_UNKNOWN_PEER' });
      this.#deps.log.error('the peer of a delivery is not configured', { key: job.key, peer: job.peer });
      return { kind: 'later', atMs: started + humanWaitMs };
    }
    const desk = this.#deskOf(job.peer);
    await desk.recall();
    if (!desk.slots.take(job, priority)) {
      return { kind: 'later', atMs: started + busyWaitMs(desk.slots.waiting, this.#deps.random()) };
    }
    try {
      return await this.#deliver(job, peer, desk, started, signal);
    } finally {
      desk.slots.free(job);
      void desk.wakeNext();
    }
  }

  async #deliver(
    job: DeliveryJob,
    peer: PeerDelivery,
    desk: PeerDesk,
    started: number,
    signal: AbortSignal,
  ): Promise<StepResult> {
    await this.#begun.again(job);
    for (;;) {
      const state = await this.#deps.spool.state(job.key);
      const revision = state.revisions.find(({ record }) => record.revision === job.revision);
      if (revision === undefined || isSwept(revision, job.task)) return { kind: 'done' };
      const batches = revision.deliveries.get(`${job.task}@${job.peer}`) ?? [];
      const unwritten = this.#unwritten.of(job, batches.length);
      if (unwritten !== null) {
        await this.#write(job, batches, unwritten);
        continue;
      }
      // What a person has held or discarded meanwhile: its job leaves, and a release adds it anew.
      if (isOnHold(state, job.revision, job.task) || isDropped(state, job.revision, job.task, job.peer)) {
        return { kind: 'done' };
      }
      const { open } = remaining(state, revision, job.task, job.peer);
      if (open.length === 0) return this.#finished(job, started);
      const decision = decideDelivery(open, batches, peer.retry, this.#deps.now());
      if (decision.kind === 'wait') return { kind: 'later', atMs: decision.untilMs };
      if (decision.kind === 'given-up') return { kind: 'later', atMs: this.#deps.now() + humanWaitMs };
      const opensMs = opensAt(peer.window, this.#deps.now());
      if (opensMs !== null) return { kind: 'later', atMs: opensMs };
      if (!desk.isOpenFor) {
        // whoever requeues has mended the peer, or thinks so
        if (revision.record.cause === 'requeue' && batches.length === 0) desk.askNow();
        return this.#turnAway(job, desk, batches);
      }
      for (const before of goesFirst(state, job)) {
        if (await this.#deps.runs(before)) return { kind: 'later', atMs: this.#deps.now() + underWayMs };
      }
      const uids = decision.sopInstanceUids.slice(0, batchInstances);
      const outgoing = outgoingOf(this.#deps.spool, state, revision, job.task, uids);
      const spoilt = await this.#spoiltOf(job, outgoing);
      const whole = outgoing.filter((instance) => !spoilt.has(instance));
      const ended = new AbortController();
      const halt = haltWhen(() => this.#deps.isCurrent(state), ended.signal);
      const pace = this.#paceOf(desk, peer.window, whole, AbortSignal.any([signal, halt]));
      const control = { signal, halt, leaveMs: stopLeaveMs, pace };
      const sent = await this.#send(peer, job, whole, control, withdrawnBy(state, job.task)).finally(() =>
        ended.abort(),
      );
      const report = { ...sent.report, outcomes: [...sent.report.outcomes, ...spoilt.values()] };
      await this.#record(job, peer, desk, batches, signal.aborted ? answeredOf(report) : report);
      if (!signal.aborted || sent.isAnswered) await this.#begun.takeBack(job, sent.recorded);
      if (signal.aborted) return { kind: 'later', atMs: this.#deps.now() };
      // Nothing has happened: the throttle asks for a longer pause than an association is held open for.
      if (report.failure === null && report.outcomes.length === 0) {
        return { kind: 'later', atMs: Math.max(desk.throttle.readyMs, this.#deps.now() + 1000) };
      }
    }
  }

  /** What of these cannot go out, as its file is not whole, or not there, any more. */
  async #spoiltOf({ key, task, peer }: DeliveryJob, outgoing: readonly Outgoing[]): Promise<Map<Outgoing, Outcome>> {
    const spoilt = await spoiltAmong(outgoing);
    const lost = [...spoilt.values()].filter((outcome) => outcome.class === 'transient').length;
    const cut = spoilt.size - lost;
    const { log, metrics } = this.#deps;
    if (cut > 0) {
      metrics.inc('failures_total', { code: 'DICOM_MALFORMED' });
      log.error('files of a delivery are cut', { key, task, peer, instances: cut });
    }
    if (lost > 0) {
      metrics.inc('failures_total', { code: 'SPOOL_INSTANCE_LOST' });
      log.error('files of a delivery are no longer in the spool', { key, task, peer, instances: lost });
    }
    return spoilt;
  }

  /**
   * Sends, and tells who watches: nothing has begun before an instance goes out, and what is left for later is none of it.
   *
   * @returns `recorded` is called once a record holds what the report tells; `isAnswered`: the peer has answered for each that it may have
   */
  async #send(
    { destination }: PeerDelivery,
    job: DeliveryJob,
    outgoing: readonly Outgoing[],
    control: SendControl,
    by: string | null,
  ): Promise<Sent> {
    const nothingBegan = { recorded: (): Promise<void> => Promise.resolve(), isAnswered: true };
    if (outgoing.length === 0) return { report: { failure: null, outcomes: [] }, ...nothingBegan };
    const { watch } = this.#deps;
    const beginning: Promise<() => Promise<void>>[] = [];
    const out = new Set<string>();
    const begin = async (): Promise<() => Promise<void>> => {
      const recorded = await this.#begin(job);
      await watch?.began(job.peer, outgoing, by);
      return recorded;
    };
    const pace: SendControl['pace'] = async (instance) => {
      if (!(await control.pace(instance))) return false;
      const begun = beginning[0] ?? begin();
      beginning[0] = begun;
      // What cannot be said to have begun does not go out; why is thrown below.
      const hasBegun = await begun.then(
        () => true,
        () => false,
      );
      if (hasBegun) out.add(instance.sopInstanceUid);
      return hasBegun;
    };
    const report = await destination.send(outgoing, { ...control, pace });
    const [recorded] = await Promise.all(beginning);
    if (recorded === undefined) return { report, ...nothingBegan };
    const tried = new Set(report.outcomes.map(({ sopInstanceUid }) => sopInstanceUid));
    const gone = outgoing.filter(({ sopInstanceUid }) => tried.has(sopInstanceUid));
    await watch?.ended(job.peer, gone.length === 0 ? outgoing : gone, by, report);
    for (const { sopInstanceUid } of answeredOf(report).outcomes) out.delete(sopInstanceUid);
    return { report, recorded, isAnswered: out.size === 0 };
  }

  /** A result may have to be withdrawn from whoever may have it; nothing else is. */
  #begin({ key, revision, task, peer }: DeliveryJob): Promise<() => Promise<void>> {
    if (task === originals || isWithdrawalTask(task)) return Promise.resolve(() => Promise.resolve());
    return this.#deps.spool.beginDelivery(key, revision, task, peer);
  }

  /** The peer takes nothing now: the first time says why in a record, and so does one of all when its wait has become longer. The job is woken when that is over. */
  async #turnAway(job: DeliveryJob, desk: PeerDesk, batches: readonly DeliveryRecord[]): Promise<StepResult> {
    const { failure } = desk;
    const last = batches.at(-1)?.association;
    if (failure !== null && (last?.code !== failure.code || last.class !== failure.class || desk.isUnrecorded)) {
      desk.recorded();
      const association = associationOf(failure, desk.standing.untilMs);
      await this.#write(job, batches, this.#recordOf(job, { association, instances: [] }));
    }
    return { kind: 'later', atMs: this.#deps.now() + humanWaitMs };
  }

  /** Lets an instance out when it is its turn, and none outside the peer's hours. */
  #paceOf(desk: PeerDesk, window: DeliveryWindow | null, outgoing: readonly Outgoing[], signal: AbortSignal) {
    const bytes = new Map(outgoing.map((instance) => [instance.sopInstanceUid, instance.bytes]));
    return async ({ sopInstanceUid }: { readonly sopInstanceUid: string }): Promise<boolean> => {
      const waitMs = desk.throttle.take(bytes.get(sopInstanceUid) ?? 0, this.#deps.now());
      if (waitMs === null) return false;
      if (waitMs > 0) await sleep(waitMs, undefined, { signal }).catch(() => undefined); // the send sees the signal too
      return !signal.aborted && opensAt(window, this.#deps.now()) === null;
    };
  }

  async #record(
    job: DeliveryJob,
    peer: PeerDelivery,
    desk: PeerDesk,
    batches: readonly DeliveryRecord[],
    report: SendReport,
  ): Promise<void> {
    const { failure, outcomes } = report;
    const took = outcomes.some((outcome) => outcome.class === 'delivered' || outcome.class === 'warned');
    const isAnswered = outcomes.some(({ status }) => status !== null);
    const suspects = outcomes.length > 0 && outcomes.every((outcome) => isSuspect(batches, outcome.sopInstanceUid));
    const answers = isAnswered || (failure === null && took);
    if (answers) desk.answered(took);
    // What the peer has answered for before counts for more than how it ended, unless it says itself when to come back.
    const counts = failure?.retryAfterMs !== undefined || !(answers || (suspects && failure?.pace === 'lost'));
    if (failure !== null && counts) desk.failed(failure, recordedSince(batches, failure));
    const instances = outcomes.map((outcome) => {
      const { sopInstanceUid, status, comment } = outcome;
      const settled = settleOutcome(outcome, batches, peer.retry.treatAsTransient, (sinceMs) =>
        desk.hasTakenSince(sinceMs),
      );
      this.#deps.metrics.inc('deliveries_total', { peer: job.peer, outcome: settled.class });
      return { settled, record: { sopInstanceUid, class: settled.class, status, comment } };
    });
    const alarms = instances.filter(({ settled }) => settled.alarm);
    if (alarms.length > 0) {
      const status = alarms[0]?.record.status ?? null;
      const { key, task } = job;
      this.#deps.log.error('a peer refuses instances for good', {
        key,
        task,
        peer: job.peer,
        instances: alarms.length,
        status: status?.toString(16).padStart(4, '0'),
      });
    }
    if (failure !== null) {
      const { code, detail } = failure;
      this.#deps.metrics.inc('failures_total', { code });
      this.#deps.log.warn('a delivery was cut short', { key: job.key, task: job.task, peer: job.peer, code, detail });
    }
    if (failure === null && instances.length === 0) return;
    desk.recorded();
    const record = this.#recordOf(job, {
      association:
        failure && associationOf({ ...failure, class: desk.failure?.class ?? 'transient' }, desk.standing.untilMs),
      instances: instances.map((instance) => instance.record),
    });
    await this.#write(job, batches, record);
  }

  #recordOf({ peer }: DeliveryJob, batch: Pick<DeliveryRecord, 'association' | 'instances'>): DeliveryRecord {
    return { version: 1, at: new Date(this.#deps.now()).toISOString(), peer, ...batch };
  }

  async #write(job: DeliveryJob, batches: readonly DeliveryRecord[], record: DeliveryRecord): Promise<void> {
    try {
      await this.#deps.spool.recordDelivery(job.key, job.revision, job.task, record);
    } catch (error) {
      this.#unwritten.keep(job, record, batches.length);
      throw error;
    }
    this.#unwritten.written(job);
  }

  #finished(job: DeliveryJob, started: number): StepResult {
    this.#deps.metrics.observe('delivery_seconds', { peer: job.peer }, (this.#deps.now() - started) / 1000);
    return { kind: 'done' };
  }

  #deskOf(peer: string): PeerDesk {
    let desk = this.#desks.get(peer);
    if (desk === undefined) {
      const { waiting, wake, log, metrics, now, random } = this.#deps;
      const rates = this.#deps.peer(peer)?.throttle ?? { instancesPerSecond: null, bytesPerSecond: null };
      const destination = () => this.#deps.peer(peer)?.destination ?? null;
      const hours = () => this.#deps.peer(peer)?.window ?? null;
      const opens = () => opensAt(hours(), now());
      const lasted = (fromMs: number, toMs: number) => openMs(hours(), fromMs, toMs);
      const asked = { peer, destination, rates, opensAt: opens, openMs: lasted };
      desk = new PeerDesk({ ...asked, waiting, wake, log, metrics, now, random });
      this.#desks.set(peer, desk);
    }
    return desk;
  }
}

/** What a record says of a failure of the destination, with the time until which it wants to be left alone, where it has said so. */
function associationOf(
  { code, detail, class: outcome, retryAfterMs }: NonNullable<PeerStanding['failure']>,
  untilMs: number,
): DeliveryRecord['association'] {
  const until = retryAfterMs === undefined ? {} : { until: new Date(untilMs).toISOString() };
  return { code, detail, class: outcome, ...until };
}

/** When the records of a delivery tell the row of this failure to have begun, ms since epoch; null: they do not end with it. */
function recordedSince(batches: readonly DeliveryRecord[], { code, detail }: DestinationFailure): number | null {
  const last = batches.at(-1)?.association;
  const since = last?.code === code && last.detail === detail ? failingSince(batches) : null;
  return since === null ? null : Date.parse(since);
}

/** What a peer had said, or has, before limpid itself ended the sending: that it did is no failure of the peer. A folder gives no status. */
const answeredOf = ({ outcomes }: SendReport): SendReport => ({
  failure: null,
  outcomes: outcomes.filter((outcome) => outcome.status !== null || outcome.class === 'delivered'),
});
