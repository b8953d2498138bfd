// The main job through processes as an operator starts them. This one needs nothing but this project: own SCU, own receiving
// PACS, simulated series.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { eventually, quickConfig, startNode } from '../../demo/start-node.js';
import { openReceivingPacs } from '../../demo/receiving-pacs.js';
import { encodeElement, joined } from '../../src/dicom/element.js';
import { readInstance } from '../../src/dicom/file.js';
import { text, texts } from '../../src/dicom/values.js';
import { readOutgoing } from '../../src/io/dimse/outgoing.js';
import { send } from '../../src/io/dimse/scu.js';
import { openLog } from '../../src/observe/log.js';
import { openMetrics } from '../../src/observe/metrics.js';
import { keyOf } from '../../src/spool/key.js';
import { seriesView } from '../../src/spool/view.js';
import { writeSyntheticSeries } from '../support/synthetic-series.js';
import { withFolder } from '../support/temporary.js';

const log = openLog('silent');

/** The object as some router might make it: nothing in it says that it is limpid's, or that it is derived. */
function withoutMarks(bytes: Uint8Array): Uint8Array {
  const { part10, dataSet } = readInstance(bytes);
  const others: readonly (readonly [tag: number, vr: string, value: string])[] = [
    [0x00080008, 'CS', 'ORIGINAL\\PRIMARY\\AXIAL'],
    [0x00080070, 'LO', 'ACME'],
    [0x00081090, 'LO', 'Scanner 1'],
  ];
  const taken = new Set([0x0018a001, 0x00082111, 0x00082112, 0x00089215, ...others.map(([tag]) => tag)]);
  const kept = dataSet.elements
    .filter(({ tag }) => tag >>> 16 !== 0x0177 && !taken.has(tag))
    .map(({ tag, offset, end }) => ({ tag, bytes: dataSet.bytes.subarray(offset, end) }));
  const own = others.map(([tag, vr, value]) => ({ tag, bytes: encodeElement(tag, vr, value) }));
  const ordered = [...kept, ...own].sort((a, b) => a.tag - b.tag);
  return joined([bytes.subarray(0, part10.dataSetOffset), ...ordered.map((element) => element.bytes)]);
}

describe('a node on the embedded queue', () => {
  it('takes a series, and brings originals and one derived series to the PACS; the same again makes nothing new', async () => {
    await withFolder(async (folder) => {
      const pacs = await openReceivingPacs({
        folder: join(folder, 'pacs'),
        port: 0,
        aeTitle: 'PACS',
        log,
        metrics: openMetrics(),
      });
      const { files } = await writeSyntheticSeries(join(folder, 'series'), {
        modality: 'CT',
        slices: 6,
        rows: 128,
        columns: 128,
        noise: 20,
        seed: 1,
      });
      const node = await startNode({
        folder: join(folder, 'node'),
        config: quickConfig({
          node: {
            aeTitle: 'LIMPID',
            institution: { name: 'Own Hospital' },
            dimse: { host: '127.0.0.1', port: 0 },
            http: { host: '127.0.0.1', port: 0 },
          },
          peers: {
            ct1: { aeTitle: 'CT1', from: ['127.0.0.1'] },
            pacs: { aeTitle: 'PACS', host: '127.0.0.1', port: pacs.port },
          },
          workers: { providers: ['cpu'] },
          rules: [
            {
              name: 'ct',
              when: { Modality: 'CT' },
              enhance: [{ with: 'gaussian' }],
              forward: ['pacs'],
              deliver: ['pacs'],
            },
          ],
        }),
      });
      try {
        const instances = await Promise.all(files.map((file) => readOutgoing(file)));
        const target = { aeTitle: 'LIMPID', host: '127.0.0.1', port: node.dicomPort, callingAe: 'CT1' };
        const sent = await send(target, instances, { associations: 1, log });
        expect(sent.outcomes.map(({ status }) => status)).toEqual(instances.map(() => 0));
        await eventually('originals and derived arrive', async () => pacs.stored.length >= 12);
        const source = readInstance(await readFile(files[0] ?? '')).dataSet;
        const originals = pacs.stored.filter(
          ({ seriesInstanceUid }) => seriesInstanceUid === text(source, 'SeriesInstanceUID'),
        );
        const derived = pacs.stored.filter((instance) => !originals.includes(instance));
        expect(originals).toHaveLength(6);
        expect(new Set(derived.map(({ seriesInstanceUid }) => seriesInstanceUid)).size).toBe(1);
        expect(new Set(derived.map(({ studyInstanceUid }) => studyInstanceUid))).toEqual(
          new Set([text(source, 'StudyInstanceUID')]),
        );
        const one = readInstance(await readFile(derived[0]?.file ?? '')).dataSet;
        expect(texts(one, 'ImageType').slice(0, 2)).toEqual(['DERIVED', 'SECONDARY']);
        expect(text(one, 'InstitutionName')).toBe('Own Hospital');

        const again = await send(target, instances, { associations: 2, log });
        expect(again.outcomes.map(({ status }) => status)).toEqual(instances.map(() => 0));
        const done = await eventually('the series is done', async () => {
          const list = (await (await fetch(`http://127.0.0.1:${node.httpPort}/api/series`)).json()) as {
            series: { state: string; revision: number }[];
          };
          return list.series[0]?.state === 'done' && list.series;
        });
        expect(done).toHaveLength(1);
        expect(done[0]?.revision).toBe(1);
        expect(pacs.stored).toHaveLength(12);

        const back = await Promise.all(
          derived.map(async ({ file }, index) => {
            const path = join(folder, `back-${index}.dcm`);
            await writeFile(path, withoutMarks(await readFile(file)));
            return readOutgoing(path);
          }),
        );
        const returned = await send(target, back, { associations: 1, log });
        expect(returned.outcomes.map(({ status }) => status)).toEqual(back.map(() => 0));
        const key = keyOf(derived[0]?.studyInstanceUid ?? '', derived[0]?.seriesInstanceUid ?? '');
        const view = await eventually('what came back is routed', async () => {
          const answer = await fetch(`http://127.0.0.1:${node.httpPort}/api/series/${key}`);
          const found = answer.ok ? seriesView.parse(await answer.json()) : null;
          return found?.state === 'done' && found;
        });
        expect(view.revisions[0]?.tasks[0]).toMatchObject({ state: 'skipped', code: { code: 'OWN_OUTPUT' } });
        expect(await node.end('SIGTERM')).toBe(0);
      } finally {
        await node.end('SIGKILL');
        await pacs.close();
      }
    });
  });
});
