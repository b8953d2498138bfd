import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FairShare, priorityOf } from '../../src/queue/fair-share.js';
import { jobIdOf } from '../../src/queue/jobs.js';
import { testKey } from './conformance.js';

const classes = ['urgent', 'routine', 'batch'] as const;
/** The largest priority that BullMQ takes. */
const largest = 2 ** 21 - 1;

describe('priorities', () => {
  it('stay within what BullMQ takes, and classes never mix', () => {
    fc.assert(
      fc.property(fc.nat(10_000_000), fc.nat(10_000_000), (a, b) => {
        const [urgent, routine, batch] = [priorityOf('urgent', a), priorityOf('routine', b), priorityOf('batch', a)];
        expect(urgent).toBeGreaterThan(0);
        expect(urgent).toBeLessThan(routine);
        expect(routine).toBeLessThan(batch);
        expect(batch).toBeLessThanOrEqual(largest);
      }),
    );
  });
});

describe('fair shares', () => {
  it('count each waiting job of a source once, and none when all have left', () => {
    const job = fc.record({
      id: fc.nat(20),
      source: fc.constantFrom('ct1', 'mr1'),
      class: fc.constantFrom(...classes),
    });
    fc.assert(
      fc.property(fc.array(job), (jobs) => {
        const share = new FairShare();
        const first = new Map<number, { source: string; class: (typeof classes)[number] }>();
        for (const one of jobs) {
          share.added(`${one.id}`, one.source, one.class);
          if (!first.has(one.id)) first.set(one.id, one);
        }
        for (const source of ['ct1', 'mr1']) {
          for (const name of classes) {
            const expected = [...first.values()].filter((one) => one.source === source && one.class === name).length;
            expect(share.waitingOf(source, name)).toBe(expected);
          }
        }
        for (const id of first.keys()) share.left(`${id}`);
        share.left('unknown');
        for (const name of classes) expect(share.waitingOf('ct1', name)).toBe(0);
      }),
    );
  });
});

describe('job ids', () => {
  it('hold no colon and are no number, which BullMQ refuses', () => {
    const data = { key: testKey('id'), revision: 12, task: 'ct-low-dose-0123abcd', peer: 'pacs-2' };
    expect(jobIdOf('series', data)).toBe(`${data.key}.r12`);
    expect(jobIdOf('tasks', data)).toBe(`${data.key}.r12.ct-low-dose-0123abcd`);
    expect(jobIdOf('deliveries', data)).toBe(`${data.key}.r12.ct-low-dose-0123abcd.pacs-2`);
  });
});
