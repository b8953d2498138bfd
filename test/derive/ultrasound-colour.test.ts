// Colour ultrasound in every form that senders write: decoded to red, green and blue, changed in grey tissue alone, judged from outside.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { planesOfPixels } from '../../src/dicom/colour.js';
import { joined } from '../../src/dicom/element.js';
import { readInstance } from '../../src/dicom/file.js';
import { isReason, pixelDescription } from '../../src/dicom/pixel-description.js';
import { number, text } from '../../src/dicom/values.js';
import { modelSha256 } from '../../src/inference/identity.js';
import { enhanced, valuesOf } from '../support/enhanced-ultrasound.js';
import { judged, judgeIsReady } from '../support/judge.js';
import { describeWithPeers, runTool } from '../support/peers.js';
import { set } from '../support/planted-faults.js';
import { itWithData, sharedBytes } from '../support/shared-data.js';
import { withFolder } from '../support/temporary.js';
import { caliper, cine, columns, frames, marked, region, rows } from '../support/ultrasound-cine.js';

/** Its caliper is white: colour in the tissue runs into its blocks where JPEG's losses are. Colour stands beside it. */
const whiteMarked = cine((_, row, column) => {
  if (row === caliper.row && column >= caliper.column && column < caliper.column + 5) return [255, 255, 255];
  return column > 118 && row > 30 && row < 60 ? [200, 40, 10] : null;
});
const bytesOfFrame = rows * columns * 3;

/** The cine with another coding of its colours, frame by frame. */
function recoloured(photometric: string, planar: number, frameOf: (rgb: Uint8Array) => Uint8Array): Uint8Array {
  const { dataSet } = readInstance(marked);
  const element = dataSet.get(0x7fe00010);
  if (element === undefined) throw new Error('no pixels');
  const pixels = dataSet.value(element);
  const all = Array.from({ length: frames }, (_, frame) =>
    frameOf(pixels.slice(frame * bytesOfFrame, (frame + 1) * bytesOfFrame)),
  );
  return set(
    'PixelData',
    'OB',
    joined(all),
  )(set('PlanarConfiguration', 'US', planar)(set('PhotometricInterpretation', 'CS', photometric)(marked)));
}

/** PS3.3 C.7.6.3.1.2. */
function ybrOf(rgb: Uint8Array): Uint8Array {
  const out = new Uint8ClampedArray(rgb.length);
  for (let at = 0; at < rgb.length; at += 3) {
    const [r = 0, g = 0, b = 0] = rgb.subarray(at, at + 3);
    out[at] = 0.299 * r + 0.587 * g + 0.114 * b;
    out[at + 1] = -0.168736 * r - 0.331264 * g + 0.5 * b + 128;
    out[at + 2] = 0.5 * r - 0.418688 * g - 0.081312 * b + 128;
  }
  return new Uint8Array(out.buffer);
}

function ybr422Of(rgb: Uint8Array): Uint8Array {
  const ybr = ybrOf(rgb);
  const out: number[] = [];
  for (let at = 0; at < ybr.length; at += 6) {
    const [y = 0, b = 0, r = 0, next = 0] = ybr.subarray(at, at + 6);
    out.push(y, next, b, r);
  }
  return Uint8Array.from(out);
}

const readPixels = fileURLToPath(new URL('../../../test/derive/read-pixels.py', import.meta.url));
const havePython = spawnSync('/usr/bin/python3', ['-c', 'import pydicom, numpy, gdcm']).status === 0;

