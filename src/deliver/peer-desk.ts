// All that one peer's deliveries share in this process: its breaker, who may send now and who stands in line, its throttle.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../observe/log.js';
import type { Metrics } from '../observe/metrics.js';
import { afterFailure, afterProbe, afterWait, askedToWait, closedBreaker, mayGo, whileProbing } from './breaker.js';
import type { Breaker, BreakerState } from './breaker.js';
import { recordedWait } from './decide-wait.js';
import type { PeerStanding } from './decide-wait.js';
import type { DeliveryJob, WaitingDelivery } from './job.js';
import type { Destination, DestinationFailure } from './destination.js';
import { Slots } from './slots.js';
import { Throttle } from './throttle.js';
import type { ThrottleRates } from './throttle.js';

export interface PeerDeskDeps {
  readonly peer: string;
  /** null: the configuration no longer has it. */
  readonly destination: () => Destination | null;
  readonly rates: ThrottleRates;
  /** When its hours begin, ms since epoch; null: now is within them. */
  readonly opensAt: () => number | null;
  /** How much of a stretch of time lay within its hours, ms. */
  readonly openMs: (fromMs: number, toMs: number) => number;
  /** Every delivery that the peer still waits for, oldest first. */
  readonly waiting: (peer: string) => Promise<readonly WaitingDelivery[]>;
  /** Has a delayed job run now. False where there is none at this moment. */
  readonly wake: (job: DeliveryJob) => Promise<boolean>;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly now: () => number;
  /** 0 to 1. */
  readonly random: () => number;
}

/** A record that ends sooner than the wait that is asked for, by less than this, stays: a start then asks too early by so much at most. */
const behindMs = 60_000;

/** A job that has just been turned away is on its way back into the queue: it can be woken a moment later. */
const wakeTries = 5;
const wakeAgainMs = 200;

export class PeerDesk {
  readonly slots = new Slots();
  readonly throttle: Throttle;
  readonly #deps: PeerDeskDeps;
  readonly #closing = new AbortController();
  #breaker: Breaker = closedBreaker;
  /** Nothing has been heard of the peer in this process. */
  #isFresh = true;
  #recalled: Promise<void> | null = null;
  #recordedUntilMs = -Infinity;
  #timer: NodeJS.Timeout | undefined;
  #tookAtMs = -Infinity;

  constructor(deps: PeerDeskDeps) {
    this.#deps = deps;
    this.throttle = new Throttle(deps.rates);
  }

  get standing(): PeerStanding {
    const { state, failure, sinceMs, untilMs } = this.#breaker;
    return { state, failure, sinceMs, untilMs, throttledUntilMs: this.throttle.readyMs };
  }
  get state(): BreakerState {
    return this.#breaker.state;
  }
  /** What stands between limpid and the peer now; null: nothing. */
  get failure(): Breaker['failure'] {
    return this.#breaker.failure;
  }
  /** Whether something may be sent to it now. */
  get isOpenFor(): boolean {
    return mayGo(this.#breaker, this.#deps.now());
  }
  /** Whether the peer itself has said when to come back, and that is not yet: an answer for what was under way does not change it. */
  get #isAskedToWait(): boolean {
    const { failure, untilMs } = this.#breaker;
    return failure?.retryAfterMs !== undefined && this.#deps.now() < untilMs;
  }
  /** Whether the peer has taken an instance since a time, ms since epoch. */
  hasTakenSince(sinceMs: number): boolean {
    return this.#tookAtMs >= sinceMs;
  }

  /** Learns, once, from the records of earlier processes whether the peer has said when it may be asked again. */
  recall(): Promise<void> {
    this.#recalled ??= this.#waiting().then((found) => this.#remember(found));
    return this.#recalled;
  }

  /** The same, and puts every delivery that waits since an earlier start in line: the other reasons are gone with that process. */
  async resume(): Promise<void> {
    const found = await this.#waiting();
    this.#recalled ??= Promise.resolve(this.#remember(found));
    await this.#recalled;
    for (const { job, priority } of found) this.slots.stand(job, priority);
    await this.wakeNext();
  }

