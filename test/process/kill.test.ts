// SIGKILL at ten moments of a run, the queue deleted, Redis emptied: what was acknowledged is there, every derived series
// arrives once.
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { eventually, quickConfig, startNode } from '../../demo/start-node.js';
import type { NodeUnderTest } from '../../demo/start-node.js';
import { openReceivingPacs } from '../../demo/receiving-pacs.js';
import type { ReceivingPacs } from '../../demo/receiving-pacs.js';
import { readPart10 } from '../../src/dicom/part10.js';
import { readOutgoing } from '../../src/io/dimse/outgoing.js';
import { send } from '../../src/io/dimse/scu.js';
import { openLog } from '../../src/observe/log.js';
import { openMetrics } from '../../src/observe/metrics.js';
import { instanceNameOf, keyOf } from '../../src/spool/key.js';
import { Layout } from '../../src/spool/layout.js';
import { describeWithPeers, startRedis } from '../support/peers.js';
import { writeSyntheticSeries } from '../support/synthetic-series.js';
import type { SyntheticSeries } from '../support/synthetic-series.js';
import { withFolder } from '../support/temporary.js';

const log = openLog('silent');
const slices = 6;

function configFor(pacs: ReceivingPacs, change: Record<string, unknown> = {}): Record<string, unknown> {
  return quickConfig({
    peers: {
      ct1: { aeTitle: 'CT1' },
      pacs: { aeTitle: pacs.aeTitle, host: '127.0.0.1', port: pacs.port },
    },
    workers: { providers: ['cpu'] },
    // Much longer than a busy machine takes to start anew and send again what a killed node had not acknowledged: a revision that closes
    // before has a late one after it. Where it is sent again, the release of that association closes the series, not these.
    assemble: { quiet: '60s', released: '200ms', gaps: '60s', longest: '300s' },
    rules: [{ name: 'all', enhance: [{ with: 'gaussian' }], forward: ['pacs'], deliver: ['pacs'] }],
    ...change,
  });
}

/** Sends a series, and again what was not acknowledged, as a modality does. Returns the SOP Instance UIDs answered 0000. */
async function store(node: NodeUnderTest, series: SyntheticSeries): Promise<Set<string>> {
  const instances = await Promise.all(series.files.map((file) => readOutgoing(file)));
  const target = { aeTitle: 'LIMPID', host: '127.0.0.1', port: node.dicomPort, callingAe: 'CT1' };
  const { outcomes } = await send(target, instances, { associations: 1, log });
  return new Set(outcomes.filter(({ status }) => status === 0).map(({ sopInstanceUid }) => sopInstanceUid));
}

const seriesOf = (folder: string, seed: number): Promise<SyntheticSeries> =>
  writeSyntheticSeries(join(folder, 'in', String(seed)), {
    modality: 'CT',
    slices,
    rows: 96,
    columns: 96,
    noise: 20,
    seed,
  });

/** Waits until originals and one whole derived series of each source have arrived; checks that there is nothing else. */
async function allArrived(pacs: ReceivingPacs, sources: readonly SyntheticSeries[]): Promise<void> {
  const studies = new Map(sources.map((source) => [source.studyInstanceUid, source]));
  await eventually(
    'every series, whole',
    async () => {
      const distinct = new Set(pacs.stored.map(({ sopInstanceUid }) => sopInstanceUid));
      return distinct.size >= sources.length * slices * 2;
    },
    300_000,
  );
  for (const [study, source] of studies) {
    const stored = pacs.stored.filter(({ studyInstanceUid }) => studyInstanceUid === study);
    const bySeries = new Map<string, Set<string>>();
    for (const { seriesInstanceUid, sopInstanceUid } of stored) {
      bySeries.set(seriesInstanceUid, (bySeries.get(seriesInstanceUid) ?? new Set()).add(sopInstanceUid));
    }
    expect([...bySeries.keys()]).toHaveLength(2);
    expect(bySeries.get(source.seriesInstanceUid)?.size).toBe(slices);
    for (const instances of bySeries.values()) expect(instances.size).toBe(slices);
  }
}

