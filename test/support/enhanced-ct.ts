// Writes simulated Enhanced CT Images (PS3.3 A.38) of the phantom, whole or as parts of a concatenation. What they say of the scan itself
// (exposure, table, position and the like) is left out: nothing here stands behind it.
import { writeFile } from 'node:fs/promises';
import { encodeElement, encodeSequence, joined } from '../../src/dicom/element.js';
import { readInstance } from '../../src/dicom/file.js';
import { writeFileMeta } from '../../src/dicom/part10.js';
import { explicitLittleEndian, sopClasses } from '../../src/dicom/uids.js';
import { text } from '../../src/dicom/values.js';
import { cleanSlice, noisySlice } from './phantom.js';
import type { SyntheticSeries } from './synthetic-series.js';

export interface EnhancedCtOptions {
  /** Frames of this object, 2 mm from one to the next by what they say; five of a stack at most, so that none looks like another. */
  readonly frames: number;
  /** Frames in front of it, in other parts of its concatenation. */
  readonly before?: number;
  /** Which part of how many, from 1; left out for an object of its own. */
  readonly part?: { readonly number: number; readonly total: number };
  /** Rows and columns. */
  readonly size?: number;
  /** HU of one stored value, and of the noise. */
  readonly slope?: number;
  readonly noise?: number;
  /** Millimetres from one frame to the next, 2: below 0 the last frame is the first along the normal. */
  readonly step?: number;
}

const root = '1.2.826.0.1.3680043.10.997';
export const enhancedCtUids = { study: `${root}.9`, series: root, concatenation: `${root}.5`, whole: `${root}.6` };
const [intercept, thickness] = ['-1024', 2];
const us = (tag: number, value: number): Uint8Array => encodeElement(tag, 'US', value);
const cs = (tag: number, value: string): Uint8Array => encodeElement(tag, 'CS', value);
const ds = (tag: number, value: string | number): Uint8Array => encodeElement(tag, 'DS', String(value));
/** Tags as Attribute Tag values, and indices as unsigned longs. */
const at = (tag: number): Uint8Array => new Uint8Array(Uint16Array.of(tag >>> 16, tag & 0xffff).buffer);
const doubles = (...values: number[]): Uint8Array => new Uint8Array(Float64Array.from(values).buffer);
const indices = (...values: number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer);

const kind = 'ORIGINAL\\PRIMARY\\VOLUME\\NONE';
const described = [cs(0x00089205, 'MONOCHROME'), cs(0x00089206, 'VOLUME'), cs(0x00089207, 'NONE')];

function shared(spacing: number, size: number, slope: number): Uint8Array[] {
  return [
    encodeSequence(0x00189314, [
      [
        encodeElement(0x00181210, 'SH', 'B30f'),
        cs(0x00189315, 'FILTER_BACK_PROJ'),
        cs(0x00189316, 'STANDARD'),
        encodeElement(0x00189317, 'FD', doubles(spacing * size, spacing * size)),
        encodeElement(0x00189319, 'FD', 360),
        encodeElement(0x00189320, 'SH', 'NONE'),
        encodeElement(0x00189322, 'FD', doubles(spacing, spacing)),
      ],
    ]),
    encodeSequence(0x00209071, [
      [
        encodeSequence(0x00082218, [
          [
            encodeElement(0x00080100, 'SH', '818981001'),
            encodeElement(0x00080102, 'SH', 'SCT'),
            encodeElement(0x00080104, 'LO', 'Abdomen'),
          ],
        ]),
        cs(0x00209072, 'U'),
      ],
    ]),
    encodeSequence(0x00209116, [[ds(0x00200037, '1\\0\\0\\0\\1\\0')]]),
    encodeSequence(0x00289110, [
      [ds(0x00180050, thickness), ds(0x00180088, thickness), ds(0x00280030, `${spacing}\\${spacing}`)],
    ]),
    encodeSequence(0x00289132, [[ds(0x00281050, 40), ds(0x00281051, 400)]]),
    encodeSequence(0x00289145, [
      [ds(0x00281052, intercept), ds(0x00281053, slope), encodeElement(0x00281054, 'LO', 'HU')],
    ]),
  ];
}

/** @param index of the frame in the whole stack, from 0 */
function frameGroups(index: number, corner: number, step: number): Uint8Array[] {
  return [
    encodeSequence(0x00189329, [[cs(0x00089007, kind), ...described]]),
    encodeSequence(0x00209111, [
      [
        encodeElement(0x00189074, 'DT', '20260301101730'),
        encodeElement(0x00189151, 'DT', '20260301101730'),
        encodeElement(0x00189220, 'FD', 500),
        encodeElement(0x00209056, 'SH', '1'),
        encodeElement(0x00209057, 'UL', index + 1),
        us(0x00209156, 1),
        encodeElement(0x00209157, 'UL', indices(1, index + 1)),
      ],
    ]),
    encodeSequence(0x00209113, [[ds(0x00200032, `${corner}\\${corner}\\${index * step}`)]]),
  ];
}

function concatenation({ before = 0, part }: EnhancedCtOptions): Uint8Array[] {
  return part === undefined
    ? []
    : [
        encodeElement(0x00209161, 'UI', enhancedCtUids.concatenation),
        us(0x00209162, part.number),
        us(0x00209163, part.total),
        encodeElement(0x00209228, 'UL', before),
      ];
}

