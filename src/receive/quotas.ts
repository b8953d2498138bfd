// What peers have stored within the last 24 hours, against the most that the configuration lets them: one that sends without end
// must not fill the spool for all others.

/** The most of one peer within 24 hours; null: any. */
export interface Quota {
  readonly bytes: number | null;
  readonly instances: number | null;
}

/** What one peer has stored within one hour; `hour`: hours since epoch. */
export interface HourTally {
  readonly peer: string;
  readonly hour: number;
  readonly bytes: number;
  readonly instances: number;
}

const hourMs = 3_600_000;
const hours = 24;

export class Quotas {
  readonly #quotas: ReadonlyMap<string, Quota>;
  readonly #now: () => number;
  /** By peer, then by hour. */
  readonly #tallies = new Map<string, Map<number, { bytes: number; instances: number }>>();

  /** @param earlier what was stored before this process, from its last record */
  constructor(quotas: ReadonlyMap<string, Quota>, earlier: readonly HourTally[], now: () => number) {
    this.#quotas = quotas;
    this.#now = now;
    for (const { peer, hour, bytes, instances } of earlier) this.#add(peer, hour, bytes, instances);
  }

  /** An instance is kept: one that was there before takes no room and does not count. */
  kept(peer: string, bytes: number): void {
    this.#add(peer, this.#hour(), bytes, 1);
  }

  /** Share of its quota that a peer has used, of bytes or instances, whichever is more; from 1 on nothing more is taken. 0: it has none. */
  used(peer: string): number {
    const quota = this.#quotas.get(peer);
    if (quota === undefined) return 0;
    let bytes = 0;
    let instances = 0;
    for (const tally of this.#recent(peer).values()) {
      bytes += tally.bytes;
      instances += tally.instances;
    }
    return Math.max(bytes / (quota.bytes ?? Infinity), instances / (quota.instances ?? Infinity));
  }

  get peers(): Iterable<string> {
    return this.#quotas.keys();
  }

  /** What counts now, for the next process. */
  tallies(): HourTally[] {
    return [...this.#tallies.keys()].flatMap((peer) =>
      [...this.#recent(peer)].map(([hour, tally]) => ({ peer, hour, ...tally })),
    );
  }

  #hour(): number {
    return Math.floor(this.#now() / hourMs);
  }

  #add(peer: string, hour: number, bytes: number, instances: number): void {
    if (!this.#quotas.has(peer)) return;
    const tallies = this.#recent(peer);
    const tally = tallies.get(hour) ?? { bytes: 0, instances: 0 };
    tallies.set(hour, { bytes: tally.bytes + bytes, instances: tally.instances + instances });
    this.#tallies.set(peer, tallies);
  }

  /** Its tallies, without those that are over. What a clock that was ahead has counted for a later hour is of this one. */
  #recent(peer: string) {
    const tallies = this.#tallies.get(peer) ?? new Map<number, { bytes: number; instances: number }>();
    const present = this.#hour();
    for (const [hour, tally] of tallies) {
      if (hour > present - hours && hour <= present) continue;
      tallies.delete(hour);
      if (hour <= present) continue;
      const now = tallies.get(present) ?? { bytes: 0, instances: 0 };
      tallies.set(present, { bytes: now.bytes + tally.bytes, instances: now.instances + tally.instances });
    }
    return tallies;
  }
}
