// Fifty routine series are in line for a PACS: an urgent one, and one that a person makes urgent, go before them.
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { eventually, quickConfig, startNode } from '../../demo/start-node.js';
import { keyOf } from '../../src/spool/key.js';
import { freePort } from '../support/free-port.js';
import { memoryStore } from '../support/memory-store.js';
import { describeWithPeers, runTool } from '../support/peers.js';
import { writeSyntheticSeries } from '../support/synthetic-series.js';
import { withFolder } from '../support/temporary.js';
import { openTestScp } from '../support/test-scp.js';

describeWithPeers(['storescu'], 'the priority of a series', () => {
  it('holds in line for a PACS that is busy, and for one that comes back', async () => {
    await withFolder(async (folder) => {
      const port = await freePort();
      const config = quickConfig({
        peers: { ct1: { aeTitle: 'CT1' }, pacs: { aeTitle: 'LIMPID', host: '127.0.0.1', port } },
        rules: [
          { name: 'urgent', when: { Modality: 'MR' }, forward: ['pacs'], priority: 'urgent' },
          { name: 'rest', forward: ['pacs'] },
        ],
      });
      let answers = (): void => undefined;
      const answered = new Promise<void>((resolve) => (answers = resolve));
      const slow = memoryStore({ beforeCommit: () => answered });
      let pacs = await openTestScp({ port, store: slow });
      const node = await startNode({ folder, config });
      const url = `http://127.0.0.1:${node.httpPort}`;
      const made = (modality: 'CT' | 'MR', seed: number) =>
        writeSyntheticSeries(join(folder, `${modality}-${seed}`), {
          modality,
          slices: 1,
          rows: 32,
          columns: 32,
          noise: 20,
          seed,
        });
      const many = (count: number, from: number) =>
        Promise.all(Array.from({ length: count }, (_, index) => made('CT', from + index)));
      /** Sends them, and waits until each is behind the busy or silent PACS. */
      const bring = async (
        series: readonly { readonly files: readonly string[] }[],
        waiting: number,
      ): Promise<void> => {
        const scu = ['-aet', 'CT1', '-aec', 'LIMPID', '127.0.0.1', String(node.dicomPort)];
        const files = series.flatMap((one) => one.files);
        expect(await runTool('storescu', [...scu, ...files])).toMatchObject({ code: 0 });
        await eventually(`${waiting} wait`, async () => {
          const text = await (await fetch(`${url}/metrics`)).text();
          return text.includes(`limpid_peer_waiting_instances{peer="pacs"} ${waiting}\n`);
        });
      };
      const inOrder = (store: typeof slow): string[] => store.objects.map(({ facts }) => facts.seriesInstanceUid);
      try {
        const routine = await many(52, 1);
        await bring(routine, 52);
        await eventually('two are under way', () => Promise.resolve(slow.open() === 2));
        const urgent = await made('MR', 100);
        await bring([urgent], 53);
        // Series are closed as they came: the last of them is at the end of the line.
        const raised = routine.at(-1) ?? urgent;
        const key = keyOf(raised.studyInstanceUid, raised.seriesInstanceUid);
        const asked = await fetch(`${url}/api/series/${key}/actions`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ kind: 'prioritise', priority: 'urgent' }),
        });
        expect(asked.ok).toBe(true);
        await new Promise((resolve) => setTimeout(resolve, 4_000)); // the series is looked at within a second
        answers();
        await eventually('all are there', () => Promise.resolve(slow.objects.length === 53));
        // The first two were under way.
        expect(inOrder(slow).slice(2, 6)).toEqual(
          expect.arrayContaining([urgent.seriesInstanceUid, raised.seriesInstanceUid]),
        );

        await pacs.scp.close();
        await bring(await many(20, 200), 20);
        const last = await made('MR', 101);
        await bring([last], 21);
        pacs = await openTestScp({ port });
        const { store } = pacs;
        await eventually('all are there', () => Promise.resolve(store.objects.length === 21));
        expect(inOrder(store).slice(0, 3)).toContain(last.seriesInstanceUid);
      } catch (error) {
        throw new Error(`the log ends: ${node.log().slice(-4000)}`, { cause: error });
      } finally {
        await node.end('SIGKILL');
        await pacs.scp.close();
      }
    });
  }, 300_000);
});