/** Data set bytes of a Part 10 file. */
async function dataSetOf(file: string): Promise<Buffer> {
  const bytes = await readFile(file);
  return bytes.subarray(readPart10(bytes).dataSetOffset);
}

/** Every acknowledged instance has its file in the spool, with the bytes that were sent. */
async function expectKept(
  node: NodeUnderTest,
  series: SyntheticSeries,
  acknowledged: ReadonlySet<string>,
): Promise<void> {
  const layout = new Layout(node.spool);
  const key = keyOf(series.studyInstanceUid, series.seriesInstanceUid);
  for (const [index, uid] of series.sopInstanceUids.entries()) {
    if (!acknowledged.has(uid)) continue;
    const kept = await dataSetOf(layout.instance(key, instanceNameOf(uid)));
    expect({ uid, isWhole: kept.equals(await dataSetOf(series.files[index] ?? '')) }).toEqual({ uid, isWhole: true });
  }
}

describe('SIGKILL of a whole node on the embedded queue', () => {
  it('at ten moments: what was acknowledged is kept, and each derived series arrives once', async () => {
    await withFolder(async (folder) => {
      const pacs = await openReceivingPacs({
        folder: join(folder, 'pacs'),
        port: 0,
        aeTitle: 'PACS',
        log,
        metrics: openMetrics(),
      });
      const options = { folder: join(folder, 'node'), config: configFor(pacs) };
      const sources: SyntheticSeries[] = [];
      let node = await startNode(options);
      try {
        for (const [seed, afterMs] of [0, 20, 60, 150, 300, 450, 600, 800, 1_100, 1_600].entries()) {
          const source = await seriesOf(folder, seed);
          sources.push(source);
          const storing = store(node, source);
          await sleep(afterMs);
          await node.end('SIGKILL');
          const acknowledged = await storing;
          await expectKept(node, source, acknowledged);
          node = await startNode(options);
          if (acknowledged.size < slices) await store(node, source);
        }
        await allArrived(pacs, sources);
      } finally {
        await node.end('SIGKILL');
        await pacs.close();
      }
    });
  }, 900_000);

  it('ten times while four associations never pause: each acknowledged instance is there, byte for byte', async () => {
    await withFolder(async (folder) => {
      const options = {
        folder: join(folder, 'node'),
        config: quickConfig({
          peers: { ct1: { aeTitle: 'CT1' } },
          assemble: { quiet: '3s', released: '200ms', gaps: '3s', longest: '60s' },
          rules: [{ name: 'all', ignore: true }],
        }),
      };
      const shape = { modality: 'CT', slices: 50, rows: 256, columns: 256, noise: 20 } as const;
      const sources: SyntheticSeries[] = [];
      for (let seed = 0; seed < 4; seed++)
        sources.push(await writeSyntheticSeries(join(folder, 'in', String(seed)), { ...shape, seed }));
      const instances = await Promise.all(sources.flatMap(({ files }) => files.map((file) => readOutgoing(file))));
      const acknowledged = new Set<string>();
      /** Called once as many are acknowledged: a machine may be fast enough to take all of them between two looks. */
      let next = { count: Infinity, reached: (): void => undefined };
      const isReached = (count: number): Promise<void> =>
        new Promise((resolve) => {
          next = { count, reached: resolve };
          if (acknowledged.size >= count) resolve();
        });
      let port = 0;
      const over = new AbortController();
      /** Sends what has no 0000 yet, again and again, as a modality does: also while the node is away. */
      const modality = (async () => {
        while (!over.signal.aborted) {
          const left = instances.filter(({ sopInstanceUid }) => !acknowledged.has(sopInstanceUid));
          if (left.length === 0) return;
          const target = { aeTitle: 'LIMPID', host: '127.0.0.1', port, callingAe: 'CT1' };
          await send(target, left, {
            associations: 4,
            log,
            onOutcome: ({ status, sopInstanceUid }) => {
              if (status === 0) acknowledged.add(sopInstanceUid);
              if (acknowledged.size >= next.count) next.reached();
            },
          });
          await sleep(250); // what a node that starts needs of the machine
        }
      })();
      const counts: number[] = [];
      let node = await startNode(options);
      try {
        for (let kill = 0; kill < 10; kill++) {
          const before = acknowledged.size;
          port = node.dicomPort;
          const most = Math.min(instances.length, before + 5 + 4 * kill);
          await isReached(most);
          await node.end('SIGKILL');
          await sleep(50);
          counts.push(acknowledged.size);
          const known = new Set(acknowledged);
          for (const source of sources) await expectKept(node, source, known);
          node = await startNode(options);
        }
        port = node.dicomPort;
        await modality;
        for (const source of sources) await expectKept(node, source, acknowledged);
        expect(acknowledged.size).toBe(instances.length);
        expect(new Set(counts).size).toBeGreaterThan(3); // it was killed under way, not before or behind
      } finally {
        over.abort();
        await node.end('SIGKILL');
      }
    });
  }, 900_000);

  it('and its queue deleted: the spool makes the jobs anew', async () => {
    await withFolder(async (folder) => {
      const pacs = await openReceivingPacs({
        folder: join(folder, 'pacs'),
        port: 0,
        aeTitle: 'PACS',
        log,
        metrics: openMetrics(),
      });
      const options = { folder: join(folder, 'node'), config: configFor(pacs) };
      let node = await startNode(options);
      try {
        const source = await seriesOf(folder, 1);
        await store(node, source);
        await sleep(300);
        await node.end('SIGKILL');
        await rm(join(node.spool, 'queue'), { recursive: true, force: true });
        node = await startNode(options);
        await allArrived(pacs, [source]);
      } finally {
        await node.end('SIGKILL');
        await pacs.close();
      }
    });
  }, 600_000);
});

