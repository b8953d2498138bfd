// One peer's circuit breaker: after some failed associations in a row nothing is sent to it but a C-ECHO now and then.
export type BreakerState = 'closed' | 'half-open' | 'open';

export interface BreakerPolicy {
  /** Failed associations in a row that open it. */
  readonly failures: number;
  /** Between probes, ms. */
  readonly probeMs: number;
}

export const defaultBreakerPolicy: BreakerPolicy = { failures: 5, probeMs: 60_000 };

export class Breaker {
  readonly #policy: BreakerPolicy;
  #failures = 0;
  #nextProbeMs = 0;
  #probing = false;

  constructor(policy: BreakerPolicy = defaultBreakerPolicy) {
    this.#policy = policy;
  }

  get state(): BreakerState {
    if (this.#failures < this.#policy.failures) return 'closed';
    return this.#probing ? 'half-open' : 'open';
  }

  /** What a delivery may do now: send, probe first, or wait until a time. */
  ask(nowMs: number): { readonly kind: 'send' | 'probe' } | { readonly kind: 'wait'; readonly untilMs: number } {
    if (this.state === 'closed') return { kind: 'send' };
    if (this.#probing || nowMs < this.#nextProbeMs) {
      return { kind: 'wait', untilMs: Math.max(this.#nextProbeMs, nowMs + 1000) };
    }
    this.#probing = true;
    return { kind: 'probe' };
  }

  succeeded(): void {
    this.#failures = 0;
    this.#probing = false;
  }

  failed(nowMs: number): void {
    this.#failures += 1;
    this.#probing = false;
    this.#nextProbeMs = nowMs + this.#policy.probeMs;
  }
}
