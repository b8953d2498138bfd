// What the gate says of every series and odd object of the public sample data, each with the reason why that is right.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from '@jest/globals';
import { configSchema } from '../../src/config/schema.js';
import { readInstanceHeader } from '../../src/dicom/file.js';
import { text } from '../../src/dicom/values.js';
import { decideGate } from '../../src/route/decide-gate.js';
import { readSeriesFacts } from '../../src/route/read-facts.js';
import type { InstanceRecord, SeriesRecord } from '../../src/spool/records.js';
import { keyOf } from '../../src/spool/key.js';
import { itWithData, sharedData, sharedFiles, sharedFolders } from '../support/shared-data.js';
import { filter } from './synthetic.js';

const vendorMarks = configSchema.parse({ node: { aeTitle: 'LIMPID' } }).gate.vendorMarks();

/** What the receiver would have written down: UIDs of the data set, or those that the association named. */
async function recordOf(path: string, index: number): Promise<InstanceRecord> {
  const record = {
    file: path,
    sopInstanceUid: `2.25.${index}`,
    sopClassUid: '',
    transferSyntaxUid: '',
    sha256: '0'.repeat(64),
    bytes: 0,
  };
  try {
    const { part10, dataSet } = readInstanceHeader(await readFile(path));
    return {
      ...record,
      sopInstanceUid: text(dataSet, 'SOPInstanceUID') ?? record.sopInstanceUid,
      sopClassUid: text(dataSet, 'SOPClassUID') ?? part10.meta.mediaStorageSopClassUid,
      transferSyntaxUid: part10.transferSyntaxUid,
    };
  } catch {
    return record; // no DICOM: the table says so
  }
}

async function gateOf(paths: readonly string[]): Promise<string> {
  const series: SeriesRecord = {
    version: 1,
    key: keyOf('1', '2'),
    revision: 1,
    cause: 'arrival',
    closed: 'quiet',
    openedAt: '2026-01-01T00:00:00Z',
    closedAt: '2026-01-01T00:01:00Z',
    studyInstanceUid: '1',
    seriesInstanceUid: '2',
    sources: [],
    remake: 1,
    action: null,
    instances: await Promise.all(paths.map(recordOf)),
    variants: [],
    warnings: [],
  };
  const facts = await readSeriesFacts(series, ({ file }) => file, { tags: new Set(), marks: vendorMarks });
  const { reasons, warnings } = decideGate(facts, filter, { lift: [], minimumSlices: 1 }, vendorMarks);
  const word = ({ code, detail }: (typeof reasons)[number]): string =>
    code === 'MISSING_ATTRIBUTE' ? `${code}:${detail}` : code;
  const all = [...reasons.map(word), ...warnings.map((reason) => `(${word(reason)})`)];
  return all.length === 0 ? 'run' : all.join(' ');
}

