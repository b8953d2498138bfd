// A rule that says `with: auto`, in a whole node: the series is measured, a model picked, and the record says why.
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { openReceivingPacs } from '../../demo/receiving-pacs.js';
import { eventually, quickConfig, startNode } from '../../demo/start-node.js';
import { readOutgoing } from '../../src/io/dimse/outgoing.js';
import { send } from '../../src/io/dimse/scu.js';
import { openLog } from '../../src/observe/log.js';
import { openMetrics } from '../../src/observe/metrics.js';
import { keyOf } from '../../src/spool/key.js';
import { seriesView } from '../../src/spool/view.js';
import { writeSyntheticSeries } from '../support/synthetic-series.js';
import { withFolder } from '../support/temporary.js';

const log = openLog('silent');

it('picks the network for an adult and the filter for a child, from the same rule', async () => {
  await withFolder(async (folder) => {
    const pacs = await openReceivingPacs({
      folder: join(folder, 'pacs'),
      port: 0,
      aeTitle: 'PACS',
      log,
      metrics: openMetrics(),
    });
    const node = await startNode({
      folder: join(folder, 'node'),
      config: quickConfig({
        peers: { ct1: { aeTitle: 'CT1' }, pacs: { aeTitle: 'PACS', host: '127.0.0.1', port: pacs.port } },
        workers: { providers: ['cpu'] },
        rules: [{ name: 'all', enhance: [{ with: 'auto' }], deliver: ['pacs'] }],
      }),
    });
    try {
      const taskOf = async (seed: number, age: string) => {
        const one = await writeSyntheticSeries(join(folder, age), {
          modality: 'CT',
          slices: 3,
          rows: 256,
          columns: 256,
          noise: 25,
          seed,
          change: () => [[0x00101010, 'AS', age]],
        });
        const target = { aeTitle: 'LIMPID', host: '127.0.0.1', port: node.dicomPort, callingAe: 'CT1' };
        await send(target, await Promise.all(one.files.map((file) => readOutgoing(file))), { associations: 1, log });
        const key = keyOf(one.studyInstanceUid, one.seriesInstanceUid);
        const view = await eventually(`the series of ${age} is done`, async () => {
          const answer = await fetch(`http://127.0.0.1:${node.httpPort}/api/series/${key}`);
          const found = answer.ok ? seriesView.parse(await answer.json()) : null;
          return found?.state === 'done' && found;
        });
        return view.revisions[0]?.tasks[0];
      };
      const adult = await taskOf(1, '056Y');
      expect(adult).toMatchObject({ model: { id: 'ct-low-dose' }, state: 'enhanced' });
      expect(adult?.choice?.[0]).toMatchObject({ model: 'ct-low-dose', taken: true });
      expect(adult?.choice?.[0]?.why).toMatch(/^fits \(noise \d+\.\d(, degradation \w+)?\)$/);
      const child = await taskOf(2, '009Y');
      expect(child?.model.id).toBe('nlm');
      expect(child?.choice?.find(({ model }) => model === 'ct-low-dose')?.why).toMatch(/^PAEDIATRIC/);
    } finally {
      await node.end('SIGKILL');
      await pacs.close();
    }
  });
}, 120_000);
