// Writes simulated CT and MR series as classic Part 10 files (Explicit VR Little Endian) that pass the input gate.
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cleanSlice, noisySlice } from './phantom.js';
import type { PhantomOptions } from './phantom.js';

/** Tag, value representation, value: text as it stands (several values with a backslash), numbers for US, bytes for OW. */
export type SyntheticElement = readonly [tag: number, vr: string, value: string | readonly number[] | Uint8Array];

export interface SyntheticOptions extends PhantomOptions {
  readonly slices: number;
  /** Elements that replace or add to those of instance `index`; value `null` leaves an element out. */
  readonly change?: (index: number) => readonly (SyntheticElement | readonly [tag: number, vr: string, value: null])[];
}

export interface SyntheticSeries {
  readonly studyInstanceUid: string;
  readonly seriesInstanceUid: string;
  readonly sopClassUid: string;
  /** Absolute or relative as `folder` was; lowest slice position first. */
  readonly files: readonly string[];
  readonly sopInstanceUids: readonly string[];
}

const sopClasses = { CT: '1.2.840.10008.5.1.4.1.1.2', MR: '1.2.840.10008.5.1.4.1.1.4' } as const;
const explicitLittleEndian = '1.2.840.10008.1.2.1';

/** A UID below 2.25 from words: the same series has the same UIDs each time. */
function uidOf(...words: readonly (string | number)[]): string {
  const hex = createHash('sha256').update(words.join('/')).digest('hex').slice(0, 30);
  return `2.25.${BigInt(`0x${hex}`)}`;
}

function encodeElement([tag, vr, value]: SyntheticElement): Buffer {
  let body: Buffer;
  if (value instanceof Uint8Array) body = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  else if (typeof value === 'string') body = Buffer.from(value, 'latin1');
  else body = Buffer.from(Uint16Array.from(value).buffer);
  if (body.length % 2 === 1) body = Buffer.concat([body, Buffer.from(vr === 'UI' || vr === 'OB' ? '\0' : ' ')]);
  const long = ['OB', 'OW', 'SQ', 'UN', 'UT'].includes(vr);
  const head = Buffer.alloc(long ? 12 : 8);
  head.writeUInt16LE(tag >>> 16, 0);
  head.writeUInt16LE(tag & 0xffff, 2);
  head.write(vr, 4, 'latin1');
  if (long) head.writeUInt32LE(body.length, 8);
  else head.writeUInt16LE(body.length, 6);
  return Buffer.concat([head, body]);
}

/** A Part 10 file of these elements, in any order. */
export function encodePart10(
  elements: readonly SyntheticElement[],
  sopClassUid: string,
  sopInstanceUid: string,
): Buffer {
  const meta = Buffer.concat(
    (
      [
        [0x00020001, 'OB', Uint8Array.of(0, 1)],
        [0x00020002, 'UI', sopClassUid],
        [0x00020003, 'UI', sopInstanceUid],
        [0x00020010, 'UI', explicitLittleEndian],
        [0x00020012, 'UI', '2.25.171963827418293847561029384756'],
        [0x00020013, 'SH', 'SYNTHETIC'],
      ] as const
    ).map((element) => encodeElement(element)),
  );
  const length = Buffer.alloc(4);
  length.writeUInt32LE(meta.length);
  const groupLength = Buffer.concat([Buffer.from([2, 0, 0, 0]), Buffer.from('UL'), Buffer.from([4, 0]), length]);
  const sorted = [...elements].toSorted((a, b) => a[0] - b[0]);
  return Buffer.concat([Buffer.alloc(128), Buffer.from('DICM'), groupLength, meta, ...sorted.map(encodeElement)]);
}

