// Every fault of the conformance rules' table that a classic object can have, planted one at a time in a correct derived series.
import { beforeAll, describe, expect, it } from '@jest/globals';
import { encodeElement } from '../../src/dicom/element.js';
import { readInstance } from '../../src/dicom/file.js';
import { decodePixels } from '../../src/dicom/pixels.js';
import { explicitLittleEndian, sopClasses } from '../../src/dicom/uids.js';
import { checkInstance } from '../../src/derive/check.js';
import { checkSeries, summaryOf } from '../../src/derive/check-series.js';
import { deriveInstance } from '../../src/derive/derive-instance.js';
import type { DecodedSource } from '../../src/derive/faults.js';
import type { DerivationPlan } from '../../src/derive/plan.js';
import { described, planFor, smoothed, syntheticCt, syntheticSeries } from '../support/derivation.js';
import { classicFaults, pixels, root, size } from '../support/classic-faults.js';
import { at, changeItem, drop, set, tag } from '../support/planted-faults.js';

const now = Date.UTC(2026, 10, 21, 10, 16, 0);
let sources: DecodedSource[];
let plan: DerivationPlan;
let derived: Uint8Array[];

beforeAll(async () => {
  const read = syntheticSeries(5);
  plan = planFor(read);
  sources = await Promise.all(
    read.map(async (source) => ({
      ...source,
      pixels: await decodePixels(source.dataSet, source.description, explicitLittleEndian),
    })),
  );
  derived = sources.map((source) =>
    deriveInstance(
      source,
      plan,
      smoothed(source.pixels, source.description),
      { noiseBefore: 24.1, noiseAfter: 14.5 },
      now,
    ),
  );
});

/** A bright disc off the middle, with a pattern that looks like noise. */
function mrPixels(): Uint8Array {
  const made = Uint16Array.from({ length: size * size }, (_, index) => {
    const [row, column] = [Math.floor(index / size), index % size];
    return (Math.hypot(row - 11, column - 13) < 7 ? 900 : 60) + ((index * 7919) % 61);
  });
  return new Uint8Array(made.buffer);
}

/** Of what the MR object does not have at all. */
const ruleOfMr: ReadonlyMap<string, string> = new Map([
  ['image turned into padding', 'PIXEL'],
  ['rescale slope changed', 'ADDED'],
  ['rescale intercept changed', 'ADDED'],
]);

