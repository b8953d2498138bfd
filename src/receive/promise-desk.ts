// Storage commitment as SCP: takes requests, finds out what the spool holds, promises it, and reports until the peer has heard it.
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import { LimpidError } from '../errors.js';
import type { CommitmentReport, CommitmentRequest, SendReport } from '../io/dimse/commitment.js';
import { Status } from '../io/dimse/constants.js';
import type { AssociationInfo, StoreAnswer } from '../io/dimse/sink.js';
import type { Log } from '../observe/log.js';
import type { Metrics } from '../observe/metrics.js';
import { openTransactions, readTransaction, recordEnd, recordOutcome, recordRequest } from '../spool/promises.js';
import type { PromiseTransaction } from '../spool/promises.js';
import type { Spool } from '../spool/spool.js';
import { isOver } from './decide-promise.js';
import { PromiseSurvey } from './promise-survey.js';
import type { PromisePolicy, RecentInstances } from './promise-survey.js';

export interface PromiseDeskDeps {
  readonly spool: Spool;
  readonly policy: PromisePolicy & {
    /** A report that the peer does not take is repeated for so long, ms. */
    readonly giveUpMs: number;
  };
  /** Reports over an association of its own, giving the peer's status; null: the peer has no address. */
  readonly reporter: (peer: string) => ((report: CommitmentReport, signal: AbortSignal) => Promise<number>) | null;
  readonly recent: RecentInstances;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly now: () => number;
  /** 0 to 1. */
  readonly random: () => number;
}

/** Requests that are worked on at once for all peers; further ones are refused for now (0213). */
const mostOpen = 1000;
/** Of them of one peer: one that asks for each instance by itself, and cannot be reported to for days, must not have the others refused. */
const mostOpenOfPeer = 250;
/** Instances that open requests name, of all peers and of one: those are held in memory, and one request may name tens of thousands. */
const mostReferences = 400_000;
const mostReferencesOfPeer = 100_000;
/** Requests are read from the disk one by one, however many are open at start: that of tens of thousands of instances takes some MB. */
const readsAtOnce = 1;
/** Files are hashed for one transaction at a time: the disk is the receiver's first. */
const surveysAtOnce = 1;
/** One who keeps the association open after the answer waits for the report there; one who does not has released it by now. */
const lingerMs = 1000;
const firstLookMs = 1000;
const longestLookMs = 60_000;
const firstRetryMs = 5000;
const longestRetryMs = 900_000;
/** For the conformance statement. */
export const promiseFigures = {
  mostOpen,
  mostOpenOfPeer,
  mostReferences,
  mostReferencesOfPeer,
  lingerMs,
  firstRetryMs,
  longestRetryMs,
} as const;

/** What an open request takes. */
interface Load {
  readonly peer: string;
  readonly references: number;
}

/** Statuses of the answer to a report that telling it again does not mend. */
const permanent: ReadonlySet<number> = new Set([
  Status.NoSuchObjectInstance,
  Status.NoSuchEventType,
  Status.InvalidArgumentValue,
  Status.InvalidObjectInstance,
  Status.ClassInstanceConflict,
  Status.SopClassNotSupported,
  Status.NotAuthorized,
  Status.UnrecognizedOperation,
]);

const hex = (status: number): string => status.toString(16).toUpperCase().padStart(4, '0');

export class PromiseDesk {
  readonly #deps: PromiseDeskDeps;
  readonly #running = new Map<string, Promise<void>>();
  /** Those of them that have been read. */
  readonly #loads = new Map<string, Load>();
  /** Requests that are being written down. */
  readonly #taking = new Set<Load>();
  /** Those of them that have no report to send any more: that is being written down. */
  readonly #ending = new Set<string>();
  readonly #closing = new AbortController();
  readonly #surveys = pLimit(surveysAtOnce);
  readonly #reads = pLimit(readsAtOnce);