describeWithPeers(['redis-server'], 'SIGKILL of each role, on Redis', () => {
  it('at ten moments, and FLUSHALL: each derived series arrives once', async () => {
    await withFolder(async (folder) => {
      const redis = await startRedis();
      const client = new Redis(redis.url);
      const pacs = await openReceivingPacs({
        folder: join(folder, 'pacs'),
        port: 0,
        aeTitle: 'PACS',
        log,
        metrics: openMetrics(),
      });
      const config = configFor(pacs, { queue: redis.url });
      const roles = ['receiver,admin', 'worker', 'sender'] as const;
      const start = (role: string): Promise<NodeUnderTest> =>
        startNode({ folder: join(folder, 'node'), config, roles: role, name: `${role.replace(',', '-')}.yaml` });
      const nodes = new Map<string, NodeUnderTest>();
      for (const role of roles) nodes.set(role, await start(role));
      const sources: SyntheticSeries[] = [];
      try {
        for (let moment = 0; moment < 10; moment += 1) {
          const role = roles[moment % roles.length] ?? 'worker';
          const source = await seriesOf(folder, moment);
          sources.push(source);
          const receiver = nodes.get('receiver,admin');
          if (receiver === undefined) throw new Error('no receiver');
          const storing = store(receiver, source);
          await sleep(moment * 120);
          await nodes.get(role)?.end('SIGKILL');
          const acknowledged = await storing;
          if (moment === 5) await client.flushall();
          nodes.set(role, await start(role));
          const again = nodes.get('receiver,admin');
          if (acknowledged.size < slices && again !== undefined) await store(again, source);
        }
        await client.flushall();
        await allArrived(pacs, sources);
      } finally {
        for (const node of nodes.values()) await node.end('SIGKILL');
        await pacs.close();
        client.disconnect();
        await redis.stop();
      }
    });
  }, 900_000);
});
