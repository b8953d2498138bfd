// Colour in another syntax, against GDCM's decoders: every sample is theirs, or theirs as RGB where the loss was there before.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { readDataSet } from '../../src/dicom/data-set.js';
import type { DataSet } from '../../src/dicom/data-set.js';
import { readInstance } from '../../src/dicom/file.js';
import { transcoded } from '../../src/dicom/transcode.js';
import { number, text } from '../../src/dicom/values.js';
import { describeWithPeers, runTool } from '../support/peers.js';
import { set } from '../support/planted-faults.js';
import { itWithData, sharedData } from '../support/shared-data.js';
import { withFolder } from '../support/temporary.js';

const explicit = '1.2.840.10008.1.2.1';
const pixelTag = 0x7fe00010;

/** Pixels in order of their pixels, whatever the Planar Configuration. */
function samplesOf(ds: DataSet): { photometric: string; samples: Buffer } {
  const element = ds.get(pixelTag);
  const [rows, columns] = [number(ds, 'Rows') ?? 0, number(ds, 'Columns') ?? 0];
  const [frames, plane] = [number(ds, 'NumberOfFrames') ?? 1, rows * columns];
  const stored = element ? ds.value(element).subarray(0, 3 * frames * plane) : new Uint8Array(0);
  const samples = Buffer.from(stored);
  if (number(ds, 'PlanarConfiguration') === 1) {
    let at = 0;
    for (let frame = 0; frame < frames; frame++)
      for (let pixel = 0; pixel < plane; pixel++)
        for (let sample = 0; sample < 3; sample++) samples[at++] = stored[(3 * frame + sample) * plane + pixel] ?? 0;
  }
  return { photometric: text(ds, 'PhotometricInterpretation') ?? '', samples };
}

async function own(file: string): Promise<{ photometric: string; samples: Buffer; ds: DataSet }> {
  const { dataSet, part10 } = readInstance(new Uint8Array(await readFile(file)));
  const pieces: Uint8Array[] = [];
  for await (const piece of transcoded(dataSet, part10.transferSyntaxUid, explicit)) pieces.push(piece);
  const ds = readDataSet(Buffer.concat(pieces), explicit);
  return { ...samplesOf(ds), ds };
}

async function byGdcm(file: string, out: string): Promise<{ photometric: string; samples: Buffer }> {
  expect(await runTool('gdcmconv', ['--raw', file, out])).toMatchObject({ code: 0 });
  return samplesOf(readInstance(new Uint8Array(await readFile(out))).dataSet);
}

/** YBR_FULL as RGB, by the equations of PS3.3 C.7.6.3.1.2. */
function asRgb(ybr: Buffer): Buffer {
  const rgb = Buffer.alloc(ybr.length);
  const { min, max, round } = Math;
  const byte = (value: number): number => min(255, max(0, round(value)));
  for (let at = 0; at + 2 < ybr.length; at += 3) {
    const [y = 0, b = 0, r = 0] = ybr.subarray(at, at + 3);
    rgb[at] = byte(y + 1.402 * (r - 128));
    rgb[at + 1] = byte(y - 0.344136 * (b - 128) - 0.714136 * (r - 128));
    rgb[at + 2] = byte(y + 1.772 * (b - 128));
  }
  return rgb;
}

