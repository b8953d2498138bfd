import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseWindow } from '../../src/config/units.js';
import { openMs, opensAt } from '../../src/deliver/decide-window.js';
import { Throttle } from '../../src/deliver/throttle.js';

const window = (text: string) => {
  const parsed = parseWindow(text);
  if (parsed === null) throw new Error(`${text} is no window`);
  return parsed;
};
const at = (text: string) => Date.parse(text);

describe('opensAt', () => {
  it.each([
    ['20:00-06:00 Europe/Vienna', '2026-01-10T18:59:00Z', '2026-01-10T19:00:00.000Z'], // winter: UTC+1
    ['20:00-06:00 Europe/Vienna', '2026-07-10T17:30:00Z', '2026-07-10T18:00:00.000Z'], // summer: UTC+2
    ['20:00-06:00 Europe/Vienna', '2026-01-10T19:00:00Z', null],
    ['20:00-06:00 Europe/Vienna', '2026-01-11T04:59:59Z', null],
    ['20:00-06:00 Europe/Vienna', '2026-01-11T05:00:00Z', '2026-01-11T19:00:00.000Z'],
    ['08:00-17:00 UTC', '2026-01-10T17:00:00Z', '2026-01-11T08:00:00.000Z'],
    ['08:00-17:00 UTC', '2026-01-10T16:59:59Z', null],
    ['02:30-04:00 Europe/Vienna', '2026-03-28T12:00:00Z', '2026-03-29T01:00:00.000Z'], // 02:30 does not exist that night
    ['09:00-10:00 America/New_York', '2026-03-07T20:00:00Z', '2026-03-08T13:00:00.000Z'], // clocks go forward in between
    ['09:00-10:00 Asia/Kolkata', '2026-01-01T05:00:00Z', '2026-01-02T03:30:00.000Z'],
  ])('%s, now %s: %s', (text, now, expected) => {
    const opens = opensAt(window(text), at(now));
    expect(opens === null ? null : new Date(opens).toISOString()).toBe(expected);
  });

  it('names a time that is inside, within a day, and none is inside before it', () => {
    const zones = ['UTC', 'Europe/Vienna', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu'];
    const minute = fc.integer({ min: 0, max: 1439 });
    fc.assert(
      fc.property(
        minute,
        minute,
        fc.constantFrom(...zones),
        fc.nat(366 * 1440),
        (fromMinute, toMinute, timeZone, ahead) => {
          fc.pre(fromMinute !== toMinute);
          const hours = { fromMinute, toMinute, timeZone };
          const now = at('2026-01-01T00:00:30Z') + ahead * 60_000;
          const opens = opensAt(hours, now);
          if (opens === null) return;
          expect(opens).toBeGreaterThan(now - 60_000);
          expect(opens - now).toBeLessThanOrEqual(26 * 3_600_000);
          expect(opensAt(hours, opens)).toBeNull();
          expect(opensAt(hours, opens - 60_000)).not.toBeNull();
        },
      ),
      { numRuns: 300 },
    );
  });

  it('without hours it is always open', () => {
    expect(opensAt(null, 0)).toBeNull();
  });
});

describe('openMs', () => {
  const hour = 3_600_000;
  it.each([
    ['20:00-06:00 UTC', '2026-01-10T10:00:00Z', '2026-01-10T19:59:00Z', 0],
    ['20:00-06:00 UTC', '2026-01-10T10:00:00Z', '2026-01-10T20:30:00Z', 0.5],
    ['20:00-06:00 UTC', '2026-01-10T23:00:00Z', '2026-01-11T12:00:00Z', 7],
    ['20:00-06:00 UTC', '2026-01-10T10:00:00Z', '2026-01-13T21:00:00Z', 31],
    ['09:00-10:00 Europe/Vienna', '2026-03-28T07:00:00Z', '2026-03-30T07:30:00Z', 2.5], // clocks go forward in between
    ['20:00-06:00 UTC', '2026-01-10T21:00:00Z', '2026-01-10T20:00:00Z', 0], // the clock was set back
  ])('%s from %s to %s: %d h', (text, from, to, hours) => {
    expect(openMs(window(text), at(from), at(to))).toBe(hours * hour);
  });
});

describe('Throttle', () => {
  it('lets so many instances and bytes a second through, whichever is slower', () => {
    const throttle = new Throttle({ instancesPerSecond: 10, bytesPerSecond: 1_000_000 });
    expect([1, 1, 500_000, 1].map((bytes) => throttle.take(bytes, 0))).toEqual([0, 100, 200, 700]);
  });

  it('sends whoever would wait long back, without taking the turn', () => {
    const throttle = new Throttle({ instancesPerSecond: null, bytesPerSecond: 1_000_000 });
    expect(throttle.take(60_000_000, 0)).toBe(0);
    expect(throttle.take(1, 0)).toBeNull();
    expect(throttle.readyMs).toBe(60_000);
    expect(throttle.take(1, 56_000)).toBe(4_000);
  });

  it('goes on where the clock is set back', () => {
    const throttle = new Throttle({ instancesPerSecond: 10, bytesPerSecond: null });
    expect([1, 1].map((bytes) => throttle.take(bytes, 3_600_000))).toEqual([0, 100]);
    expect(throttle.take(1, 50)).toBe(200);
    expect(throttle.take(1, 350)).toBe(0);
  });

  it('never sends more than its rate over any time, but for one instance', () => {
    const step = fc.record({ bytes: fc.integer({ min: 1, max: 2_000_000 }), afterMs: fc.nat(3000) });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), (steps) => {
        const throttle = new Throttle({ instancesPerSecond: 5, bytesPerSecond: 1_000_000 });
        let now = 0;
        let [sent, first, last] = [0, -1, 0];
        for (const { bytes, afterMs } of steps) {
          now += afterMs;
          const wait = throttle.take(bytes, now);
          if (wait === null) continue;
          if (first < 0) first = now + wait;
          last = now + wait;
          expect(last - first).toBeGreaterThanOrEqual(sent / 1000 - 1e-6);
          sent += bytes;
        }
      }),
    );
  });

  it('without rates nobody waits', () => {
    const throttle = new Throttle({ instancesPerSecond: null, bytesPerSecond: null });
    expect([0, 1, 2].map(() => throttle.take(1e12, 5))).toEqual([0, 0, 0]);
  });
});
