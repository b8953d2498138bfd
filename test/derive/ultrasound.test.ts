// Ultrasound through a real child process: only grey tissue within its regions changes.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { encodeElement, encodeSequence, joined } from '../../src/dicom/element.js';
import { readInstance } from '../../src/dicom/file.js';
import type { Instance } from '../../src/dicom/file.js';
import { writeFileMeta } from '../../src/dicom/part10.js';
import { isReason, pixelDescription } from '../../src/dicom/pixel-description.js';
import { decodePixels } from '../../src/dicom/pixels.js';
import { explicitLittleEndian, sopClasses } from '../../src/dicom/uids.js';
import { text, texts } from '../../src/dicom/values.js';
import { openDevice } from '../../src/enhance/device.js';
import { openLog } from '../../src/observe/log.js';
import { openMetrics } from '../../src/observe/metrics.js';
import { judged, judgeIsReady } from '../support/judge.js';
import { itWithData, sharedBytes, sharedData } from '../support/shared-data.js';
import { orderFor, taskModule } from '../support/task-order.js';

const [rows, columns, frames] = [96, 128, 3];
const region = { left: 20, top: 10, right: 110, bottom: 85 };
const caliper = { row: 40, column: 60 };

/** A colour cine: speckle everywhere, a coloured caliper in the region, white text outside it. */
function cine(
  change: (frame: number, row: number, column: number) => readonly [number, number, number] | null,
): Uint8Array {
  const pixels = new Uint8Array(frames * rows * columns * 3);
  let seed = 7;
  for (let at = 0; at < pixels.length; at += 3) {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    const grey = 90 + (seed % 61) - 30;
    const [frame, row] = [Math.floor(at / 3 / rows / columns), Math.floor(at / 3 / columns) % rows];
    pixels.set(change(frame, row, (at / 3) % columns) ?? [grey, grey, grey], at);
  }
  const root = '1.2.826.0.1.3680043.10.998';
  const us = (tag: number, value: number): Uint8Array => encodeElement(tag, 'US', value);
  const ul = (tag: number, value: number): Uint8Array => encodeElement(tag, 'UL', value);
  const elements = [
    encodeElement(0x00080008, 'CS', 'ORIGINAL\\PRIMARY\\ABDOMINAL'),
    encodeElement(0x00080016, 'UI', sopClasses.usMultiFrame),
    encodeElement(0x00080018, 'UI', `${root}.1`),
    encodeElement(0x00080020, 'DA', '20260102'),
    encodeElement(0x00080023, 'DA', '20260102'),
    encodeElement(0x00080030, 'TM', '101500'),
    encodeElement(0x00080033, 'TM', '101602'),
    encodeElement(0x00080050, 'SH', 'A1'),
    encodeElement(0x00080060, 'CS', 'US'),
    encodeElement(0x00080070, 'LO', 'ACME'),
    encodeElement(0x00080090, 'PN', ''),
    encodeElement(0x00100010, 'PN', 'Phantom'),
    encodeElement(0x00100020, 'LO', 'P1'),
    encodeElement(0x00100030, 'DA', ''),
    encodeElement(0x00100040, 'CS', 'O'),
    encodeElement(0x00181063, 'DS', '33.3'),
    encodeSequence(0x00186011, [
      [
        us(0x00186012, 1),
        us(0x00186014, 1),
        ul(0x00186016, 2),
        ul(0x00186018, region.left),
        ul(0x0018601a, region.top),
        ul(0x0018601c, region.right),
        ul(0x0018601e, region.bottom),
        us(0x00186024, 3),
        us(0x00186026, 3),
        encodeElement(0x0018602c, 'FD', 0.05),
        encodeElement(0x0018602e, 'FD', 0.05),
      ],
    ]),
    encodeElement(0x0020000d, 'UI', `${root}.9`),
    encodeElement(0x0020000e, 'UI', root),
    encodeElement(0x00200010, 'SH', '1'),
    encodeElement(0x00200011, 'IS', '3'),
    encodeElement(0x00200013, 'IS', '1'),
    encodeElement(0x00200020, 'CS', ''),
    us(0x00280002, 3),
    encodeElement(0x00280004, 'CS', 'RGB'),
    us(0x00280006, 0),
    encodeElement(0x00280008, 'IS', String(frames)),
    encodeElement(0x00280009, 'AT', Uint8Array.of(0x18, 0, 0x63, 0x10)),
    us(0x00280010, rows),
    us(0x00280011, columns),
    us(0x00280014, 1),
    us(0x00280100, 8),
    us(0x00280101, 8),
    us(0x00280102, 7),
    us(0x00280103, 0),
    encodeElement(0x00282110, 'CS', '00'),
    encodeElement(0x7fe00010, 'OB', pixels),
  ];
  const meta = writeFileMeta({
    sopClassUid: sopClasses.usMultiFrame,
    sopInstanceUid: `${root}.1`,
    transferSyntaxUid: explicitLittleEndian,
  });
  return joined([meta, ...elements]);
}

const marked = cine((_, row, column) => {
  if (row === caliper.row && column >= caliper.column && column < caliper.column + 5) return [240, 220, 0];
  return row < 5 && column % 3 === 0 ? [255, 255, 255] : null;
});

async function enhanced(bytes: Uint8Array): Promise<{ code: string | null; derived: Uint8Array | null }> {
  const folder = mkdtempSync(join(tmpdir(), 'limpid-ultrasound-'));
  const device = openDevice({
    taskModule,
    providers: ['cpu'],
    threads: 1,
    deadlineMs: 120_000,
    memoryBytes: 2 ** 31,
    log: openLog('silent'),
    metrics: openMetrics(),
  });
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

async function valuesOf(instance: Instance, frame: number): Promise<Int32Array> {
  const description = pixelDescription(instance.dataSet);
  if (isReason(description)) throw new Error(description.code);
  return decodePixels(instance.dataSet, description, instance.part10.transferSyntaxUid, frame);
}

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