function describe(
  options: SyntheticOptions,
  index: number,
  uids: Record<'study' | 'series' | 'frame' | 'sop', string>,
) {
  const { modality, rows, columns } = options;
  const spacing = modality === 'CT' ? 360 / columns : 240 / columns;
  const thickness = 2;
  const position = [(-spacing * (columns - 1)) / 2, (-spacing * (rows - 1)) / 2, index * thickness];
  const decimal = (value: number): string => String(Number(value.toFixed(6)));
  const common: readonly SyntheticElement[] = [
    [0x00080005, 'CS', 'ISO_IR 100'],
    [0x00080008, 'CS', modality === 'CT' ? 'ORIGINAL\\PRIMARY\\AXIAL' : 'ORIGINAL\\PRIMARY\\M\\ND'],
    [0x00080016, 'UI', sopClasses[modality]],
    [0x00080018, 'UI', uids.sop],
    [0x00080020, 'DA', '20260301'],
    [0x00080021, 'DA', '20260301'],
    [0x00080022, 'DA', '20260301'],
    [0x00080023, 'DA', '20260301'],
    [0x00080030, 'TM', '101500'],
    [0x00080031, 'TM', '101700'],
    [0x00080032, 'TM', '101730'],
    [0x00080033, 'TM', '101731'],
    [0x00080050, 'SH', 'SYN0001'],
    [0x00080060, 'CS', modality],
    [0x00080070, 'LO', 'Synthetic'],
    [0x00080080, 'LO', 'Nowhere'],
    [0x00080090, 'PN', ''],
    [0x00081010, 'SH', 'SIM1'],
    [0x00081030, 'LO', 'Simulated study'],
    [0x0008103e, 'LO', modality === 'CT' ? 'Abdomen 2.0 simulated' : 'T2 axial simulated'],
    [0x00081090, 'LO', 'Simulator'],
    [0x00100010, 'PN', 'Synthetic^Phantom'],
    [0x00100020, 'LO', `SYN-${options.seed}`],
    [0x00100030, 'DA', '19700101'],
    [0x00100040, 'CS', 'O'],
    [0x00101010, 'AS', '056Y'],
    [0x00180015, 'CS', modality === 'CT' ? 'ABDOMEN' : 'HEAD'],
    [0x00180050, 'DS', decimal(thickness)],
    [0x00181000, 'LO', '1'],
    [0x00181020, 'LO', '1.0'],
    [0x00181030, 'LO', 'Simulated'],
    [0x00185100, 'CS', 'HFS'],
    [0x0020000d, 'UI', uids.study],
    [0x0020000e, 'UI', uids.series],
    [0x00200010, 'SH', '1'],
    [0x00200011, 'IS', '3'],
    [0x00200012, 'IS', '1'],
    [0x00200013, 'IS', String(index + 1)],
    [0x00200032, 'DS', position.map(decimal).join('\\')],
    [0x00200037, 'DS', '1\\0\\0\\0\\1\\0'],
    [0x00200052, 'UI', uids.frame],
    [0x00201040, 'LO', ''],
    [0x00201041, 'DS', decimal(index * thickness)],
    [0x00280002, 'US', [1]],
    [0x00280004, 'CS', 'MONOCHROME2'],
    [0x00280010, 'US', [rows]],
    [0x00280011, 'US', [columns]],
    [0x00280030, 'DS', `${decimal(spacing)}\\${decimal(spacing)}`],
    [0x00280100, 'US', [16]],
    [0x00280101, 'US', [12]],
    [0x00280102, 'US', [11]],
    [0x00280103, 'US', [0]],
    [0x00281050, 'DS', modality === 'CT' ? '40' : '500'],
    [0x00281051, 'DS', modality === 'CT' ? '400' : '1000'],
  ];
  const own: readonly SyntheticElement[] =
    modality === 'CT'
      ? [
          [0x00180060, 'DS', '120'],
          [0x00181151, 'IS', '80'],
          [0x00181150, 'IS', '500'],
          [0x00181210, 'SH', 'B30f'],
          [0x00281052, 'DS', '-1024'],
          [0x00281053, 'DS', '1'],
          [0x00281054, 'LO', 'HU'],
        ]
      : [
          [0x00180020, 'CS', 'SE'],
          [0x00180021, 'CS', 'SK'],
          [0x00180022, 'CS', ''],
          [0x00180023, 'CS', '2D'],
          [0x00180080, 'DS', '4000'],
          [0x00180081, 'DS', '90'],
          [0x00180087, 'DS', '1.5'],
          [0x00180091, 'IS', '12'],
          [0x00181314, 'DS', '120'],
        ];
  return [...common, ...own];
}

/**
 * Writes `slices` files `0001.dcm`, ... into `folder` (made if missing): 12 bits stored, unsigned, slice distance 2 mm.
 * The same options give the same bytes.
 */
export async function writeSyntheticSeries(folder: string, options: SyntheticOptions): Promise<SyntheticSeries> {
  const { modality, seed, slices } = options;
  const series = uidOf('series', modality, seed, slices, options.rows, options.columns, options.noise);
  const uids = { study: uidOf('study', seed), series, frame: uidOf('frame', seed) };
  await mkdir(folder, { recursive: true });
  const files: string[] = [];
  const sopInstanceUids: string[] = [];
  for (let index = 0; index < slices; index++) {
    const clean = cleanSlice(options, slices > 1 ? index / (slices - 1) : 0.5);
    const values = noisySlice(options, clean, index);
    const offset = modality === 'CT' ? 1024 : 0;
    const stored = Uint16Array.from(values, (value) => Math.min(4095, Math.max(0, Math.round(value + offset))));
    const sop = uidOf('instance', series, index);
    const elements = new Map<number, SyntheticElement>();
    for (const element of describe(options, index, { ...uids, sop })) elements.set(element[0], element);
    elements.set(0x7fe00010, [0x7fe00010, 'OW', new Uint8Array(stored.buffer)]);
    for (const [tag, vr, value] of options.change?.(index) ?? []) {
      if (value === null) elements.delete(tag);
      else elements.set(tag, [tag, vr, value]);
    }
    const file = join(folder, `${String(index + 1).padStart(4, '0')}.dcm`);
    await writeFile(file, encodePart10([...elements.values()], sopClasses[modality], sop));
    files.push(file);
    sopInstanceUids.push(sop);
  }
  return {
    studyInstanceUid: uids.study,
    seriesInstanceUid: series,
    sopClassUid: sopClasses[modality],
    files,
    sopInstanceUids,
  };
}
