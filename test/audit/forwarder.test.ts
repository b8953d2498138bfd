import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { startForwarder } from '../../src/audit/forwarder.js';
import { LimpidError } from '../../src/errors.js';
import { openLog } from '../../src/observe/log.js';
import { openMetrics } from '../../src/observe/metrics.js';

const log = openLog('silent');

/** Messages as a spool keeps them, and a collector that is down as long as it is told to. */
function setUp(names: readonly string[]) {
  const kept = new Map(names.map((name) => [name, Buffer.from(name)]));
  const taken: string[] = [];
  let isDown = false;
  let tries = 0;
  const metrics = openMetrics();
  const deps = {
    messages: {
      waiting: async () => [...kept.keys()].sort(),
      read: async (name: string) => kept.get(name) ?? null,
      remove: async (name: string) => void kept.delete(name),
    },
    collector: {
      async send(messages: readonly Uint8Array[]) {
        tries += 1;
        if (isDown) throw new LimpidError('AUDIT_UNREACHABLE', 'down');
        taken.push(...messages.map((message) => Buffer.from(message).toString()));
      },
      close() {},
    },
    log,
    metrics,
    now: () => 100_000,
    random: () => 0.01,
  };
  return { kept, taken, deps, metrics, down: (now: boolean) => (isDown = now), tries: () => tries };
}

const name = (index: number) => `${String(index).padStart(14, '0')}-000001-node`;

describe('audit messages', () => {
  it('go out oldest first, and are forgotten when they are taken', async () => {
    const names = Array.from({ length: 250 }, (_, index) => name(index));
    const { kept, taken, deps, tries } = setUp(names.toReversed());
    const forwarder = startForwarder(deps);
    await sleep(50);
    await forwarder.close();
    expect(taken).toEqual(names);
    expect(kept.size).toBe(0);
    expect(tries()).toBe(3);
  });

  it('are listed once where many wait, and hold up the end of the process for some seconds at most', async () => {
    const { kept, taken, deps } = setUp(Array.from({ length: 20_000 }, (_, index) => name(index)));
    let listings = 0;
    const waiting = (): Promise<string[]> => {
      listings += 1;
      return deps.messages.waiting();
    };
    const send = async (messages: readonly Uint8Array[]): Promise<void> => {
      await sleep(50); // 10 s for all
      await deps.collector.send(messages);
    };
    const forwarder = startForwarder({
      ...deps,
      messages: { ...deps.messages, waiting },
      collector: { ...deps.collector, send },
    });
    await sleep(300);
    expect([listings, taken.length > 100]).toEqual([1, true]);
    const beganMs = performance.now();
    await forwarder.close();
    expect(performance.now() - beganMs).toBeLessThan(5_000);
    expect(kept.size).toBeGreaterThan(0);
    expect(taken.length + kept.size).toBe(20_000);
  });

  it('stay while the repository is away, are counted, and go in their order when it is back', async () => {
    const { kept, taken, deps, metrics, down } = setUp([name(40_000), name(60_000)]);
    down(true);
    const forwarder = startForwarder(deps);
    await sleep(100);
    const text = await metrics.text();
    expect(text).toContain('limpid_audit_messages_waiting 2');
    expect(text).toContain('limpid_audit_oldest_seconds 60');
    expect(text).toContain('limpid_failures_total{code="AUDIT_UNREACHABLE"} 1');
    expect([taken, kept.size]).toEqual([[], 2]);
    down(false);
    for (let turn = 0; turn < 1200 && kept.size > 0; turn++) await sleep(50);
    await forwarder.close();
    expect(taken).toEqual([name(40_000), name(60_000)]);
  });

  it('that came last go before the end, unless the repository is away', async () => {
    const here = setUp([]);
    const forwarder = startForwarder(here.deps);
    await sleep(20);
    here.kept.set(name(1), Buffer.from('stopped'));
    await forwarder.close();
    expect(here.taken).toEqual(['stopped']);

    const away = setUp([name(1)]);
    away.down(true);
    const second = startForwarder(away.deps);
    await sleep(20);
    await second.close();
    expect([away.taken, away.kept.size]).toEqual([[], 1]);
  });
});
