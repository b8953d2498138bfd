import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Pressure, decidePressure } from '../../src/receive/decide-pressure.js';

const marks = { lowBytes: 1000, criticalBytes: 100, slowBacklog: 10, fullBacklog: 110 };
const roomy = 1_000_000;
const severity = (pressure: Pressure): number =>
  pressure.kind === 'slow'
    ? pressure.delayMs
    : { none: 0, 'refuse-instances': 10_000, 'refuse-associations': 100_000 }[pressure.kind];

describe('pressure', () => {
  it.each<[number | null, number | null, Pressure['kind'], number | null]>([
    [roomy, 0, 'none', null],
    [1250, 0, 'none', null],
    [1125, 0, 'slow', 500],
    [1000, 0, 'slow', 1000],
    [999, 0, 'refuse-instances', null],
    [100, 0, 'refuse-instances', null],
    [99, 0, 'refuse-associations', null],
    [null, 0, 'refuse-associations', null],
    [roomy, 10, 'none', null],
    [roomy, 60, 'slow', 500],
    [roomy, 110, 'refuse-instances', null],
    [99, 110, 'refuse-associations', null],
    [roomy, null, 'none', null], // without its queue a node still keeps what comes
  ])('%p bytes free, %p jobs waiting: %s', (freeBytes, backlog, kind, delayMs) => {
    const pressure = decidePressure({ freeBytes, backlog }, marks);
    expect(pressure.kind).toBe(kind);
    if (delayMs !== null) expect(pressure).toEqual({ kind: 'slow', delayMs });
  });

  it('never eases when there is less room or more work, and slows down before it refuses', () => {
    fc.assert(
      fc.property(fc.nat(2000), fc.nat(200), fc.nat(300), fc.nat(50), (free, backlog, less, more) => {
        const before = severity(decidePressure({ freeBytes: free + less, backlog }, marks));
        const after = severity(decidePressure({ freeBytes: free, backlog: backlog + more }, marks));
        expect(after).toBeGreaterThanOrEqual(before);
      }),
    );
  });
});
