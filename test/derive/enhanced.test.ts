// Derived objects of several frames from real Enhanced and Legacy Converted objects.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { encodeElement, joined } from '../../src/dicom/element.js';
import { readInstance } from '../../src/dicom/file.js';
import type { Instance } from '../../src/dicom/file.js';
import { writeFileMeta } from '../../src/dicom/part10.js';
import { isReason, pixelDescription } from '../../src/dicom/pixel-description.js';
import { decodePixels } from '../../src/dicom/pixels.js';
import { derivedConcatenationUid } from '../../src/dicom/uid.js';
import { explicitLittleEndian } from '../../src/dicom/uids.js';
import { items, number, text, texts } from '../../src/dicom/values.js';
import { encodedDataSet, everything } from '../../src/derive/encode.js';
import { openDevice } from '../../src/enhance/device.js';
import { openLog } from '../../src/observe/log.js';
import { openMetrics } from '../../src/observe/metrics.js';
import { planFor, smoothed } from '../support/derivation.js';
import { derivedObject } from '../support/derived-object.js';
import { judged, judgeIsReady } from '../support/judge.js';
import { itWithData, sharedBytes, sharedData } from '../support/shared-data.js';
import { orderFor, taskModule } from '../support/task-order.js';

const now = Date.UTC(2026, 10, 21, 10, 16, 0);
/** Objects whose frames can be derived, whatever the gate says of what they show. */
const derivable = [
  'legacy-converted-mr-4f',
  'mr-11f-acr-t1-siemens-sola',
  'mr-19f-knee-moving-jpegls',
  'mr-6f-siemens-vida-xa10',
  'mr-fmap-64f-philips-achieva-dstream',
  'mr-localiser-3f-siemens-sola',
];
const read = (name: string): Instance => readInstance(sharedBytes(`enhanced/${name}.dcm`));
const derive = async (source: Instance, strength = 0.4): Promise<{ bytes: Uint8Array; faults: string[] }> =>
  derivedObject(source, planFor([source], strength), strength === 0 ? (stored) => stored : smoothed, now);
const macro = (instance: Instance, frame: number, keyword: string) => {
  const item = items(instance.dataSet, 'PerFrameFunctionalGroupsSequence')[frame];
  return item === undefined ? [] : items(item, keyword);
};

/** The instance with top-level elements changed or added. */
function changed(source: Instance, elements: readonly (readonly [number, string, string | number])[]): Instance {
  const written = elements.map(([tag, vr, value]) => ({ tag, bytes: encodeElement(tag, vr, value) }));
  const meta = writeFileMeta({
    sopClassUid: text(source.dataSet, 'SOPClassUID') ?? '',
    sopInstanceUid: text(source.dataSet, 'SOPInstanceUID') ?? '',
    transferSyntaxUid: source.part10.transferSyntaxUid,
  });
  return readInstance(joined([meta, ...encodedDataSet(source.dataSet, everything, written)]));
}

