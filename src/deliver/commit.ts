// One commitment job: asks a peer to commit itself to what it has stored, waits for its report, asks again, or gives up.
import { setTimeout as sleep } from 'node:timers/promises';
import type { FailureCode } from '../errors.js';
import { LimpidError } from '../errors.js';
import type { CommitmentReport } from '../io/dimse/commitment.js';
import type { CommitmentSession } from '../io/dimse/commitment-scu.js';
import type { StoreAnswer } from '../io/dimse/sink.js';
import { answers } from '../io/dimse/status.js';
import type { Log } from '../observe/log.js';
import type { Metrics } from '../observe/metrics.js';
import type { StepResult } from '../queue/jobs.js';
import { isReported, recordAnswer, recordAsked, recordCommitmentEnd } from '../spool/commitment-records.js';
import type { Spool } from '../spool/spool.js';
import { batchesTo, commitmentOf, instancesOf, isDropped, isOnHold } from '../spool/state.js';
import type { RevisionState, SeriesState } from '../spool/state.js';
import { decideCommitment } from './decide-commitment.js';
import type { CommitmentPolicy, Reference } from './decide-commitment.js';
import { openMs, opensAt } from './decide-window.js';
import type { DeliveryWindow } from './decide-window.js';
import type { DeliveryJob } from './job.js';

/** A peer that is asked for commitment, as it is configured now. */
export interface CommitmentPeer {
  /** Name of the peer that is asked: itself, or the archive behind it. */
  readonly by: string;
  readonly policy: CommitmentPolicy;
  /** So long after the last thing that happened to a delivery it is given up, where no association comes about, ms. */
  readonly giveUpMs: number;
  /** Its hours; null: it may be asked at any time. */
  readonly window: DeliveryWindow | null;
  /** The association stays open for a report for so long, ms. */
  readonly lingerMs: number;
  /** Opens an association to it. */
  open(reported: (report: CommitmentReport) => Promise<StoreAnswer>, signal: AbortSignal): Promise<CommitmentSession>;
}

export interface CommitterDeps {
  readonly spool: Spool;
  /** `off`: the peer is not asked any more; undefined: there is no such peer any more. */
  readonly peer: (name: string) => CommitmentPeer | 'off' | undefined;
  /** Takes a report that came over the association of the request, from the peer of this name. */
  readonly reported: (by: string, report: CommitmentReport) => Promise<StoreAnswer>;
  readonly newTransactionUid: () => string;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly now: () => number;
  /** 0 to 1. */
  readonly random: () => number;
}

/** How long a job waits that cannot go on without a change by a person. */
const humanWaitMs = 300_000;
/** Associations that wait for a report at once; further ones are released when the request is answered. */
const mostLingering = 8;
const lookEveryMs = 100;
/** A peer that cannot be asked is asked again after this, doubled each time: one wait for all its deliveries. */
const firstMs = 30_000;
const longestMs = 900_000;

interface Absence {
  readonly failures: number;
  readonly untilMs: number;
  /** Why, the last time. */
  readonly why: string;
}

export class Committer {
  readonly #deps: CommitterDeps;
  readonly #lingering = new Set<Promise<void>>();
  readonly #closing = new AbortController();
  /** Peers, by `by`, to which no association came about. */
  readonly #absent = new Map<string, Absence>();

  constructor(deps: CommitterDeps) {
    this.#deps = deps;
  }

