// Sources and plans for the tests of derived objects.
import { canonicalJson } from '../../src/dicom/canonical-json.js';
import { encodeElement, encodeSequence, joined } from '../../src/dicom/element.js';
import { readInstance } from '../../src/dicom/file.js';
import type { Instance } from '../../src/dicom/file.js';
import { writeFileMeta } from '../../src/dicom/part10.js';
import { isReason, pixelDescription } from '../../src/dicom/pixel-description.js';
import { toModality, toStored } from '../../src/dicom/rescale.js';
import type { PixelDescription } from '../../src/dicom/pixel-description.js';
import { derivedSeriesUid, sha256Of, sourceSetDigest } from '../../src/dicom/uid.js';
import { explicitLittleEndian, sopClasses } from '../../src/dicom/uids.js';
import { text } from '../../src/dicom/values.js';
import type { SourceInstance } from '../../src/derive/derive-instance.js';
import type { DerivationPlan } from '../../src/derive/plan.js';
import { derivedSeries, seriesWords } from '../../src/derive/texts.js';

/** The plan of a noise reduction over the instances, which must be one series. */
export function planFor(sources: readonly Instance[], strength = 0.4): DerivationPlan {
  const [first] = sources;
  if (first === undefined) throw new Error('a plan needs a source');
  const settings = canonicalJson({ task: 'denoise', strength });
  const model = {
    id: 'ct-low-dose',
    version: '1.2.0',
    sha256: sha256Of('model file'),
    maker: 'limpid project',
    codes: [{ value: 'NR', scheme: '99LIMPID', meaning: 'Noise reduction' }],
    words: 'noise reduction',
    mark: 'DN',
  } as const;
  const sourceSeriesInstanceUid = text(first.dataSet, 'SeriesInstanceUID') ?? '';
  const digest = sourceSetDigest(sources.map(({ dataSet }) => text(dataSet, 'SOPInstanceUID') ?? ''));
  return {
    sourceSeriesInstanceUid,
    series: derivedSeries(
      sources.map(({ dataSet }) => seriesWords(dataSet)),
      seriesWords(first.dataSet),
      { slot: 1, mark: model.mark },
    ),
    seriesInstanceUid: derivedSeriesUid({
      sourceSeriesInstanceUid,
      modelId: model.id,
      modelVersion: model.version,
      modelSha256: model.sha256,
      settingsSha256: sha256Of(settings),
      sourceSetDigest: digest,
      pipeline: 1,
      remake: 1,
    }),
    model,
    settings,
    settingsSha256: sha256Of(settings),
    strengthAsked: strength,
    strengthReached: strength === 0 ? null : 0.38,
    noise: { before: 24.06, after: 14.5, unit: 'HU' },
    sourceSetDigest: digest,
    pipeline: 1,
    remake: 1,
    slot: 1,
    startedAtMs: Date.UTC(2026, 10, 21, 10, 15, 0),
    node: { stationName: 'LIMPID', deviceSerialNumber: 'node-1', qualification: 'RESEARCH' },
    instanceNumbers: 'kept',
  };
}

/** The instance with the description of its pixels. */
export function described(instance: Instance): SourceInstance {
  const description = pixelDescription(instance.dataSet);
  if (isReason(description)) throw new Error(`${description.code} ${description.detail}`);
  return { ...instance, description };
}

/** Half of each pixel and half of the mean with its four neighbours: stands for the network. */
export function smoothed(stored: Int32Array, description: PixelDescription): Int32Array {
  const { rows, columns } = description;
  const values = toModality(stored, description);
  const out = values.slice();
  // Borders stay as they are. No calls in the loop: jest makes each look-up of a global slow.
  for (let row = 1; row < rows - 1; row++) {
    for (let column = 1; column < columns - 1; column++) {
      const at = row * columns + column;
      const around = values[at - 1]! + values[at + 1]! + values[at - columns]! + values[at + columns]!;
      out[at] = 0.6 * values[at]! + 0.1 * around;
    }
  }
  return toStored(out, stored, description);
}

