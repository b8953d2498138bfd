// Habits of senders that are legal, or common and harmless: missing and empty attributes, forms of pixels. Each series goes through gate and
// task with an identity network and comes back pixel by pixel; with LIMPID_TEST_DATA=all it is judged from outside too.
import { describe, expect, it } from '@jest/globals';
import { encodeElement } from '../../src/dicom/element.js';
import {
  all,
  at,
  bits,
  items,
  none,
  endsWith,
  useOddSeries,
  pixelBytes,
  run,
  side,
  us,
  words,
} from '../support/odd-series.js';
import type { OddCase } from '../support/odd-series.js';
import type { SyntheticElement } from '../support/synthetic-series.js';

const CT = 'CT';
const MR = 'MR';

const attributes: readonly OddCase[] = [
  ['no slice location', CT, run, all(none(0x00201041))],
  [
    'no slice thickness, no study and series dates',
    CT,
    run,
    all(none(0x00180050), none(0x00080020), none(0x00080021), none(0x00080031)),
  ],
  ['no content date and time', CT, run, all(none(0x00080023), none(0x00080033))],
  [
    'type 2 attributes empty',
    CT,
    run,
    all(
      ...[
        0x00080020, 0x00080030, 0x00080050, 0x00080070, 0x00100010, 0x00100020, 0x00100030, 0x00100040, 0x00200010,
        0x00200011, 0x00200013,
      ].map((tag): SyntheticElement => [tag, 'LO', '']),
    ),
  ],
  [
    'no equipment at all',
    CT,
    run,
    all(none(0x00080070), none(0x00080080), none(0x00081010), none(0x00081090), none(0x00181000), none(0x00181020)),
  ],
  ['no window', CT, run, all(none(0x00281050), none(0x00281051))],
  [
    'several windows with words',
    CT,
    run,
    all([0x00281050, 'DS', '40\\-600'], [0x00281051, 'DS', '400\\1500'], [0x00281055, 'LO', 'SOFT\\LUNG']),
  ],
  [
    'a VOI LUT',
    CT,
    run,
    all([
      0x00283010,
      'SQ',
      items([
        encodeElement(0x00283002, 'US', new Uint8Array(Uint16Array.of(2, 0, 16).buffer)),
        encodeElement(0x00283006, 'OW', Uint8Array.of(0, 0, 255, 255)),
      ]),
    ]),
  ],
  ['a Number of Frames of 1', CT, run, all([0x00280008, 'IS', '1'])],
  ['pixel aspect ratio beside spacing', CT, run, all([0x00280034, 'IS', '1\\1'])],
  ['Planar Configuration for grey', CT, run, all(us(0x00280006, 0))],
  [
    'MR without rescale, with a real world value map',
    MR,
    run,
    all([
      0x00409096,
      'SQ',
      items([
        encodeElement(0x00409210, 'SH', 'T1'),
        encodeElement(0x00409224, 'FD', 0),
        encodeElement(0x00409225, 'FD', 2),
      ]),
    ]),
  ],
  [
    'MR with a Modality LUT',
    MR,
    'BAD_RESCALE',
    all([0x00283000, 'SQ', items([encodeElement(0x00283002, 'US', new Uint8Array(Uint16Array.of(1, 0, 16).buffer))])]),
  ],
  ['MR with an empty slope', MR, run, all([0x00281053, 'DS', ''])],
  [
    'oblique MR',
    MR,
    run,
    (i) => [
      [0x00200037, 'DS', '0.8660254\\0.5\\0\\-0.1294095\\0.2241439\\-0.9659258'],
      [0x00200032, 'DS', `${-0.4829629 * 3 * i}\\${0.8365163 * 3 * i}\\${0.258819 * 3 * i}`],
    ],
  ],
  ['slices in falling order', CT, run, (i) => [at(100 - 2 * i)]],
  [
    'positions with exponents and spaces',
    CT,
    run,
    (i) => [[0x00200032, 'DS', ` -1.5E+01\\ -1.5e1 \\${(i * 2).toExponential(3)}`]],
  ],
  ['decimal strings beyond 16 characters', CT, run, all([0x00180050, 'DS', '2.0000000000000000000'])],
  ['a time zone', CT, run, all([0x00080201, 'SH', '+0530'])],
  ['a time zone that is none', CT, run, all([0x00080201, 'SH', 'CET'])],
  ['Image Type of two values', CT, run, all([0x00080008, 'CS', 'ORIGINAL\\PRIMARY'])],
  ['Image Type of eight values', MR, run, all([0x00080008, 'CS', 'ORIGINAL\\PRIMARY\\M\\SE\\M\\SE\\NORM\\DIS2D'])],
  [
    'retired and unknown attributes',
    CT,
    run,
    all([0x00200014, 'IS', '1'], [0x00080042, 'CS', 'X'], [0x00184000, 'LT', 'x'], [0x0040db00, 'CS', 'X']),
  ],
  ['ten thousand instance numbers on', CT, run, (i) => [[0x00200013, 'IS', String(2_147_483_000 + i)]]],
];