describe('checkInstance', () => {
  it('finds nothing in what deriveInstance made', () => {
    expect(derived.map((bytes, index) => checkInstance(at(sources, index), bytes, plan))).toEqual([[], [], [], [], []]);
  });

  it.each(classicFaults)('finds: %s (%s)', (_, rule, fault) => {
    const bytes = fault(at(derived, 0));
    expect(Buffer.compare(bytes, at(derived, 0))).not.toBe(0);
    const found = checkInstance(at(sources, 0), bytes, plan);
    expect(found.map((line) => line.split(':')[0])).toContain(rule);
    // No patient data in what may reach a log.
    expect(found.join()).not.toMatch(/M.ller|P1|999\./);
  });

  // MR: unsigned, no padding, no rescale; kept private b-value beside limpid's block.
  it('finds the same faults in an MR object, but for those of what it does not have', async () => {
    const mr = new Map([
      [tag('SOPClassUID'), encodeElement(tag('SOPClassUID'), 'UI', sopClasses.mr)],
      [tag('Modality'), encodeElement(tag('Modality'), 'CS', 'MR')],
      [tag('ImageType'), encodeElement(tag('ImageType'), 'CS', 'ORIGINAL\\PRIMARY\\M\\ND')],
      [tag('BitsStored'), encodeElement(tag('BitsStored'), 'US', 12)],
      [tag('HighBit'), encodeElement(tag('HighBit'), 'US', 11)],
      [tag('PixelRepresentation'), encodeElement(tag('PixelRepresentation'), 'US', 0)],
      ...[
        'PixelPaddingValue',
        'RescaleSlope',
        'RescaleIntercept',
        'SmallestImagePixelValue',
        'LargestImagePixelValue',
        'KVP',
      ].map((keyword) => [tag(keyword), new Uint8Array(0)] as const),
      [0x00190010, encodeElement(0x00190010, 'LO', 'SIEMENS MR HEADER')],
      [0x0019100c, encodeElement(0x0019100c, 'IS', '1000')],
      [tag('PixelData'), encodeElement(tag('PixelData'), 'OW', mrPixels())],
    ]);
    const read = described(readInstance(syntheticCt(0, mr)));
    const source = { ...read, pixels: await decodePixels(read.dataSet, read.description, explicitLittleEndian) };
    const own = planFor([source]);
    const figures = { noiseBefore: 12, noiseAfter: 8 };
    const bytes = deriveInstance(source, own, smoothed(source.pixels, source.description), figures, now);
    expect(checkInstance(source, bytes, own)).toEqual([]);
    const missed = classicFaults.flatMap(([name, rule, plant]) => {
      const changed = plant(bytes);
      const found = checkInstance(source, changed, own).map((line) => line.split(':')[0]);
      const isSame = Buffer.compare(changed, bytes) === 0;
      return isSame || found.includes(ruleOfMr.get(name) ?? rule) ? [] : [`${name}: ${found.join(' ')}`];
    });
    expect(missed).toEqual([]);
    const bValue = checkInstance(source, drop(0x0019100c)(bytes), own);
    expect(bValue.map((line) => line.split(':')[0])).toContain('KEPT');
  });

  it('finds a lossy history that is lost, shortened or made up', async () => {
    const { bytes, faults } = await unchanged([
      [tag('LossyImageCompression'), 'CS', '01'],
      [tag('LossyImageCompressionRatio'), 'DS', '8\\10'],
      [tag('LossyImageCompressionMethod'), 'CS', 'ISO_15444_1\\ISO_10918_1'],
    ]);
    expect(faults(bytes)).toEqual([]);
    for (const plant of [
      set('LossyImageCompression', 'CS', '00'),
      drop('LossyImageCompression'),
      drop('LossyImageCompressionRatio'),
      set('LossyImageCompressionRatio', 'DS', '8'),
      drop('LossyImageCompressionMethod'),
      set('LossyImageCompressionMethod', 'CS', 'ISO_15444_1'),
    ])
      expect(faults(plant(bytes)).join()).toContain('LOSSY');
  });

  it('finds the pixels of another slice, and pixels that nothing was done to', () => {
    const own = readInstance(at(derived, 3)).dataSet;
    const element = own.get(tag('PixelData'));
    const swapped = set('PixelData', 'OW', element === undefined ? '' : own.value(element))(at(derived, 0));
    expect(checkInstance(at(sources, 0), swapped, plan).join()).toContain('CONTENT');
    const figures = { noiseBefore: null, noiseAfter: null };
    const untouched = deriveInstance(at(sources, 0), plan, at(sources, 0).pixels, figures, now);
    const unchanged = [expect.stringContaining('UNCHANGED')];
    expect(checkInstance(at(sources, 0), untouched, plan)).toEqual(unchanged);
    // Only a change that rounding takes away may leave them as they were.
    expect(checkInstance(at(sources, 0), untouched, plan, { largestChange: 0.4, isPlain: false })).toEqual([]);
    for (const largestChange of [0, 0.6, 20])
      expect(checkInstance(at(sources, 0), untouched, plan, { largestChange, isPlain: false })).toEqual(unchanged);
    // Where there is nothing to change, nothing must.
    expect(checkInstance(at(sources, 0), untouched, plan, { largestChange: 0, isPlain: true })).toEqual([]);
  });

  /** A source with other elements, derived as it is. */
  const unchanged = async (
    elements: readonly (readonly [tag: number, vr: string, value: string | number | Uint8Array | null])[],
  ) => {
    const extra = elements.map(
      ([key, vr, value]) => [key, value === null ? new Uint8Array(0) : encodeElement(key, vr, value)] as const,
    );
    const read = described(readInstance(syntheticCt(0, new Map(extra))));
    const source = { ...read, pixels: await decodePixels(read.dataSet, read.description, explicitLittleEndian) };
    const own = planFor([source], 0);
    const bytes = deriveInstance(source, own, source.pixels, { noiseBefore: null, noiseAfter: null }, now);
    return { source, bytes, faults: (changed: Uint8Array) => checkInstance(source, changed, own) };
  };

  it('finds bits above High Bit that are not the sign', async () => {
    const { bytes, faults } = await unchanged([
      [tag('BitsStored'), 'US', 12],
      [tag('HighBit'), 'US', 11],
    ]);
    expect(faults(bytes)).toEqual([]);
    const masked = pixels((value) => (row, column) => value(row, column) & 0x0fff)(bytes);
    expect(faults(masked)).toContain('PIXEL: values do not fit 12 bits');
  });

  it('finds nothing in pixels of 8 bits, and a wrong sign of them', async () => {
    const grey = Uint8Array.from({ length: size * size }, (_, index) => (index * 7) % 256);
    const { bytes, faults, source } = await unchanged([
      [tag('BitsAllocated'), 'US', 8],
      [tag('BitsStored'), 'US', 8],
      [tag('HighBit'), 'US', 7],
      [tag('PixelRepresentation'), 'US', 0],
      [tag('PixelPaddingValue'), '', null],
      [tag('SmallestImagePixelValue'), 'US', 0],
      [tag('LargestImagePixelValue'), 'US', 255],
      [tag('PixelData'), 'OB', grey],
    ]);
    expect(source.description).toMatchObject({ bitsAllocated: 8, signed: false, padding: null });
    expect(faults(bytes)).toEqual([]);
    const derivedGrey = readInstance(bytes).dataSet;
    const element = derivedGrey.get(tag('PixelData'));
    expect([element?.vr, element && Buffer.compare(derivedGrey.value(element), grey)]).toEqual(['OB', 0]);
    expect(faults(set('PixelRepresentation', 'US', 1)(bytes)).join()).toContain('KEPT');
  });

  it('finds a source whose identifiers are no UIDs', () => {
    const [source] = sources;
    if (source === undefined) throw new Error('no source');
    const bad = readInstance(set('SeriesInstanceUID', 'UI', 'abc')(source.bytes));
    expect(checkInstance({ ...source, ...bad }, at(derived, 0), plan).join()).toContain(
      "the source's SeriesInstanceUID is no UID",
    );
  });
});

