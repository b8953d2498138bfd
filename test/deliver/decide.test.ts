import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Breaker } from '../../src/deliver/breaker.js';
import { busyWaitMs, decideDelivery } from '../../src/deliver/decide.js';
import type { DeliveryClass, DeliveryRecord } from '../../src/spool/records.js';

const policy = { firstMs: 30_000, longestMs: 900_000, giveUpMs: 7 * 86_400_000 };
const epoch = Date.parse('2026-01-01T00:00:00Z');

const batch = (atMs: number, ...classes: DeliveryClass[]): DeliveryRecord => ({
  version: 1,
  at: new Date(epoch + atMs).toISOString(),
  peer: 'pacs',
  association: null,
  instances: classes.map((outcome, index) => ({
    sopInstanceUid: `1.${index}`,
    class: outcome,
    status: 0,
    comment: '',
  })),
});

describe('decideDelivery', () => {
  it('sends at once when nothing was tried', () => {
    expect(decideDelivery([], policy, epoch, 0.5)).toEqual({ kind: 'send' });
  });

  it('goes on at once behind a batch that brought something forward', () => {
    expect(decideDelivery([batch(0, 'delivered', 'transient')], policy, epoch + 1, 0.5)).toEqual({ kind: 'send' });
  });

  it('doubles the wait after fruitless batches, up to the longest', () => {
    const waits = [1, 2, 3, 4, 5, 6, 7, 8].map((count) => {
      const batches = Array.from({ length: count }, () => batch(0, 'transient'));
      const decision = decideDelivery(batches, policy, epoch, 1);
      return decision.kind === 'wait' ? decision.untilMs - epoch : decision.kind;
    });
    expect(waits).toEqual([30_000, 60_000, 120_000, 240_000, 480_000, 900_000, 900_000, 900_000]);
  });

  it('asks a peer that nobody listens for within a minute, however long it has been away', () => {
    const away = { code: 'DIMSE_CONNECT', detail: 'no connection', class: 'transient' as const };
    const batches = Array.from({ length: 9 }, () => ({ ...batch(0), association: away }));
    expect(decideDelivery(batches, policy, epoch, 1)).toEqual({ kind: 'wait', untilMs: epoch + 60_000 });
  });

  it('sends when the time it named has come, whatever the jitter, and not before', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.double({ min: 0, max: 1, noNaN: true }), (count, jitter) => {
        const batches = Array.from({ length: count }, () => batch(0));
        const decision = decideDelivery(batches, policy, epoch, jitter);
        if (decision.kind !== 'wait') throw new Error('a fruitless batch must wait');
        expect(decideDelivery(batches, policy, decision.untilMs, jitter).kind).toBe('send');
        expect(decideDelivery(batches, policy, decision.untilMs - 1, jitter).kind).toBe('wait');
      }),
    );
  });

  it('gives up after the policy, and says so', () => {
    expect(decideDelivery([batch(0)], policy, epoch + policy.giveUpMs + 1, 0).kind).toBe('given-up');
  });
});

describe('busyWaitMs', () => {
  it('spreads a backlog: few come back soon, hundreds over half a minute', () => {
    expect(busyWaitMs(1, 1)).toBe(700);
    expect(busyWaitMs(1, 0)).toBe(500);
    expect(busyWaitMs(500, 0.5)).toBe(15_500);
    expect(busyWaitMs(10_000, 1)).toBe(30_500);
  });
});

describe('Breaker', () => {
  it('opens after the failures in a row, lets one probe through, closes on success', () => {
    const breaker = new Breaker({ failures: 3, probeMs: 1000 });
    breaker.failed(0);
    breaker.failed(0);
    expect(breaker.ask(0).kind).toBe('send');
    breaker.failed(0);
    expect(breaker.state).toBe('open');
    expect(breaker.ask(999)).toMatchObject({ kind: 'wait' });
    expect(breaker.ask(1000).kind).toBe('probe');
    expect(breaker.state).toBe('half-open');
    expect(breaker.ask(1000).kind).toBe('wait');
    breaker.succeeded();
    expect(breaker.state).toBe('closed');
  });

  it('waits anew after a probe that failed', () => {
    const breaker = new Breaker({ failures: 1, probeMs: 1000 });
    breaker.failed(0);
    expect(breaker.ask(1000).kind).toBe('probe');
    breaker.failed(1000);
    expect(breaker.ask(1500)).toEqual({ kind: 'wait', untilMs: 2500 });
  });
});
