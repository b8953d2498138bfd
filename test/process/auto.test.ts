// A rule that says `with: auto`, in a whole node: the series is measured, a model picked, and the record says why.
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { eventually } from '../../demo/start-node.js';
import { readOutgoing } from '../../src/io/dimse/outgoing.js';
import { send } from '../../src/io/dimse/scu.js';
import { openLog } from '../../src/observe/log.js';
import { keyOf } from '../../src/spool/key.js';
import { seriesView } from '../../src/spool/view.js';
import { writeSyntheticSeries } from '../support/synthetic-series.js';
import { withNodeAndPacs } from '../support/node-and-pacs.js';

const log = openLog('silent');

it('picks the network for an adult and the filter for a child, from the same rule', async () => {
  await withNodeAndPacs('auto', async ({ folder, node, target }) => {
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
  });
}, 600_000);
