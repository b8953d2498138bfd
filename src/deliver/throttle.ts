// The most that is sent to a peer: each instance has to wait until those before it have had their time.

export interface ThrottleRates {
  /** null: as many as it takes. */
  readonly instancesPerSecond: number | null;
  readonly bytesPerSecond: number | null;
}

/** Whoever would have to wait longer comes back later instead of holding an association open. */
const longestWaitMs = 5_000;

export class Throttle {
  readonly #rates: ThrottleRates;
  #readyMs = 0;
  #lastMs = 0;

  constructor(rates: ThrottleRates) {
    this.#rates = rates;
  }

  /** When the next instance may go out, ms since epoch. */
  get readyMs(): number {
    return this.#readyMs;
  }

  /**
   * Takes the turn of an instance.
   *
   * @returns how long to wait before it goes out, ms; null: too long, and the turn is not taken
   */
  take(bytes: number, nowMs: number): number | null {
    const { instancesPerSecond, bytesPerSecond } = this.#rates;
    // A clock that was set back takes the turns with it.
    this.#readyMs -= Math.max(0, this.#lastMs - nowMs);
    this.#lastMs = nowMs;
    const startMs = Math.max(this.#readyMs, nowMs);
    if (startMs - nowMs > longestWaitMs) return null;
    const ofInstance = instancesPerSecond === null ? 0 : 1000 / instancesPerSecond;
    const ofBytes = bytesPerSecond === null ? 0 : (1000 * bytes) / bytesPerSecond;
    this.#readyMs = startMs + Math.max(ofInstance, ofBytes);
    return startMs - nowMs;
  }
}
