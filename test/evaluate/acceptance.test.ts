import { describe, expect, it } from '@jest/globals';
import { acceptanceChecks } from '../../src/evaluate/acceptance.js';
import type { Returned } from '../../src/evaluate/acceptance.js';
import { phantomObject, phantomUids } from '../../src/evaluate/phantom-objects.js';
import { phantomNames, phantomSlice, pixelsOf, usImageTop } from '../../src/evaluate/phantoms.js';
import type { PhantomName } from '../../src/evaluate/phantoms.js';
import { readInstance } from '../../src/dicom/file.js';
import { pixelDescription } from '../../src/dicom/pixel-description.js';
import { text } from '../../src/dicom/values.js';
import { gaussian } from '../../src/imaging/gaussian.js';
import type { Slice } from '../../src/imaging/slice.js';

const drawn = new Map(phantomNames.map((name) => [name, [0, 1, 2, 3].map((index) => phantomSlice(name, index))]));

/** Slices of a phantom as if a node had made `enhance` of them. */
function returned(name: PhantomName, enhance: (sent: Slice, truth: Slice) => Float32Array): Returned[] {
  return (drawn.get(name) ?? []).map(({ truth, degraded }, index) => {
    const sent = { ...truth, values: degraded };
    return { index, truth, sent, back: { ...truth, values: enhance(sent, truth) } };
  });
}

const failing = (name: PhantomName, enhance: (sent: Slice, truth: Slice) => Float32Array): string[] =>
  acceptanceChecks(name, returned(name, enhance))
    .filter(({ holds }) => !holds)
    .map(({ check }) => check);

/** Takes half of the noise away and leaves the rest: what limpid does at its default. */
const half = (sent: Slice, truth: Slice): Float32Array =>
  sent.values.map((value, i) => (value + (truth.values[i] ?? 0)) / 2);

/** The second smallest of the phantom's bones. */
const small = { row: 20, column: -60, radius: 2.5 };

describe('the acceptance kit', () => {
  it.each(['ct', 'mr'] as const)('%s: half of the noise taken away passes', (name) => {
    expect(failing(name, half)).toEqual([]);
  });
  it('us: speckle halved below the text passes', () => {
    const below = (sent: Slice, truth: Slice): Float32Array =>
      half(sent, truth).map((value, i) => (i < usImageTop * 256 ? (sent.values[i] ?? 0) : value));
    expect(failing('us', below)).toEqual([]);
  });
  it('nothing done is no enhancement', () => {
    expect(failing('ct', (sent) => sent.values)).toEqual([
      'noise kept in uniform tissue',
      'PSNR gain, dB',
      'SSIM gain',
    ]);
  });
  it('a wrong rescale is found', () => {
    expect(failing('ct', (sent, truth) => half(sent, truth).map((value) => value + 2))).toContain(
      'mean shift in uniform tissue',
    );
  });
  it('a blur is found by its edges', () => {
    expect(failing('ct', (sent) => gaussian(sent, 2))).toContain('sharpness of edges kept');
    expect(failing('mr', (sent) => gaussian(sent, 2))).toContain('sharpness of edges kept');
  });
  it('faint contrast lost is found', () => {
    const flat = (sent: Slice, truth: Slice): Float32Array =>
      half(sent, truth).map((value, i) =>
        (truth.values[i] ?? 0) > 51 && (truth.values[i] ?? 0) < 75 ? value - 15 : value,
      );
    expect(failing('ct', flat)).toEqual(['contrast of faint discs kept', 'contrast kept of a disc in one slice']);
  });
  it('what one slice alone shows, lost there and found in its neighbours, is found', () => {
    const slices = drawn.get('ct') ?? [];
    /** Half of a slice, and a quarter of each neighbour's: what takes all noise for chance and all anatomy for equal. */
    const averaged = returned('ct', half).map((slice, index): Returned => {
      const [before, after] = [slices[index - 1] ?? slices[index], slices[index + 1] ?? slices[index]];
      const values = slice.truth.values.map(
        (value, i) => value / 2 + (before?.truth.values[i] ?? 0) / 4 + (after?.truth.values[i] ?? 0) / 4,
      );
      const noise = slice.back.values.map((value, i) => value - slice.truth.values[i]!);
      return { ...slice, back: { ...slice.truth, values: values.map((value, i) => value + noise[i]!) } };
    });
    const failed = acceptanceChecks('ct', averaged).filter(({ holds }) => !holds);
    expect(failed.map(({ check }) => check)).toEqual([
      'contrast kept of a disc in one slice',
      'shadow of it in the slices beside',
    ]);
  });
  it.each(['ct', 'mr', 'us'] as const)('%s: slices in exchanged places are found by their noise', (name) => {
    const slices = returned(name, half);
    const exchanged = slices.map((slice, index) => ({ ...slice, back: slices[[1, 0, 2, 3][index] ?? 0]!.back }));
    const failed = acceptanceChecks(name, exchanged).filter(({ holds }) => !holds);
    expect(failed.map(({ check }) => check)).toContain('likeness to the slice that was sent');
  });
  it.each(['ct', 'us'] as const)('%s: one slice that was not enhanced is found', (name) => {
    const slices = returned(name, half).map((slice, index) => (index === 2 ? { ...slice, back: slice.sent } : slice));
    const failed = acceptanceChecks(name, slices).filter(({ holds }) => !holds);
    expect(failed.map(({ check, measured }) => `${check} ${measured}`)).toContain('noise kept in uniform tissue 1.00');
  });
  it.each([
    ['ct: bone erased', 'ct', small, 50],
    ['ct: a lesion drawn', 'ct', { row: -10, column: 30, radius: 4 }, 110],
    ['mr: a lesion drawn', 'mr', { row: -10, column: 30, radius: 4 }, 640],
    ['us: a dark place filled', 'us', { row: -10, column: -50, radius: 26 }, 110],
  ] as const)('%s is found', (_, name, disc, level) => {
    const place = new Set(pixelsOf(disc));
    const other = (sent: Slice, truth: Slice): Float32Array =>
      half(sent, truth).map((value, i) => (place.has(i) ? value - (truth.values[i] ?? 0) + level : value));
    expect(failing(name, other)).toContain('change of a small area');
  });
  it('brighter ultrasound is found', () => {
    expect(failing('us', (sent, truth) => half(sent, truth).map((value) => value + 40))).toContain(
      'change of a small area',
    );
  });
  it('text touched is found', () => {
    const touched = (sent: Slice, truth: Slice): Float32Array =>
      half(sent, truth).map((value, i) => (i === 12 * 256 + 3 ? value - 1 : value));
    expect(failing('us', touched)).toEqual(['pixels of text changed']);
  });
});

describe('phantom objects', () => {
  it.each(phantomNames)('%s can be read, and its UIDs are those of its run', (name) => {
    const { truth, degraded } = phantomSlice(name, 1);
    const bytes = phantomObject({ name, run: 'a run', index: 1, slices: 4, values: degraded });
    const { dataSet } = readInstance(bytes);
    expect(pixelDescription(dataSet)).toMatchObject({ rows: truth.rows, columns: truth.columns });
    const uids = phantomUids('a run', name, 1);
    expect(text(dataSet, 'SOPInstanceUID')).toBe(uids.instance);
    expect(text(dataSet, 'SeriesInstanceUID')).toBe(uids.series);
    expect(phantomUids('another run', name, 1).instance).not.toBe(uids.instance);
  });
});