describeWithPeers(['gdcmconv', 'dcmcjpeg', 'dcmdrle'], 'colour in Explicit VR Little Endian', () => {
  itWithData('has the samples that GDCM decodes', async () => {
    await withFolder(async (folder) => {
      const rgb = sharedData('transfer-syntaxes/explicit-be_us_rgb_8u.dcm') ?? '';
      const planar = join(folder, 'planar.dcm');
      await runTool('gdcmconv', ['--raw', rgb, planar]);
      const made: string[] = [];
      const make = async (tool: 'gdcmconv' | 'dcmcjpeg', ...args: string[]): Promise<void> => {
        const file = join(folder, `made-${made.length}.dcm`);
        expect(await runTool(tool, [...args, planar, file])).toMatchObject({ code: 0 });
        made.push(file);
      };
      await make('gdcmconv', '--j2k');
      await make('gdcmconv', '--jpegls');
      await make('gdcmconv', '--rle');
      await make('dcmcjpeg', '+e1');
      await make('dcmcjpeg', '+eb', '+cr');
      const samples = ['rle_sc_rgb_2frame', 'jpeg-baseline_sc_rgb', 'jpeg-baseline_sc_ybr422', 'explicit-be_us_rgb_8u'];
      const paths = samples.map((name) => sharedData(`transfer-syntaxes/${name}.dcm`) ?? '');
      for (const file of [...made, ...paths, sharedData('odd/mr-rgb-colour.dcm') ?? '']) {
        const mine = await own(file);
        const theirs = await byGdcm(file, join(folder, 'gdcm.dcm'));
        expect(mine.photometric).toBe('RGB');
        const expected = theirs.photometric === 'RGB' ? theirs.samples : asRgb(theirs.samples);
        expect(mine.samples.length).toBeGreaterThan(5_000);
        expect([file, Buffer.compare(mine.samples, expected)]).toEqual([file, 0]);
        const isLossy = file.includes('baseline') || file === made[4];
        expect(text(mine.ds, 'LossyImageCompression') === '01').toBe(isLossy);
      }
    });
  });

  itWithData('keeps luminance and chrominance that were compressed without loss: RGB would be rounded', async () => {
    await withFolder(async (folder) => {
      const rle = sharedData('us/single-ybrfull-rle-acuson-sequoia.dcm') ?? '';
      const [native, jpeg] = [join(folder, 'native.dcm'), join(folder, 'jpeg.dcm')];
      expect(await runTool('dcmdrle', [rle, native])).toMatchObject({ code: 0 });
      expect(await runTool('dcmcjpeg', ['+e1', native, jpeg])).toMatchObject({ code: 0 });
      const theirs = await byGdcm(jpeg, join(folder, 'gdcm.dcm'));
      for (const file of [rle, jpeg]) {
        const { photometric, samples } = await own(file);
        expect(photometric).toBe('YBR_FULL');
        expect(Buffer.compare(samples, theirs.samples)).toBe(0);
      }
    });
  });

  itWithData('is refused where no native form holds the same', async () => {
    const file = sharedData('transfer-syntaxes/jpeg-baseline_sc_ybr422.dcm') ?? '';
    const { dataSet } = readInstance(new Uint8Array(await readFile(file)));
    const run = async (syntax: string, photometric: string): Promise<void> => {
      const element = dataSet.get(0x00280004);
      if (!element) throw new Error('no photometric interpretation');
      const bytes = Buffer.from(dataSet.bytes);
      bytes.fill(0x20, element.valueOffset, element.valueOffset + element.length);
      bytes.write(photometric.slice(0, element.length), element.valueOffset, 'latin1');
      for await (const _ of transcoded(readDataSet(bytes.subarray(dataSet.offset), explicit), syntax, explicit));
    };
    await expect(run('1.2.840.10008.1.2.4.70', 'YBR_FULL_422')).rejects.toThrow('YBR_FULL_422');
    await expect(run('1.2.840.10008.1.2.4.50', 'YBR_PART_422')).rejects.toThrow('YBR_PART_422');
    await run('1.2.840.10008.1.2.4.50', 'YBR_FULL_422');
  });

  itWithData('is refused where the frames are of other colours than the data set says', async () => {
    await withFolder(async (folder) => {
      const [native, coded, named] = [join(folder, 'native.dcm'), join(folder, 'coded.dcm'), join(folder, 'named.dcm')];
      await runTool('gdcmconv', ['--raw', sharedData('transfer-syntaxes/explicit-be_us_rgb_8u.dcm') ?? '', native]);
      const as = async (
        tool: 'gdcmconv' | 'dcmcjpeg',
        args: readonly string[],
        photometric: string,
      ): Promise<string> => {
        expect(await runTool(tool, [...args, native, coded])).toMatchObject({ code: 0 });
        await writeFile(
          named,
          set('PhotometricInterpretation', 'CS', photometric)(new Uint8Array(await readFile(coded))),
        );
        return (await own(named)).photometric;
      };
      // As they are made: told right.
      expect(await as('dcmcjpeg', ['+eb'], 'YBR_FULL_422')).toBe('RGB');
      expect(await as('dcmcjpeg', ['+eb', '+cr'], 'RGB')).toBe('RGB');
      expect(await as('gdcmconv', ['--j2k'], 'RGB')).toBe('RGB');
      await expect(as('dcmcjpeg', ['+eb'], 'RGB')).rejects.toThrow('RGB, and its frames are YBR');
      await expect(as('dcmcjpeg', ['+eb', '+cr'], 'YBR_FULL_422')).rejects.toThrow(
        'YBR_FULL_422, and its frames are RGB',
      );
      await expect(as('dcmcjpeg', ['+eb'], 'YBR_RCT')).rejects.toThrow('YBR_RCT, and its frames are not');
      await expect(as('gdcmconv', ['--j2k'], 'YBR_RCT')).rejects.toThrow('YBR_RCT, and its frames are not');
      await expect(as('dcmcjpeg', ['+e1'], 'YBR_ICT')).rejects.toThrow('YBR_ICT, and its frames are not');
    });
  });
});
