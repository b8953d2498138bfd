// Where findings lie after super-resolution: dots of a phantom, by the pixels and by the header together (conformance 3.4).
import { describe, expect, it } from '@jest/globals';
import { encodeElement } from '../../src/dicom/element.js';
import { readInstance } from '../../src/dicom/file.js';
import { decimalString } from '../../src/dicom/decimal.js';
import { numbers } from '../../src/dicom/values.js';
import { checkInstance } from '../../src/derive/check.js';
import { deriveInstance } from '../../src/derive/derive-instance.js';
import { newPosition, newSpacing, planeOf } from '../../src/derive/geometry.js';
import type { ImagePlane } from '../../src/derive/geometry.js';
import type { DerivationPlan, NewGrid, Sampling } from '../../src/derive/plan.js';
import { backProjected, upsampled, zeroFilled } from '../../src/imaging/resample.js';
import type { Slice } from '../../src/imaging/slice.js';
import { described, planFor, syntheticCt } from '../support/derivation.js';
import { derivedObject } from '../support/derived-object.js';
import { judged, judgeIsReady } from '../support/judge.js';
import { itWithData, sharedBytes } from '../support/shared-data.js';

const now = Date.UTC(2026, 10, 21, 10, 16, 0);
const size = 32;

/** A plan of super-resolution over the sources. */
function planOn(geometry: NewGrid, sources: Parameters<typeof planFor>[0]): DerivationPlan {
  const plan = planFor(sources, 0);
  return {
    ...plan,
    model: {
      ...plan.model,
      mark: 'SR2x',
      codes: [
        { value: '113085', scheme: 'DCM', meaning: 'Spatial resampling' },
        { value: 'SR', scheme: '99LIMPID', meaning: 'Super-resolution' },
      ],
      words: 'super-resolution',
    },
    series: { ...plan.series, description: new TextEncoder().encode('limpid SR2x dot') },
    geometry,
  };
}

/** A soft dot, sampled at the centres of pixels. */
function dot(row: number, column: number, length: number, at: (index: number) => number): Slice {
  const values = new Float32Array(length * length);
  for (let r = 0; r < length; r++)
    for (let c = 0; c < length; c++)
      values[r * length + c] = 2000 * Math.exp(-((at(r) - row) ** 2 + (at(c) - column) ** 2) / 8);
  return { rows: length, columns: length, values };
}

/** Centre of gravity, row and column. */
function centre({ rows, columns, values }: Slice): [number, number] {
  let [sum, row, column] = [0, 0, 0];
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++) {
      const value = values[r * columns + c] ?? 0;
      sum += value;
      row += value * r;
      column += value * c;
    }
  return [row / sum, column / sum];
}

function patient({ spacing, orientation, position }: ImagePlane, [row, column]: [number, number]): number[] {
  return position.map(
    (value, axis) =>
      value +
      (orientation[axis] ?? 0) * (spacing[1] ?? 0) * column +
      (orientation[axis + 3] ?? 0) * (spacing[0] ?? 0) * row,
  );
}

const planes = {
  axial: '1\\0\\0\\0\\1\\0',
  coronal: '1\\0\\0\\0\\0\\-1',
  sagittal: '0\\1\\0\\0\\0\\-1',
  oblique: '0.8660254\\0.5\\0\\-0.1294095\\0.2241439\\-0.9659258',
};
const samplings: readonly Sampling[] = ['half_pixel', 'align_corners', 'asymmetric'];
const cases = (['axial', 'coronal', 'sagittal', 'oblique'] as const).flatMap((plane) =>
  samplings.map((sampling) => [plane, sampling] as const),
);

