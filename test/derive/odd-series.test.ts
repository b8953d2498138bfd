// Series as senders write them, right and wrong: each is refused by the code that the table names, or goes through gate and task with an
// identity network and comes back pixel by pixel; with LIMPID_TEST_DATA=all it is judged from outside too.
import { readFile, rm, writeFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import {
  all,
  at,
  bits,
  pixelBytes,
  item,
  matrix,
  none,
  endsWith,
  useOddSeries,
  overlay,
  ramp,
  run,
  side,
  twice,
  us,
} from '../support/odd-series.js';
import type { OddCase } from '../support/odd-series.js';
import { describeWithPeers, runTool } from '../support/peers.js';

const CT = 'CT';
const MR = 'MR';

const geometry: readonly OddCase[] = [
  ['CT without Pixel Spacing', CT, 'MISSING_ATTRIBUTE', all(none(0x00280030))],
  ['MR without position, orientation and spacing', MR, run, all(none(0x00200032), none(0x00200037), none(0x00280030))],
  ['no Frame of Reference UID', CT, run, all(none(0x00200052))],
  ['gantry tilt', CT, run, (index) => [[0x00200037, 'DS', '1\\0\\0\\0\\0.965926\\-0.258819'], at(3 * index)]],
  ['one slice turned', CT, 'MIXED_GEOMETRY', (i) => (i === 2 ? [[0x00200037, 'DS', '0\\1\\0\\0\\0\\-1']] : [])],
  ['directions not at right angles', CT, 'MISSING_ATTRIBUTE', all([0x00200037, 'DS', '1\\0\\0\\0.5\\0.8660254\\0'])],
  ['directions of length 2', CT, 'MISSING_ATTRIBUTE', all([0x00200037, 'DS', '2\\0\\0\\0\\2\\0'])],
  ['directions of length 0', CT, 'MISSING_ATTRIBUTE', all([0x00200037, 'DS', '0\\0\\0\\0\\0\\0'])],
  ['spacing 0', CT, 'MISSING_ATTRIBUTE', all([0x00280030, 'DS', '0\\0'])],
  ['spacing with commas', CT, 'MISSING_ATTRIBUTE', all([0x00280030, 'DS', '0,7\\0,7'])],
  ['spacing of one value', CT, 'MISSING_ATTRIBUTE', all([0x00280030, 'DS', '0.7'])],
  ['pixels that are not square', CT, run, all([0x00280030, 'DS', '0.7\\0.9'])],
  ['directions in elements of unknown VR', CT, run, all([0x00200037, 'UN', Buffer.from('1\\0\\0\\0\\1\\0 ')])],
  ['all slices at one place', CT, 'LOCALIZER DUPLICATE_POSITION', all(at(5))],
];
const dimensions: readonly OddCase[] = [
  ['two echoes', MR, run, twice((second) => [0x00180086, 'IS', second ? '2' : '1'])],
  ['two echo times', MR, run, twice((second) => [0x00180081, 'DS', second ? '80' : '20'])],
  ['two temporal positions', MR, run, twice((second) => [0x00200100, 'IS', second ? '2' : '1'])],
  ['two trigger times', MR, run, twice((second) => [0x00181060, 'DS', second ? '20' : '0'])],
  ['two acquisitions', CT, run, twice((second) => [0x00200012, 'IS', second ? '2' : '1'])],
  [
    'two energies of one acquisition',
    CT,
    'DUPLICATE_POSITION',
    twice((second) => [0x00180060, 'DS', second ? '140' : '80']),
  ],
  ['two kernels', CT, 'DUPLICATE_POSITION', twice((second) => [0x00181210, 'SH', second ? 'B70f' : 'B30f'])],
];
const pixels: readonly OddCase[] = [
  ['12 bits allocated', CT, 'BAD_PIXEL_DESCRIPTION', all(us(0x00280100, 12))],
  ['32 bits allocated', CT, 'BAD_PIXEL_DESCRIPTION', all(us(0x00280100, 32))],
  ['1 bit', CT, 'BAD_PIXEL_DESCRIPTION', all(...bits(1, 0, 1))],
  ['12 bits at the upper end of 16', CT, 'BAD_PIXEL_DESCRIPTION', all(us(0x00280102, 15))],
  ['16 bits', CT, run, all(...bits(16))],
  ['16 bits with a sign', CT, run, all(...bits(16, 1))],
  ['12 bits with a sign', CT, run, all(us(0x00280103, 1))],
  ['7 of 8 bits, an odd matrix', CT, run, all(...matrix(15, 17), ...bits(7, 0, 8), ramp(256))],
  ['8 bits with a sign', CT, run, all(...matrix(16, 16), ...bits(8, 1, 8), ramp(256))],
  ['bits set above High Bit', CT, run, all(pixelBytes(2 * side * side, (i) => (i % 2 ? 0xf3 : (i * 31) % 256)))],
  [
    '3 x 5 pixels',
    CT,
    run,
    all(
      ...matrix(3, 5),
      pixelBytes(30, (i) => (i % 2 ? 1 : i * 7)),
    ),
  ],
  [
    'one pixel',
    CT,
    run,
    all(
      ...matrix(1, 1),
      pixelBytes(2, () => 1),
    ),
  ],
  ['no rows', CT, 'BAD_PIXEL_DESCRIPTION', all(us(0x00280010, 0))],
  ['MONOCHROME1', CT, run, all([0x00280004, 'CS', 'MONOCHROME1'])],
  ['no photometric interpretation', CT, 'MISSING_ATTRIBUTE', all(none(0x00280004))],
  ['no Samples per Pixel', CT, 'MISSING_ATTRIBUTE', all(none(0x00280002))],
  ['RGB', CT, 'COLOUR', all(us(0x00280002, 3), [0x00280004, 'CS', 'RGB'])],
  ['two frames in a class of one', CT, 'DUPLICATE_POSITION BAD_PIXEL_DESCRIPTION', all([0x00280008, 'IS', '2'])],
  ['all zero', CT, run, all(pixelBytes(2 * side * side, () => 0))],
  ['all at the upper end', CT, run, all(pixelBytes(2 * side * side, (i) => (i % 2 ? 0x0f : 0xff)))],
  // Of one slice: which of several is told depends on which thread is the first.
  [
    'pixels two bytes short',
    CT,
    'UNDECODABLE: 0003.dcm: 4606 bytes of pixel data, 4608 expected',
    (i) => (i === 2 ? [ramp(4606)] : []),
  ],
  ['no pixels', CT, 'UNDECODABLE: 0003.dcm: 0 bytes of pixel data, 4608 expected', (i) => (i === 2 ? [ramp(0)] : [])],
  ['an overlay', CT, run, all(...overlay(1, 0), [0x60003000, 'OW', new Uint8Array(288)])],
  ['an overlay within the pixels', CT, run, all(...overlay(16, 12))],
];
const padding: readonly OddCase[] = [
  ['padding above Bits Stored', CT, run, all(us(0x00280120, 63_536))],
  ['negative padding written as US', CT, run, all(...bits(16, 1), us(0x00280120, 63_536))],
  ['negative padding written as SS', CT, run, all(...bits(16, 1), [0x00280120, 'SS', [63_536]])],
  ['padding of its own in each slice', CT, run, (index) => [us(0x00280120, index % 2 ? 0 : 1000 + index)]],
  ['a padding range from the upper end', CT, run, all(us(0x00280120, 1200), us(0x00280121, 1000))],
  ['padding alone', CT, run, all(us(0x00280120, 0), us(0x00280121, 4095))],
];
const rescale: readonly OddCase[] = [
  ['slope 0.5', CT, run, all([0x00281053, 'DS', '0.5'])],
  ['slope -1', CT, run, all([0x00281053, 'DS', '-1'])],
  ['a slope that vanishes', CT, 'BAD_RESCALE', all([0x00281053, 'DS', '1e-10'])],
  ['a slope of words', CT, 'BAD_RESCALE', all([0x00281053, 'DS', 'abc'])],
  ['a slope of two values', CT, 'BAD_RESCALE', all([0x00281053, 'DS', '1\\2'])],
  ['an empty slope', CT, 'MISSING_ATTRIBUTE', all([0x00281053, 'DS', ''])],
  ['an intercept with an exponent', CT, run, all([0x00281052, 'DS', '-1.024E+03'])],
  ['images of two patients', CT, 'MIXED_PATIENT', (index) => [[0x00100020, 'LO', index < 2 ? 'P1' : 'P2']]],
  ['one patient, with blanks or without', CT, run, (index) => [[0x00100020, 'LO', index < 2 ? 'P1' : ' P1 ']]],
  ['CT slopes that differ', CT, 'MIXED_PIXELS', (index) => [[0x00281053, 'DS', `${1 + index / 10}`]]],
  [
    'MR slopes that differ',
    MR,
    run,
    (i) => [
      [0x00281052, 'DS', '0'],
      [0x00281053, 'DS', `${1 + i / 10}`],
    ],
  ],
  ['values that are no HU', CT, 'BAD_RESCALE', all([0x00281054, 'LO', 'MGML'])],
  ['HU by name', CT, run, all([0x00281054, 'LO', 'HU'])],
  ['MR of a unit of its own', MR, run, all([0x00281054, 'LO', 'normalized'])],
  ['a Modality LUT', CT, 'BAD_RESCALE', all([0x00283000, 'SQ', item])],
];
const kinds: readonly OddCase[] = [
  [
    'a report among the slices',
    CT,
    'UNSUPPORTED_SOP_CLASS',
    (i) =>
      i === 4 ? [[0x00080016, 'UI', '1.2.840.10008.5.1.4.1.1.88.22'], [0x00080060, 'CS', 'SR'], none(0x7fe00010)] : [],
  ],
  [
    'a capture among the slices',
    CT,
    'SECONDARY_CAPTURE',
    (i) => (i === 4 ? [[0x00080016, 'UI', '1.2.840.10008.5.1.4.1.1.7']] : []),
  ],
  ['another Modality than the class', CT, 'SCREEN_OR_REPORT', all([0x00080060, 'CS', 'OT'])],
  ['phase images', MR, 'NOT_MAGNITUDE', all([0x00080008, 'CS', 'ORIGINAL\\PRIMARY\\P\\ND'])],
  ['Image Type in lower case', CT, run, all([0x00080008, 'CS', 'original\\primary\\axial'])],
  ['a UID with a leading zero', CT, 'BAD_UID', all([0x0020000e, 'UI', '1.2.03.4'])],
  ['a UID with letters', CT, 'BAD_UID', all([0x0020000d, 'UI', '1.2.A'])],
  ['no Study Instance UID', CT, 'no identity', all([0x0020000d, 'UI', ''])],
];
const texts: readonly OddCase[] = [
  ['no instance numbers', CT, run, all(none(0x00200013))],
  ['one instance number for all', CT, run, all([0x00200013, 'IS', '7'])],
  ['no series number', CT, run, all(none(0x00200011))],
  ['the greatest series number', CT, run, all([0x00200011, 'IS', '2147483647'])],
  ['no patient', CT, run, all(none(0x00100010), none(0x00100020), none(0x00100030), none(0x00100040))],
  ['text beyond its character set', CT, run, all(none(0x00080005), [0x0008103e, 'LO', 'Sch\xe4del'])],
  [
    'a long description in UTF-8',
    CT,
    run,
    all([0x00080005, 'CS', 'ISO_IR 192'], [0x0008103e, 'LO', '\xc3\xa4'.repeat(60)]),
  ],
  [
    'a long description in GB18030',
    CT,
    run,
    all([0x00080005, 'CS', 'GB18030'], [0x0008103e, 'LO', '\xcd\xf5'.repeat(32)]),
  ],
  [
    'a description with escapes',
    CT,
    run,
    all([0x00080005, 'CS', '\\ISO 2022 IR 87'], [0x0008103e, 'LO', '\x1b$B;3ED\x1b(B x']),
  ],
  ['a derivation of 1020 characters', CT, run, all([0x00082111, 'ST', 'd'.repeat(1020)])],
  ['dates and times of old', CT, run, all([0x00080020, 'DA', '2026.03.01'], [0x00080030, 'TM', '10:15:00'])],
  ['private elements without their creator', CT, run, all([0x00091001, 'LO', 'x'], [0x00191008, 'LO', 'x'])],
  [
    'a private element that stays',
    MR,
    run,
    all([0x00190010, 'LO', 'SIEMENS MR HEADER'], [0x0019100c, 'IS', '800'], [0x00191020, 'LO', 'x']),
  ],
  [
    'group lengths and curves',
    CT,
    run,
    all([0x00080000, 'UL', Uint8Array.of(4, 0, 0, 0)], us(0x50000005, 1), [0x50003000, 'OW', new Uint8Array(8)]),
  ],
  [
    'extremes of the series',
    CT,
    run,
    all(us(0x00280106, 0), us(0x00280107, 4095), us(0x00280108, 0), us(0x00280109, 9)),
  ],
];

const odd = useOddSeries();
describe.each(Object.entries({ geometry, dimensions, pixels, padding, rescale, kinds, texts }))(
  '%s as senders write them',
  (_, cases) => {
    it.each(cases)('%s (%s): %s', async (_name, modality, verdict, change) => {
      expect(await odd.putThrough({ modality, change })).toEqual(endsWith(verdict));
    });
  },
);

describeWithPeers(['dcmconv', 'gdcmconv', 'dcmcjpls', 'dcmcrle', 'dcmcjpeg'], 'syntaxes as senders write them', () => {
  const signed = bits(16, 1);
  const by =
    (tool: Parameters<typeof runTool>[0], ...args: readonly string[]) =>
    async (file: string): Promise<void> => {
      expect(await runTool(tool, [...args, file, `${file}.coded`])).toMatchObject({ code: 0 });
      await writeFile(file, await readFile(`${file}.coded`));
      await rm(`${file}.coded`);
    };
  it.each([
    ['implicit VR', 'dcmconv', ['+ti'], []],
    ['big endian', 'dcmconv', ['+tb'], []],
    ['deflated', 'dcmconv', ['+td'], []],
    ['sequences without length', 'dcmconv', ['+te', '-e'], [[0x00081140, 'SQ', item]]],
    ['JPEG 2000 with a sign', 'gdcmconv', ['--j2k'], signed],
    ['JPEG 2000 of 12 bits with a sign', 'gdcmconv', ['--j2k'], bits(12, 1)],
    ['RLE', 'dcmcrle', [], []],
    ['RLE of 8 bits', 'gdcmconv', ['--rle'], [...matrix(16, 16), ...bits(8, 0, 8), ramp(256)]],
    ['JPEG-LS', 'dcmcjpls', [], []],
    ['JPEG-LS with losses', 'dcmcjpls', ['+en'], []],
    ['JPEG lossless with a sign', 'gdcmconv', ['--jpeg'], signed],
    ['JPEG lossless of 10 bits', 'gdcmconv', ['--jpeg'], bits(10)],
    ['JPEG extended of 12 bits', 'dcmcjpeg', ['+ee'], []],
  ] as const)('%s', async (_, tool, args, elements) => {
    expect(
      await odd.putThrough({
        modality: CT,
        change: all(...elements),
        recoded: by(tool, ...args),
      }),
    ).toEqual(endsWith(run));
  });

  it('JPEG lossless without its last bits', async () => {
    expect(await odd.putThrough({ modality: CT, change: all(), recoded: by('dcmcjpeg', '+pt', '2') })).toEqual(
      endsWith('UNDECODABLE: 0001.dcm: a frame with loss in JPEG Lossless SV1 (Process 14)'),
    );
  });
});
