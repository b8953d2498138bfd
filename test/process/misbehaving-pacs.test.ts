// A node with six archives, of which five misbehave each in its way: the sixth is not held up, the others have everything in the end.
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { eventually, quickConfig, startNode } from '../../demo/start-node.js';
import { keyOf } from '../../src/spool/key.js';
import { limpid } from '../support/limpid.js';
import { type StoreScpPeer, describeWithPeers, runTool, startStoreScp } from '../support/peers.js';
import { writeSyntheticSeries } from '../support/synthetic-series.js';
import { withFolder } from '../support/temporary.js';

const slices = 3;
/** Options of storescp. */
const ways = {
  good: [],
  refuses: ['--refuse'],
  'aborts-after': ['--abort-after'],
  'aborts-during': ['--abort-during'],
  'sleeps-after': ['--sleep-after', '1'],
  'sleeps-during': ['--sleep-during', '1'],
} as const;
type Way = keyof typeof ways;
const names = Object.keys(ways) as Way[];

describeWithPeers(['storescu', 'storescp'], 'archives that misbehave', () => {
  it('the good one is served at once; the slow ones are waited for; the others get everything once they are mended', async () => {
    await withFolder(async (folder) => {
      const archives = new Map<Way, StoreScpPeer>();
      for (const way of names) archives.set(way, await startStoreScp({ args: ways[way] }));
      const archiveOf = (way: Way): StoreScpPeer => {
        const archive = archives.get(way);
        if (archive === undefined) throw new Error(way);
        return archive;
      };
      const has = async (way: Way) => (await archiveOf(way).files()).length === slices;
      const peerOf = (way: Way) => ({
        aeTitle: 'STORESCP',
        host: '127.0.0.1',
        port: archiveOf(way).port,
        associations: 1,
      });
      const node = await startNode({
        folder,
        config: quickConfig({
          peers: { ct1: { aeTitle: 'CT1' }, ...Object.fromEntries(names.map((way) => [way, peerOf(way)])) },
          rules: [{ name: 'all', forward: names }],
        }),
      });
      const metrics = async () => (await fetch(`http://127.0.0.1:${node.httpPort}/metrics`)).text();
      try {
        const shape = { modality: 'CT', slices, rows: 64, columns: 64, noise: 20, seed: 1 } as const;
        const one = await writeSyntheticSeries(join(folder, 'series'), shape);
        const scu = ['-aet', 'CT1', '-aec', 'LIMPID', '127.0.0.1', String(node.dicomPort)];
        expect(await runTool('storescu', [...scu, ...one.files])).toMatchObject({ code: 0 });
        const started = performance.now();
        await eventually('all in the good one', () => has('good'));
        expect(performance.now() - started).toBeLessThan(30_000);
        for (const way of ['sleeps-after', 'sleeps-during'] as const) await eventually(`all in ${way}`, () => has(way));
        const seen = await eventually('every failure in the metrics', async () => {
          const text = await metrics();
          const isThere = (['aborts-after', 'aborts-during'] as const).every((way) =>
            text.includes(`limpid_associations_total{direction="out",peer="${way}",outcome="aborted"}`),
          );
          const areServed = (['good', 'sleeps-after', 'sleeps-during'] as const).every((way) =>
            text.includes(`limpid_deliveries_total{peer="${way}",outcome="delivered"} ${slices}`),
          );
          return (
            isThere &&
            areServed &&
            text.includes('limpid_associations_total{direction="out",peer="refuses",outcome="rejected"}') &&
            text
          );
        });
        for (const way of ['good', 'sleeps-after', 'sleeps-during']) {
          expect(seen).not.toMatch(new RegExp(`limpid_deliveries_total\\{peer="${way}",outcome="transient"\\} [1-9]`));
        }
        // refused without a reason: a person has to mend that, and is told so
        await eventually('given up', async () =>
          (await metrics()).includes('limpid_series_active{state="given-up"} 1'),
        );
        for (const way of ['refuses', 'aborts-after', 'aborts-during'] as const) {
          const { port } = archiveOf(way);
          await archiveOf(way).stop();
          archives.set(way, await startStoreScp({ port }));
        }
        for (const way of ['aborts-after', 'aborts-during'] as const)
          await eventually(`all in ${way}, now mended`, () => has(way), 300_000); // its waits grow while it fails
        const key = keyOf(one.studyInstanceUid, one.seriesInstanceUid);
        const requeued = await limpid('series', 'requeue', key, '--config', join(folder, 'limpid.yaml'));
        expect(requeued).toMatchObject({ status: 0 });
        await eventually('all in the one that refused', () => has('refuses'), 60_000);
        for (const way of names) expect(await archiveOf(way).files()).toHaveLength(slices);
      } catch (error) {
        throw new Error(`the log ends: ${node.log().slice(-4000)}`, { cause: error });
      } finally {
        await node.end('SIGKILL');
        for (const archive of archives.values()) await archive.stop();
      }
    });
  }, 600_000);
});