const pixels: readonly OddCase[] = [
  [
    'MR of 8 bits',
    MR,
    run,
    all(
      ...bits(8, 0, 8),
      pixelBytes(side * side, (i) => (i * 7) % 256),
    ),
  ],
  ...[10, 11, 13, 14, 15].map((stored): OddCase => [
    `${stored} bits`,
    CT,
    run,
    all(
      ...bits(stored),
      words((i) => (i * 31) % 2 ** stored),
    ),
  ]),
  ...[10, 14].map((stored): OddCase => [
    `${stored} bits with a sign`,
    CT,
    run,
    all(
      ...bits(stored, 1),
      words((i) => ((i * 31) % 2 ** stored) - 2 ** (stored - 1)),
    ),
  ]),
  ['High Bit 15 of 12', MR, 'BAD_PIXEL_DESCRIPTION', all(us(0x00280102, 15))],
  ['High Bit 10 of 12', MR, 'BAD_PIXEL_DESCRIPTION', all(us(0x00280102, 10))],
  ['32 bits of MR', MR, 'BAD_PIXEL_DESCRIPTION', all(...bits(32, 0, 32))],
  [
    'padding at the lower end, with a sign',
    CT,
    run,
    all(
      ...bits(16, 1),
      [0x00280120, 'SS', [0x8000]],
      words((i) => (i % 5 === 0 ? 0x8000 : i % 3000)),
    ),
  ],
  [
    'padding at the upper end, with a sign',
    CT,
    run,
    all(
      ...bits(16, 1),
      [0x00280120, 'SS', [0x7fff]],
      words((i) => (i % 5 === 0 ? 0x7fff : i % 3000)),
    ),
  ],
  [
    'padding at the upper end, without',
    CT,
    run,
    all(
      ...bits(16),
      us(0x00280120, 0xffff),
      words((i) => (i % 5 === 0 ? 0xffff : i % 3000)),
    ),
  ],
  [
    'padding at 0 of 12 bits',
    CT,
    run,
    all(
      us(0x00280120, 0),
      words((i) => (i % 5 === 0 ? 0 : 1000 + (i % 300))),
    ),
  ],
  [
    'a padding range to the lower end',
    CT,
    run,
    all(
      ...bits(16, 1),
      [0x00280120, 'SS', [0x8000]],
      [0x00280121, 'SS', [0x8100]],
      words((i) => (i % 5 === 0 ? 0x8020 : i % 3000)),
    ),
  ],
  [
    'a padding range over nearly everything',
    CT,
    run,
    all(
      ...bits(16),
      us(0x00280120, 0),
      us(0x00280121, 0xfffe),
      words((i) => i),
    ),
  ],
  [
    'extremes written with the other sign',
    CT,
    run,
    all(
      ...bits(16, 1),
      us(0x00280106, 0xfc00),
      us(0x00280107, 4000),
      words((i) => (i % 3000) - 1024),
    ),
  ],
  ['Pixel Data of VR OB', CT, run, all([0x7fe00010, 'OB', new Uint8Array(2 * side * side).fill(3)])],
  ['trailing padding behind Pixel Data', CT, run, all([0xfffcfffc, 'OB', new Uint8Array(64)])],
  [
    'private elements behind Pixel Data',
    CT,
    run,
    all([0x7fe10010, 'LO', 'ACME'], [0x7fe11001, 'OB', new Uint8Array(8)]),
  ],
];

const odd = useOddSeries();
describe.each(Object.entries({ attributes, pixels }))('habits: %s', (_, cases) => {
  it.each(cases)('%s (%s): %s', async (_name, modality, verdict, change) => {
    expect(await odd.putThrough({ modality, change })).toEqual(endsWith(verdict));
  });
});