/** The whole Part 10 file; the same options give the same bytes. */
export function enhancedCt(options: EnhancedCtOptions): Uint8Array {
  const { frames, before = 0, part, size = 96, slope = 1, noise = 20, step = thickness } = options;
  const spacing = 3.75;
  const corner = (-spacing * (size - 1)) / 2;
  const phantom = { modality: 'CT', rows: size, columns: size, noise, seed: 11 } as const;
  const stored = new Uint16Array(frames * size * size);
  const numbers = Array.from({ length: frames }, (_, frame) => before + frame);
  for (const [frame, index] of numbers.entries())
    noisySlice(phantom, cleanSlice(phantom, 0.1 + 0.2 * index), index).forEach((value, pixel) => {
      stored[frame * size * size + pixel] = Math.min(4095, Math.max(0, Math.round((value + 1024) / slope)));
    });
  const uid = `${root}.1.${part?.number ?? 0}`;
  const dimension = encodeElement(0x00209164, 'UI', `${root}.7`);
  const [content, stack, position] = [0x00209111, 0x00209056, 0x00209057];
  const elements = [
    cs(0x00080008, kind),
    encodeElement(0x00080016, 'UI', sopClasses.enhancedCt),
    encodeElement(0x00080018, 'UI', uid),
    encodeElement(0x00080020, 'DA', '20260301'),
    encodeElement(0x00080021, 'DA', '20260301'),
    encodeElement(0x00080023, 'DA', '20260301'),
    encodeElement(0x0008002a, 'DT', '20260301101730'),
    encodeElement(0x00080030, 'TM', '101500'),
    encodeElement(0x00080031, 'TM', '101700'),
    encodeElement(0x00080033, 'TM', '101731'),
    encodeElement(0x00080050, 'SH', 'SYN0001'),
    cs(0x00080060, 'CT'),
    encodeElement(0x00080070, 'LO', 'Synthetic'),
    encodeElement(0x00080090, 'PN', ''),
    encodeElement(0x0008103e, 'LO', 'Abdomen simulated'),
    encodeElement(0x00081090, 'LO', 'Simulator'),
    ...described,
    encodeElement(0x00100010, 'PN', 'Synthetic^Phantom'),
    encodeElement(0x00100020, 'LO', 'SYN-11'),
    encodeElement(0x00100030, 'DA', '19700101'),
    cs(0x00100040, 'O'),
    encodeElement(0x00181000, 'LO', '1'),
    encodeElement(0x00181020, 'LO', '1.0'),
    cs(0x00185100, 'HFS'),
    encodeElement(0x0020000d, 'UI', enhancedCtUids.study),
    encodeElement(0x0020000e, 'UI', enhancedCtUids.series),
    encodeElement(0x00200010, 'SH', '1'),
    encodeElement(0x00200011, 'IS', '3'),
    encodeElement(0x00200012, 'IS', '1'),
    encodeElement(0x00200013, 'IS', '1'),
    encodeElement(0x00200052, 'UI', `${root}.8`),
    encodeElement(0x00201040, 'LO', ''),
    ...(part === undefined ? [] : [encodeElement(0x00200242, 'UI', enhancedCtUids.whole)]),
    ...concatenation(options).slice(0, 3),
    encodeSequence(0x00209221, [[dimension]]),
    encodeSequence(
      0x00209222,
      [stack, position].map((pointer) => [
        dimension,
        encodeElement(0x00209165, 'AT', at(pointer)),
        encodeElement(0x00209167, 'AT', at(content)),
      ]),
    ),
    ...concatenation(options).slice(3),
    us(0x00280002, 1),
    cs(0x00280004, 'MONOCHROME2'),
    encodeElement(0x00280008, 'IS', String(frames)),
    us(0x00280010, size),
    us(0x00280011, size),
    us(0x00280100, 16),
    us(0x00280101, 12),
    us(0x00280102, 11),
    us(0x00280103, 0),
    cs(0x00280301, 'NO'),
    cs(0x00282110, '00'),
    encodeSequence(0x00400555, []),
    cs(0x20500020, 'IDENTITY'),
    encodeSequence(0x52009229, [shared(spacing, size, slope)]),
    encodeSequence(
      0x52009230,
      numbers.map((index) => frameGroups(index, corner, step)),
    ),
    encodeElement(0x7fe00010, 'OW', new Uint8Array(stored.buffer)),
  ];
  const meta = writeFileMeta({
    sopClassUid: sopClasses.enhancedCt,
    sopInstanceUid: uid,
    transferSyntaxUid: explicitLittleEndian,
  });
  return joined([meta, ...elements]);
}

/** Writes one object to a file: a series of its own. */
export async function writeEnhancedCt(file: string, options: EnhancedCtOptions): Promise<SyntheticSeries> {
  const bytes = enhancedCt(options);
  await writeFile(file, bytes);
  return {
    files: [file],
    sopInstanceUids: [text(readInstance(bytes).dataSet, 'SOPInstanceUID') ?? ''],
    studyInstanceUid: enhancedCtUids.study,
    seriesInstanceUid: enhancedCtUids.series,
    sopClassUid: sopClasses.enhancedCt,
  };
}
