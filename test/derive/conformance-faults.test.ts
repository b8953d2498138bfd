// Section 11 of the conformance rules: every planted fault of its table is one that the own checks are shown to find.
import { beforeAll, describe, expect, it } from '@jest/globals';
import { readInstance } from '../../src/dicom/file.js';
import { decodePixels } from '../../src/dicom/pixels.js';
import { explicitLittleEndian } from '../../src/dicom/uids.js';
import { checkInstance } from '../../src/derive/check.js';
import { checkSeries, summaryOf } from '../../src/derive/check-series.js';
import type { InstanceSummary } from '../../src/derive/check-series.js';
import { deriveInstance } from '../../src/derive/derive-instance.js';
import type { DecodedSource } from '../../src/derive/faults.js';
import type { DerivationPlan } from '../../src/derive/plan.js';
import { classicFaults, root } from '../support/classic-faults.js';
import { rules, tablesOf } from '../support/conformance-rules.js';
import { planFor, smoothed, syntheticSeries } from '../support/derivation.js';
import { at } from '../support/planted-faults.js';

const [rows = []] = tablesOf('## 11.');

/** Of each row the faults, in the words of the list that check.test.ts plants one by one; of a series as a whole, in capitals. */
const faultsOf: Readonly<Record<string, readonly string[]>> = {
  'Image Type value 1 ORIGINAL, value 2, value 3 wrong, mark missing (4 faults)': [
    'Image Type value 1 ORIGINAL',
    'Image Type value 2 PRIMARY',
    'Image Type value 3 changed',
    'Image Type without its mark',
  ],
  "source's SeriesInstanceUID or SOPInstanceUID reused": ["source's series UID reused", "source's instance UID reused"],
  'StudyInstanceUID, patient ID, study date changed': ['study UID changed', 'patient ID changed', 'study date changed'],
  'Frame of Reference changed in one slice': ['frame of reference changed'],
  'UID not by the recipe; one slice in another series': [
    'instance UID not by the recipe',
    'one slice in another series',
  ],
  'UID component with leading zero': ['UID component with leading zero'],
  'UID of 70 characters': ['UID of 70 characters'],
  'file meta names another instance': ['file meta of another instance'],
  'a slice missing; a slice twice': ['A SLICE MISSING', 'A SLICE TWICE'],
  'patient name dropped': ['patient name dropped'],
  'accession number dropped (type 2)': ['accession number dropped'],
  'pixel data of two slices swapped, flipped, upside down, zero, mean + 100 (5 faults)': [
    'PIXELS SWAPPED',
    'pixels flipped left to right',
    'pixels upside down',
    'pixels all zero',
    'mean + 100',
  ],
  'padding turned into image values': ['padding turned into image'],
  'Smallest Image Pixel Value stale, or VR US for signed pixels': [
    'Smallest Image Pixel Value stale',
    'Largest Image Pixel Value as US',
  ],
  'pixel data one row short': ['pixel data one row short'],
  'file cut 5000 bytes short': ['file cut short'],
  'rescale slope or intercept changed': ['rescale slope changed', 'rescale intercept changed'],
  'Rescale Slope, Window Center, KVP, Pixel Spacing, Image Position missing': [
    'rescale slope missing',
    'window centre missing',
    'KVP missing',
    'pixel spacing missing',
    'position missing',
  ],
  'pixel spacing, position, orientation, thickness changed to another legal value': [
    'pixel spacing changed',
    'position of another slice',
    'orientation changed',
    'slice thickness changed',
  ],
  'orientation not orthogonal': ['orientation not orthogonal'],
  'two slices at one position': ['position of another slice'],
  'derivation description, code, source image missing or wrong (8 faults)': [
    'derivation description missing',
    'derivation description of another model',
    'derivation code missing',
    'derivation code of a foreign step',
    'source image missing',
    'source image of another series',
    'source image of another class',
    'source image without purpose',
  ],
  'code item with empty meaning': ['code without meaning'],
  'scanner left as Manufacturer; contributing equipment missing or wrong (5 faults)': [
    'scanner left as manufacturer',
    'contributing equipment missing',
    "scanner's item missing",
    "model's item missing",
    "model's version wrong",
  ],
  'SeriesDescription over 64 characters': ['series description over 64 characters'],
  'SeriesDescription not ASCII without a character set; charset changed': [
    'series description with new letters',
    'character set changed',
  ],
  'Series Number empty': ['series number empty'],
  'procedure step kept, foreign private block, curve (3 faults)': [
    'performed procedure step kept',
    'foreign private block',
    'curve',
  ],
  'icon that is empty': ['empty icon'],
  'lossy flag invented; lossy ratio without flag': ['lossy flag invented', 'lossy ratio without the flag'],
  'Bits Stored 12 for 16-bit values': ['Bits Stored 12 for 16-bit values'],
  'Bits Stored 17; High Bit 14 with 16': ['Bits Stored 17', 'High Bit 14'],
  'RGB with one sample': ['RGB with one sample'],
  'Window Width 0': ['window width 0'],
  'Rows missing': ['Rows missing'],
  'SOP class changed to Secondary Capture; Modality OT in a CT object': ['class Secondary Capture', 'Modality OT'],
  'DS of 22 characters': ['DS of 22 characters'],
  'date 20261341': ['date 20261341'],
  'lower case in a CS': ['lower case in a CS'],
  'tags out of order': ['tags out of order'],
  'odd length element': ['odd length'],
  'group length present': ['group length present'],
  'transfer syntax says implicit, data explicit': ['implicit syntax named, data explicit'],
  'no preamble, no file meta': ['no preamble and file meta'],
};