  constructor(deps: PromiseDeskDeps) {
    this.#deps = deps;
    setMaxListeners(0, this.#closing.signal); // every request that is open waits for it: Node would warn of a leak
  }

  /** Goes on with what an earlier process has not ended. */
  async start(): Promise<void> {
    for (const name of await openTransactions(this.#deps.spool)) this.#run(name, null);
  }

  /** A request: answered 0000 only when it is kept. */
  async requested(
    { peer }: AssociationInfo,
    { transactionUid, references }: CommitmentRequest,
    sendReport: SendReport,
  ): Promise<StoreAnswer> {
    const load = { peer, references: references.length };
    const excess = this.#excessOf(load);
    if (excess !== null) {
      this.#deps.log.warn('a request for storage commitment is refused for now', { ...load, why: excess });
      return { status: Status.ResourceLimitation, comment: excess };
    }
    this.#taking.add(load);
    try {
      return await this.#take(load, { transactionUid, references }, sendReport);
    } finally {
      this.#taking.delete(load);
    }
  }

  /** What there would be too much of with this one. */
  #excessOf({ peer, references }: Load): string | null {
    const open = [...this.#loads.values(), ...this.#taking];
    const ofPeer = open.filter((load) => load.peer === peer);
    const sumOf = (loads: readonly Load[]): number => loads.reduce((sum, load) => sum + load.references, references);
    if (this.#running.size >= mostOpen || ofPeer.length >= mostOpenOfPeer) return 'too many requests are open';
    if (sumOf(open) > mostReferences || sumOf(ofPeer) > mostReferencesOfPeer)
      return 'open requests name too many instances';
    return null;
  }

  async #take(
    load: Load,
    { transactionUid, references }: CommitmentRequest,
    sendReport: SendReport,
  ): Promise<StoreAnswer> {
    const { spool, policy, log, now } = this.#deps;
    const { peer } = load;
    const at = new Date(now()).toISOString();
    const { kind, name, since } = await recordRequest(spool, {
      version: 1,
      at,
      by: peer,
      transactionUid,
      references: [...references],
    });
    log.info('storage commitment is asked for', { peer, transaction: name, instances: references.length, kind });
    // What was promised then may be gone by now: no old word for it, only a new one under a new UID.
    const isOld = kind === 'repeated' && isOver(since, policy.waitMs + policy.keepMs, now());
    if (kind === 'taken' || isOld)
      return { status: Status.DuplicateTransactionUid, comment: 'the Transaction UID is in use' };
    // One that was reported and is asked again has lost its report: it gets the same again.
    this.#run(name, sendReport);
    if (!this.#loads.has(name) && this.#running.has(name)) this.#loads.set(name, load);
    return { status: Status.Success };
  }

  /** Ends waiting and reporting where the next start goes on. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#running.values());
  }

  #run(name: string, sendReport: SendReport | null): void {
    if (this.#closing.signal.aborted) return;
    const before = this.#running.get(name);
    if (before !== undefined) {
      // Whoever asks before the report gets that one; whoever asks behind it, another.
      if (this.#ending.has(name)) void before.then(() => this.#run(name, sendReport));
      return;
    }
    const running = this.#serveToEnd(name, sendReport).finally(() => {
      this.#running.delete(name);
      this.#loads.delete(name);
      this.#ending.delete(name);
    });
    this.#running.set(name, running);
  }

  /** Goes on where this node itself fails, as on a full volume: the peer waits for its report. */
  async #serveToEnd(name: string, sendReport: SendReport | null): Promise<void> {
    const { signal } = this.#closing;
    for (let waitMs = firstLookMs; !signal.aborted; waitMs = Math.min(longestLookMs, 2 * waitMs)) {
      try {
        return await this.#serve(name, sendReport);
      } catch (error) {
        this.#deps.log.error('storage commitment failed', { transaction: name, error });
        if (error instanceof LimpidError && error.next === 'reject') return; // a record that does not fit stays as it is
      }
      await pause(waitMs, signal);
    }
  }

  async #serve(name: string, sendReport: SendReport | null): Promise<void> {
    const { spool } = this.#deps;
    const answeredMs = performance.now();
    let transaction = await this.#reads(() => readTransaction(spool, name));
    if (transaction !== null) {
      const { by, references } = transaction.request;
      this.#loads.set(name, { peer: by, references: references.length });
    }
    if (transaction !== null && transaction.outcome === null) {
      await this.#decide(transaction);
      transaction = await this.#reads(() => readTransaction(spool, name));
    }
    if (transaction === null || transaction.outcome === null) return; // closing
    const { metrics } = this.#deps;
    const { by: peer } = transaction.request;
    metrics.add('promise_reports_waiting', { peer }, 1);
    try {
      await this.#report(transaction, transaction.outcome, sendReport, answeredMs);
    } finally {
      metrics.add('promise_reports_waiting', { peer }, -1);
    }
  }

  /** Looks at the instances, again while some are on their way to others, and publishes what came of it. */
  async #decide(transaction: PromiseTransaction): Promise<void> {
    const { spool, policy, recent, log, metrics, now } = this.#deps;
    const { name, request } = transaction;
    const survey = new PromiseSurvey({ spool, policy, recent, log, now }, transaction);
    for (let waitMs = firstLookMs; ; waitMs = Math.min(longestLookMs, 2 * waitMs)) {
      if (this.#closing.signal.aborted) return;
      const outcome = await this.#surveys(() => survey.look());
      if (outcome !== null) {
        await recordOutcome(spool, name, { version: 1, at: new Date(now()).toISOString(), ...outcome });
        const peer = request.by;
        metrics.inc('promises_total', { peer, outcome: 'committed' }, outcome.committed.length);
        metrics.inc('promises_total', { peer, outcome: 'failed' }, outcome.failed.length);
        return;
      }
      await pause(waitMs, this.#closing.signal);
    }
  }

  async #report(
    { name, request }: PromiseTransaction,
    outcome: NonNullable<PromiseTransaction['outcome']>,
    sendReport: SendReport | null,
    answeredMs: number,
  ): Promise<void> {
    const { policy, reporter, log, metrics, now, random } = this.#deps;
    const { signal } = this.#closing;
    const peer = request.by;
    const { committed, failed } = outcome;
    const report = { transactionUid: request.transactionUid, committed, failed };
    const anew = reporter(peer);
    const told = { peer, transaction: name, committed: committed.length, failed: failed.length };
    const end = async (how: 'reported' | 'unreported', detail: string): Promise<void> => {
      this.#ending.add(name);
      await recordEnd(this.#deps.spool, name, { version: 1, at: new Date(now()).toISOString(), how, detail });
      metrics.inc('promise_reports_total', { peer, outcome: how });
      if (how === 'reported') return log.info('storage commitment is reported', told);
      metrics.inc('failures_total', { code: 'RECEIVE_UNREPORTED' });
      log.error('a peer could not be told what this node has committed itself to', { ...told, detail });
    };
    const tellBy = async (send: () => Promise<number>): Promise<string | null> => {
      if (isOver(outcome.at, policy.keepMs, now())) {
        await end('unreported', 'the promise is over, pixels may be gone');
        return null;
      }
      try {
        const status = await send();
        if (status === Status.Success) {
          await end('reported', '');
          return null;
        }
        if (permanent.has(status)) {
          await end('unreported', `the peer answered ${hex(status)}`);
          return null;
        }
        return `the peer answered ${hex(status)}`;
      } catch (error) {
        if (!(error instanceof LimpidError)) throw error;
        return `${error.code}: ${error.message}`;
      }
    };
    let why = 'the association has ended, and the peer has no address';
    if (sendReport !== null) {
      if (anew !== null) await pause(lingerMs - (performance.now() - answeredMs), signal);
      const first = await tellBy(() => sendReport(report));
      if (first === null) return;
      if (anew === null) why = first;
    }
    if (anew === null) return end('unreported', why);
    for (let tries = 0; !signal.aborted; tries++) {
      const failure = await tellBy(() => anew(report, signal));
      if (failure === null || signal.aborted) return;
      if (isOver(outcome.at, policy.giveUpMs, now())) return end('unreported', failure);
      log.warn('a report of storage commitment was not taken; it is repeated', { ...told, detail: failure });
      const ceilingMs = Math.min(longestRetryMs, firstRetryMs * 2 ** Math.min(20, tries));
      await pause(Math.max(firstRetryMs / 5, ceilingMs * random()), signal);
    }
  }
}

/** Waits; ends early, without a fault, when the signal aborts. */
const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  sleep(ms, undefined, { signal }).catch(() => undefined);
