// Buffers that connections and writing threads share: nobody gets one that somebody still holds.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { WriteBuffers } from '../../src/spool/write-buffers.js';

describe('buffers', () => {
  it('are given to nobody else while anybody holds them, in any order of taking, holding and giving', () => {
    const steps = fc.array(fc.record({ what: fc.constantFrom('take', 'hold', 'give'), which: fc.nat(1000) }), {
      maxLength: 300,
    });
    fc.assert(
      fc.property(steps, (all) => {
        const buffers = new WriteBuffers();
        const holdings: Uint8Array[] = [];
        for (const { what, which } of all) {
          const at = which % Math.max(1, holdings.length);
          const one = holdings[at];
          if (what === 'take') {
            const taken = buffers.take();
            expect(holdings.some(({ buffer }) => buffer === taken.buffer)).toBe(false);
            holdings.push(taken);
          } else if (one !== undefined && what === 'hold') {
            const part = one.subarray(which % 100);
            expect(buffers.hold(part)).toBe(true);
            holdings.push(part);
          } else if (one !== undefined) {
            buffers.give(one);
            holdings.splice(at, 1);
          }
          expect(buffers.used).toBe(new Set(holdings.map(({ buffer }) => buffer)).size);
          for (const held of holdings) {
            const others = holdings.filter(({ buffer }) => buffer === held.buffer).length > 1;
            expect(buffers.isShared(held)).toBe(others);
          }
        }
      }),
    );
  });

  it('are used again, and do not know bytes that lie elsewhere', () => {
    const buffers = new WriteBuffers();
    const first = buffers.take();
    buffers.give(first);
    expect(buffers.hold(first)).toBe(false);
    expect(buffers.take().buffer).toBe(first.buffer);
    expect(buffers.hold(Buffer.alloc(10))).toBe(false);
    buffers.give(Buffer.alloc(10));
    expect(buffers.used).toBe(1);
  });

  it('are scarce when many are held, whoever holds them', () => {
    const buffers = new WriteBuffers();
    const taken = Array.from({ length: 64 }, () => buffers.take());
    expect(buffers.areScarce).toBe(false);
    taken.push(buffers.take());
    expect(buffers.areScarce).toBe(true);
    for (const buffer of taken) buffers.give(buffer);
    expect(buffers.areScarce).toBe(false);
  });
});
