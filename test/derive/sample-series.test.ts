/**
 * Every series and every single image of the sample data through gate and task, with a network that gives its input back: the pixels are
 * the source's, other readers find the same ones, and the judge passes the series. What does not go through has its reason in a table.
 * A sample by default; all of it, in some minutes, with LIMPID_TEST_DATA=all.
 */
import { execFile, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { joined } from '../../src/dicom/element.js';
import { readInstance } from '../../src/dicom/file.js';
import { writeFileMeta } from '../../src/dicom/part10.js';
import { modelSha256 } from '../../src/inference/identity.js';
import { explicitLittleEndian, transferSyntax } from '../../src/dicom/uids.js';
import { cpuDevice } from '../support/cpu-device.js';
import { checkSeries, judgeMissing } from '../process/check-series.js';
import { writeIdentityModel } from '../support/identity-model.js';
import { findPeer, startOrthanc } from '../support/peers.js';
import { enhanceSample, sampleInstance, sampleSets, storedOf } from '../support/sample-sets.js';
import type { SampleResult, SampleSet } from '../support/sample-sets.js';
import { sharedData } from '../support/shared-data.js';

/** What ends before the task, by the beginning of its name; everything else is enhanced. */
const refused: readonly (readonly [name: string, verdict: string, why: string])[] = [
  [
    'ct/abdomen-3mm-siemens-biograph40-mct',
    'no identity',
    'de-identification emptied the UIDs: nothing can refer to them',
  ],
  ['enhanced/ct-perfusion-2f', 'PALETTE', 'a perfusion map in colours of a palette, no Hounsfield units'],
  ['enhanced/mr-10f-small', 'MISSING_ATTRIBUTE', 'no functional groups: nobody can say what a frame is'],
  ['enhanced/mr-fmap', 'NOT_MAGNITUDE', 'field map frames among magnitude frames'],
  ['enhanced/mr-localiser', 'MIXED_GEOMETRY', 'three planes in one object'],
  [
    'odd/bad-sequence-ct-siemens',
    'BAD_UID',
    'characters in UIDs that no UID has: a derived object could not name its source',
  ],
  ['odd/bad-vr-rtdose', 'UNSUPPORTED_SOP_CLASS', 'RT Dose'],
  ['odd/charsets/in-sequence-item', 'no identity', 'no image, no UIDs'],
  ['odd/charsets/iso-2022-ir-149-korean-multi', 'UNSUPPORTED_SOP_CLASS', 'CR'],
  ['odd/charsets/iso-2022-ir-6-and-87-japanese', 'UNSUPPORTED_SOP_CLASS', 'CR'],
  ['odd/charsets/iso-2022-ir-87-japanese-multi', 'UNSUPPORTED_SOP_CLASS', 'CR'],
  ['odd/charsets/', 'SECONDARY_CAPTURE', 'their class'],
  ['odd/ct-dose-screen-save', 'SECONDARY_CAPTURE SCREEN_OR_REPORT', 'a picture of a dose page'],
  ['odd/empty-file', 'no object', 'no bytes'],
  ['odd/encapsulated-pdf', 'UNSUPPORTED_SOP_CLASS', 'a document'],
  ['odd/j2k-too-short-emri', 'no object', 'ends within its pixel data'],
  ['odd/j2k-with-sequence-delimiter', 'SECONDARY_CAPTURE', 'its class; its code stream is damaged as well'],
  ['odd/localizer', 'LOCALIZER', 'a scout'],
  ['odd/meta-without-transfer-syntax', 'no object', 'nobody can say how to read it'],
  ['odd/missing-pixel-data', 'MISSING_ATTRIBUTE', 'its pixels were taken out'],
  ['odd/modality-lut-pet', 'UNSUPPORTED_SOP_CLASS', 'PET'],
  ['odd/modality-lut-sequence', 'SECONDARY_CAPTURE', 'its class'],
  ['odd/monochrome1-cr', 'no object', 'no file meta group, which every file of the spool has'],
  ['odd/mr-mosaic', 'MOSAIC', 'a filter would cross the borders of its tiles'],
  ['odd/mr-rgb', 'SECONDARY_CAPTURE', 'its class, whatever its Modality says'],
  ['odd/mr-signed-real-part', 'NOT_MAGNITUDE', 'noise of a real part is of another kind'],
  ['odd/nested-private-sequence', 'no identity', 'no image, no UIDs'],
  ['odd/nm-13f', 'UNSUPPORTED_SOP_CLASS', 'nuclear medicine'],
  ['odd/no-meta-ct', 'no object', 'no file meta group'],
  ['odd/no-preamble', 'no object', 'no file meta group, whatever stands at offset 128'],
  ['odd/not-dicom', 'no object', 'plain text'],
  ['odd/overlays-embedded', 'SECONDARY_CAPTURE', 'its class'],
  ['odd/parametric-map', 'UNSUPPORTED_SOP_CLASS', 'a map in floating point'],
  ['odd/private-sequence', 'no identity', 'no image, no UIDs'],
  ['odd/rt-dose', 'UNSUPPORTED_SOP_CLASS', 'RT Dose'],
  ['odd/rt-plan', 'UNSUPPORTED_SOP_CLASS', 'no image'],
  ['odd/rt-struct', 'no object', 'no file meta group'],
  ['odd/secondary-capture', 'SECONDARY_CAPTURE', 'its class'],
  ['odd/segmentation', 'UNSUPPORTED_SOP_CLASS', 'a mask, no image'],
  ['odd/sr-', 'UNSUPPORTED_SOP_CLASS', 'a report'],
  ['odd/truncated', 'no object', 'ends within an element'],
  ['odd/un-sequence', 'no identity', 'no image, no UIDs'],
  ['transfer-syntaxes/deflated_ot', 'SECONDARY_CAPTURE', 'its class'],
  ['transfer-syntaxes/explicit-be_us', 'MISSING_ATTRIBUTE', 'ultrasound without regions'],
  ['transfer-syntaxes/htj2k', 'no identity', 'samples of the coding alone, without UIDs'],
  ['transfer-syntaxes/j2k-lossless_emri', 'MISSING_ATTRIBUTE', 'no functional groups'],
  ['transfer-syntaxes/j2k-lossy_nm', 'SECONDARY_CAPTURE', 'its class'],
  ['transfer-syntaxes/jpeg-baseline', 'SECONDARY_CAPTURE', 'their class'],
  ['transfer-syntaxes/jpeg-extended-12bit_nm', 'SECONDARY_CAPTURE', 'its class'],
  ['transfer-syntaxes/jpegls-lossless_15s', 'no identity', 'a sample of the coding alone, without UIDs'],
  ['transfer-syntaxes/jpegls-lossless_7u', 'no identity', 'a sample of the coding alone, without UIDs'],
  ['transfer-syntaxes/jpegls-near-lossless_16u', 'no identity', 'a sample of the coding alone, without UIDs'],
  ['transfer-syntaxes/jpegls-near-lossless_8u', 'no identity', 'a sample of the coding alone, without UIDs'],
  ['transfer-syntaxes/rle_emri', 'MISSING_ATTRIBUTE', 'no functional groups'],
  ['transfer-syntaxes/rle_sc', 'SECONDARY_CAPTURE', 'its class'],
  ['us/multi-10f-palette', 'PALETTE MISSING_ATTRIBUTE', 'a palette, no region'],
  ['us/multi-30f-ybr', 'BAD_PIXEL_DESCRIPTION', 'its regions are those of another matrix'],
  ['us/single-mono-jpegls', 'no object', 'the header of its region sequence is lost'],
  ['us/single-palette', 'PALETTE', 'a palette'],
  ['us/single-rgb-ge', 'MISSING_ATTRIBUTE', 'nothing says where the tissue is'],
  ['us/single-rgb-trans', 'UNSUPPORTED_SOP_CLASS', 'the retired class'],
];
const expected = (name: string): string => refused.find(([start]) => name.startsWith(start))?.[1] ?? 'enhanced';

const wanted =
  process.env['LIMPID_TEST_DATA'] === 'all'
    ? /./
    : /^transfer-syntaxes|^odd\/[^/]*$|mr\/brain-epi|ct\/chest-1.25|enhanced\/mr-6f|^us/;
const sets = sampleSets().filter(({ name }) => wanted.test(name));
const run = promisify(execFile);
const readPixels = fileURLToPath(new URL('../../../test/derive/read-pixels.py', import.meta.url));
const havePython = spawnSync('/usr/bin/python3', ['-c', 'import pydicom, numpy, gdcm']).status === 0;

interface Enhanced extends SampleSet, SampleResult {
  readonly folder: string;
  /** Source file and derived file, absolute. */
  readonly pairs: readonly (readonly [string, string])[];
}
let folder = '';
const verdicts = new Map<string, string>();
const enhanced: Enhanced[] = [];
/** Hash of the stored values of a file, as limpid reads them. */
const hashes = new Map<string, string>();

async function hashOf(file: string): Promise<string> {
  const values = await storedOf(readInstance(new Uint8Array(await readFile(file))));
  return modelSha256(new Uint8Array(values.buffer));
}

async function takeSet(set: SampleSet, result: SampleResult): Promise<void> {
  verdicts.set(set.name, result.verdict);
  if (result.outcome?.outcome !== 'enhanced') return;
  const byUid = new Map(
    set.files.map((file) => {
      const { dataSet } = sampleInstance(file);
      const element = dataSet.get(0x00080018);
      const uid =
        element === undefined ? '' : Buffer.from(dataSet.value(element)).toString('latin1').replace(/\0$/, '');
      return [uid, sharedData(file) ?? ''] as const;
    }),
  );
  const pairs = result.outcome.instances.map(
    ({ file, source }) => [byUid.get(source) ?? '', join(result.objects, file)] as const,
  );
  for (const file of pairs.flat()) hashes.set(file, await hashOf(file));
  enhanced.push({ ...set, ...result, folder: join(result.objects, '..'), pairs });
}

/** The source's bytes; deflated ones inflated, as the judge's tools cannot read them. */
async function readableSource(file: string, to: string): Promise<void> {
  const { bytes, part10, dataSet } = readInstance(new Uint8Array(await readFile(file)));
  const isDeflated = transferSyntax(part10.transferSyntaxUid)?.deflated === true;
  const meta = writeFileMeta({
    sopClassUid: part10.meta.mediaStorageSopClassUid,
    sopInstanceUid: part10.meta.mediaStorageSopInstanceUid,
    transferSyntaxUid: explicitLittleEndian,
  });
  await writeFile(to, isDeflated ? joined([meta, dataSet.bytes]) : bytes);
}

describe('the sample data through gate and task, unchanged', () => {
  if (sets.length === 0) {
    it.skip('(needs ../shared/data)', () => {});
    return;
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'limpid-samples-'));
    const models = join(folder, 'models');
    await writeIdentityModel(models);
    const device = cpuDevice();
    try {
      for (const [index, set] of sets.entries()) {
        await takeSet(set, await enhanceSample(set, device, models, join(folder, String(index))));
      }
    } finally {
      await device.close();
    }
  }, 600_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('ends as the table says, each for its reason', () => {
    expect([...verdicts]).toEqual(sets.map(({ name }) => [name, expected(name)]));
    expect(enhanced.length).toBeGreaterThan(30);
  });

  it('gives every pixel back', () => {
    for (const { pairs } of enhanced) {
      for (const [source, derived] of pairs)
        expect([source, hashes.get(derived)]).toEqual([source, hashes.get(source)]);
    }
  });

  (havePython ? it : it.skip)(
    'pydicom and GDCM find the same pixels in source and derived object',
    async () => {
      // Of YBR pydicom gives the samples as they are stored; limpid reads, and writes, red, green and blue.
      const files = enhanced.flatMap(({ pairs }) => pairs.flat()).filter((file) => !file.includes('ybrfull'));
      const asked = run('/usr/bin/python3', [readPixels], { maxBuffer: 2 ** 26 });
      asked.child.stdin?.end(`${files.join('\n')}\n`);
      const answers = (await asked).stdout
        .trim()
        .split('\n')
        .map((line): unknown => JSON.parse(line));
      const wantedAnswers = files.flatMap((file) =>
        ['pydicom', 'GDCM'].map((reader) => ({ file, reader, sha256: hashes.get(file) })),
      );
      expect(answers).toEqual(wantedAnswers);
    },
    300_000,
  );

  (findPeer('storescp') === null ? it.skip : it)(
    'DCMTK reads every derived object, and converts it without touching its pixels',
    async () => {
      for (const [, derived] of enhanced.flatMap(({ pairs }) => pairs)) {
        const implicit = `${derived}.implicit`;
        await run('dcmdump', ['-q', '+M', derived], { maxBuffer: 2 ** 26 });
        await run('dcmconv', ['+ti', derived, implicit]);
        expect([derived, await hashOf(implicit)]).toEqual([derived, hashes.get(derived)]);
        const picture = `${derived}.pgm`;
        await run('dcmj2pnm', ['+opb', '+Wm', derived, picture]);
        await rm(implicit);
        await rm(picture);
      }
    },
    600_000,
  );

  (findPeer('Orthanc') === null ? it.skip : it)(
    'Orthanc takes every derived object, and gives out the same pixels',
    async () => {
      const orthanc = await startOrthanc({ modalities: {} });
      try {
        for (const [, derived] of enhanced.flatMap(({ pairs }) => pairs)) {
          const body = await readFile(derived);
          const stored = await fetch(`${orthanc.url}/instances`, { method: 'POST', body: new Uint8Array(body) });
          expect([derived, stored.status]).toEqual([derived, 200]);
          const { ID } = z.object({ ID: z.string() }).parse(await stored.json());
          const back = await fetch(`${orthanc.url}/instances/${ID}/file`);
          const file = `${derived}.orthanc`;
          await writeFile(file, new Uint8Array(await back.arrayBuffer()));
          expect([derived, await hashOf(file)]).toEqual([derived, hashes.get(derived)]);
          await rm(file);
          const picture = await fetch(`${orthanc.url}/instances/${ID}/preview`);
          expect([derived, picture.status]).toEqual([derived, 200]);
          await picture.arrayBuffer();
        }
      } finally {
        await orthanc.stop();
      }
    },
    600_000,
  );

  (judgeMissing() === null ? it : it.skip)(
    'passes the judge',
    async () => {
      for (const { name, pairs, folder: own, objects } of enhanced) {
        const sources = join(own, 'sources');
        await mkdir(sources);
        for (const [source] of pairs) await readableSource(source, join(sources, basename(source)));
        expect([name, await checkSeries(sources, objects)]).toEqual([name, 'PASS']);
      }
    },
    900_000,
  );
});
