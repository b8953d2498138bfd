// High-Throughput JPEG 2000 has one reader here (OpenJPH). OpenJPEG, which was written apart from it, reads the same code streams since
// its version 2.5: what both find is what stands in the file.
import { describe, expect } from '@jest/globals';
import codecs from 'dcmjs-codecs';
import { decodeFrame } from '../../src/dicom/codecs.js';
import { readInstance } from '../../src/dicom/file.js';
import type { PixelDescription } from '../../src/dicom/pixel-description.js';
import { encodedFrame } from '../../src/dicom/pixels.js';
import { itWithData, sharedBytes } from '../support/shared-data.js';

const { Context, NativeCodecs } = codecs;
const [rows, columns] = [480, 640];
const form: PixelDescription = {
  rows,
  columns,
  frames: 1,
  samples: 3,
  bitsAllocated: 8,
  bitsStored: 8,
  signed: false,
  photometric: 'RGB',
  byPlanes: false,
  slope: 1,
  intercept: 0,
  padding: null,
};

/** The greatest difference between the two decoders, and the share of samples that differ. */
async function apart(name: string): Promise<{ most: number; share: number }> {
  const { dataSet } = readInstance(sharedBytes(`transfer-syntaxes/${name}.dcm`));
  const frame = encodedFrame(dataSet, dataSet.get(0x7fe00010)?.fragments ?? [], 1, 0);
  const own = await decodeFrame(frame, form, 'htj2k');
  const context = new Context({
    width: columns,
    height: rows,
    bitsAllocated: 8,
    bitsStored: 8,
    samplesPerPixel: 3,
    pixelRepresentation: 0,
    planarConfiguration: 0,
    photometricInterpretation: 'RGB',
    encodedBuffer: frame,
  });
  const other = NativeCodecs.decodeJpeg2000(context).getDecodedBuffer() ?? new Uint8Array(0);
  expect([own.length, other.length]).toEqual([3 * rows * columns, 3 * rows * columns]);
  const differences = Array.from(own, (value, index) => Math.abs(value - (other[index] ?? 0)));
  const most = differences.reduce((a, b) => Math.max(a, b), 0);
  return { most, share: differences.filter((difference) => difference > 0).length / differences.length };
}

describe('HTJ2K, by OpenJPH and by OpenJPEG', () => {
  itWithData('is the same to the last bit without loss', async () => {
    expect(await apart('htj2k-lossless_rgb')).toEqual({ most: 0, share: 0 });
  });

  itWithData('differs by rounding alone with loss', async () => {
    const { most, share } = await apart('htj2k-lossy_rgb');
    expect(most).toBeLessThanOrEqual(1);
    expect(share).toBeLessThan(0.001);
  });
});