const folders: Readonly<Record<string, [gate: string, why: string]>> = {
  'ct/abdomen-3mm-siemens-biograph40-mct': [
    'MISSING_ATTRIBUTE:SOPInstanceUID MISSING_ATTRIBUTE:SeriesInstanceUID MISSING_ATTRIBUTE:StudyInstanceUID',
    'its de-identification emptied the UIDs: there is nothing to refer to',
  ],
  'ct/acr-phantom-2.5mm-ge-lightspeed16': ['run', 'an axial series as scanned'],
  'ct/acr-phantom-3mm-80kv-siemens-drive': ['run', 'JPEG-LS without loss is no loss'],
  'ct/catphan-2mm-varian-cbct': ['run', 'cone beam CT is CT; a card may say otherwise'],
  'ct/chest-1.25mm-ge-ricord': ['run', 'Manufacturer and model are empty, and nothing needs them'],
  'ct/chest-1mm-philips-brilliance16': [
    '(NON_CONFORMANT)',
    'its de-identification gave every slice a Frame of Reference UID of its own: as many frames as slices say nothing, positions do',
  ],
  'mr/acr-phantom-t1-philips-achieva-3t': ['run', 'magnitude'],
  'mr/acr-phantom-t1-siemens-sola-fit-1.5t': ['run', 'magnitude'],
  'mr/acr-phantom-t2-ge-artist-1.5t': ['run', 'magnitude'],
  'mr/brain-dwi-b0-philips-achieva': ['run', 'one volume of b = 0'],
  'mr/brain-epi-ge-mr750': ['run', 'one volume'],
  'mr/brain-t1-mprage-3d-siemens-trio': ['run', 'magnitude'],
  'mr/brain-t2-fse-siemens-trio': ['run', 'a matrix that is not square has square pixels'],
  'mr/phantom-se-toshiba-galan-3t': ['run', 'signed pixels'],
  'mr/wrist-gre-ge-signa': ['run', 'an old header, field strength in gauss'],
  'odd/gantry-tilt-siemens-definition-as': ['run', 'steps along the tilted normal are even'],
  'odd/mr-4d-fmri-ge-mr750': [
    'run',
    '4 positions at 3 points in time, told apart by Instance Number where the header says there are several',
  ],
  'odd/non-square-pixels': ['(NON_SQUARE_PIXELS)', '4.0 x 6.4 mm'],
};

const files: Readonly<Record<string, [gate: string, why: string]>> = {
  'bad-sequence-ct-siemens': ['BAD_UID', 'the sequence can be walked; its UIDs are words of a de-identification'],
  'bad-vr-rtdose': ['UNSUPPORTED_SOP_CLASS', 'RT Dose'],
  'ct-dose-screen-save-ge-vct': ['SECONDARY_CAPTURE SCREEN_OR_REPORT', 'a picture of a dose page'],
  'ct-single-philips-ingenuity-jpeg-lossless': ['run', 'a series of one says nothing of table movement'],
  'empty-file': ['UNDECODABLE', 'no bytes'],
  'encapsulated-pdf': ['UNSUPPORTED_SOP_CLASS', 'a document'],
  'explicit-vr-un-ct': ['run', 'UN holds what the dictionary says'],
  'j2k-too-short-emri': [
    'MISSING_ATTRIBUTE:PerFrameFunctionalGroupsSequence',
    'Enhanced MR without functional groups; that pixels are missing would show when they are decoded',
  ],
  'j2k-with-sequence-delimiter-inside': ['SECONDARY_CAPTURE', 'its class'],
  'localizer-philips-ingenuity-flex': ['LOCALIZER', 'Image Type value 3'],
  'meta-without-transfer-syntax': ['UNDECODABLE', 'nobody can say how to read it'],
  'missing-pixel-data-mr': ['MISSING_ATTRIBUTE:PixelData', 'taken out'],
  'modality-lut-pet-ge': ['UNSUPPORTED_SOP_CLASS', 'PET'],
  'modality-lut-sequence': ['SECONDARY_CAPTURE', 'its class; the LUT is asked for only of images'],
  'monochrome1-cr-no-meta-header': ['UNDECODABLE', 'no file meta group, which every file of the spool has'],
  'mr-mosaic-siemens-skyra': ['MOSAIC', 'a filter would cross the borders of its tiles'],
  'mr-rgb-colour': ['SECONDARY_CAPTURE', 'Modality MR does not make it an image of that class'],
  'mr-signed-real-part-siemens-sola': ['NOT_MAGNITUDE', 'noise of a real part is of another kind'],
  'nested-private-sequence': ['UNSUPPORTED_SOP_CLASS', 'no class at all'],
  'nm-13f-recon': ['UNSUPPORTED_SOP_CLASS', 'nuclear medicine'],
  'no-meta-ct': ['UNDECODABLE', 'no file meta group'],
  'no-preamble-but-dicm-in-data': ['UNDECODABLE', 'no file meta group, whatever stands at offset 128'],
  'not-dicom': ['UNDECODABLE', 'plain text'],
  'overlay-6000-mr-siemens-avanto': ['DERIVED', 'Image Type value 1'],
  'overlays-embedded-in-bits-and-6000': ['SECONDARY_CAPTURE', 'its class'],
  'parametric-map-float': ['UNSUPPORTED_SOP_CLASS', 'a map, not an image'],
  'pixel-data-with-trailing-padding-mr': ['DERIVED', 'Image Type value 1; the padding is harmless'],
  'private-sequence': ['SCREEN_OR_REPORT', 'its file meta group says CT, its data set no Modality'],
  'rt-dose-32bit-15f': ['UNSUPPORTED_SOP_CLASS', 'RT Dose'],
  'rt-plan': ['UNSUPPORTED_SOP_CLASS', 'RT Plan'],
  'rt-struct-no-transfer-syntax': ['UNDECODABLE', 'no file meta group'],
  'secondary-capture-odd-length': ['SECONDARY_CAPTURE', 'its class'],
  'secondary-capture-rgb': ['SECONDARY_CAPTURE', 'its class'],
  'segmentation-1bit': ['UNSUPPORTED_SOP_CLASS', 'a segmentation'],
  'sr-basic-text': ['UNSUPPORTED_SOP_CLASS', 'a report'],
  'sr-comprehensive': ['UNSUPPORTED_SOP_CLASS', 'a report'],
  'truncated-bulk-data-claims-3gb': [
    'COLOUR BAD_UID',
    'Samples per Pixel 3, UIDs of letters; read from the header without taking what it claims',
  ],
  'truncated-in-header-mr': ['UNDECODABLE', 'ends in the middle of an element'],
  'truncated-mr': ['DERIVED', 'Image Type value 1; that pixels are missing shows when they are decoded'],
  'truncated-rtplan': ['UNDECODABLE', 'ends inside a sequence'],
  'un-sequence': ['SCREEN_OR_REPORT', 'as private-sequence'],
};

