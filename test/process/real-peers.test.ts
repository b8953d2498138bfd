// A real modality tool, a node in a process of its own, a real PACS: the main job, on real series where they are at hand.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { eventually, quickConfig, startNode } from '../../demo/start-node.js';
import type { NodeUnderTest } from '../../demo/start-node.js';
import { describeWithPeers, runTool, startOrthanc, startRedis, startStoreScp } from '../support/peers.js';
import type { OrthancPeer } from '../support/peers.js';
import { itWithData, sharedData } from '../support/shared-data.js';
import { writeSyntheticSeries } from '../support/synthetic-series.js';
import { withFolder } from '../support/temporary.js';
import { checkSeries, judgeMissing } from './check-series.js';
import { download, heldSeries } from './orthanc.js';

const scu = (port: number): string[] => ['-aet', 'CT1', '-aec', 'LIMPID', '127.0.0.1', String(port)];

function configFor(pacsPort: number, aeTitle: string, change: Record<string, unknown> = {}): Record<string, unknown> {
  return quickConfig({
    peers: {
      ct1: { aeTitle: 'CT1', from: ['127.0.0.1'] },
      pacs: { aeTitle, host: '127.0.0.1', port: pacsPort },
    },
    workers: { providers: ['cpu'] },
    rules: [
      {
        name: 'ct',
        when: { Modality: 'CT' },
        enhance: [{ with: 'ct-low-dose' }],
        forward: ['pacs'],
        deliver: ['pacs'],
      },
      {
        name: 'mr',
        when: { Modality: 'MR' },
        enhance: [{ with: 'mr-accelerated' }],
        forward: ['pacs'],
        deliver: ['pacs'],
      },
    ],
    ...change,
  });
}

const filterRules = [{ name: 'all', enhance: [{ with: 'gaussian' }], forward: ['pacs'], deliver: ['pacs'] }];

describeWithPeers(['storescu', 'dcmsend', 'Orthanc'], 'storescu > limpid > Orthanc', () => {
  let orthanc: OrthancPeer;
  beforeEach(async () => {
    orthanc = await startOrthanc({ modalities: { LIMPID: { aeTitle: 'LIMPID', port: 11_112 } } });
  });
  afterEach(() => orthanc.stop());

  const withNode = async (
    config: Record<string, unknown>,
    body: (node: NodeUnderTest, folder: string) => Promise<void>,
  ): Promise<void> =>
    withFolder(async (folder) => {
      const node = await startNode({ folder: join(folder, 'node'), config });
      try {
        await body(node, folder);
      } catch (error) {
        throw new Error(`the log ends: ${node.log().slice(-4000)}`, { cause: error });
      } finally {
        await node.end('SIGKILL');
      }
    });

  const arrived = (slices: number, series = 2): Promise<Awaited<ReturnType<typeof heldSeries>>> =>
    eventually(
      `${series} series of ${slices} slices in Orthanc`,
      async () => {
        const held = await heldSeries(orthanc.url);
        return held.length >= series && held.every(({ instances }) => instances.length === slices) && held;
      },
      120_000,
    );

  for (const [folder, slices] of [
    ['ct/chest-1mm-philips-brilliance16', 8],
    ['mr/brain-t2-fse-siemens-trio', 8],
  ] as const) {
    itWithData(
      `${folder}: the originals and one derived series of as many slices, in the same study; the outside judge prints PASS`,
      () =>
        withNode(configFor(orthanc.dicomPort, orthanc.aeTitle), async (node, temporary) => {
          const source = sharedData(folder) ?? '';
          const sent = await runTool('storescu', [...scu(node.dicomPort), '+sd', '+r', source]);
          expect(sent).toMatchObject({ code: 0 });
          const held = await arrived(slices);
          expect(held).toHaveLength(2);
          expect(new Set(held.map(({ studyInstanceUid }) => studyInstanceUid)).size).toBe(1);
          const derived = held.find(({ seriesInstanceUid }) => seriesInstanceUid.startsWith('2.25.'));
          if (derived === undefined) throw new Error('no derived series');
          await download(orthanc.url, derived, join(temporary, 'derived'));
          if (judgeMissing() === null) expect(await checkSeries(source, join(temporary, 'derived'))).toBe('PASS');
        }),
      180_000,
    );
  }

  it('one association an image, then several associations at once: one revision, one derived series each', async () => {
    // Longer than any process takes to start.
    const assemble = { quiet: '8s', released: '5s', gaps: '8s', longest: '120s' };
    const config = configFor(orthanc.dicomPort, orthanc.aeTitle, { rules: filterRules, assemble });
    await withNode(config, async (node, folder) => {
      const one = await writeSyntheticSeries(join(folder, 'one'), {
        modality: 'CT',
        slices: 5,
        rows: 64,
        columns: 64,
        noise: 20,
        seed: 1,
      });
      for (const file of one.files)
        expect(await runTool('storescu', [...scu(node.dicomPort), file])).toMatchObject({ code: 0 });
      await arrived(5);
      const two = await writeSyntheticSeries(join(folder, 'two'), {
        modality: 'CT',
        slices: 6,
        rows: 64,
        columns: 64,
        noise: 20,
        seed: 2,
      });
      await Promise.all(
        [0, 1, 2].map((part) =>
          runTool('dcmsend', [
            ...scu(node.dicomPort).slice(0, 4),
            '127.0.0.1',
            String(node.dicomPort),
            ...two.files.filter((_, index) => index % 3 === part),
          ]),
        ),
      );
      const held = await eventually('both derived series', async () => {
        const all = await heldSeries(orthanc.url);
        return all.length === 4 && all.reduce((sum, { instances }) => sum + instances.length, 0) === 22 && all;
      });
      expect(held).toHaveLength(4);
      const list = (await (await fetch(`http://127.0.0.1:${node.httpPort}/api/series`)).json()) as {
        series: { revision: number }[];
      };
      expect(list.series.map(({ revision }) => revision)).toEqual([1, 1]);
    });
  });

  it('a PACS that is away for a while holds up neither the node nor another destination', async () => {
    await withFolder(async (folder) => {
      const other = await startStoreScp();
      const config = configFor(orthanc.dicomPort, orthanc.aeTitle, {
        peers: {
          ct1: { aeTitle: 'CT1' },
          away: { aeTitle: 'AWAY', host: '127.0.0.1', port: 1 },
          pacs: { aeTitle: orthanc.aeTitle, host: '127.0.0.1', port: orthanc.dicomPort },
          archive: { aeTitle: 'STORESCP', host: '127.0.0.1', port: other.port },
        },
        rules: [{ name: 'all', enhance: [{ with: 'gaussian' }], deliver: ['away', 'pacs', 'archive'] }],
      });
      await orthanc.stop();
      const node = await startNode({ folder: join(folder, 'node'), config });
      try {
        const { files } = await writeSyntheticSeries(join(folder, 'series'), {
          modality: 'CT',
          slices: 4,
          rows: 64,
          columns: 64,
          noise: 20,
          seed: 1,
        });
        expect(await runTool('storescu', [...scu(node.dicomPort), ...files])).toMatchObject({ code: 0 });
        await eventually('the other destination has it', async () => (await other.files()).length === 4);
        orthanc = await startOrthanc({
          aeTitle: orthanc.aeTitle,
          modalities: { LIMPID: { aeTitle: 'LIMPID', port: 11_112 } },
          dicomPort: orthanc.dicomPort,
        });
        await arrived(4, 1);
      } finally {
        await node.end('SIGKILL');
        await other.stop();
      }
    });
  }, 600_000);
});

