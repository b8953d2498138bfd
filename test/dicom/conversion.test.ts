// Lossless transcoding: pixel values and header proved equal, against this code's own decoders and against GDCM.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import codecs from 'dcmjs-codecs';
import { encodeFrame, decodeFrame } from '../../src/dicom/codecs.js';
import { syntaxesToOffer, verbatimOnly } from '../../src/dicom/conversion.js';
import { readDataSet } from '../../src/dicom/data-set.js';
import type { DataSet } from '../../src/dicom/data-set.js';
import { encodeElement, header, itemHeader } from '../../src/dicom/element.js';
import { readInstance } from '../../src/dicom/file.js';
import { writeFileMeta } from '../../src/dicom/part10.js';
import { transcoded } from '../../src/dicom/transcode.js';
import { transferSyntax } from '../../src/dicom/uids.js';
import { find, number, text, texts } from '../../src/dicom/values.js';
import { itWithData, sharedBytes, sharedData, sharedFiles } from '../support/shared-data.js';

const explicit = '1.2.840.10008.1.2.1';
const implicit = '1.2.840.10008.1.2';
const bigEndian = '1.2.840.10008.1.2.2';
const jpegLossless = '1.2.840.10008.1.2.4.70';
const jpegBaseline = '1.2.840.10008.1.2.4.50';
const jpegLs = '1.2.840.10008.1.2.4.80';
const jpeg2000 = '1.2.840.10008.1.2.4.90';
const pixelData = 0x7fe00010;
const run = promisify(execFile);

async function whole(ds: DataSet, from: string, to: string): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of transcoded(ds, from, to)) pieces.push(Uint8Array.from(piece));
  return Buffer.concat(pieces);
}

const pixelsOf = (ds: DataSet): Buffer => {
  const element = ds.get(pixelData);
  return element === undefined ? Buffer.alloc(0) : Buffer.from(ds.value(element));
};

/** Pixel samples by value, digested: what a decoder leaves in the bits above Bits Stored does not count. */
function samples(ds: DataSet, bytes: Buffer): string {
  const stored = number(ds, 'BitsStored') ?? 0;
  const count = (number(ds, 'Rows') ?? 0) * (number(ds, 'Columns') ?? 0) * (number(ds, 'NumberOfFrames') ?? 1);
  const wide = number(ds, 'BitsAllocated') === 16;
  const mask = 2 ** stored - 1;
  const values = new Uint16Array(count * (number(ds, 'SamplesPerPixel') ?? 1));
  for (let index = 0; index < values.length; index++)
    values[index] = (wide ? bytes.readUInt16LE(2 * index) : bytes.readUInt8(index)) & mask;
  return createHash('sha256').update(values).digest('hex');
}

/** Standard top-level elements but pixel data and what describes its coding, with their bytes; Implicit VR loses which private ones are sequences. */
const others = (ds: DataSet): [number, string][] =>
  ds.elements
    .filter(
      ({ tag, items }) =>
        tag < pixelData && items === null && ((tag >>> 16) & 1) === 0 && ![0x00280004, 0x00280006].includes(tag),
    )
    .map((element) => [element.tag, Buffer.from(ds.value(element)).toString('base64')]);

