// Whose turn it is at a peer: two jobs at once, and never two that would send the same instances.
import { describe, expect, it } from '@jest/globals';
import type { DeliveryJob } from '../../src/deliver/job.js';
import { Slots } from '../../src/deliver/slots.js';
import { keyOf } from '../../src/spool/key.js';

const jobOf = (series: number, revision = 1, task = 'originals'): DeliveryJob => ({
  key: keyOf('1.2.3', `1.2.3.${series}`),
  revision,
  task,
  peer: 'pacs',
});

describe('slots of a peer', () => {
  it('are for two jobs at a time; the others stand in line', () => {
    const slots = new Slots();
    expect([1, 2, 3, 4].map((series) => slots.take(jobOf(series)))).toEqual([true, true, false, false]);
    expect(slots.next()).toEqual([]);
    slots.free(jobOf(1));
    expect(slots.next()).toEqual([jobOf(3)]);
    expect(slots.waiting).toBe(1);
  });

  it('are never given to two revisions of a series at once: both hold the same instances', () => {
    const slots = new Slots();
    expect(slots.take(jobOf(1, 1))).toBe(true);
    expect(slots.take(jobOf(1, 2))).toBe(false);
    expect(slots.take(jobOf(1, 2, 'gaussian-12345678'))).toBe(true); // other instances
    expect(slots.take(jobOf(2))).toBe(false);
    slots.free(jobOf(1, 2, 'gaussian-12345678'));
    expect(slots.next()).toEqual([jobOf(2)]); // the second revision waits for the first one
    slots.free(jobOf(1, 1));
    expect(slots.next()).toEqual([jobOf(1, 2)]);
  });

  it('that become free together go to one revision of a series, and to another series', () => {
    const slots = new Slots();
    for (const job of [jobOf(1, 1), jobOf(1, 2), jobOf(2)]) slots.stand(job);
    expect(slots.next()).toEqual([jobOf(1, 1), jobOf(2)]);
    expect(slots.waiting).toBe(1);
  });
});
