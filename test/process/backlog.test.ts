// Sixty series wait for a PACS that is away: few probes while it is, and all of them within seconds of its return.
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { eventually, quickConfig, startNode } from '../../demo/start-node.js';
import { freePort } from '../support/free-port.js';
import { describeWithPeers, runTool } from '../support/peers.js';
import { writeSyntheticSeries } from '../support/synthetic-series.js';
import { withFolder } from '../support/temporary.js';
import { openTestScp } from '../support/test-scp.js';

const count = 60;

describeWithPeers(['storescu'], 'a backlog', () => {
  it('goes within seconds when the PACS is back, without a storm of associations', async () => {
    await withFolder(async (folder) => {
      const port = await freePort();
      const config = quickConfig({
        peers: { ct1: { aeTitle: 'CT1' }, pacs: { aeTitle: 'LIMPID', host: '127.0.0.1', port } },
        rules: [{ name: 'all', forward: ['pacs'] }],
      });
      const node = await startNode({ folder, config });
      const metric = async (pattern: RegExp): Promise<number> => {
        const text = await (await fetch(`http://127.0.0.1:${node.httpPort}/metrics`)).text();
        return [...text.matchAll(pattern)].reduce((sum, [, value]) => sum + Number(value), 0);
      };
      const associations = () => metric(/^limpid_associations_total\{(?=[^}]*direction="out")[^}]*\} (\d+)/gm);
      let pacs: Awaited<ReturnType<typeof openTestScp>> | null = null;
      try {
        const files: string[] = [];
        for (let seed = 1; seed <= count; seed++) {
          const shape = { modality: 'CT', slices: 1, rows: 32, columns: 32, noise: 20, seed } as const;
          files.push(...(await writeSyntheticSeries(join(folder, `series-${seed}`), shape)).files);
        }
        const scu = ['-aet', 'CT1', '-aec', 'LIMPID', '127.0.0.1', String(node.dicomPort)];
        expect(await runTool('storescu', [...scu, ...files])).toMatchObject({ code: 0 });
        await eventually(
          'all wait for the PACS',
          async () => (await metric(/^limpid_peer_waiting_instances\{peer="pacs"\} (\d+)/gm)) === count,
        );
        const whileAway = await associations();
        expect(whileAway).toBeLessThan(20);
        pacs = await openTestScp({ port });
        const { store } = pacs;
        await eventually('the first is there', () => Promise.resolve(store.objects.length > 0), 90_000);
        const back = performance.now();
        await eventually('all are there', () => Promise.resolve(store.objects.length === count));
        expect(performance.now() - back).toBeLessThan(40_000);
        await eventually(
          'none waits',
          async () => (await metric(/^limpid_peer_waiting_instances\{peer="pacs"\} (\d+)/gm)) === 0,
        );
        const used = (await associations()) - whileAway;
        expect(used).toBeGreaterThan(0);
        expect(used).toBeLessThan(count + 20);
      } catch (error) {
        throw new Error(`the log ends: ${node.log().slice(-4000)}`, { cause: error });
      } finally {
        await node.end('SIGKILL');
        await pacs?.scp.close();
      }
    });
  }, 600_000);
});
