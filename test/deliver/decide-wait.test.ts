// Why a delivery waits: what the deliverer would do now, in words, with the time at which it goes on.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decideDelivery } from '../../src/deliver/decide.js';
import { opensAt } from '../../src/deliver/decide-window.js';
import { decideWait, failingSince } from '../../src/deliver/decide-wait.js';
import type { PeerStanding, WaitPolicy } from '../../src/deliver/decide-wait.js';
import type { DeliveryRecord } from '../../src/spool/records.js';

const policy: WaitPolicy = {
  retry: { firstMs: 30_000, longestMs: 900_000, giveUpMs: 604_800_000, window: null, treatAsTransient: [] },
  window: null,
  throttle: { instancesPerSecond: null, bytesPerSecond: null },
};
const night = { fromMinute: 20 * 60, toMinute: 6 * 60, timeZone: 'UTC' };
const noonMs = Date.parse('2026-03-02T12:00:00.000Z');
const calm: PeerStanding = { state: 'closed', failure: null, sinceMs: 0, untilMs: 0, throttledUntilMs: 0 };
const away: PeerStanding = {
  ...calm,
  state: 'open',
  failure: { code: 'DIMSE_CONNECT', detail: 'connection refused', pace: 'unreachable', class: 'transient' },
  sinceMs: noonMs - 90_000,
  untilMs: noonMs + 8_000,
};
const batch = (secondsAgo: number, change: Partial<DeliveryRecord> = {}): DeliveryRecord => ({
  version: 1,
  at: new Date(noonMs - 1000 * secondsAgo).toISOString(),
  peer: 'pacs',
  association: null,
  instances: [],
  ...change,
});
const refusedFor = (detail: string): Partial<DeliveryRecord> => ({
  association: { code: 'DIMSE_CONNECT', detail, class: 'transient' },
});
const wait = (batches: readonly DeliveryRecord[], standing: PeerStanding | null, change: Partial<WaitPolicy> = {}) =>
  decideWait(['1.2.3'], batches, { ...policy, ...change }, standing, noonMs);