const enhanced: Readonly<Record<string, [gate: string, why: string]>> = {
  'ct-perfusion-2f': ['DERIVED PALETTE', 'a perfusion map under a supplemental palette'],
  'legacy-converted-mr-4f': ['DERIVED', 'its converter said so; a rule may lift that'],
  'mr-10f-small': ['MISSING_ATTRIBUTE:PerFrameFunctionalGroupsSequence', 'nobody can say where its frames lie'],
  'mr-11f-acr-t1-siemens-sola': ['run', 'magnitude, one stack'],
  'mr-19f-knee-moving-jpegls': ['run', 'one position at 19 moments, told apart by the dimensions of its frames'],
  'mr-6f-siemens-vida-xa10': ['run', 'magnitude, one stack'],
  'mr-fmap-64f-philips-achieva-dstream': ['NOT_MAGNITUDE', 'half of its frames are a field map: all are refused'],
  'mr-localiser-3f-siemens-sola': ['MIXED_GEOMETRY', 'three planes in one object'],
};

const ultrasound: Readonly<Record<string, [gate: string, why: string]>> = {
  'multi-10f-palette-rle-echo': [
    'DERIVED PALETTE MISSING_ATTRIBUTE:SequenceOfUltrasoundRegions',
    'a palette, no region',
  ],
  'multi-30f-ybr-jpeg-sonosite-turbo': [
    'DERIVED LOSSY BAD_PIXEL_DESCRIPTION',
    'its regions are those of another matrix',
  ],
  'single-mono-jpeg-lossless-philips-epiq7c': ['run', 'one region of tissue, in grey'],
  'single-mono-jpegls-philips-iu22': [
    'MISSING_ATTRIBUTE:SeriesInstanceUID MISSING_ATTRIBUTE:StudyInstanceUID MISSING_ATTRIBUTE:SequenceOfUltrasoundRegions MISSING_ATTRIBUTE:PixelData MISSING_ATTRIBUTE:SamplesPerPixel',
    'the header of its region sequence is lost: an item stands alone, and what is behind it cannot be told',
  ],
  'single-palette-rle-philips-cx50': ['PALETTE', 'a palette'],
  'single-rgb-ge-logiq700': ['MISSING_ATTRIBUTE:SequenceOfUltrasoundRegions', 'nothing says where the tissue is'],
  'single-rgb-transoesophageal': ['UNSUPPORTED_SOP_CLASS', 'the retired class'],
  'single-ybrfull-rle-acuson-sequoia': ['run', 'grey tissue in colour, by RLE'],
};