/** SHA-256 of an object's values as pydicom finds them, pixel by pixel. */
function byPydicom(object: Uint8Array): string {
  const folder = mkdtempSync(join(tmpdir(), 'limpid-colour-'));
  try {
    const file = join(folder, 'object.dcm');
    writeFileSync(file, object);
    const { stdout } = spawnSync('/usr/bin/python3', [readPixels], { input: `${file}\n`, encoding: 'utf8' });
    return z.object({ sha256: z.string() }).parse(JSON.parse(stdout.split('\n')[0] ?? '')).sha256;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * Derives, compares every pixel outside the tissue with the decoded source and the whole with pydicom's reading, and asks the judge.
 * @param isComparable whether the judge can compare the pixels: it knows no planes, and a tool of its own turns those of RLE to pixels
 */
async function expectTissueAlone(
  source: Uint8Array,
  written: { photometric: string; planar: number },
  isComparable = true,
): Promise<Uint8Array> {
  const { code, derived } = await enhanced(source);
  expect(code).toBeNull();
  if (derived === null) throw new Error('nothing derived');
  const [from, to] = [readInstance(source), readInstance(derived)];
  expect(text(to.dataSet, 'PhotometricInterpretation')).toBe(written.photometric);
  expect(number(to.dataSet, 'PlanarConfiguration')).toBe(written.planar);
  let [inside, outside] = [0, 0];
  const all = new Int32Array(frames * bytesOfFrame);
  for (let frame = 0; frame < frames; frame++) {
    const [a, b] = [await valuesOf(from, frame), await valuesOf(to, frame)];
    all.set(b, frame * bytesOfFrame);
    for (let at = 0; at < a.length; at += 3) {
      if (a[at] === b[at] && a[at + 1] === b[at + 1] && a[at + 2] === b[at + 2]) continue;
      const [row, column] = [Math.floor(at / 3 / columns), (at / 3) % columns];
      const isIn = row >= region.top && row <= region.bottom && column >= region.left && column <= region.right;
      const isMark = row === caliper.row && column >= caliper.column && column < caliper.column + 5;
      if (isIn && !isMark) inside++;
      else outside++;
    }
  }
  expect(outside).toBe(0);
  expect(inside).toBeGreaterThan(3000);
  if (havePython) expect(byPydicom(derived)).toBe(modelSha256(new Uint8Array(all.buffer)));
  if (judgeIsReady && isComparable) expect(judged([{ source, derived }])).toBe('PASS');
  return derived;
}

const planesOf = (pixels: Uint8Array): Uint8Array => Uint8Array.from(planesOfPixels(Int32Array.from(pixels)));

describe('native colour of ultrasound', () => {
  it.each([
    ['RGB by planes', recoloured('RGB', 1, planesOf), { photometric: 'RGB', planar: 1 }],
    ['YBR_FULL', recoloured('YBR_FULL', 0, ybrOf), { photometric: 'RGB', planar: 0 }],
    ['YBR_FULL by planes', recoloured('YBR_FULL', 1, (rgb) => planesOf(ybrOf(rgb))), { photometric: 'RGB', planar: 0 }],
    ['YBR_FULL_422', recoloured('YBR_FULL_422', 0, ybr422Of), { photometric: 'RGB', planar: 0 }],
  ] as const)(
    '%s: only grey tissue changes',
    async (_, source, written) => {
      await expectTissueAlone(source, written);
    },
    120_000,
  );

  it.each([
    ['RGB by planes', recoloured('RGB', 1, planesOf), 0],
    ['YBR_FULL by planes', recoloured('YBR_FULL', 1, (rgb) => planesOf(ybrOf(rgb))), 2],
  ] as const)('%s is the same picture', async (_, source, within) => {
    const [as, was] = [await valuesOf(readInstance(source), 1), await valuesOf(readInstance(marked), 1)];
    expect(
      as.reduce((most, value, index) => Math.max(most, Math.abs(value - (was[index] ?? 0))), 0),
    ).toBeLessThanOrEqual(within);
  });
});

describeWithPeers(['dcmcjpeg', 'gdcmconv'], 'compressed colour of ultrasound', () => {
  const forms: readonly (readonly [
    name: string,
    tool: 'dcmcjpeg' | 'gdcmconv',
    args: readonly string[],
    lossMethod: string | null,
  ])[] = [
    ['JPEG baseline, chrominance of two pixels each', 'dcmcjpeg', ['+eb', '+q', '90', '+s2'], 'ISO_10918_1'],
    ['JPEG baseline, whole chrominance', 'dcmcjpeg', ['+eb', '+q', '90', '+s4'], 'ISO_10918_1'],
    ['JPEG baseline, RGB', 'dcmcjpeg', ['+eb', '+q', '90', '+cr'], 'ISO_10918_1'],
    ['JPEG lossless', 'dcmcjpeg', ['+e1'], null],
    ['JPEG-LS', 'gdcmconv', ['--jpegls'], null],
    ['JPEG 2000', 'gdcmconv', ['--j2k'], null],
    ['RLE', 'gdcmconv', ['--rle'], null],
  ];
  it.each(forms)(
    '%s: only grey tissue changes, losses stay told',
    async (_, tool, args, lossMethod) => {
      await withFolder(async (folder) => {
        const [native, coded] = [join(folder, 'native.dcm'), join(folder, 'coded.dcm')];
        await writeFile(native, lossMethod === null ? marked : whiteMarked);
        expect(await runTool(tool, [...args, native, coded])).toMatchObject({ code: 0 });
        const source = new Uint8Array(await readFile(coded));
        const planar = number(readInstance(source).dataSet, 'PlanarConfiguration') ?? 0;
        const was = text(readInstance(source).dataSet, 'PhotometricInterpretation') ?? '';
        const written = { photometric: 'RGB', planar: was.startsWith('YBR') ? 0 : planar };
        const { dataSet } = readInstance(await expectTissueAlone(source, written, planar === 0));
        expect(text(dataSet, 'LossyImageCompression')).toBe(lossMethod === null ? '00' : '01');
        expect(text(dataSet, 'LossyImageCompressionMethod')).toBe(lossMethod);
      });
    },
    120_000,
  );

  it('is refused where the frames are of other colours than the data set says', async () => {
    await withFolder(async (folder) => {
      const [native, coded] = [join(folder, 'native.dcm'), join(folder, 'coded.dcm')];
      await writeFile(native, marked);
      const run = async (args: readonly string[], photometric: string): Promise<string | null> => {
        expect(await runTool('dcmcjpeg', [...args, native, coded])).toMatchObject({ code: 0 });
        const source = new Uint8Array(await readFile(coded));
        return (await enhanced(set('PhotometricInterpretation', 'CS', photometric)(source))).code;
      };
      expect(await run(['+eb'], 'RGB')).toMatch(/^UNDECODABLE: .*RGB, and its frames are YBR/);
      expect(await run(['+eb', '+cr'], 'YBR_FULL')).toMatch(/^UNDECODABLE: .*YBR_FULL, and its frames are RGB/);
      expect(await run(['+eb'], 'YBR_RCT')).toMatch(/^UNDECODABLE: .*YBR_RCT, and its frames are not/);
      expect(await run(['+eb'], 'YBR_PARTIAL_422')).toMatch(/^COLOUR/);
    });
  }, 120_000);
});

describe('regions of another matrix', () => {
  itWithData('are refused: what they call tissue may be text', () => {
    const { dataSet } = readInstance(sharedBytes('us/multi-30f-ybr-jpeg-sonosite-turbo.dcm'));
    const found = pixelDescription(dataSet);
    expect(isReason(found) && `${found.code} ${found.detail}`).toBe(
      'BAD_PIXEL_DESCRIPTION an ultrasound region reaches beyond the image',
    );
  });
});
