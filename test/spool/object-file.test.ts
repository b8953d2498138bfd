// Frames of a stored object, read one by one: the same as in the whole object.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { encodeElement, joined } from '../../src/dicom/element.js';
import { readInstance } from '../../src/dicom/file.js';
import { writeFileMeta } from '../../src/dicom/part10.js';
import type { PixelDescription } from '../../src/dicom/pixel-description.js';
import { decodePixels } from '../../src/dicom/pixels.js';
import { sopClasses } from '../../src/dicom/uids.js';
import { openObjectFile } from '../../src/spool/object-file.js';
import { withFolder } from '../support/temporary.js';

const bigEndian = '1.2.840.10008.1.2.2';
const frames = 3;

describe('a frame of an object in big endian', () => {
  it.each([
    ['of odd size in words', 8, 3, 5, 'OW'],
    ['of even size in words', 8, 4, 5, 'OW'],
    ['of odd size in bytes', 8, 3, 5, 'OB'],
    ['of 16 bits', 16, 3, 5, 'OW'],
  ] as const)('%s', async (_, bitsAllocated, rows, columns, vr) =>
    withFolder(async (folder) => {
      const file = join(folder, 'object.dcm');
      const length = rows * columns * frames * (bitsAllocated / 8);
      const pixels = Uint8Array.from({ length: length + (length & 1) }, (_value, index) => index + 1);
      const element = encodeElement(0x7fe00010, vr, pixels);
      // Tag and length the other way round: words of 16 bits, then one of 32.
      element.set([0x7f, 0xe0, 0, 0x10], 0);
      element.subarray(8, 12).reverse();
      const sop = { sopClassUid: sopClasses.usMultiFrame, sopInstanceUid: '1.2.3' };
      await writeFile(file, joined([writeFileMeta({ ...sop, transferSyntaxUid: bigEndian }), element]));
      const description: PixelDescription = {
        rows,
        columns,
        frames,
        samples: 1,
        bitsAllocated,
        bitsStored: bitsAllocated,
        signed: false,
        photometric: 'MONOCHROME2',
        byPlanes: false,
        slope: 1,
        intercept: 0,
        padding: null,
      };
      const whole = readInstance(joined([writeFileMeta({ ...sop, transferSyntaxUid: bigEndian }), element]));
      const object = await openObjectFile(file);
      for (let frame = 0; frame < frames; frame++) {
        const one = await object.framePixels(frame, description);
        expect(await decodePixels(one, { ...description, frames: 1 }, bigEndian)).toEqual(
          await decodePixels(whole.dataSet, description, bigEndian, frame),
        );
      }
    }),
  );
});
