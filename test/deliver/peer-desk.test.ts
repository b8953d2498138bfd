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
    openMs: (fromMs, toMs) => toMs - fromMs,
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
    openMs: (fromMs, toMs) => toMs - fromMs,
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

it('alerts nobody of a breaker outside the hours of its peer, and asks when they begin', async () => {
  const metrics = openMetrics();
  let opensMs: number | null = Date.now() + 500;
  let probes = 0;
  const desk = new PeerDesk({
    peer: 'pacs',
    destination: () => ({
      send: () => Promise.reject(new Error('nothing waits')),
      probe: () => {
        probes += 1;
        return Promise.resolve({ code: 'DIMSE_CONNECT', detail: 'nobody listens', pace: 'unreachable' });
      },
    }),
    rates: { instancesPerSecond: null, bytesPerSecond: null },
    opensAt: () => opensMs,
    openMs: (fromMs, toMs) => toMs - fromMs,
    waiting: () => Promise.resolve([]),
    wake: () => Promise.resolve(false),
    log: silentLog,
    metrics,
    now: Date.now,
    random: () => 0,
  });
  const state = async () => /limpid_peer_breaker_state\{peer="pacs"\} (\d)/.exec(await metrics.text())?.[1];
  desk.failed({ code: 'DIMSE_CONNECT', detail: 'nobody listens', pace: 'unreachable' });
  expect(await state()).toBe('2');
  await delay(250);
  expect([await state(), desk.state, probes]).toEqual(['0', 'open', 0]);
  opensMs = null;
  await delay(320);
  expect([await state(), probes > 0]).toEqual(['2', true]);
  desk.close();
});

it.each(['unreachable', 'lost'] as const)(
  'a clock that is set back after a peer is back (%s) holds nothing back',
  async (pace) => {
    let aheadMs = 0;
    const desk = new PeerDesk({
      peer: 'pacs',
      destination: () => ({
        send: () => Promise.reject(new Error('nothing waits')),
        probe: () => Promise.resolve(null),
      }),
      rates: { instancesPerSecond: null, bytesPerSecond: null },
      opensAt: () => null,
      openMs: (fromMs, toMs) => toMs - fromMs,
      waiting: () => Promise.resolve([]),
      wake: () => Promise.resolve(false),
      log: silentLog,
      metrics: openMetrics(),
      now: () => Date.now() + aheadMs,
      random: () => 0,
    });
    desk.failed({ code: 'DIMSE_CONNECT', detail: 'away', pace });
    expect(desk.isOpenFor).toBe(false);
    await delay(pace === 'lost' ? 3_200 : 300); // a tenth of the first wait
    expect(desk.isOpenFor).toBe(true);
    aheadMs = -5 * 3_600_000;
    expect(desk.isOpenFor).toBe(true);
    desk.close();
  },
);