describeWithPeers(['storescu', 'Orthanc', 'redis-server'], 'roles in processes of their own, on Redis', () => {
  it('receiver and admin, two workers, sender: each series arrives once, and both workers share the load', async () => {
    const redis = await startRedis();
    const orthanc = await startOrthanc({ modalities: { LIMPID: { aeTitle: 'LIMPID', port: 11_112 } } });
    await withFolder(async (folder) => {
      const config = configFor(orthanc.dicomPort, orthanc.aeTitle, { queue: redis.url, rules: filterRules });
      const nodes = await Promise.all(
        [
          ['receiver,admin', 'a.yaml'],
          ['worker', 'b.yaml'],
          ['worker', 'c.yaml'],
          ['sender', 'd.yaml'],
        ].map(([roles = '', name = '']) => startNode({ folder, config, roles, name })),
      );
      try {
        const receiver = nodes[0];
        if (receiver === undefined) throw new Error('no receiver');
        await mkdir(join(folder, 'in'));
        const series = await Promise.all(
          [1, 2, 3, 4, 5, 6].map((seed) =>
            writeSyntheticSeries(join(folder, 'in', String(seed)), {
              modality: 'CT',
              slices: 4,
              rows: 128,
              columns: 128,
              noise: 20,
              seed,
            }),
          ),
        );
        // All at once, so that there is work for both.
        const files = series.flatMap((one) => one.files);
        expect(await runTool('storescu', [...scu(receiver.dicomPort), ...files])).toMatchObject({ code: 0 });
        const held = await eventually(
          'six originals and six derived series',
          async () => {
            const all = await heldSeries(orthanc.url);
            return all.length === 12 && all.every(({ instances }) => instances.length === 4) && all;
          },
          120_000,
        );
        expect(
          held.filter(({ seriesInstanceUid }) => seriesInstanceUid.startsWith('2.25.')).length,
        ).toBeGreaterThanOrEqual(6);
        const ended = await Promise.all(
          nodes.slice(1, 3).map(async ({ httpPort }) => {
            const text = await (await fetch(`http://127.0.0.1:${httpPort}/metrics`)).text();
            return Number(/^limpid_tasks_total\{[^}]*outcome="enhanced"[^}]*\} (\d+)/m.exec(text)?.[1] ?? 0);
          }),
        );
        expect(ended.reduce((sum, count) => sum + count, 0)).toBe(6);
        expect(Math.min(...ended)).toBeGreaterThan(0);
        for (const node of nodes) expect(await node.end('SIGTERM')).toBe(0);
      } finally {
        for (const node of nodes) await node.end('SIGKILL');
      }
    });
    await orthanc.stop();
    await redis.stop();
  }, 600_000);
});