  /** Whether the records are behind what the peer has said since about when it may be asked again: its probes write none. */
  get isUnrecorded(): boolean {
    const { untilMs } = this.#breaker;
    return this.#isAskedToWait && untilMs - Math.max(this.#recordedUntilMs, this.#deps.now()) > behindMs;
  }
  /** What stands in the way is written down now. */
  recorded(): void {
    if (this.#isAskedToWait) this.#recordedUntilMs = this.#breaker.untilMs;
  }

  /** The peer has answered for something that was sent to it. */
  answered(took: boolean): void {
    this.#isFresh = false;
    if (took) this.#tookAtMs = this.#deps.now();
    if (this.#breaker === closedBreaker || this.#isAskedToWait) return;
    this.#become(closedBreaker);
    void this.wakeNext();
  }

  /**
   * @param recordedMs when the records tell the row of such failures to have begun, ms since epoch: it counts for the first failure that
   * this process sees, so that a row does not begin anew with each start
   */
  failed(failure: DestinationFailure, recordedMs: number | null = null): void {
    const before = this.#breaker;
    const nowMs = this.#deps.now();
    const beganMs = (this.#isFresh ? recordedMs : null) ?? nowMs;
    const { openMs, random } = this.#deps;
    this.#isFresh = false;
    this.#become(afterFailure(before, failure, nowMs, random(), { beganMs, openMs }));
    this.#arm();
    const { failure: now, untilMs } = this.#breaker;
    const { peer } = this.#deps;
    if (failure.retryAfterMs !== undefined) {
      const [asked, until] = [failure.retryAfterMs / 1000, new Date(untilMs).toISOString()];
      this.#deps.log.info('a peer says when it may be asked again', { peer, seconds: asked, until });
    }
    if (now?.class === 'permanent' && before.failure?.class !== 'permanent') {
      const { code, detail } = now;
      this.#deps.log.error('a peer takes nothing until a person mends the cause', {
        peer,
        code,
        detail,
      });
      // They write it down: nobody finds them waiting without a reason.
      void this.recovered();
    }
  }

  /** Probes a peer that takes nothing now, not when its wait is over; within its hours. */
  askNow(): void {
    if (this.#breaker.state !== 'open' || this.#closing.signal.aborted) return;
    clearTimeout(this.#timer);
    void this.#turn();
  }

  /** Puts every delivery that waits for the peer in line, and wakes the first. */
  async recovered(): Promise<void> {
    for (const { job, priority } of await this.#waiting()) this.slots.stand(job, priority);
    await this.wakeNext();
  }

  /** Wakes as many jobs from the head of the line as there are free slots. A queue that is away is no fault: what waits comes back by itself. */
  async wakeNext(): Promise<void> {
    try {
      if (!this.isOpenFor && this.failure?.class !== 'permanent') return;
      await Promise.all(this.slots.next().map((job) => this.#call(job)));
    } catch (error) {
      this.#deps.log.error('what waits for a peer could not be woken; it comes back by itself', {
        peer: this.#deps.peer,
        error,
      });
    }
  }

  /** Wakes one; where it is gone, the next. Its slot is kept for the first try only: it may be with another process, or have ended. */
  async #call(job: DeliveryJob): Promise<void> {
    let isGone = false;
    try {
      for (let tries = 0; tries < wakeTries; tries++) {
        if (tries > 0) await sleep(wakeAgainMs);
        if (this.#closing.signal.aborted || (await this.#deps.wake(job))) return;
        this.slots.release(job);
      }
      isGone = true;
    } finally {
      this.slots.settle(job, isGone);
    }
    await this.wakeNext();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#closing.abort();
  }

  async #waiting(): Promise<readonly WaitingDelivery[]> {
    const { peer, waiting, log } = this.#deps;
    try {
      return await waiting(peer);
    } catch (error) {
      log.error('what waits for a peer could not be read; it comes back by itself', { peer, error });
      return [];
    }
  }

  #remember(found: readonly WaitingDelivery[]): void {
    const wait = recordedWait(found, this.#deps.now());
    if (wait === null || !this.#isFresh) return;
    const { failure, sinceMs, untilMs } = wait;
    this.#become(askedToWait(failure, sinceMs, untilMs));
    this.#arm();
    const until = new Date(untilMs).toISOString();
    this.#deps.log.info('a peer has said before this start when it may be asked again', {
      peer: this.#deps.peer,
      until,
    });
  }

  #become(breaker: Breaker): void {
    this.#breaker = breaker;
    const { metrics, peer } = this.#deps;
    metrics.set('peer_breaker_state', { peer }, { closed: 0, 'half-open': 1, open: 2 }[breaker.state]);
  }

  #arm(): void {
    clearTimeout(this.#timer);
    if (this.#closing.signal.aborted) return;
    const waitMs = Math.max(0, this.#breaker.untilMs - this.#deps.now());
    this.#timer = setTimeout(() => void this.#turn(), waitMs);
    this.#timer.unref();
  }

  /** The wait is over: a closed breaker lets them go, an open one asks first. */
  async #turn(): Promise<void> {
    const { peer, destination, log } = this.#deps;
    if (this.#breaker.state !== 'open') {
      // By the clock that the wait was measured with: the wall's may have been set back meanwhile, or may be later.
      this.#breaker = afterWait(this.#breaker);
      return this.recovered();
    }
    const opensMs = this.#deps.opensAt();
    if (opensMs !== null) {
      this.#breaker = { ...this.#breaker, untilMs: Math.max(this.#breaker.untilMs, opensMs) };
      // Nobody asks it until then: that it took nothing hours ago is no alert, and may be mended.
      this.#deps.metrics.set('peer_breaker_state', { peer }, 0);
      return this.#arm();
    }
    const asked = destination();
    if (asked === null) return;
    const open = this.#breaker;
    this.#become(whileProbing(open));
    let failure: DestinationFailure | null;
    try {
      failure = await asked.probe(this.#closing.signal);
    } catch (error) {
      log.error('a probe failed in limpid itself', { peer, error });
      failure = { code: 'INTERNAL', detail: 'the probe failed in limpid itself', pace: 'unreachable' };
    }
    if (this.#closing.signal.aborted) return;
    // what stands between may be another thing by now than what opened it
    const why = failure === null ? {} : { code: failure.code, detail: failure.detail };
    log.info('probed a peer behind an open breaker', { peer, answered: failure === null, ...why });
    // A delivery that was under way may have ended meanwhile: what was really sent counts for more.
    if (this.state !== 'half-open') return;
    if (failure !== null) {
      this.#breaker = open;
      return this.failed(failure);
    }
    this.#become(afterProbe(open));
    await this.recovered();
  }
}
