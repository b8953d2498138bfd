// Derived series of real data, judged from outside by check_series.py with dciodvfy, dcentvfy and dcmdump.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { joined } from '../../src/dicom/element.js';
import { readInstance } from '../../src/dicom/file.js';
import type { Instance } from '../../src/dicom/file.js';
import { writeFileMeta } from '../../src/dicom/part10.js';
import { isReason, pixelDescription } from '../../src/dicom/pixel-description.js';
import { decodePixels } from '../../src/dicom/pixels.js';
import { classicClasses, explicitLittleEndian, transferSyntax } from '../../src/dicom/uids.js';
import { text } from '../../src/dicom/values.js';
import { checkInstance } from '../../src/derive/check.js';
import { deriveInstance } from '../../src/derive/derive-instance.js';
import { described, planFor, smoothed } from '../support/derivation.js';
import { sharedBytes, sharedData, sharedFiles, sharedFolders } from '../support/shared-data.js';

const python = '/usr/bin/python3';
const judge = fileURLToPath(new URL('../../../../shared/tools/conformance/check_series.py', import.meta.url));
const ready = existsSync(judge) && spawnSync(python, ['-c', 'import pydicom, numpy']).status === 0;
const now = Date.UTC(2026, 10, 21, 10, 16, 0);

/** The source's bytes; a deflated one inflated, as dciodvfy cannot read it and would blame limpid for the source's faults. */
function readable({ bytes, part10, dataSet }: Instance): Uint8Array {
  if (transferSyntax(part10.transferSyntaxUid)?.deflated !== true) return bytes;
  const meta = writeFileMeta({
    sopClassUid: part10.meta.mediaStorageSopClassUid,
    sopInstanceUid: part10.meta.mediaStorageSopInstanceUid,
    transferSyntaxUid: explicitLittleEndian,
  });
  return joined([meta, dataSet.bytes]);
}

/** Runs the judge over files of one series and the series derived from them; limpid's own check comes first. */
async function verdict(files: readonly string[], strength: number): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'limpid-derived-'));
  try {
    const [from, to] = [join(folder, 'source'), join(folder, 'derived')];
    for (const place of [from, to]) mkdirSync(place);
    const sources = files.map((file) => ({ file, ...described(readInstance(sharedBytes(file))) }));
    const plan = planFor(sources, strength);
    for (const source of sources) {
      const stored = await decodePixels(source.dataSet, source.description, source.part10.transferSyntaxUid);
      const pixels = strength === 0 ? stored : smoothed(stored, source.description);
      const bytes = deriveInstance(source, plan, pixels, { noiseBefore: 24.1, noiseAfter: 14.5 }, now);
      expect(checkInstance({ ...source, pixels: stored }, bytes, plan)).toEqual([]);
      writeFileSync(join(from, basename(source.file)), readable(source));
      writeFileSync(join(to, basename(source.file)), bytes);
    }
    const { stdout, stderr } = spawnSync(python, [judge, from, to], { encoding: 'utf8' });
    return (stdout + stderr).trim();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

// Its 16 slices have one SOP Instance UID and no class: the gate refuses it.
const refused = 'ct/abdomen-3mm-siemens-biograph40-mct';
const folders = [...sharedFolders('ct'), ...sharedFolders('mr')].filter(
  (folder) => folder !== refused && sharedFiles(folder).length > 0,
);

/** Single CT and MR images in every transfer syntax, and odd ones that can be enhanced: a series of one each. */
const odd = [
  'ct-single-philips-ingenuity-jpeg-lossless',
  'explicit-vr-un-ct',
  'localizer-philips-ingenuity-flex',
  'mr-4d-fmri-ge-mr750/001',
  'mr-mosaic-siemens-skyra',
  'mr-signed-real-part-siemens-sola',
  'non-square-pixels/001',
  'overlay-6000-mr-siemens-avanto',
  'pixel-data-with-trailing-padding-mr',
].map((name) => `odd/${name}.dcm`);
const singles = [...sharedFiles('transfer-syntaxes'), ...odd].filter((file) => {
  if (sharedData(file) === null) return false;
  const { dataSet } = readInstance(sharedBytes(file));
  return classicClasses.has(text(dataSet, 'SOPClassUID') ?? '') && !isReason(pixelDescription(dataSet));
});

describe('check_series.py passes a derived series of', () => {
  if (!ready || folders.length === 0) {
    it.skip('real data (needs ../shared, python3-pydicom, dicom3tools, dcmtk)', () => {});
    return;
  }
  it.each(folders)(
    '%s, smoothed',
    async (folder) => expect(await verdict(sharedFiles(folder).slice(0, 4), 0.4)).toBe('PASS'),
    120_000,
  );
  it.each(singles)('%s, alone', async (file) => expect(await verdict([file], 0.4)).toBe('PASS'), 120_000);
  it.each([folders[0] ?? '', 'mr/wrist-gre-ge-signa'])(
    '%s, unchanged',
    async (folder) => expect(await verdict(sharedFiles(folder).slice(0, 4), 0)).toBe('PASS'),
    120_000,
  );
});