describe('the gate on the sample data', () => {
  itWithData('says of each series folder what the table says', async () => {
    const present = [...sharedFolders('ct'), ...sharedFolders('mr'), ...sharedFolders('odd')].filter(
      (folder) => sharedFiles(folder).length > 0 && !/charsets|dicomdir/.test(folder),
    );
    expect(present.toSorted()).toEqual(Object.keys(folders).toSorted());
    for (const folder of present) {
      const paths = sharedFiles(folder).map((file) => sharedData(file) ?? '');
      expect([folder, await gateOf(paths)]).toEqual([folder, folders[folder]?.[0]]);
      expect([folder, await gateOf(paths.toReversed())]).toEqual([folder, folders[folder]?.[0]]);
    }
  });

  itWithData('says of each odd object what the table says', async () => {
    const present = sharedFiles('odd').filter((file) => !file.slice('odd/'.length).includes('/'));
    expect(present).toEqual(
      Object.keys(files)
        .map((name) => join('odd', `${name}.dcm`))
        .toSorted(),
    );
    for (const file of present) {
      const name = file.slice('odd/'.length, -'.dcm'.length);
      expect([name, await gateOf([sharedData(file) ?? ''])]).toEqual([name, files[name]?.[0]]);
    }
  });

  itWithData('a scout beside its axial series is told apart from it', async () => {
    const series = new Map<string, string[]>();
    for (const file of sharedFiles('odd/dicomdir', '').filter((name) => name.includes('98892001'))) {
      const path = sharedData(file) ?? '';
      const { dataSet } = readInstanceHeader(await readFile(path));
      const uid = text(dataSet, 'SeriesInstanceUID') ?? '';
      series.set(uid, [...(series.get(uid) ?? []), path]);
    }
    const gates = await Promise.all(
      [...series.values()].map(async (paths) => `${paths.length} ${await gateOf(paths)}`),
    );
    expect(gates.toSorted()).toEqual(['2 LOCALIZER MIXED_GEOMETRY (NON_SQUARE_PIXELS)', '5 run']);
  });

  itWithData('says of each enhanced object what the table says', async () => {
    const present = sharedFiles('enhanced').map((file) => file.slice('enhanced/'.length, -'.dcm'.length));
    expect(present).toEqual(Object.keys(enhanced).toSorted());
    for (const name of present) {
      expect([name, await gateOf([sharedData(`enhanced/${name}.dcm`) ?? ''])]).toEqual([name, enhanced[name]?.[0]]);
    }
  });

  itWithData('says of each ultrasound object what the table says', async () => {
    const present = sharedFiles('us').map((file) => file.slice('us/'.length, -'.dcm'.length));
    expect(present).toEqual(Object.keys(ultrasound).toSorted());
    const gates = await Promise.all(present.map((name) => gateOf([sharedData(`us/${name}.dcm`) ?? ''])));
    expect(gates).toEqual(present.map((name) => ultrasound[name]?.[0]));
  });

  itWithData('transfer syntaxes: a series is refused for loss, never for its coding', async () => {
    for (const file of sharedFiles('transfer-syntaxes')) {
      const gate = await gateOf([sharedData(file) ?? '']);
      if (!/^(run|DERIVED|LOSSY|DERIVED LOSSY)$/.test(gate))
        expect(gate).toMatch(/SOP_CLASS|SECONDARY_CAPTURE|PerFrame|Regions/);
      else expect([file, gate.includes('LOSSY')]).toEqual([file, /lossy|near-lossless|extended|baseline/.test(file)]);
    }
  });
});