async function byGdcm(file: string): Promise<DataSet> {
  const folder = await mkdtemp(join(tmpdir(), 'limpid-gdcm-'));
  try {
    await run('gdcmconv', ['--raw', file, join(folder, 'raw.dcm')]);
    return readInstance(new Uint8Array(await readFile(join(folder, 'raw.dcm')))).dataSet;
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe('syntaxes that may be offered', () => {
  const all = { compress: 'jpeg-ls', decompressLossy: true } as const;
  it.each<[string, 'original' | 'result', typeof all | typeof verbatimOnly, readonly string[]]>([
    [explicit, 'original', verbatimOnly, [explicit, implicit]],
    [implicit, 'original', verbatimOnly, [implicit, explicit]],
    [bigEndian, 'original', verbatimOnly, [bigEndian, explicit, implicit]],
    [jpegLossless, 'original', verbatimOnly, [jpegLossless, explicit, implicit]],
    [jpegBaseline, 'original', verbatimOnly, [jpegBaseline]],
    [jpegBaseline, 'original', all, [jpegBaseline, explicit, implicit]],
    ['1.2.840.10008.1.2.4.102', 'original', all, ['1.2.840.10008.1.2.4.102']],
    ['1.2.3.4', 'original', all, ['1.2.3.4']],
    [explicit, 'original', all, [explicit, implicit]],
    [explicit, 'result', all, [jpegLs, explicit, implicit]],
    [jpegLossless, 'result', all, [jpegLossless, explicit, implicit]],
  ])('of %s, %s', (own, origin, policy, expected) => {
    expect(syntaxesToOffer(own, origin, policy)).toEqual(expected);
  });
});

describe('compressed without loss to native', () => {
  itWithData(
    'every lossless sample of one sample a pixel: the values GDCM decodes, the header byte by byte, the same instance',
    async () => {
      let compared = 0;
      for (const name of sharedFiles('')) {
        const { dataSet, part10 } = readInstanceOrNull(name) ?? {};
        const from = part10 && transferSyntax(part10.transferSyntaxUid);
        if (!dataSet || !part10 || !from?.encapsulated || from.lossyMethod !== null) continue;
        if (number(dataSet, 'SamplesPerPixel') !== 1 || compared >= 24) continue;
        const expected = await byGdcm(sharedData(name) ?? '').catch(() => null);
        const file = expected && pixelsOf(expected);
        if (expected === null || file === null || file.length === 0) continue;
        for (const to of [explicit, implicit]) {
          const made = readDataSet(await whole(dataSet, from.uid, to), to);
          expect({ name, values: samples(made, pixelsOf(made)) }).toEqual({ name, values: samples(expected, file) });
          const kept = others(dataSet).filter(([tag]) => dataSet.get(tag)?.vr !== 'UN');
          const there = new Set(kept.map(([tag]) => tag));
          expect(others(made).filter(([tag]) => there.has(tag))).toEqual(kept);
          expect(text(made, 'SOPInstanceUID')).toBe(text(dataSet, 'SOPInstanceUID'));
          expect(find(made, 'LossyImageCompression')?.length).toBe(find(dataSet, 'LossyImageCompression')?.length);
        }
        compared += 1;
      }
      expect(compared).toBeGreaterThan(12);
    },
    240_000,
  );

  itWithData('a frame that cannot be decoded is refused, never passed on', async () => {
    const { dataSet, part10 } = readInstance(sharedBytes(losslessSample()));
    const fragment = dataSet.get(pixelData)?.fragments?.[1];
    if (fragment === undefined) throw new Error('no fragment');
    dataSet.bytes.fill(0x55, fragment.offset, fragment.offset + Math.min(200, fragment.length));
    await expect(whole(dataSet, part10.transferSyntaxUid, explicit)).rejects.toMatchObject({
      code: 'DICOM_UNDECODABLE',
    });
  });
});

describe('compressed with loss', () => {
  itWithData('decompressed only keeps its history: flag, ratio and method', async () => {
    let seen = 0;
    for (const name of sharedFiles('transfer-syntaxes')) {
      const { dataSet, part10 } = readInstanceOrNull(name) ?? {};
      const from = part10 && transferSyntax(part10.transferSyntaxUid);
      if (!dataSet || !from || from.coding === 'none' || from.lossyMethod === null) continue;
      if (number(dataSet, 'SamplesPerPixel') !== 1) continue;
      const made = readDataSet(await whole(dataSet, from.uid, explicit), explicit);
      expect(text(made, 'LossyImageCompression')).toBe('01');
      expect(texts(made, 'LossyImageCompressionRatio').length).toBeGreaterThan(0);
      expect(texts(made, 'LossyImageCompressionMethod').length).toBeGreaterThan(0);
      seen += 1;
    }
    expect(seen).toBeGreaterThan(1);
  });
});

describe('native to compressed', () => {
  itWithData(
    'CT and MR, signed and unsigned, by JPEG-LS and JPEG 2000: what GDCM decodes is what was there',
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'limpid-compressed-'));
      const sources = [
        'ct/acr-phantom-2.5mm-ge-lightspeed16',
        'ct/chest-1mm-philips-brilliance16',
        'mr/brain-t2-fse-siemens-trio',
      ]
        .map((series) => sharedFiles(series)[0] ?? '')
        .filter((name) => name !== '');
      expect(sources).toHaveLength(3);
      try {
        for (const name of sources) {
          const { dataSet, part10 } = readInstance(sharedBytes(name));
          for (const to of [jpegLs, jpeg2000]) {
            const bytes = await whole(dataSet, part10.transferSyntaxUid, to);
            expect(bytes.length).toBeLessThan(dataSet.bytes.length * 0.7);
            const file = join(folder, 'compressed.dcm');
            const sopInstanceUid = text(dataSet, 'SOPInstanceUID') ?? '';
            const meta = { sopClassUid: text(dataSet, 'SOPClassUID') ?? '', sopInstanceUid, transferSyntaxUid: to };
            await writeFile(file, Buffer.concat([writeFileMeta(meta), bytes]));
            const back = await byGdcm(file);
            expect(samples(back, pixelsOf(back))).toEqual(samples(dataSet, pixelsOf(dataSet)));
            const again = readDataSet(await whole(readDataSet(bytes, to), to, explicit), explicit);
            expect(samples(again, pixelsOf(again))).toEqual(samples(dataSet, pixelsOf(dataSet)));
          }
        }
      } finally {
        await rm(folder, { recursive: true });
      }
    },
    120_000,
  );

  it('refuses what it does not write', async () => {
    const empty = readDataSet(new Uint8Array(0), explicit);
    await expect(whole(empty, explicit, jpegLossless)).rejects.toMatchObject({ code: 'DICOM_UNDECODABLE' });
    await expect(whole(empty, jpegLs, jpeg2000)).rejects.toMatchObject({ code: 'DICOM_UNDECODABLE' });
    await expect(whole(empty, '1.2.3', explicit)).rejects.toMatchObject({ code: 'DICOM_UNDECODABLE' });
  });
});

