import { describe, expect, it } from '@jest/globals';
import { readMoment } from '../../src/cli/arguments.js';

describe('a moment on the command line', () => {
  it('is a day, whole, or a time of it', () => {
    const day = (time: string): number => new Date(`2026-01-31T${time}`).getTime();
    expect(readMoment('from')('2026-01-31')).toBe(day('00:00:00'));
    expect(readMoment('to')('2026-01-31')).toBe(day('23:59:59.999'));
    expect(readMoment('to')('2026-01-31T12:00')).toBe(day('12:00:00'));
    expect(readMoment('to')('2028-02-29T12:00:00.5+01:00')).toBe(Date.parse('2028-02-29T11:00:00.500Z'));
  });

  it.each(['01/02/2026', '2026-02-31', '2026-02-31T10:00:00Z', '2026-1-5', '2026', '5', 'x 3', '2026-01-31T25:00', ''])(
    'is not %j, which could be taken for another',
    (text) => {
      for (const end of ['from', 'to'] as const) expect(() => readMoment(end)(text)).toThrow('A day as 2026-01-31');
    },
  );
});
