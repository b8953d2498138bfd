// A frame that fails takes the codecs' instance away: others that waited for one with it must not find it gone.
import { expect, it } from '@jest/globals';
import { decodeFrame, encodeFrame } from '../../src/dicom/codecs.js';
import type { PixelDescription } from '../../src/dicom/pixel-description.js';

const description: PixelDescription = {
  rows: 24,
  columns: 32,
  frames: 1,
  samples: 1,
  bitsAllocated: 16,
  bitsStored: 12,
  signed: false,
  photometric: 'MONOCHROME2',
  byPlanes: false,
  slope: 1,
  intercept: 0,
  padding: null,
};

it('good frames are decoded and encoded beside those that fail, whichever waited first', async () => {
  const native = new Uint8Array(Uint16Array.from({ length: 24 * 32 }, (_, i) => (i * i) % 4096).buffer);
  const good = await encodeFrame(native, description, 'jpeg2000');
  const bad = good.slice(0, good.length / 2);
  const decode = (frame: Uint8Array): Promise<Uint8Array> => decodeFrame(frame, description, 'jpeg2000');
  // leaves no instance: all below wait for the next
  await expect(decode(bad)).rejects.toMatchObject({ code: 'DICOM_UNDECODABLE' });
  const [first, second, third, fourth] = await Promise.allSettled([
    decode(bad),
    decode(good),
    decode(bad),
    encodeFrame(native, description, 'jpeg2000'),
  ]);
  expect([first?.status, third?.status]).toEqual(['rejected', 'rejected']);
  expect(second).toEqual({ status: 'fulfilled', value: native });
  expect(fourth).toEqual({ status: 'fulfilled', value: good });
});