function readInstanceOrNull(name: string): ReturnType<typeof readInstance> | null {
  try {
    return readInstance(sharedBytes(name));
  } catch {
    return null; // samples that are damaged on purpose
  }
}

function losslessSample(): string {
  const name = sharedFiles('ct/chest-1.25mm-ge-ricord')[0];
  if (name === undefined) throw new Error('no sample');
  return name;
}

/** A square of zeros. */
const squareOf = (side: number) => ({
  rows: side,
  columns: side,
  frames: 1,
  samples: 1,
  bitsAllocated: 16,
  bitsStored: 12,
  signed: false,
  photometric: 'MONOCHROME2' as const,
  byPlanes: false,
  slope: 1,
  intercept: 0,
  padding: null,
});

describe('a frame that says it is large', () => {
  it('is refused before anything is allocated where no image has its size', async () => {
    // 151 bytes that decode to 512 MB, by way of 2 GB
    const encoded = Buffer.from(await encodeFrame(new Uint8Array(2 * 64 * 64), squareOf(64), 'jpeg2000'));
    const side = 16_000;
    for (const at of [8, 12, 24, 28]) encoded.writeUInt32BE(side, at);
    const bytes = Buffer.concat([
      encodeElement(0x00280002, 'US', 1),
      encodeElement(0x00280004, 'CS', 'MONOCHROME2'),
      encodeElement(0x00280010, 'US', side),
      encodeElement(0x00280011, 'US', side),
      encodeElement(0x00280100, 'US', 16),
      encodeElement(0x00280101, 'US', 12),
      encodeElement(0x00280102, 'US', 11),
      encodeElement(0x00280103, 'US', 0),
      header(pixelData, 'OB', 0xffffffff),
      itemHeader(0xfffee000, 0),
      itemHeader(0xfffee000, encoded.length + (encoded.length & 1)),
      encoded,
      Buffer.alloc(encoded.length & 1),
      itemHeader(0xfffee0dd, 0),
    ]);
    const before = process.resourceUsage().maxRSS;
    await expect(whole(readDataSet(bytes, explicit), jpeg2000, explicit)).rejects.toThrow('too large to be transcoded');
    expect(process.resourceUsage().maxRSS - before).toBeLessThan(200 * 1024);
  });

  it('leaves no memory behind in the decoder', async () => {
    const square = squareOf(3000);
    const native = new Uint8Array(2 * square.rows * square.columns).fill(1);
    const encoded = await encodeFrame(native, square, 'jpegls');
    expect(codecs.NativeCodecs.isInitialized()).toBe(false);
    expect(Buffer.compare(await decodeFrame(encoded, square, 'jpegls'), native)).toBe(0);
    expect(codecs.NativeCodecs.isInitialized()).toBe(false);
  });
});
