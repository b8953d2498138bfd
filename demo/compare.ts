// What enhancement brought: PSNR and SSIM against the truth, before and after, and a picture of the middle slice.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { clinicalWindow, panels } from '../src/enhance/panels.js';
import { readSlice } from '../src/enhance/read-slice.js';
import type { ReadSlice } from '../src/enhance/read-slice.js';
import { psnr, ssim } from '../src/imaging/figures.js';

export interface Quality {
  /** dB. */
  readonly psnr: number;
  readonly ssim: number;
}

export interface Comparison {
  readonly slices: number;
  readonly before: Quality;
  readonly after: Quality;
  /** Before, after, difference of the middle slice. */
  readonly panel: string;
}

/** Slices by position, so that the three series pair whatever their files are called. */
async function stack(files: readonly string[]): Promise<ReadSlice[]> {
  const slices = await Promise.all(files.map((file) => readSlice(file)));
  const along = ({ position }: ReadSlice): number => position.reduce((sum, value) => sum + value, 0);
  return slices.sort((a, b) => along(a) - along(b));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Compares a series before and after with its truth, over the clinical window; writes a panel for each slice. */
export async function compareSeries(options: {
  readonly modality: 'CT' | 'MR';
  readonly before: readonly string[];
  readonly after: readonly string[];
  readonly truth: readonly string[];
  readonly panels: string;
}): Promise<Comparison> {
  const [before, after, truth] = await Promise.all([stack(options.before), stack(options.after), stack(options.truth)]);
  if (before.length !== truth.length || after.length !== truth.length) throw new Error('series of different lengths');
  await mkdir(options.panels, { recursive: true });
  const qualities: { before: Quality; after: Quality }[] = [];
  for (const [index, reference] of truth.entries()) {
    const noisy = before[index];
    const clean = after[index];
    if (noisy === undefined || clean === undefined) continue;
    const { low, high } = clinicalWindow(options.modality, reference);
    const quality = (slice: ReadSlice): Quality => ({
      psnr: psnr(slice, reference, low, high),
      ssim: ssim(slice, reference, low, high),
    });
    qualities.push({ before: quality(noisy), after: quality(clean) });
    await writeFile(
      join(options.panels, `${String(index + 1).padStart(3, '0')}.png`),
      panels(options.modality, noisy, clean),
    );
  }
  const over = (when: 'before' | 'after'): Quality => ({
    psnr: mean(qualities.map((quality) => quality[when].psnr)),
    ssim: mean(qualities.map((quality) => quality[when].ssim)),
  });
  const middle = String((truth.length >> 1) + 1).padStart(3, '0');
  return {
    slices: truth.length,
    before: over('before'),
    after: over('after'),
    panel: join(options.panels, `${middle}.png`),
  };
}
