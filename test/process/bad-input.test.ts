// What must not pass, beside what must: each gets its status or its reason, and everything else in the association goes on.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { eventually } from '../../demo/start-node.js';
import { readOutgoing } from '../../src/io/dimse/outgoing.js';
import { send } from '../../src/io/dimse/scu.js';
import { openLog } from '../../src/observe/log.js';
import type { SeriesSummary } from '../../src/spool/view.js';
import { writeSyntheticSeries } from '../support/synthetic-series.js';
import type { SyntheticElement, SyntheticOptions, SyntheticSeries } from '../support/synthetic-series.js';
import { withNodeAndPacs } from '../support/node-and-pacs.js';

const log = openLog('silent');
type Change = NonNullable<SyntheticOptions['change']>;
const always =
  (...elements: SyntheticElement[]): Change =>
  () =>
    elements;

const localizer = always([0x00080008, 'CS', 'ORIGINAL\\PRIMARY\\LOCALIZER']);
const derived = always([0x00080008, 'CS', 'DERIVED\\SECONDARY\\AXIAL']);
const secondaryCapture = always([0x00080016, 'UI', '1.2.840.10008.5.1.4.1.1.7']);
const colour = always([0x00280002, 'US', [3]], [0x00280004, 'CS', 'RGB'], [0x00280006, 'US', [0]]);

describe('bad input', () => {
  it('is refused or skipped with its reason, and the good series beside it is enhanced', async () => {
    await withNodeAndPacs('gaussian', async ({ folder, node, pacs, target }) => {
      const make = (seed: number, change?: Change): Promise<SyntheticSeries> =>
        writeSyntheticSeries(join(folder, String(seed)), {
          modality: 'CT',
          slices: 5,
          rows: 64,
          columns: 64,
          noise: 20,
          seed,
          ...(change === undefined ? {} : { change }),
        });
      const cases: readonly [name: string, series: SyntheticSeries, expected: string | null][] = [
        ['good', await make(1), null],
        ['localizer', await make(2, localizer), 'LOCALIZER'],
        ['derived', await make(3, derived), 'DERIVED'],
        ['secondary capture', await make(4, secondaryCapture), 'SECONDARY_CAPTURE'],
        ['colour', await make(5, colour), 'COLOUR'],
        ['a slice missing', await make(6), 'GAPS'],
      ];
      const files = cases.flatMap(([name, { files: all }]) =>
        name === 'a slice missing' ? all.filter((_, index) => index !== 2) : all,
      );
      const cut = join(folder, 'cut.dcm');
      const whole = await readFile(cases[0]?.[1].files[0] ?? '');
      await writeFile(cut, whole.subarray(0, whole.length - 1000));
      const { sopClassUid, sopInstanceUid, transferSyntaxUid } = await readOutgoing(cases[0]?.[1].files[0] ?? '');
      const identity = { sopClassUid, sopInstanceUid, transferSyntaxUid };
      const instances = await Promise.all(files.map((file) => readOutgoing(file)));
      const { outcomes } = await send(target, [{ ...identity, file: cut }, ...instances], { associations: 1, log });
      expect(outcomes.map(({ status }) => status)).toEqual([0xc000, ...instances.map(() => 0)]);

      const list = await eventually('every series has its outcome', async () => {
        const { series } = (await (await fetch(`http://127.0.0.1:${node.httpPort}/api/series`)).json()) as {
          series: SeriesSummary[];
        };
        return series.length === cases.length && series.every(({ state }) => state === 'done') && series;
      });
      const codes = list.flatMap(({ tasks }) => tasks.map(({ state, code }) => `${state} ${code ?? ''}`.trim())).sort();
      expect(codes).toEqual(cases.map(([, , code]) => (code === null ? 'enhanced' : `skipped ${code}`)).sort());
      expect(pacs.stored).toHaveLength(5);
    });
  }, 600_000);
});
