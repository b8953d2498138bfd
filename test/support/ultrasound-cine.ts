// Ultrasound made by code: a colour cine with one region of tissue.
import { encodeElement, encodeSequence, joined } from '../../src/dicom/element.js';
import { writeFileMeta } from '../../src/dicom/part10.js';
import { explicitLittleEndian, sopClasses } from '../../src/dicom/uids.js';

/** Size of each frame, and how many. */
export const [rows, columns, frames] = [96, 128, 3];
/** Where the tissue is, ends counted. */
export const region = { left: 20, top: 10, right: 110, bottom: 85 };
/** The first of five pixels in a row. */
export const caliper = { row: 40, column: 60 };

/** A colour cine of speckle, but for the pixels that `change` draws in red, green and blue. */
export function cine(
  change: (frame: number, row: number, column: number) => readonly [number, number, number] | null,
): Uint8Array {
  const pixels = new Uint8Array(frames * rows * columns * 3);
  let seed = 7;
  for (let at = 0; at < pixels.length; at += 3) {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    const grey = 90 + (seed % 61) - 30;
    const [frame, row] = [Math.floor(at / 3 / rows / columns), Math.floor(at / 3 / columns) % rows];
    pixels.set(change(frame, row, (at / 3) % columns) ?? [grey, grey, grey], at);
  }
  const root = '1.2.826.0.1.3680043.10.998';
  const us = (tag: number, value: number): Uint8Array => encodeElement(tag, 'US', value);
  const ul = (tag: number, value: number): Uint8Array => encodeElement(tag, 'UL', value);
  const elements = [
    encodeElement(0x00080008, 'CS', 'ORIGINAL\\PRIMARY\\ABDOMINAL'),
    encodeElement(0x00080016, 'UI', sopClasses.usMultiFrame),
    encodeElement(0x00080018, 'UI', `${root}.1`),
    encodeElement(0x00080020, 'DA', '20260102'),
    encodeElement(0x00080023, 'DA', '20260102'),
    encodeElement(0x00080030, 'TM', '101500'),
    encodeElement(0x00080033, 'TM', '101602'),
    encodeElement(0x00080050, 'SH', 'A1'),
    encodeElement(0x00080060, 'CS', 'US'),
    encodeElement(0x00080070, 'LO', 'ACME'),
    encodeElement(0x00080090, 'PN', ''),
    encodeElement(0x00100010, 'PN', 'Phantom'),
    encodeElement(0x00100020, 'LO', 'P1'),
    encodeElement(0x00100030, 'DA', ''),
    encodeElement(0x00100040, 'CS', 'O'),
    encodeElement(0x00181063, 'DS', '33.3'),
    encodeSequence(0x00186011, [
      [
        us(0x00186012, 1),
        us(0x00186014, 1),
        ul(0x00186016, 2),
        ul(0x00186018, region.left),
        ul(0x0018601a, region.top),
        ul(0x0018601c, region.right),
        ul(0x0018601e, region.bottom),
        us(0x00186024, 3),
        us(0x00186026, 3),
        encodeElement(0x0018602c, 'FD', 0.05),
        encodeElement(0x0018602e, 'FD', 0.05),
      ],
    ]),
    encodeElement(0x0020000d, 'UI', `${root}.9`),
    encodeElement(0x0020000e, 'UI', root),
    encodeElement(0x00200010, 'SH', '1'),
    encodeElement(0x00200011, 'IS', '3'),
    encodeElement(0x00200013, 'IS', '1'),
    encodeElement(0x00200020, 'CS', ''),
    us(0x00280002, 3),
    encodeElement(0x00280004, 'CS', 'RGB'),
    us(0x00280006, 0),
    encodeElement(0x00280008, 'IS', String(frames)),
    encodeElement(0x00280009, 'AT', Uint8Array.of(0x18, 0, 0x63, 0x10)),
    us(0x00280010, rows),
    us(0x00280011, columns),
    us(0x00280014, 1),
    us(0x00280100, 8),
    us(0x00280101, 8),
    us(0x00280102, 7),
    us(0x00280103, 0),
    encodeElement(0x00282110, 'CS', '00'),
    encodeElement(0x7fe00010, 'OB', pixels),
  ];
  const meta = writeFileMeta({
    sopClassUid: sopClasses.usMultiFrame,
    sopInstanceUid: `${root}.1`,
    transferSyntaxUid: explicitLittleEndian,
  });
  return joined([meta, ...elements]);
}

/** With a coloured caliper in the region, and white text outside it. */
export const marked = cine((_, row, column) => {
  if (row === caliper.row && column >= caliper.column && column < caliper.column + 5) return [240, 220, 0];
  return row < 5 && column % 3 === 0 ? [255, 255, 255] : null;
});