let sources: DecodedSource[];
let plan: DerivationPlan;
let derived: Uint8Array[];
let summaries: InstanceSummary[];
beforeAll(async () => {
  const read = syntheticSeries(4);
  plan = planFor(read);
  sources = await Promise.all(
    read.map(async (one) => ({
      ...one,
      pixels: await decodePixels(one.dataSet, one.description, explicitLittleEndian),
    })),
  );
  const figures = { noiseBefore: 24.1, noiseAfter: 14.5 };
  const now = Date.UTC(2026, 10, 21, 10, 16, 0);
  derived = sources.map((one) => deriveInstance(one, plan, smoothed(one.pixels, one.description), figures, now));
  summaries = derived.map((bytes, index) =>
    summaryOf(at(sources, index), bytes, smoothed(at(sources, index).pixels, at(sources, index).description), plan),
  );
});

const uids = (): string[] => sources.map((_, slice) => `${root}.1.${slice}`);
/** Faults that are seen in a series as a whole, with the rule that finds them. */
const ofSeries: Readonly<Record<string, readonly [rule: string, found: () => readonly string[]]>> = {
  'A SLICE MISSING': ['COUNT', () => checkSeries(uids(), summaries.slice(1), plan)],
  'A SLICE TWICE': ['COUNT', () => checkSeries(uids(), [...summaries, at(summaries, 0)], plan)],
  'PIXELS SWAPPED': [
    'CONTENT',
    () => {
      const { dataSet, part10 } = readInstance(at(derived, 0));
      const other = readInstance(at(derived, 3)).dataSet;
      const bytes = at(derived, 0).slice();
      const [to, from] = [dataSet.get(0x7fe00010), other.get(0x7fe00010)];
      if (to === undefined || from === undefined) throw new Error('no pixels');
      bytes.set(other.value(from), part10.dataSetOffset + to.end - to.length);
      return checkInstance(at(sources, 0), bytes, plan);
    },
  ],
};

describe('11: planted faults', () => {
  (rules === null ? it.skip : it)('every row of the table has its faults here (needs ../shared/conformance.md)', () => {
    expect(Object.keys(faultsOf)).toEqual(rows.map(([fault = '']) => fault));
    for (const [row, faults] of Object.entries(faultsOf)) {
      const [, count] = /\((\d+) faults\)/.exec(row) ?? [];
      if (count !== undefined) expect([row, faults.length]).toEqual([row, Number(count)]);
    }
  });

  it('every fault is one that is planted', () => {
    const planted = new Set([...classicFaults.map(([name]) => name), ...Object.keys(ofSeries)]);
    expect(
      Object.values(faultsOf)
        .flat()
        .filter((name) => !planted.has(name)),
    ).toEqual([]);
  });

  it.each(Object.keys(ofSeries))('%s is found', (name) => {
    const [rule, found] = ofSeries[name] ?? ['', () => []];
    expect(found().map((line) => line.split(':')[0])).toContain(rule);
  });
});
