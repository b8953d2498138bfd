import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decideRetryAfter, longestRetryAfterMs } from '../../src/deliver/decide-retry-after.js';

const nowMs = Date.parse('1994-11-06T08:47:37Z');
const wait = (retryAfter: string | null, date: string | null = null, at = nowMs) =>
  decideRetryAfter({ retryAfter, date }, at);

describe('Retry-After', () => {
  it.each([
    ['120', 120_000],
    [' 0 ', 0],
    // The forms of RFC 9110 Section 5.6.7.
    ['Sun, 06 Nov 1994 08:49:37 GMT', 120_000],
    ['Sunday, 06-Nov-94 08:49:37 GMT', 120_000],
    ['Sun Nov  6 08:49:37 1994', 120_000],
    ['Sun, 06 Nov 1994 08:40:00 GMT', 0],
    ['99999999999999999999', longestRetryAfterMs],
    ['Sun, 06 Nov 2044 08:49:37 GMT', longestRetryAfterMs],
    [null, null],
    ['', null],
    ['-5', null],
    ['1.5', null],
    ['soon', null],
    ['Sun, 06 Nix 1994 08:49:37 GMT', null],
    ['1994-11-06T08:49:37Z', null],
  ])('%s is %s ms', (text, expected) => {
    expect(wait(text)).toBe(expected);
  });

  it('as a date is held against the clock of the server, where it tells it', () => {
    expect(wait('Sun, 06 Nov 1994 10:00:30 GMT', 'Sun, 06 Nov 1994 10:00:00 GMT')).toBe(30_000);
    expect(wait('Sun, 06 Nov 1994 08:49:37 GMT', 'nonsense')).toBe(120_000);
  });

  it('with two digits of a year means the year nearest to now', () => {
    expect(wait('Friday, 01-Jan-00 00:00:10 GMT', null, Date.parse('1999-12-31T23:59:50Z'))).toBe(20_000);
    expect(wait('Friday, 31-Dec-99 23:59:50 GMT', null, Date.parse('2000-01-01T00:00:00Z'))).toBe(0);
  });

  it('never asks for less than nothing, nor for more than an hour', () => {
    const date = fc
      .date({ noInvalidDate: true, min: new Date(0), max: new Date('2099-12-31') })
      .map((at) => at.toUTCString());
    const text = fc.oneof(fc.nat().map(String), date, fc.string());
    fc.assert(
      fc.property(text, fc.option(date), fc.nat(4e12), (retryAfter, ofServer, at) => {
        const ms = wait(retryAfter, ofServer, at);
        if (ms === null) return;
        expect(ms).toBeGreaterThanOrEqual(0);
        expect(ms).toBeLessThanOrEqual(longestRetryAfterMs);
      }),
    );
  });
});
