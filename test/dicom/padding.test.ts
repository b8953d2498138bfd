// Pixel Padding Value as senders write it: in the pixels' own sign, whatever VR and however many bits of it.
import { expect, it } from '@jest/globals';
import { readDataSet } from '../../src/dicom/data-set.js';
import { tagOf } from '../../src/dicom/dictionary.js';
import { encodeElement, joined } from '../../src/dicom/element.js';
import { isReason, pixelDescription } from '../../src/dicom/pixel-description.js';
import { explicitLittleEndian } from '../../src/dicom/uids.js';

const element = (keyword: string, vr: string, value: string | number | Uint8Array): Uint8Array =>
  encodeElement(tagOf(keyword) ?? 0, vr, value);
const word = (value: number): Uint8Array => Uint8Array.of(value & 0xff, (value >> 8) & 0xff);

function paddingOf(
  { bits, signed }: { bits: number; signed: boolean },
  vr: string,
  value: number | Uint8Array,
  limit: number | Uint8Array | null = null,
) {
  const described = pixelDescription(
    readDataSet(
      joined([
        element('SOPClassUID', 'UI', '1.2.840.10008.5.1.4.1.1.4'),
        element('SamplesPerPixel', 'US', 1),
        element('PhotometricInterpretation', 'CS', 'MONOCHROME2'),
        element('Rows', 'US', 2),
        element('Columns', 'US', 2),
        element('BitsAllocated', 'US', 16),
        element('BitsStored', 'US', bits),
        element('HighBit', 'US', bits - 1),
        element('PixelRepresentation', 'US', signed ? 1 : 0),
        element('PixelPaddingValue', vr, value),
        ...(limit === null ? [] : [element('PixelPaddingRangeLimit', vr, limit)]),
      ]),
      explicitLittleEndian,
    ),
  );
  return isReason(described) ? described : described.padding;
}

const at = (low: number, high = low) => ({ low, high });

it('is read where it is written as a word of pixels', () => {
  expect(paddingOf({ bits: 16, signed: true }, 'OW', word(-2000))).toEqual(at(-2000));
  expect(paddingOf({ bits: 12, signed: false }, 'OW', word(4095))).toEqual(at(4095));
  expect(paddingOf({ bits: 16, signed: true }, 'OW', word(-2000), word(-1990))).toEqual(at(-2000, -1990));
  // Two words: no value that anybody could name.
  expect(paddingOf({ bits: 16, signed: true }, 'OW', joined([word(-2000), word(-1)]))).toBeNull();
});

it('is negative where its bits are those of a negative pixel', () => {
  const twelve = { bits: 12, signed: true };
  expect(paddingOf(twelve, 'US', 2048)).toEqual(at(-2048));
  expect(paddingOf(twelve, 'US', 2096, 2100)).toEqual(at(-2000, -1996));
  expect(paddingOf(twelve, 'US', 4095)).toEqual(at(-1));
});

it('keeps its value where the pixels could have it, or none could', () => {
  const twelve = { bits: 12, signed: true };
  expect(paddingOf(twelve, 'US', 2047)).toEqual(at(2047));
  expect(paddingOf(twelve, 'US', 4096)).toEqual(at(4096));
  expect(paddingOf(twelve, 'US', 63_536)).toEqual(at(-2000));
  expect(paddingOf({ bits: 12, signed: false }, 'US', 2048)).toEqual(at(2048));
  expect(paddingOf({ bits: 16, signed: true }, 'SS', -2048)).toEqual(at(-2048));
});