/** A CT Image of 32 x 32 pixels made by code; `extra` replaces or adds elements. */
export function syntheticCt(slice: number, extra: ReadonlyMap<number, Uint8Array> = new Map()): Uint8Array {
  const size = 32;
  const root = '1.2.826.0.1.3680043.10.999';
  const pixels = new Int16Array(size * size);
  for (let index = 0; index < pixels.length; index++) {
    const [row, column] = [Math.floor(index / size), index % size];
    // Off the middle, and elsewhere in each slice: a picture turned over or put in another's place is seen.
    const inside = Math.hypot(row - 11, column - 10 - 3 * slice) < 5;
    // A fixed pattern that looks like noise.
    const noise = ((index * 7919 + slice * 104_729) % 61) - 30;
    pixels[index] = Math.hypot(row - 15.5, column - 15.5) > 16 ? -2000 : (inside ? 40 : -900) + noise;
  }
  const elements = new Map<number, Uint8Array>();
  const put = (tag: number, vr: string, value: string | number | Uint8Array) =>
    elements.set(tag, encodeElement(tag, vr, value));
  put(0x00080005, 'CS', 'ISO_IR 100');
  put(0x00080008, 'CS', 'ORIGINAL\\PRIMARY\\AXIAL');
  put(0x00080016, 'UI', sopClasses.ct);
  put(0x00080018, 'UI', `${root}.1.${slice}`);
  put(0x00080020, 'DA', '20260102');
  put(0x00080021, 'DA', '20260102');
  put(0x00080022, 'DA', '20260102');
  put(0x00080023, 'DA', '20260102');
  put(0x00080030, 'TM', '101500');
  put(0x00080031, 'TM', '101600');
  put(0x00080032, 'TM', '101601');
  put(0x00080033, 'TM', '101602');
  put(0x00080050, 'SH', 'A1');
  put(0x00080060, 'CS', 'CT');
  put(0x00080070, 'LO', 'ACME');
  put(0x00080080, 'LO', 'General');
  put(0x00080090, 'PN', '');
  put(0x00081010, 'SH', 'CT1');
  put(0x0008103e, 'LO', Uint8Array.from([0x53, 0x63, 0x68, 0xe4, 0x64, 0x65, 0x6c]));
  put(0x00081090, 'LO', 'Scanner 1');
  put(0x00100010, 'PN', Uint8Array.from([0x4d, 0xfc, 0x6c, 0x6c, 0x65, 0x72, 0x5e, 0x41]));
  put(0x00100020, 'LO', 'P1');
  put(0x00100030, 'DA', '19700101');
  put(0x00100040, 'CS', 'O');
  put(0x00180050, 'DS', '1.25');
  put(0x00180060, 'DS', '120');
  put(0x00181000, 'LO', 'SN 7');
  put(0x00181020, 'LO', 'v1\\v2');
  put(0x00181210, 'SH', 'Br38f');
  put(0x0020000d, 'UI', `${root}.9`);
  put(0x0020000e, 'UI', root);
  put(0x00200010, 'SH', '1');
  put(0x00200011, 'IS', '3');
  put(0x00200012, 'IS', '1');
  put(0x00200013, 'IS', String(slice + 1));
  put(0x00200032, 'DS', `-100\\-100\\${slice * 1.25}`);
  put(0x00200037, 'DS', '1\\0\\0\\0\\1\\0');
  put(0x00200052, 'UI', `${root}.8`);
  put(0x00201040, 'LO', '');
  put(0x00280002, 'US', 1);
  put(0x00280004, 'CS', 'MONOCHROME2');
  put(0x00280010, 'US', size);
  put(0x00280011, 'US', size);
  put(0x00280030, 'DS', '0.7\\0.7');
  put(0x00280100, 'US', 16);
  put(0x00280101, 'US', 16);
  put(0x00280102, 'US', 15);
  put(0x00280103, 'US', 1);
  put(0x00280106, 'SS', Math.min(...pixels));
  put(0x00280107, 'SS', Math.max(...pixels));
  put(0x00280120, 'SS', -2000);
  put(0x00281050, 'DS', '40');
  put(0x00281051, 'DS', '400');
  put(0x00281052, 'DS', '0');
  put(0x00281053, 'DS', '1');
  put(0x00400244, 'DA', '20260102');
  elements.set(0x00400275, encodeSequence(0x00400275, [[encodeElement(0x00401001, 'SH', 'RP1')]]));
  put(0x00090010, 'LO', 'ACME PRIVATE');
  put(0x00091001, 'LO', 'secret');
  put(0x7fe00010, 'OW', new Uint8Array(pixels.buffer));
  for (const [tag, bytes] of extra) {
    if (bytes.length === 0) elements.delete(tag);
    else elements.set(tag, bytes);
  }
  const ordered = [...elements].sort(([a], [b]) => a - b).map(([, bytes]) => bytes);
  const meta = writeFileMeta({
    sopClassUid: sopClasses.ct,
    sopInstanceUid: `${root}.1.${slice}`,
    transferSyntaxUid: explicitLittleEndian,
  });
  return joined([meta, ...ordered]);
}

/** Slices of a synthetic series, read. */
export function syntheticSeries(count: number): SourceInstance[] {
  return Array.from({ length: count }, (_, slice) => described(readInstance(syntheticCt(slice))));
}