describe('a derived enhanced object', () => {
  if (!judgeIsReady || sharedData(`enhanced/${derivable[0]}.dcm`) === null) {
    it.skip('real data (needs ../shared, python3-pydicom, dicom3tools, dcmtk)', () => {});
    return;
  }

  it.each(derivable)(
    '%s passes check_series.py',
    async (name) => {
      const source = read(name);
      const { bytes, faults } = await derive(source);
      expect(faults).toEqual([]);
      expect(judged([{ source: source.bytes, derived: bytes }])).toBe('PASS');
    },
    120_000,
  );

  it.each(derivable)(
    '%s, unchanged, has the pixels of its source in every frame',
    async (name) => {
      const source = read(name);
      const { bytes } = await derive(source, 0);
      const derived = readInstance(bytes);
      const [before, after] = [pixelDescription(source.dataSet), pixelDescription(derived.dataSet)];
      if (isReason(before) || isReason(after)) throw new Error('no pixels');
      expect(after).toEqual(before);
      for (let frame = 0; frame < before.frames; frame++) {
        const stored = await decodePixels(source.dataSet, before, source.part10.transferSyntaxUid, frame);
        expect(await decodePixels(derived.dataSet, after, explicitLittleEndian, frame)).toEqual(stored);
      }
    },
    60_000,
  );

  it('says of each frame what was done, of which frame, and of what type it is', async () => {
    const source = read('mr-11f-acr-t1-siemens-sola');
    const derived = readInstance((await derive(source)).bytes);
    expect(texts(derived.dataSet, 'ImageType')).toEqual(['DERIVED', 'PRIMARY', 'M', 'FILTERED']);
    for (let frame = 0; frame < 11; frame++) {
      const steps = macro(derived, frame, 'DerivationImageSequence');
      expect(steps).toHaveLength(1);
      const [image] = steps.flatMap((step) => items(step, 'SourceImageSequence'));
      if (image === undefined) throw new Error('no source image');
      expect(number(image, 'ReferencedFrameNumber')).toBe(frame + 1);
      expect(text(image, 'ReferencedSOPInstanceUID')).toBe(text(source.dataSet, 'SOPInstanceUID'));
      const [type] = macro(derived, frame, 'MRImageFrameTypeSequence');
      expect(type === undefined ? null : texts(type, 'FrameType')).toEqual(['DERIVED', 'PRIMARY', 'M', 'FILTERED']);
    }
    expect(derived.dataSet.get(0x00082111)).toBeUndefined();
  });

  it('a frame type that says something is kept', async () => {
    const source = read('mr-fmap-64f-philips-achieva-dstream');
    const derived = readInstance((await derive(source)).bytes);
    const types = new Set(
      Array.from({ length: 64 }, (_, frame) => {
        const [type] = macro(derived, frame, 'MRImageFrameTypeSequence');
        return type === undefined ? '' : texts(type, 'FrameType').join('\\');
      }),
    );
    expect(types).toEqual(new Set(['DERIVED\\PRIMARY\\T1\\M', 'DERIVED\\PRIMARY\\T1\\FIELD_MAP']));
  });

  it('steps of the source stay in front of the new one, and what they name stays in the evidence', async () => {
    const source = read('mr-6f-siemens-vida-xa10');
    const once = readInstance((await derive(source)).bytes);
    const { bytes, faults } = await derive(once);
    const twice = readInstance(bytes);
    expect(faults).toEqual([]);
    for (let frame = 0; frame < 6; frame++) expect(macro(twice, frame, 'DerivationImageSequence')).toHaveLength(2);
    const named = items(twice.dataSet, 'SourceImageEvidenceSequence').flatMap((study) =>
      items(study, 'ReferencedSeriesSequence').flatMap((series) =>
        items(series, 'ReferencedSOPSequence').map((one) => text(one, 'ReferencedSOPInstanceUID')),
      ),
    );
    expect(named).toEqual([source, once].map(({ dataSet }) => text(dataSet, 'SOPInstanceUID')));
  });

  it('a part of a concatenation becomes the same part of another', async () => {
    const source = changed(read('mr-6f-siemens-vida-xa10'), [
      [0x00209161, 'UI', '1.2.77'],
      [0x00200242, 'UI', '1.2.78'],
      [0x00209162, 'US', 2],
      [0x00209163, 'US', 3],
    ]);
    const { bytes, faults } = await derive(source);
    expect(faults).toEqual([]);
    const { dataSet } = readInstance(bytes);
    const series = text(dataSet, 'SeriesInstanceUID') ?? '';
    expect(text(dataSet, 'ConcatenationUID')).toBe(derivedConcatenationUid(series, '1.2.77'));
    expect(text(dataSet, 'SOPInstanceUIDOfConcatenationSource')).toBe(derivedConcatenationUid(series, '1.2.78'));
    expect([number(dataSet, 'InConcatenationNumber'), number(dataSet, 'InConcatenationTotalNumber')]).toEqual([2, 3]);
  });
});

describe('the worker child', () => {
  itWithData(
    'writes an enhanced object frame by frame',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'limpid-enhanced-'));
      const device = openDevice({
        taskModule,
        providers: ['cpu'],
        threads: 2,
        deadlineMs: 120_000,
        memoryBytes: 2 ** 31,
        log: openLog('silent'),
        metrics: openMetrics(),
      });
      try {
        for (const name of ['mr-6f-siemens-vida-xa10', 'mr-19f-knee-moving-jpegls']) {
          const source = read(name);
          const uid = (keyword: string): string => text(source.dataSet, keyword) ?? '';
          const order = await orderFor(
            {
              files: [sharedData(`enhanced/${name}.dcm`) ?? ''],
              sopInstanceUids: [uid('SOPInstanceUID')],
              studyInstanceUid: uid('StudyInstanceUID'),
              seriesInstanceUid: uid('SeriesInstanceUID'),
              sopClassUid: uid('SOPClassUID'),
            },
            { model: 'gaussian', strength: 0.4, outDir: join(folder, name) },
          );
          let last = { done: 0, total: 0 };
          const { outcome } = await device.run(order, { onProgress: (news) => (last = news) });
          expect([name, outcome.outcome, outcome.detail]).toEqual([name, 'enhanced', '']);
          expect(last.done).toBe(number(source.dataSet, 'NumberOfFrames'));
          expect(outcome.instances).toHaveLength(1);
          const derived = readFileSync(join(order.outDir, 'objects', '00001.dcm'));
          expect(outcome.instances[0]?.bytes).toBe(derived.length);
          if (judgeIsReady) expect(judged([{ source: source.bytes, derived }])).toBe('PASS');
        }
      } finally {
        await device.close();
        rmSync(folder, { recursive: true });
      }
    },
    120_000,
  );
});