  /** Runs one job as far as it gets. Never throws for a peer's failure. */
  async commit(job: DeliveryJob, signal: AbortSignal): Promise<StepResult> {
    for (;;) {
      const { spool, now } = this.#deps;
      const state = await spool.state(job.key);
      const revision = state.revisions.find(({ record }) => record.revision === job.revision);
      if (revision === undefined || revision.swept) return { kind: 'done' };
      if (isOnHold(state, job.revision, job.task) || isDropped(state, job.revision, job.task, job.peer)) {
        return { kind: 'done' };
      }
      const standing = commitmentOf(state, revision, job.task, job.peer);
      if (standing.word !== 'open') return { kind: 'done' };
      const peer = this.#deps.peer(job.peer);
      if (peer === undefined) return { kind: 'later', atMs: now() + humanWaitMs };
      if (peer === 'off') {
        await this.#end(job, 'waived', 'the peer is not asked for commitment any more');
        return { kind: 'done' };
      }
      const wanted = new Set(standing.uncommitted);
      const instances = instancesOf(revision, job.task).filter(({ sopInstanceUid }) => wanted.has(sopInstanceUid));
      const decision = decideCommitment(instances, transactionsOf(state, revision, job), peer.policy, now());
      if (decision.kind === 'wait') return { kind: 'later', atMs: decision.untilMs };
      if (decision.kind === 'end') {
        await this.#endUncommitted(job, decision.detail, standing.uncommitted.length);
        return { kind: 'done' };
      }
      const opensMs = opensAt(peer.window, now());
      if (opensMs !== null) return { kind: 'later', atMs: opensMs };
      const absentMs = (this.#absent.get(peer.by)?.untilMs ?? 0) - now();
      // Longer than any wait: the clock was set back meanwhile.
      if (absentMs > 0 && absentMs <= longestMs) return { kind: 'later', atMs: now() + absentMs };
      // Before the transaction is recorded: a peer that is away for days leaves no trace of each call.
      const session = await this.#open(job, peer, signal);
      if (session === null) {
        if (signal.aborted) return { kind: 'later', atMs: now() };
        const why = this.#whyGivenUp(job, revision, peer);
        if (why === null) continue; // decides anew: waits
        await this.#endUncommitted(job, why, standing.uncommitted.length);
        return { kind: 'done' };
      }
      this.#countUnreported(job, revision, peer.policy.waitMs);
      try {
        await this.#ask(job, state, peer, session, decision.instances, signal);
      } catch (error) {
        // What cannot be recorded is not asked, or not waited for: nobody else releases the association.
        await session.release();
        throw error;
      }
      if (signal.aborted) return { kind: 'later', atMs: now() };
    }
  }

  /** Releases the associations that wait for a report. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#lingering);
  }

  /** @returns null: no association came about */
  async #open(job: DeliveryJob, peer: CommitmentPeer, signal: AbortSignal): Promise<CommitmentSession | null> {
    const { reported, now, random, metrics, log } = this.#deps;
    try {
      const taken = async (report: CommitmentReport): Promise<StoreAnswer> => {
        try {
          return await reported(peer.by, report);
        } catch (error) {
          log.error('storage commitment failed', { by: peer.by, error });
          return answers.failure;
        }
      };
      const session = await peer.open(taken, signal);
      this.#absent.delete(peer.by);
      return session;
    } catch (error) {
      if (!(error instanceof LimpidError)) throw error;
      const { code, message } = error;
      const failures = (this.#absent.get(peer.by)?.failures ?? 0) + 1;
      const ceiling = Math.min(longestMs, firstMs * 2 ** Math.min(20, failures - 1));
      const untilMs = now() + Math.max(firstMs / 10, ceiling * random());
      this.#absent.set(peer.by, { failures, untilMs, why: `${code} (${message})` });
      if (signal.aborted) return null;
      metrics.inc('failures_total', { code });
      log.warn('a peer cannot be asked for storage commitment', { ...job, by: peer.by, code, detail: message });
      return null;
    }
  }

  /**
   * Why a peer is not asked any more to which no association comes about, as one that takes no Storage Commitment Push Model: for so long, and
   * as often in a row as it would have been asked, since a node that was away itself has not tried; nor is anybody asked outside his hours.
   * null: it is asked again.
   */
  #whyGivenUp(job: DeliveryJob, revision: RevisionState, peer: CommitmentPeer): string | null {
    const { by, policy, giveUpMs, window } = peer;
    const { failures = 0, why = '' } = this.#absent.get(by) ?? {};
    const sinceMs = newestMs(revision, job);
    if (failures < policy.tries || openMs(window, sinceMs, this.#deps.now()) <= giveUpMs) return null;
    return `not to be asked since ${new Date(sinceMs).toISOString()}: ${why}`;
  }

  async #ask(
    job: DeliveryJob,
    state: SeriesState,
    peer: CommitmentPeer,
    session: CommitmentSession,
    instances: readonly Reference[],
    signal: AbortSignal,
  ): Promise<void> {
    const { spool, now, newTransactionUid, log } = this.#deps;
    const transactionUid = newTransactionUid();
    const references = instances.map(({ sopClassUid, sopInstanceUid }) => ({ sopClassUid, sopInstanceUid }));
    const { [`r${job.revision}/${job.task}@${job.peer}`]: batches = 0, ...elsewhere } = batchesTo(state, job.peer);
    // Before the request: a report may come before the answer to it.
    const number = await recordAsked(spool, job, {
      version: 1,
      at: new Date(now()).toISOString(),
      by: peer.by,
      transactionUid,
      batches,
      elsewhere,
      instances: references,
    });
    const answer = { version: 1, status: null, code: null, detail: '' } as const;
    const at = (): string => new Date(now()).toISOString();
    try {
      const { status, comment } = await session.ask({ transactionUid, references });
      await recordAnswer(spool, job, number, { ...answer, at: at(), status, detail: printable(comment) });
      if (status !== 0)
        log.warn('a request for storage commitment was refused', { ...job, status: status.toString(16) });
      this.#linger(job, number, session, status === 0 ? peer.lingerMs : 0, signal);
    } catch (error) {
      if (!(error instanceof LimpidError)) throw error;
      if (signal.aborted) return; // limpid's own doing: no try of the peer's
      const code: FailureCode = error.code;
      await recordAnswer(spool, job, number, { ...answer, at: at(), code, detail: error.message });
      this.#deps.metrics.inc('failures_total', { code });
      log.warn('a request for storage commitment was not answered', { ...job, code, detail: error.message });
    }
  }

  /** Keeps an association open, beside the job, until its report has come by whatever way, or the time is over. */
  #linger(job: DeliveryJob, number: number, session: CommitmentSession, ms: number, stopping: AbortSignal): void {
    const ends = AbortSignal.any([this.#closing.signal, stopping]);
    const { spool, log } = this.#deps;
    const waits = ms > 0 && this.#lingering.size < mostLingering;
    const until = performance.now() + (waits ? ms : 0);
    const lingering = (async () => {
      while (performance.now() < until && !ends.aborted) {
        if (await isReported(spool, job, number)) break;
        await pause(lookEveryMs, ends);
      }
      await session.release();
    })()
      .catch((error: unknown) => log.error('waiting for a report failed', { ...job, error }))
      .finally(() => this.#lingering.delete(lingering));
    this.#lingering.add(lingering);
  }

  async #endUncommitted(job: DeliveryJob, detail: string, instances: number): Promise<void> {
    await this.#end(job, 'uncommitted', detail);
    this.#count(job.peer, 'uncommitted', instances);
    this.#deps.metrics.inc('failures_total', { code: 'DELIVER_UNCOMMITTED' });
    this.#deps.log.error('a peer does not commit itself to what it has stored', { ...job, detail });
  }

  async #end(job: DeliveryJob, how: 'uncommitted' | 'waived', detail: string): Promise<void> {
    const { spool, now } = this.#deps;
    await recordCommitmentEnd(spool, job, { version: 1, at: new Date(now()).toISOString(), how, detail });
  }

  /** A transaction that is asked again because its report has not come. */
  #countUnreported(job: DeliveryJob, revision: RevisionState, waitMs: number): void {
    const last = revision.commitments.get(`${job.task}@${job.peer}`)?.transactions.at(-1);
    if (last === undefined || last.report !== null || last.answer?.status !== 0) return;
    if (this.#deps.now() < Date.parse(last.asked.at) + waitMs) return;
    this.#count(job.peer, 'unreported', last.asked.instances.length);
    this.#deps.log.warn('no report of storage commitment came in time; asking again', { ...job });
  }

  #count(peer: string, outcome: 'unreported' | 'uncommitted', instances: number): void {
    this.#deps.metrics.inc('commitments_total', { peer, outcome }, instances);
  }
}

function transactionsOf({ revisions }: SeriesState, revision: RevisionState, { task, peer }: DeliveryJob) {
  const name = `${task}@${peer}`;
  const of = (one: RevisionState) => one.commitments.get(name)?.transactions ?? [];
  return { own: of(revision), others: revisions.filter((one) => one !== revision).flatMap(of) };
}

/** Time of the newest record of a delivery and its commitment, ms since epoch. */
function newestMs({ record, decision, deliveries, commitments }: RevisionState, { task, peer }: DeliveryJob): number {
  const name = `${task}@${peer}`;
  const times = [
    decision?.decidedAt ?? record.closedAt,
    ...(deliveries.get(name) ?? []).map(({ at }) => at),
    ...(commitments.get(name)?.transactions ?? []).map(({ asked, answer, report }) => (report ?? answer ?? asked).at),
  ];
  return Math.max(...times.map((at) => Date.parse(at)));
}

const printable = (text: string): string => text.replace(/[^\x20-\x7e]/g, '').slice(0, 64);

/** Waits; ends early, without a fault, when the signal aborts. */
const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  sleep(ms, undefined, { signal }).catch(() => undefined);
