import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  afterFailure,
  afterProbe,
  closedBreaker,
  failurePaces,
  mayGo,
  whileProbing,
} from '../../src/deliver/breaker.js';
import type { Breaker } from '../../src/deliver/breaker.js';
import { openMs } from '../../src/deliver/decide-window.js';
import type { DestinationFailure, FailurePace } from '../../src/deliver/destination.js';

const failure = (pace: FailurePace): DestinationFailure => ({ code: 'DIMSE_CONNECT', detail: 'away', pace });
const failed = (pace: FailurePace, count: number, nowMs = 0, jitter = 1): Breaker => {
  let breaker = closedBreaker;
  for (let index = 0; index < count; index++) breaker = afterFailure(breaker, failure(pace), nowMs, jitter);
  return breaker;
};
const pace = fc.constantFrom<FailurePace>('unreachable', 'lost', 'refused', 'unrecognized', 'operator');
const jitter = fc.double({ min: 0, max: 1, noNaN: true });

describe('the ways to open and close', () => {
  it('a peer that nobody listens for opens it at once, and is asked within a second, then at most every minute', () => {
    expect(failed('unreachable', 1)).toMatchObject({ state: 'open', untilMs: 1_000 });
    expect(failed('unreachable', 2).untilMs).toBe(2_000);
    expect(failed('unreachable', 30).untilMs).toBe(60_000);
  });

  it('associations that are lost open it after five in a row; until then it only pauses', () => {
    expect(failed('lost', 4)).toMatchObject({ state: 'closed', untilMs: 240_000 });
    expect(mayGo(failed('lost', 4), 239_999)).toBe(false);
    expect(mayGo(failed('lost', 4), 240_000)).toBe(true);
    expect(failed('lost', 5).state).toBe('open');
    expect(mayGo(failed('lost', 5), 1e12)).toBe(false);
    expect(failed('lost', 12).untilMs).toBe(900_000);
  });

  it('a peer that does not know us is permanent after an hour, one that a person has to mend at once', () => {
    const first = afterFailure(closedBreaker, failure('unrecognized'), 0, 1);
    expect(first.failure?.class).toBe('transient');
    expect(afterFailure(first, failure('unrecognized'), 3_599_999, 1).failure?.class).toBe('transient');
    expect(afterFailure(first, failure('unrecognized'), 3_600_000, 1).failure?.class).toBe('permanent');
    const other = afterFailure(first, failure('unreachable'), 3_000_000, 1);
    expect(afterFailure(other, failure('unrecognized'), 3_700_000, 1).failure?.class).toBe('transient');
    expect(failed('operator', 1).failure?.class).toBe('permanent');
    expect(failed('refused', 50, 1e10).failure?.class).toBe('transient');
  });

  it('the hour of a peer that does not know us is one of its own hours: turned away at their end, it is asked when the next begin', () => {
    const hours = { fromMinute: 22 * 60, toMinute: 6 * 60, timeZone: 'UTC' };
    const row = { openMs: (fromMs: number, toMs: number) => openMs(hours, fromMs, toMs) };
    const after = (breaker: Breaker, at: string) =>
      afterFailure(breaker, failure('unrecognized'), Date.parse(`2026-03-${at}:00Z`), 1, row);
    const evening = after(after(closedBreaker, '02T05:50'), '02T22:00');
    expect(evening.failure?.class).toBe('transient');
    expect(after(evening, '02T22:49').failure?.class).toBe('transient');
    expect(after(evening, '02T22:50').failure?.class).toBe('permanent');
  });

  it('a peer that says when it may be asked again is not asked before, and may be later', () => {
    const asks = (retryAfterMs: number) => afterFailure(closedBreaker, { ...failure('refused'), retryAfterMs }, 0, 1);
    expect(asks(120_000)).toMatchObject({ state: 'open', untilMs: 120_000 });
    expect(asks(5_000).untilMs).toBe(30_000);
  });

  it('a probe that is answered lets all go, and one more failure opens it again with the longer wait', () => {
    const open = failed('lost', 5);
    expect(whileProbing(open).state).toBe('half-open');
    expect(mayGo(whileProbing(open), 1e12)).toBe(false);
    const trial = afterProbe(open);
    expect(mayGo(trial, 10)).toBe(true);
    expect(trial.failure).toBeNull();
    expect(afterFailure(trial, failure('lost'), 10, 1)).toMatchObject({ state: 'open', untilMs: 10 + 900_000 });
  });
});

describe('always', () => {
  it('waits between a tenth of the first wait and the ceiling, and longer ceilings follow shorter ones', () => {
    fc.assert(
      fc.property(pace, fc.integer({ min: 1, max: 60 }), jitter, fc.nat(1e12), (kind, count, share, nowMs) => {
        const breaker = failed(kind, count, nowMs, share);
        const { firstMs, longestMs } = failurePaces[kind];
        const wait = breaker.untilMs - nowMs;
        expect(wait).toBeGreaterThanOrEqual(firstMs / 10 - 1e-3);
        expect(wait).toBeLessThanOrEqual(longestMs + 1e-3);
        expect(failed(kind, count + 1, nowMs, 1).untilMs).toBeGreaterThanOrEqual(failed(kind, count, nowMs, 1).untilMs);
      }),
    );
  });

  it('lets nothing go before its time, whatever has happened, and everything once something was answered', () => {
    const event = fc.record({ kind: pace, share: jitter, stepMs: fc.nat(1e6), probe: fc.boolean() });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        let breaker = closedBreaker;
        let nowMs = 0;
        for (const { kind, share, stepMs, probe } of events) {
          nowMs += stepMs;
          breaker =
            probe && breaker.state === 'open'
              ? afterProbe(breaker)
              : afterFailure(breaker, failure(kind), nowMs, share);
          if (breaker.failure !== null) expect(mayGo(breaker, nowMs)).toBe(false);
          if (breaker.state === 'open') expect(mayGo(breaker, Infinity)).toBe(false);
          expect(breaker.failures).toBeLessThanOrEqual(events.length);
        }
        expect(mayGo(closedBreaker, nowMs)).toBe(true);
      }),
    );
  });
});
