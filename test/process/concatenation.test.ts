// A concatenation through a whole node: refused while a part is missing, derived part by part once all are there.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { eventually } from '../../demo/start-node.js';
import { readInstance } from '../../src/dicom/file.js';
import { derivedConcatenationUid } from '../../src/dicom/uid.js';
import { number, text } from '../../src/dicom/values.js';
import { readOutgoing } from '../../src/io/dimse/outgoing.js';
import { send } from '../../src/io/dimse/scu.js';
import { openLog } from '../../src/observe/log.js';
import { keyOf } from '../../src/spool/key.js';
import { seriesView } from '../../src/spool/view.js';
import type { SeriesView } from '../../src/spool/view.js';
import { enhancedCt, enhancedCtUids } from '../support/enhanced-ct.js';
import { withNodeAndPacs } from '../support/node-and-pacs.js';

const log = openLog('silent');

it('waits for all parts of a concatenation, and makes the same parts of another', async () => {
  await withNodeAndPacs('gaussian', async ({ folder, node, pacs, target }) => {
    const key = keyOf(enhancedCtUids.study, enhancedCtUids.series);
    const arrived = async (part: 1 | 2): Promise<void> => {
      const file = join(folder, `${part}.dcm`);
      const before = part === 1 ? 0 : 2;
      await writeFile(file, enhancedCt({ frames: 2, before, part: { number: part, total: 2 } }));
      await send(target, [await readOutgoing(file)], { associations: 1, log });
    };
    const ended = (revision: number): Promise<SeriesView> =>
      eventually(`revision ${revision}`, async () => {
        const answer = await fetch(`http://127.0.0.1:${node.httpPort}/api/series/${key}`);
        const view = answer.ok ? seriesView.parse(await answer.json()) : null;
        return view?.state === 'done' && view.revisions.length === revision && view;
      });

    await arrived(1);
    const [task] = (await ended(1)).revisions[0]?.tasks ?? [];
    expect([task?.state, task?.code?.code]).toEqual(['skipped', 'CONCATENATION']);
    expect(pacs.stored).toEqual([]);

    await arrived(2);
    const view = await ended(2);
    expect(view.revisions[1]?.tasks[0]?.state).toBe('enhanced');
    const derived = await Promise.all(pacs.stored.map(async ({ file }) => readInstance(await readFile(file)).dataSet));
    const series = view.revisions[1]?.tasks[0]?.seriesInstanceUid ?? '';
    const ofPart = (part: number, before: number): unknown[] => [
      series,
      derivedConcatenationUid(series, enhancedCtUids.concatenation),
      derivedConcatenationUid(series, enhancedCtUids.whole),
      part,
      2,
      before,
      2,
      1,
    ];
    const said = derived.map((dataSet) => [
      text(dataSet, 'SeriesInstanceUID'),
      text(dataSet, 'ConcatenationUID'),
      text(dataSet, 'SOPInstanceUIDOfConcatenationSource'),
      number(dataSet, 'InConcatenationNumber'),
      number(dataSet, 'InConcatenationTotalNumber'),
      number(dataSet, 'ConcatenationFrameOffsetNumber'),
      number(dataSet, 'NumberOfFrames'),
      number(dataSet, 'InstanceNumber'),
    ]);
    expect(said.toSorted((a, b) => Number(a[3]) - Number(b[3]))).toEqual([ofPart(1, 0), ofPart(2, 2)]);
  });
}, 600_000);