describe('a dot of a phantom', () => {
  it.each(cases)('%s, %s: keeps its place in the patient', (plane, sampling) => {
    const source = described(
      readInstance(
        syntheticCt(
          0,
          new Map([
            [0x00200037, encodeElement(0x00200037, 'DS', planes[plane])],
            [0x00200032, encodeElement(0x00200032, 'DS', '-12.34\\56.7\\-89.01')],
            [0x00280030, encodeElement(0x00280030, 'DS', '0.8\\0.9')],
            [0x00280120, new Uint8Array(0)],
          ]),
        ),
      ),
    );
    const grid = { scale: 2, sampling };
    const [row, column] = [13.3, 17.8];
    const before = dot(row, column, size, (index) => index);
    // No enhancer samples by corners: there the dot is drawn on the new grid, as a network of that convention would draw it.
    const after =
      sampling === 'half_pixel'
        ? backProjected(before, 2, 3)
        : sampling === 'asymmetric'
          ? zeroFilled(before, 2)
          : dot(row, column, 2 * size, (index) => (index * (size - 1)) / (2 * size - 1));
    const plan = planOn(grid, [source]);
    const stored = Int32Array.from(before.values, Math.round);
    const pixels = Int32Array.from(after.values, Math.round);
    const bytes = deriveInstance(source, plan, pixels, { noiseBefore: null, noiseAfter: null }, now);
    expect(checkInstance({ ...source, pixels: stored }, bytes, plan)).toEqual([]);
    const derived = readInstance(bytes);
    expect(numbers(derived.dataSet, 'Rows')).toEqual([64]);
    const old = patient(planeOf(source.dataSet, 0), centre(before));
    const own = patient(planeOf(derived.dataSet, 0), centre(after));
    expect(Math.hypot(...old.map((value, axis) => value - (own[axis] ?? 0)))).toBeLessThan(0.01);
    // The test can tell the conventions apart: another one's header would move the dot.
    const other = { ...grid, sampling: sampling === 'half_pixel' ? ('asymmetric' as const) : ('half_pixel' as const) };
    const plain = planeOf(source.dataSet, 0);
    const wrong = { ...plain, spacing: newSpacing(plain, other), position: newPosition(plain, other) };
    const there = patient(wrong, centre(after));
    expect(Math.hypot(...old.map((value, axis) => value - (there[axis] ?? 0)))).toBeGreaterThan(0.02);
  });
});

describe('spacing and position', () => {
  const plane = {
    rows: 512,
    columns: 512,
    spacing: [0.7, 0.7],
    orientation: [1, 0, 0, 0, 1, 0],
    position: [-179.2, -190.4, 100],
  };
  it.each([
    [2, 'half_pixel', '0.35\\0.35', '-179.375\\-190.575\\100'],
    [3, 'half_pixel', '0.23333333333333\\0.23333333333333', '-179.43333333333\\-190.63333333333\\100'],
    [4, 'half_pixel', '0.175\\0.175', '-179.4625\\-190.6625\\100'],
    [2, 'align_corners', '0.34965786901271\\0.34965786901271', '-179.2\\-190.4\\100'],
    [2, 'asymmetric', '0.35\\0.35', '-179.2\\-190.4\\100'],
  ] as const)('of %i times the pixels, %s', (scale, sampling, spacing, position) => {
    const text = (values: readonly number[]): string => values.map(decimalString).join('\\');
    expect(text(newSpacing(plane, { scale, sampling }))).toBe(spacing);
    expect(text(newPosition(plane, { scale, sampling }))).toBe(position);
  });

  it('of a sagittal oblique plane', () => {
    const oblique = {
      ...plane,
      spacing: [0.8, 0.9],
      orientation: [0, 1, 0, 0, 0.258819, -0.965926],
      position: [10, -95, 120.5],
    };
    const grid = { scale: 2, sampling: 'half_pixel' } as const;
    expect(newSpacing(oblique, grid)).toEqual([0.4, 0.45]);
    expect(newPosition(oblique, grid).map((value) => Number(value.toFixed(7)))).toEqual([10, -95.2767638, 120.6931852]);
  });

  it('decimal strings have 16 characters at most', () => {
    for (const value of [1 / 3, -1 / 3, 1e-9 / 3, 123_456.789_012_345_6, -1e22 / 7, 5e-324, 1e300]) {
      expect(decimalString(value).length).toBeLessThanOrEqual(16);
      expect(Math.abs(Number(decimalString(value)) / value - 1)).toBeLessThan(1e-6);
    }
  });
});

describe('an enhanced object on a finer grid', () => {
  itWithData(
    'passes check_series.py',
    async () => {
      for (const sampling of samplings) {
        const source = readInstance(sharedBytes('enhanced/mr-6f-siemens-vida-xa10.dcm'));
        const onFrame = (stored: Int32Array): Int32Array => {
          const slice = { rows: 64, columns: 64, values: Float32Array.from(stored) };
          const fine = sampling === 'asymmetric' ? zeroFilled(slice, 2) : upsampled(slice, 2, 'keys');
          return Int32Array.from(fine.values, (value) => Math.min(4095, Math.max(0, Math.round(value))));
        };
        const { bytes, faults } = await derivedObject(source, planOn({ scale: 2, sampling }, [source]), onFrame, now);
        expect(faults).toEqual([]);
        // The judge reads the convention from the settings; planFor's say nothing of it, which means half_pixel.
        if (judgeIsReady && sampling === 'half_pixel')
          expect(judged([{ source: source.bytes, derived: bytes }])).toBe('PASS');
      }
    },
    120_000,
  );
});
