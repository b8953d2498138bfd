// Derived series of real data, judged from outside by check_series.py with dciodvfy, dcentvfy and dcmdump.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { readInstance } from '../../src/dicom/file.js';
import { decodePixels } from '../../src/dicom/pixels.js';
import { deriveInstance } from '../../src/derive/derive-instance.js';
import { described, planFor, smoothed } from '../support/derivation.js';
import { sharedBytes, sharedData, sharedFiles, sharedFolders } from '../support/shared-data.js';

const python = '/usr/bin/python3';
const judge = fileURLToPath(new URL('../../../../shared/tools/conformance/check_series.py', import.meta.url));
const ready = existsSync(judge) && spawnSync(python, ['-c', 'import pydicom, numpy']).status === 0;
const now = Date.UTC(2026, 10, 21, 10, 16, 0);

/** Runs the judge over a folder of sources and the series derived from it. */
async function verdict(folder: string, strength: number): Promise<string> {
  const out = mkdtempSync(join(tmpdir(), 'limpid-derived-'));
  try {
    const sources = sharedFiles(folder).map((file) => ({ file, ...described(readInstance(sharedBytes(file))) }));
    const plan = planFor(sources, strength);
    for (const source of sources) {
      const stored = await decodePixels(source.dataSet, source.description, source.part10.transferSyntaxUid);
      const pixels = strength === 0 ? stored : smoothed(stored, source.description);
      const bytes = deriveInstance(source, plan, pixels, { noiseBefore: 24.1, noiseAfter: 14.5 }, now);
      writeFileSync(join(out, basename(source.file)), bytes);
    }
    const { stdout, stderr } = spawnSync(python, [judge, sharedData(folder) ?? '', out], { encoding: 'utf8' });
    return (stdout + stderr).trim();
  } finally {
    rmSync(out, { recursive: true });
  }
}

// Its 16 slices have one SOP Instance UID and no class: the gate refuses it.
const refused = 'ct/abdomen-3mm-siemens-biograph40-mct';
const folders = [...sharedFolders('ct'), ...sharedFolders('mr')].filter(
  (folder) => folder !== refused && sharedFiles(folder).length > 0,
);

describe('check_series.py passes a derived series of', () => {
  if (!ready || folders.length === 0) {
    it.skip('real data (needs ../shared, python3-pydicom, dicom3tools, dcmtk)', () => {});
    return;
  }
  it.each(folders)('%s, smoothed', async (folder) => expect(await verdict(folder, 0.4)).toBe('PASS'), 120_000);
  it.each([folders[0] ?? '', 'mr/wrist-gre-ge-signa'])(
    '%s, unchanged',
    async (folder) => expect(await verdict(folder, 0)).toBe('PASS'),
    120_000,
  );
});