describe('why a delivery waits', () => {
  it('is nothing where the peer is fit and within its hours', () => {
    expect(wait([], calm)).toBeNull();
    expect(wait([], null)).toBeNull();
  });

  it('is its hours, and when they begin', () => {
    const until = '2026-03-02T20:00:00.000Z';
    const says = 'its hours begin at 2026-03-02 20:00:00 UTC';
    expect(wait([], calm, { window: night })).toEqual({ why: 'hours', says, since: null, until });
    expect(wait([], null, { window: { ...night, fromMinute: 11 * 60 } })).toBeNull();
  });

  it('is an open breaker: since when, behind which fault, and the next probe', () => {
    expect(wait([], away)).toEqual({
      why: 'peer',
      says: 'it has taken nothing since 2026-03-02 11:58:30 UTC (connection refused); the next probe goes out at 2026-03-02 12:00:08 UTC',
      since: '2026-03-02T11:58:30.000Z',
      until: '2026-03-02T12:00:08.000Z',
    });
    const asking: PeerStanding = { ...away, failure: away.failure && { ...away.failure, retryAfterMs: 8_000 } };
    expect(wait([], asking)?.says).toMatch(/; the next probe goes out at 2026-03-02 12:00:08 UTC, as it asks$/);
    expect(wait([], { ...away, state: 'half-open' })?.says).toMatch(/; a probe is on its way$/);
    const person: PeerStanding = { ...away, failure: away.failure && { ...away.failure, class: 'permanent' } };
    expect(wait([], person)?.says).toContain('a person has to mend the cause');
    expect(wait([], { ...away, state: 'closed' })?.says).toBe(
      'tried again at 2026-03-02 12:00:08 UTC (connection refused)',
    );
  });

  it('is the throttle, with its rates', () => {
    const throttle = { instancesPerSecond: 2, bytesPerSecond: null };
    const until = '2026-03-02T12:00:03.000Z';
    expect(wait([], { ...calm, throttledUntilMs: noonMs + 3_000 }, { throttle })).toEqual({
      why: 'throttle',
      says: 'throttled to at most 2 instances a second; the next instance goes out at 2026-03-02 12:00:03 UTC',
      since: null,
      until,
    });
  });

  it('is the next try of what was refused for now', () => {
    const instances = [{ sopInstanceUid: '1.2.3', class: 'transient', status: 0x0110, comment: '' } as const];
    const found = wait([batch(1, { instances })], calm);
    expect(found).toMatchObject({ why: 'retry', since: '2026-03-02T11:59:59.000Z' });
    expect(Date.parse(found?.until ?? '')).toBeGreaterThan(noonMs);
  });

  it('is what the records say, where no sender is asked', () => {
    const batches = [
      batch(300, refusedFor('name unknown')),
      batch(200, refusedFor('away')),
      batch(100, refusedFor('away')),
    ];
    expect(wait(batches, null)).toEqual({
      why: 'peer',
      says: 'by the records it has taken nothing since 2026-03-02 11:56:40 UTC (away)',
      since: '2026-03-02T11:56:40.000Z',
      until: null,
    });
    const until = new Date(noonMs + 60_000).toISOString();
    const asking = {
      association: { code: 'DICOMWEB_REFUSED', detail: 'HTTP 503', class: 'transient', until },
    } as const;
    expect(wait([...batches, batch(50, asking)], null)).toMatchObject({
      says: 'by the records it has taken nothing since 2026-03-02 11:59:10 UTC (HTTP 503), and asks to be left alone until 2026-03-02 12:01:00 UTC',
      until,
    });
    const instances = [{ sopInstanceUid: '1.2.4', class: 'delivered', status: 0, comment: '' } as const];
    expect(wait([...batches, batch(50, { instances })], null)).toBeNull();
  });

  it('begins a row of failures anew behind anything that was answered', () => {
    const instances = [{ sopInstanceUid: '1.2.4', class: 'delivered', status: 0, comment: '' } as const];
    expect(failingSince([])).toBeNull();
    expect(failingSince([batch(9)])).toBeNull();
    const first = batch(9, refusedFor('away'));
    expect(failingSince([first, batch(5, { instances }), batch(1, refusedFor('away'))])).toBe(batch(1).at);
    expect(failingSince([first, batch(1, refusedFor('away'))])).toBe(first.at);
  });

  it('is told for a delivery exactly when the deliverer would not send', () => {
    const standing = fc.record({
      state: fc.constantFrom('closed' as const, 'half-open' as const, 'open' as const),
      failure: fc.constantFrom(null, away.failure),
      sinceMs: fc.integer({ min: noonMs - 1e7, max: noonMs }),
      untilMs: fc.integer({ min: noonMs - 1e5, max: noonMs + 1e6 }),
      throttledUntilMs: fc.integer({ min: noonMs - 1e5, max: noonMs + 1e5 }),
    });
    const tried = fc.option(
      fc.record({ ago: fc.integer({ min: 0, max: 1_000_000 }), status: fc.constantFrom(0x0110, 0xa700, 0x0213) }),
    );
    fc.assert(
      fc.property(standing, tried, fc.constantFrom(null, night), fc.nat(86_400_000), (known, last, window, ofDay) => {
        const nowMs = noonMs + ofDay;
        const batches = last
          ? [
              batch(last.ago - Math.round(ofDay / 1000), {
                instances: [{ sopInstanceUid: '1.2.3', class: 'transient', status: last.status, comment: '' }],
              }),
            ]
          : [];
        const found = decideWait(['1.2.3'], batches, { ...policy, window }, known, nowMs);
        const decision = decideDelivery(['1.2.3'], batches, policy.retry, nowMs);
        const stands = known.failure !== null || known.throttledUntilMs > nowMs;
        const expected =
          decision.kind !== 'given-up' && (decision.kind === 'wait' || opensAt(window, nowMs) !== null || stands);
        expect(found !== null).toBe(expected);
        if (found?.until) expect(Date.parse(found.until)).toBeGreaterThanOrEqual(nowMs);
      }),
    );
  });
});
