import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { formatDa, formatDt, formatTm, parseDa, parseOffset, parseTm } from '../../src/dicom/datetime.js';

const moment = Date.UTC(2026, 10, 21, 23, 59, 58, 7);

describe('writing', () => {
  it('shows the wall clock at the offset', () => {
    expect([formatDa(moment, 0), formatTm(moment, 0)]).toEqual(['20261121', '235958.007']);
    expect([formatDa(moment, 60), formatTm(moment, 60)]).toEqual(['20261122', '005958.007']);
    expect(formatDt(moment, -210)).toBe('20261121202958.007-0330');
    expect(formatDt(moment)).toMatch(/^2026112[12]\d{6}\.007$/);
  });

  it('is read back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1e8, max: 4e12 }), fc.integer({ min: -840, max: 840 }), (ms, offset) => {
        const at = new Date(ms + offset * 60_000);
        expect(parseDa(formatDa(ms, offset))).toEqual({
          year: at.getUTCFullYear(),
          month: at.getUTCMonth() + 1,
          day: at.getUTCDate(),
        });
        expect(parseTm(formatTm(ms, offset))).toBeCloseTo((at.getTime() % 86_400_000) / 1000, 6);
        expect(parseOffset(formatDt(ms, offset).slice(-5))).toBe(offset);
      }),
    );
  });
});

describe('reading', () => {
  it.each(['20261341', '20260230', '2026', '2026.0101', '', 'yesterday'])('refuses %j as a day', (text) =>
    expect(parseDa(text)).toBeNull(),
  );
  it('takes the old forms', () => {
    expect(parseDa('1997.04.24')).toEqual({ year: 1997, month: 4, day: 24 });
    expect(parseTm('10:15:00')).toBe(36_900);
  });
  it('takes times of any precision', () => {
    expect([parseTm('10'), parseTm('1015'), parseTm('101500.25')]).toEqual([36_000, 36_900, 36_900.25]);
    expect([parseTm('24'), parseTm('1060'), parseTm('1')]).toEqual([null, null, null]);
  });
  it.each(['0100', '+1500', '+0160', ''])('refuses %j as an offset', (text) => expect(parseOffset(text)).toBeNull());
});
