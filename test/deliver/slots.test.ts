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

/** Ends what runs, and one after the other all that is called then. */
function inTurn(slots: Slots, running: readonly DeliveryJob[]): DeliveryJob[] {
  const called: DeliveryJob[] = [];
  const under = [...running];
  for (let job = under.shift(); job !== undefined; job = under.shift()) {
    slots.free(job);
    for (const next of slots.next()) {
      expect(slots.take(next, 'routine')).toBe(true);
      called.push(next);
      under.push(next);
    }
  }
  return called;
}

describe('slots of a peer', () => {
  it('are for two jobs at a time; the others stand in line', () => {
    const slots = new Slots();
    expect([1, 2, 3, 4].map((series) => slots.take(jobOf(series), 'routine'))).toEqual([true, true, false, false]);
    expect(slots.next()).toEqual([]);
    slots.free(jobOf(1));
    expect(slots.next()).toEqual([jobOf(3)]);
    expect(slots.waiting).toBe(1);
  });

  it('are never given to two revisions of a series at once: both hold the same instances', () => {
    const slots = new Slots();
    expect(slots.take(jobOf(1, 1), 'routine')).toBe(true);
    expect(slots.take(jobOf(1, 2), 'routine')).toBe(false);
    expect(slots.take(jobOf(1, 2, 'gaussian-12345678'), 'routine')).toBe(true); // other instances
    expect(slots.take(jobOf(2), 'routine')).toBe(false);
    slots.free(jobOf(1, 2, 'gaussian-12345678'));
    expect(slots.next()).toEqual([jobOf(2)]); // the second revision waits for the first one
    slots.free(jobOf(1, 1));
    expect(slots.next()).toEqual([jobOf(1, 2)]);
  });

  it('that become free together go to one revision of a series, and to another series', () => {
    const slots = new Slots();
    for (const job of [jobOf(1, 1), jobOf(1, 2), jobOf(2)]) slots.stand(job, 'routine');
    expect(slots.next()).toEqual([jobOf(1, 1), jobOf(2)]);
    expect(slots.waiting).toBe(1);
  });

  it('go by class, and within it to who came first', () => {
    const slots = new Slots();
    for (const series of [1, 2]) expect(slots.take(jobOf(series), 'batch')).toBe(true);
    for (const series of [3, 4]) slots.take(jobOf(series), 'batch');
    for (const series of [5, 6]) slots.take(jobOf(series), 'routine');
    for (const series of [7, 8]) slots.take(jobOf(series), 'urgent');
    expect(inTurn(slots, [jobOf(1), jobOf(2)])).toEqual([7, 8, 5, 6, 3, 4].map((series) => jobOf(series)));
  });

  it('follow a job that comes again in another class', () => {
    const slots = new Slots();
    for (const series of [1, 2, 3, 4, 5]) slots.take(jobOf(series), 'routine');
    slots.take(jobOf(5), 'urgent');
    slots.take(jobOf(3), 'batch');
    expect(inTurn(slots, [jobOf(1), jobOf(2)])).toEqual([jobOf(5), jobOf(4), jobOf(3)]);
  });

  it('are kept for who is called, whoever comes meanwhile', () => {
    const slots = new Slots();
    for (const series of [1, 2, 3]) slots.take(jobOf(series), 'routine');
    slots.take(jobOf(4), 'urgent');
    slots.free(jobOf(1));
    expect(slots.next()).toEqual([jobOf(4)]);
    expect(slots.take(jobOf(5), 'routine')).toBe(false);
    expect(slots.take(jobOf(4, 2), 'routine')).toBe(false); // the same series
    expect(slots.next()).toEqual([]);
    expect(slots.take(jobOf(4), 'urgent')).toBe(true);
    slots.settle(jobOf(4), false);
    expect(slots.take(jobOf(6), 'routine')).toBe(false); // what was kept is taken
  });

  it('that were taken from who was called leave it its place in line', () => {
    const slots = new Slots();
    for (const series of [1, 2, 3, 4, 5]) slots.take(jobOf(series), 'routine');
    slots.free(jobOf(1));
    expect(slots.next()).toEqual([jobOf(3)]);
    slots.settle(jobOf(3), false); // it is on its way
    expect(slots.take(jobOf(6), 'routine')).toBe(true);
    expect(slots.take(jobOf(3), 'routine')).toBe(false);
    expect(inTurn(slots, [jobOf(2), jobOf(6)])).toEqual([jobOf(3), jobOf(4), jobOf(5)]);
  });

  it('are not kept while who was called is looked for again; nobody else is called for them then', () => {
    const slots = new Slots();
    for (const series of [1, 2, 3, 4, 5]) slots.take(jobOf(series), 'routine');
    slots.free(jobOf(1));
    expect(slots.next()).toEqual([jobOf(3)]);
    slots.release(jobOf(3)); // not found at once
    expect(slots.next()).toEqual([]);
    slots.settle(jobOf(3), true);
    expect(slots.next()).toEqual([jobOf(4)]);
    slots.release(jobOf(4));
    expect(slots.take(jobOf(6), 'routine')).toBe(true);
  });
});
