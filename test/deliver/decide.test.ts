import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { busyWaitMs, decideDelivery, isBusyStatus, isSuspect, jitterOf } from '../../src/deliver/decide.js';
import type { DeliveryClass, DeliveryRecord } from '../../src/spool/records.js';

const policy = {
  firstMs: 30_000,
  longestMs: 900_000,
  giveUpMs: 7 * 86_400_000,
  window: null,
  treatAsTransient: ['C0xx'],
};
const hourMs = 3_600_000;
const epoch = Date.parse('2026-01-01T00:00:00Z');
type Entry = readonly [outcome: DeliveryClass, status: number | null];

const batch = (atMs: number, ...entries: Entry[]): DeliveryRecord => ({
  version: 1,
  at: new Date(epoch + atMs).toISOString(),
  peer: 'pacs',
  association: null,
  instances: entries.map(([outcome, status], index) => ({
    sopInstanceUid: `1.${index}`,
    class: outcome,
    status,
    comment: '',
  })),
});
const busy: Entry = ['transient', 0xa700];
const unanswered: Entry = ['transient', null];

describe('decideDelivery', () => {
  it('sends all at once when nothing was tried', () => {
    expect(decideDelivery(['1.0', '1.1'], [], policy, epoch)).toEqual({
      kind: 'send',
      sopInstanceUids: ['1.0', '1.1'],
    });
  });

  it('sends what is due and leaves what was refused a moment ago', () => {
    const batches = [batch(0, ['delivered', 0], busy)];
    expect(decideDelivery(['1.1', '1.2'], batches, policy, epoch + 1)).toEqual({
      kind: 'send',
      sopInstanceUids: ['1.2'],
    });
    expect(decideDelivery(['1.1'], batches, policy, epoch + 1).kind).toBe('wait');
  });

  it('does not wait for a time that a clock far ahead has recorded', () => {
    const ahead = [batch(365 * 86_400_000, busy)];
    expect(decideDelivery(['1.0'], ahead, policy, epoch)).toEqual({ kind: 'send', sopInstanceUids: ['1.0'] });
    // The clocks of two senders differ by seconds.
    expect(decideDelivery(['1.0'], [batch(5000, busy)], policy, epoch).kind).toBe('wait');
    expect(decideDelivery(['1.0'], [...ahead, batch(0, busy)], policy, epoch + 1).kind).toBe('wait');
  });

  it('doubles the ceiling with each refusal, up to the longest; never at once', () => {
    for (let count = 1; count <= 12; count++) {
      const batches = Array.from({ length: count }, (_, index) => batch(index, busy));
      const decision = decideDelivery(['1.0'], batches, policy, epoch + count);
      if (decision.kind !== 'wait') throw new Error('a refused instance must wait');
      const wait = decision.untilMs - epoch - (count - 1);
      expect(wait).toBeGreaterThanOrEqual(3_000);
      expect(wait).toBeLessThanOrEqual(Math.min(900_000, 30_000 * 2 ** (count - 1)));
    }
  });

  it('names the same time however often it is asked, sends then, and not before', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.nat(1e9), (count, shift) => {
        const batches = Array.from({ length: count }, () => batch(shift, busy));
        const first = decideDelivery(['1.0'], batches, policy, epoch + shift);
        if (first.kind !== 'wait') throw new Error('a refused instance must wait');
        const again = decideDelivery(['1.0'], batches, policy, epoch + shift + 1);
        expect(again).toEqual(first);
        expect(decideDelivery(['1.0'], batches, policy, Math.ceil(first.untilMs)).kind).toBe('send');
        expect(decideDelivery(['1.0'], batches, policy, Math.floor(first.untilMs) - 1).kind).toBe('wait');
      }),
    );
  });

  it('sends again at once what went down with an association, until it is the one that ends them', () => {
    const lost = (count: number) => Array.from({ length: count }, () => batch(0, unanswered));
    expect(decideDelivery(['1.0'], lost(1), policy, epoch).kind).toBe('send');
    expect(decideDelivery(['1.0'], lost(2), policy, epoch).kind).toBe('send');
    expect(decideDelivery(['1.0'], lost(3), policy, epoch).kind).toBe('wait');
    expect([0, 1, 2, 3].map((count) => isSuspect(lost(count), '1.0'))).toEqual([false, false, true, true]);
  });

  it('asks a busy peer every five minutes', () => {
    const decision = decideDelivery(['1.0'], [batch(0, ['transient', 0xc012])], policy, epoch);
    expect(decision).toEqual({ kind: 'wait', untilMs: epoch + 300_000 });
  });

  it('gives up after the policy, from the first try or the first time it was turned away', () => {
    const turnedAway = { ...batch(0), association: { code: 'DIMSE_CONNECT', detail: '', class: 'transient' as const } };
    expect(decideDelivery(['1.0'], [turnedAway], policy, epoch + policy.giveUpMs).kind).toBe('send');
    expect(decideDelivery(['1.0'], [turnedAway], policy, epoch + policy.giveUpMs + 1).kind).toBe('given-up');
  });

  it('gives up nothing that has got on: what was left at the end of the hours, or was lost by the peer later, goes out', () => {
    const kindAt = (batches: readonly DeliveryRecord[], afterMs: number) =>
      decideDelivery(['1.1'], batches, policy, epoch + afterMs).kind;
    const brought = batch(0, ['delivered', 0]);
    expect(kindAt([brought], 2 * policy.giveUpMs)).toBe('send');
    expect(kindAt([batch(-policy.giveUpMs, busy), batch(0, ['warned', 0xb000])], 2 * policy.giveUpMs)).toBe('send');
    // From the first try in vain behind it.
    const inVain = batch(policy.giveUpMs, busy);
    expect(kindAt([brought, inVain, batch(policy.giveUpMs + 1, busy)], 2 * policy.giveUpMs)).toBe('send');
    expect(kindAt([brought, inVain], 2 * policy.giveUpMs + 1)).toBe('given-up');
  });

  it('counts of a peer with hours the time within them: closed ones give nothing up that was never tried again', () => {
    const night = {
      ...policy,
      giveUpMs: 8 * hourMs,
      window: { fromMinute: 22 * 60, toMinute: 6 * 60, timeZone: 'UTC' },
    };
    const kindAt = (hours: number) =>
      decideDelivery(['1.0'], [batch(5 * hourMs, busy)], night, epoch + hours * hourMs).kind;
    expect(kindAt(22)).toBe('send'); // seventeen hours, of which one was open
    expect(kindAt(29)).toBe('send');
    expect(kindAt(29.5)).toBe('given-up');
  });

  it('gives nothing up for a try that a clock of 1970, or of years ahead, has recorded: the next one counts', () => {
    const [past, ahead, next] = [batch(-epoch, busy), batch(3_650 * 86_400_000, busy), batch(0, busy)];
    const kindAt = (batches: readonly DeliveryRecord[], afterMs: number) =>
      decideDelivery(['1.0'], batches, policy, epoch + afterMs).kind;
    for (const wrong of [past, ahead]) {
      expect(kindAt([wrong], 0)).toBe('send');
      expect(kindAt([wrong, next], policy.giveUpMs)).toBe('send');
      expect(kindAt([wrong, next], policy.giveUpMs + 1)).toBe('given-up');
    }
  });

  it('keeps given up what nobody has looked at for months', () => {
    fc.assert(
      fc.property(fc.integer({ min: 8, max: 366 }), (days) => {
        const decision = decideDelivery(['1.0'], [batch(0, busy)], policy, epoch + days * 86_400_000);
        expect(decision.kind).toBe('given-up');
      }),
    );
  });
});

describe('isBusyStatus', () => {
  it.each<[number | null, boolean]>([
    [0xc000, true],
    [0xc0ff, true],
    [0xc100, false],
    [0x0c00, false],
    [null, false],
  ])('%p of C0xx: %p', (status, expected) => {
    expect(isBusyStatus(status, ['C0xx'])).toBe(expected);
    expect(isBusyStatus(status, [])).toBe(false);
  });
});

describe('jitterOf', () => {
  it('spreads over the whole range', () => {
    const shares = Array.from({ length: 2000 }, (_, index) => jitterOf(`2026-01-01T00:00:00.${index}Z 1`));
    expect(Math.min(...shares)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...shares)).toBeLessThan(1);
    const tenths = Array.from({ length: 10 }, (_, tenth) => shares.filter((share) => Math.floor(share * 10) === tenth));
    for (const tenth of tenths) expect(tenth.length).toBeGreaterThan(120);
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