describe('checkSeries', () => {
  const uids = () => sources.map((_, slice) => `${root}.1.${slice}`);
  const summaries = async (made: readonly Uint8Array[]) =>
    Promise.all(
      made.map(async (bytes, index) => {
        const { dataSet } = readInstance(bytes);
        const own = at(sources, index % sources.length);
        return summaryOf(own, bytes, await decodePixels(dataSet, own.description, explicitLittleEndian), plan);
      }),
    );

  it('finds nothing in a whole series', async () => {
    expect(checkSeries(uids(), await summaries(derived), plan)).toEqual([]);
  });

  it('finds a missing slice, and one that is there twice', async () => {
    expect(checkSeries(uids(), await summaries(derived.slice(0, 4)), plan)).toEqual([expect.stringContaining('COUNT')]);
    const twice = checkSeries(uids(), await summaries([...derived.slice(0, 5), at(derived, 0)]), plan).join();
    expect(twice).toContain('COUNT');
    expect(twice).toContain('UID: 1 SOP Instance UIDs are used twice');
    expect(twice).toContain('SOURCE: 1 sources were derived twice');
  });

  it('finds a slice of another series, and attributes of the series that differ', async () => {
    const foreign = [set('SeriesInstanceUID', 'UI', '2.25.80')(at(derived, 0)), ...derived.slice(1)];
    expect(checkSeries(uids(), await summaries(foreign), plan).join()).toContain('UID');
    const renamed = [set('SeriesDescription', 'LO', 'limpid DN x')(at(derived, 0)), ...derived.slice(1)];
    expect(checkSeries(uids(), await summaries(renamed), plan).join()).toContain('SERIES');
    const elsewhere = [
      changeItem('SourceImageSequence', 0, set('ReferencedSOPInstanceUID', 'UI', '2.25.9'))(at(derived, 0)),
      ...derived.slice(1),
    ];
    expect(checkSeries(uids(), await summaries(elsewhere), plan).join()).toContain('SOURCE');
  });

  it('finds pixels that were exchanged between slices', async () => {
    const whole = await summaries(derived);
    const mixed = whole.map((summary, index) => ({
      ...summary,
      samples: summary.samples.map((sample) => ({
        ...sample,
        derived: at(at(whole, index === 1 ? 2 : index === 2 ? 1 : index).samples, 0).derived,
      })),
    }));
    expect(checkSeries(uids(), mixed, plan)).toEqual([
      'CONTENT: 2 slices are nearer to another source than to their own',
    ]);
  });
});
