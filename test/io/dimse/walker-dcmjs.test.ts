// What the walk finds in a data set, against dcmjs as a second reader, on every sample that dcmjs can read.
import { isDeepStrictEqual } from 'node:util';
import { expect } from '@jest/globals';
import dcmjs from 'dcmjs';
import { readPart10 } from '../../../src/dicom/part10.js';
import { LimpidError } from '../../../src/errors.js';
import { defaultLimits } from '../../../src/io/dimse/limits.js';
import { openWalk } from '../../../src/io/dimse/walk.js';
import { itWithData, sharedBytes, sharedFiles } from '../../support/shared-data.js';

/** Elements of the walk by their tags: study, series, instance, class, modality, and what the geometry of a series is known by. */
const tags = {
  sopClassUid: '00080016',
  sopInstanceUid: '00080018',
  modality: '00080060',
  studyInstanceUid: '0020000D',
  seriesInstanceUid: '0020000E',
  sliceThickness: '00180050',
  acquisitionNumber: '00200012',
  imagePositionPatient: '00200032',
  imageOrientationPatient: '00200037',
} as const;
const numbers: ReadonlySet<string> = new Set([
  'sliceThickness',
  'acquisitionNumber',
  'imagePositionPatient',
  'imageOrientationPatient',
]);

/**
 * Values as both readers have them: numbers as numbers, texts without padding, UIDs without what is no part of one (dcmjs leaves that
 * out); nothing where the element is absent or empty.
 */
function plain(name: string, values: readonly unknown[]): unknown[] {
  const filled = values.filter((value) => value !== '' && value !== null && value !== undefined);
  return filled.map((value) => {
    if (numbers.has(name)) return Number(value);
    const text = String(value);
    return name.endsWith('Uid') ? text.replace(/[^0-9.]/g, '') : text.trim();
  });
}

function readByDcmjs(file: Uint8Array): Record<string, unknown[]> | null {
  try {
    const bytes = file.slice().buffer;
    const { dict } = dcmjs.data.DicomMessage.readFile(bytes, { untilTag: '7FE00010', includeUntilTagValue: false });
    return Object.fromEntries(Object.entries(tags).map(([name, tag]) => [name, plain(name, dict[tag]?.Value ?? [])]));
  } catch {
    return null; // dcmjs cannot read it: it says nothing about the walk
  }
}

async function readByWalk(file: Uint8Array): Promise<Record<string, unknown[]> | null> {
  try {
    const { dataSetOffset, transferSyntaxUid } = readPart10(file);
    const walk = openWalk(transferSyntaxUid, defaultLimits);
    walk.push(file.subarray(dataSetOffset));
    await walk.drained();
    const { found } = await walk.end();
    const texts: Readonly<Record<string, string | undefined>> = { ...found };
    return Object.fromEntries(Object.keys(tags).map((name) => [name, plain(name, (texts[name] ?? '').split('\\'))]));
  } catch (error) {
    if (error instanceof LimpidError) return null; // no file meta group
    throw error;
  }
}

itWithData(
  'the walk finds what dcmjs finds',
  async () => {
    // it writes values it does not know to the console
    for (const name of ['validation.dcmjs', 'AsyncDicomReader']) dcmjs.log.getLogger(name).setLevel('silent');
    dcmjs.log.setLevel('silent');
    let compared = 0;
    const differing: unknown[] = [];
    for (const name of sharedFiles('')) {
      const file = sharedBytes(name);
      const walked = await readByWalk(file);
      const read = walked === null ? null : readByDcmjs(file);
      if (read === null) continue;
      compared++;
      if (!isDeepStrictEqual(walked, read)) differing.push({ name, walked, read });
    }
    expect(differing).toEqual([]);
    expect(compared).toBeGreaterThan(250);
  },
  120_000,
);
