// Real slices halved with true loss of resolution and doubled again by the shipped models: CT never below cubic, MR never below zero
// filling; and halved once more they are the input.
import { describe, expect } from '@jest/globals';
import { openEnhancer } from '../../src/enhance/enhancer.js';
import { measureSlice } from '../../src/enhance/noise.js';
import { areaMeans, zeroFilled } from '../../src/imaging/resample.js';
import type { Slice } from '../../src/imaging/slice.js';
import { openRegistry } from '../../src/inference/registry.js';
import { cubicPsnr, halvedCt, halvedMr, psnr, readOriginal, rms, seriesOf } from '../support/resolution-loss.js';
import { modelsDirectory } from '../support/shipped-models.js';
import { itWithData, sharedData } from '../support/shared-data.js';

/** Soft tissue, and all that CT shows. */
const windows = [
  [-160, 240],
  [-1024, 3071],
] as const;

async function doubler(modality: 'CT' | 'MR'): Promise<(slice: Slice) => Promise<Slice>> {
  const registry = await openRegistry(modelsDirectory);
  const card = registry.get(`${modality.toLowerCase()}-super-resolution-x2`);
  if (card === undefined) throw new Error(`no super-resolution of ${modality}`);
  const enhancer = await openEnhancer(card, registry.file(card.id), 'cpu');
  return async (slice) => {
    const { rows, columns, values } = slice;
    const { map } = measureSlice(modality, rows, columns, values.slice(), 10);
    return { rows: 2 * rows, columns: 2 * columns, values: await enhancer.residual(slice, map) };
  };
}

describe('super-resolution of real slices', () => {
  itWithData(
    'CT: never below cubic, and the mean of four new pixels is the old one within 2 HU',
    async () => {
      const double = await doubler('CT');
      const below: string[] = [];
      for (const { name, files } of seriesOf(sharedData('') ?? '', 'CT')) {
        const original = await readOriginal(files[0] ?? '', 'CT');
        for (const blur of [0, 1]) {
          const halved = halvedCt(original, blur);
          const fine = await double(halved.low);
          for (const window of windows) {
            const gain = psnr(fine, halved, window) - cubicPsnr(halved, window);
            if (!(gain >= 0)) below.push(`${name}, blur ${blur}, ${window.join(' to ')} HU: ${gain.toFixed(2)} dB`);
          }
          const again = rms(areaMeans(fine, 2), halved.low);
          if (!(again <= 2)) below.push(`${name}, blur ${blur}: ${again.toFixed(2)} HU from the input`);
        }
      }
      expect(below).toEqual([]);
    },
    300_000,
  );

  itWithData(
    'MR: zero filling itself, with the input in every second pixel',
    async () => {
      const double = await doubler('MR');
      for (const { name, files } of seriesOf(sharedData('') ?? '', 'MR')) {
        const halved = halvedMr(await readOriginal(files[0] ?? '', 'MR'), Infinity);
        const fine = await double(halved.low);
        const gain = psnr(fine, halved, [0, 1000]) - psnr(zeroFilled(halved.low, 2), halved, [0, 1000]);
        expect([name, gain]).toEqual([name, 0]);
        const { columns } = halved.low;
        const again = halved.low.values.map(
          (_, i) => fine.values[Math.floor(i / columns) * 4 * columns + (i % columns) * 2] ?? 0,
        );
        expect(rms({ ...halved.low, values: again }, halved.low)).toBeLessThan(0.01);
      }
    },
    300_000,
  );
});
