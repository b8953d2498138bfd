// Waking what is in line for a peer.
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { PeerDesk } from '../../src/deliver/peer-desk.js';
import { openMetrics } from '../../src/observe/metrics.js';
import { keyOf } from '../../src/spool/key.js';
import { silentLog } from '../support/test-scp.js';

it('a delivery that is gone when it is to be woken leaves its turn to the next', async () => {
  const jobOf = (series: number) => ({
    key: keyOf('1.2.3', `1.2.3.${series}`),
    revision: 1,
    task: 'originals',
    peer: 'pacs',
  });
  const [gone, second, third] = [1, 2, 3].map(jobOf);
  const woken = new Set<unknown>();
  const desk = new PeerDesk({
    peer: 'pacs',
    destination: () => null,
    rates: { instancesPerSecond: null, bytesPerSecond: null },
    opensAt: () => null,
    waiting: () =>
      Promise.resolve([1, 2, 3].map((series) => ({ job: jobOf(series), priority: 'routine', batches: [] }))),
    wake: (job) => {
      woken.add(job);
      if (job.key === second?.key) desk.slots.take(job, 'routine');
      return Promise.resolve(job.key !== gone?.key);
    },
    log: silentLog,
    metrics: openMetrics(),
    now: Date.now,
    random: () => 0,
  });
  void desk.resume();
  await delay(300);
  expect([...woken]).toEqual([gone, second]); // it may be on its way back into the queue
  await delay(1_500);
  expect([...woken]).toEqual([gone, second, third]);
  desk.close();
});

it('says in the log what a probe has met: another thing may stand in the way by now', async () => {
  const probed: unknown[] = [];
  const desk = new PeerDesk({
    peer: 'pacs',
    destination: () => ({
      send: () => Promise.reject(new Error('nothing waits')),
      probe: () => Promise.resolve({ code: 'DIMSE_REJECTED', detail: 'it is busy', pace: 'refused' }),
    }),
    rates: { instancesPerSecond: null, bytesPerSecond: null },
    opensAt: () => null,
    waiting: () => Promise.resolve([]),
    wake: () => Promise.resolve(false),
    log: { ...silentLog, info: (_event, fields) => void probed.push(fields) },
    metrics: openMetrics(),
    now: Date.now,
    random: () => 1,
  });
  desk.failed({ code: 'DIMSE_CONNECT', detail: 'nobody listens', pace: 'unreachable' });
  desk.askNow();
  await delay(100);
  expect(probed).toEqual([{ peer: 'pacs', answered: false, code: 'DIMSE_REJECTED', detail: 'it is busy' }]);
  desk.close();
});
