// Ultrasound through a real child process: only grey tissue within its regions changes.
import { describe, expect, it } from '@jest/globals';
import { readInstance } from '../../src/dicom/file.js';
import { text, texts } from '../../src/dicom/values.js';
import { enhanced, valuesOf } from '../support/enhanced-ultrasound.js';
import { judged, judgeIsReady } from '../support/judge.js';
import { change } from '../support/planted-faults.js';
import { itWithData, sharedBytes, sharedData } from '../support/shared-data.js';
import { caliper, cine, columns, frames, marked, region, rows } from '../support/ultrasound-cine.js';

describe('a colour cine of ultrasound', () => {
  it('changes grey tissue in its region, and not one sample elsewhere', async () => {
    const { code, derived } = await enhanced(marked);
    expect(code).toBeNull();
    if (derived === null) return;
    const [from, to] = [readInstance(marked), readInstance(derived)];
    expect(texts(to.dataSet, 'ImageType')).toEqual(['DERIVED', 'SECONDARY', 'ABDOMINAL', '', 'LIMPID']);
    expect(text(to.dataSet, 'SeriesDescription')).toBe('limpid DSP US');
    expect(text(to.dataSet, 'FrameTime')).toBe('33.3');
    for (let frame = 0; frame < frames; frame++) {
      const [a, b] = [await valuesOf(from, frame), await valuesOf(to, frame)];
      let [inside, outside, coloured] = [0, 0, 0];
      for (let at = 0; at < a.length; at += 3) {
        const [row, column] = [Math.floor(at / 3 / columns), (at / 3) % columns];
        const changed = a[at] !== b[at] || a[at + 1] !== b[at + 1] || a[at + 2] !== b[at + 2];
        const isIn = row >= region.top && row <= region.bottom && column >= region.left && column <= region.right;
        if (b[at] !== b[at + 1] && a[at] === a[at + 1]) coloured++;
        if (!changed) continue;
        if (!isIn || (row === caliper.row && column >= caliper.column && column < caliper.column + 5)) outside++;
        else inside++;
      }
      expect([outside, coloured]).toEqual([0, 0]);
      expect(inside).toBeGreaterThan(3000);
    }
    if (judgeIsReady) expect(judged([{ source: marked, derived }])).toBe('PASS');
  }, 120_000);

  it('is refused where more than a thousandth of the tissue is coloured', async () => {
    const flow = cine((_, row, column) => (row > 30 && row < 50 && column > 30 && column < 60 ? [200, 20, 20] : null));
    expect((await enhanced(flow)).code).toMatch(/^COLOUR: .* % of the tissue$/);
  }, 120_000);
});

it('ultrasound in colour has no padding, whatever its header says: tissue of that value is enhanced too', async () => {
  // As JPEG leaves grey: its samples are not quite the same, and one of three may be what the header calls padding.
  const tinted = cine((_, row, column) => {
    const grey = 70 + ((row * 31 + column * 17 + ((row * column) % 13) * 5) % 41);
    return [grey, grey + 1, grey - 1];
  });
  const { code, derived } = await enhanced(change(['PixelPaddingValue', 'US', 90])(tinted));
  expect(code).toBeNull();
  if (derived === null) return;
  const [from, to] = [await valuesOf(readInstance(tinted), 0), await valuesOf(readInstance(derived), 0)];
  const moved = from.filter((value, at) => at % 3 === 1 && value === 90 && to[at] !== value);
  expect(moved.length).toBeGreaterThan(0);
});

/** White letters on black: as a scanner's title page. */
const title = (row: number, column: number): readonly [number, number, number] =>
  row > 30 && row < 34 && column > 40 && column < 90 ? [255, 255, 255] : [0, 0, 0];

it('a frame of ultrasound in which nothing may change stays as it was, and the others are enhanced', async () => {
  const source = cine((frame, row, column) => (frame === 0 ? title(row, column) : null));
  const { code, derived } = await enhanced(source);
  expect(code).toBeNull();
  if (derived === null) throw new Error('nothing derived');
  const [from, to] = [readInstance(source), readInstance(derived)];
  expect(await valuesOf(to, 0)).toEqual(await valuesOf(from, 0));
  expect(await valuesOf(to, 1)).not.toEqual(await valuesOf(from, 1));
});

it('ultrasound in inverted grey is refused: its white text is black, and would be tissue', async () => {
  const inverted = change(
    ['SamplesPerPixel', 'US', 1],
    ['PhotometricInterpretation', 'CS', 'MONOCHROME1'],
    ['PixelData', 'OB', new Uint8Array(frames * rows * columns).map((_, i) => 90 + ((i * 37) % 61))],
  );
  expect((await enhanced(inverted(marked))).code).toBe('BAD_PIXEL_DESCRIPTION: source.dcm: inverted ultrasound');
}, 120_000);

it('ultrasound of more than 8 bits is refused: of it the darkest sixteenth alone would be tissue', async () => {
  const deep = change(
    ['SamplesPerPixel', 'US', 1],
    ['PhotometricInterpretation', 'CS', 'MONOCHROME2'],
    ['BitsAllocated', 'US', 16],
    ['BitsStored', 'US', 12],
    ['HighBit', 'US', 11],
    ['PixelData', 'OW', new Uint8Array(2 * frames * rows * columns).map((_, i) => (i % 2 ? 0 : 90 + ((i * 37) % 61)))],
  );
  expect((await enhanced(deep(marked))).code).toBe('BAD_PIXEL_DESCRIPTION: source.dcm: ultrasound of 12 bits');
}, 120_000);

describe('ultrasound of the sample data', () => {
  itWithData(
    'passes check_series.py',
    async () => {
      for (const name of ['single-mono-jpeg-lossless-philips-epiq7c', 'single-ybrfull-rle-acuson-sequoia']) {
        if (sharedData(`us/${name}.dcm`) === null) continue;
        const source = sharedBytes(`us/${name}.dcm`);
        const { code, derived } = await enhanced(source);
        expect([name, code]).toEqual([name, null]);
        if (judgeIsReady && derived !== null) expect(judged([{ source, derived }])).toBe('PASS');
      }
    },
    120_000,
  );
});
