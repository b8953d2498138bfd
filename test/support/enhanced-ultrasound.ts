// One ultrasound object through a real child process, by a filter that the project ships.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readInstance } from '../../src/dicom/file.js';
import type { Instance } from '../../src/dicom/file.js';
import { isReason, pixelDescription } from '../../src/dicom/pixel-description.js';
import { decodePixels } from '../../src/dicom/pixels.js';
import { text } from '../../src/dicom/values.js';
import { cpuDevice } from './cpu-device.js';
import { orderFor } from './task-order.js';

/** The derived object, or the code and detail of its refusal. */
export async function enhanced(bytes: Uint8Array): Promise<{ code: string | null; derived: Uint8Array | null }> {
  const folder = mkdtempSync(join(tmpdir(), 'limpid-ultrasound-'));
  const device = cpuDevice();
  try {
    const file = join(folder, 'source.dcm');
    writeFileSync(file, bytes);
    const { dataSet } = readInstance(bytes);
    const uid = (keyword: string): string => text(dataSet, keyword) ?? '';
    const order = await orderFor(
      {
        files: [file],
        sopInstanceUids: [uid('SOPInstanceUID')],
        studyInstanceUid: uid('StudyInstanceUID'),
        seriesInstanceUid: uid('SeriesInstanceUID'),
        sopClassUid: uid('SOPClassUID'),
      },
      { model: 'wavelet', strength: 0.4, outDir: join(folder, 'out') },
    );
    const { outcome } = await device.run(order);
    if (outcome.outcome !== 'enhanced') return { code: `${outcome.code}: ${outcome.detail}`, derived: null };
    return { code: null, derived: readFileSync(join(folder, 'out', 'objects', '00001.dcm')) };
  } finally {
    await device.close();
    rmSync(folder, { recursive: true });
  }
}

/** Stored values of one frame. */
export async function valuesOf(instance: Instance, frame: number): Promise<Int32Array> {
  const description = pixelDescription(instance.dataSet);
  if (isReason(description)) throw new Error(`${description.code} ${description.detail}`);
  return decodePixels(instance.dataSet, description, instance.part10.transferSyntaxUid, frame);
}
