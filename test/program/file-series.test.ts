// Files of any kind gathered into series: what a file lacks is said, and leaves no empty series behind.
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { seriesOfFiles } from '../../src/program/file-series.js';
import { writeSyntheticSeries } from '../support/synthetic-series.js';
import { withFolder } from '../support/temporary.js';

const source = { peer: 'unknown', callingAe: '', calledAe: '', address: '' };

describe('files that are gathered into series', () => {
  it.each([
    ['StudyInstanceUID', 0x0020000d],
    ['SeriesInstanceUID', 0x0020000e],
    ['SOPInstanceUID', 0x00080018],
    ['SOPClassUID', 0x00080016],
  ] as const)('are left out with a reason where %s is empty', (keyword, tag) =>
    withFolder(async (folder) => {
      const phantom = { modality: 'CT', slices: 3, rows: 64, columns: 64, noise: 12, seed: 4 } as const;
      const whole = await writeSyntheticSeries(join(folder, 'whole'), phantom);
      const change = (): [number, string, string][] => [[tag, 'UI', '']];
      const spoiled = await writeSyntheticSeries(join(folder, 'spoiled'), { ...phantom, seed: 5, change });
      const { series, refused } = await seriesOfFiles([...whole.files, ...spoiled.files], source, () => 0);
      expect(series.map(({ record }) => record.instances.length)).toEqual([3]);
      expect(refused.map(({ why }) => why)).toEqual(spoiled.files.map(() => `${keyword} is missing`));
    }),
  );

  it('are told where they have the UID of another one and other bytes; of the same bytes there is nothing to tell', () =>
    withFolder(async (folder) => {
      const phantom = { modality: 'CT', slices: 2, rows: 64, columns: 64, noise: 12, seed: 4 } as const;
      const change = (): [number, string, string][] => [[0x00104000, 'LT', 'corrected']];
      const first = await writeSyntheticSeries(join(folder, 'first'), phantom);
      const same = await writeSyntheticSeries(join(folder, 'same'), phantom);
      const other = await writeSyntheticSeries(join(folder, 'other'), { ...phantom, change });
      const { series, refused } = await seriesOfFiles([...first.files, ...same.files, ...other.files], source, () => 0);
      expect(series.map(({ record }) => [record.instances.length, record.variants.length])).toEqual([[2, 2]]);
      expect(refused).toEqual(
        other.files.map((file, index) => ({
          file,
          why: expect.stringContaining(`has the SOP Instance UID of ${first.files[index]} and other bytes`),
        })),
      );
    }));
});
