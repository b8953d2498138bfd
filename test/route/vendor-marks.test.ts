// Where the products of vendors show, read from files: classic objects, frames of enhanced ones, contributors (conformance 7).
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { configSchema } from '../../src/config/schema.js';
import { defaultVendorMarks } from '../../src/config/vendor-marks.js';
import { encodeElement, encodeSequence } from '../../src/dicom/element.js';
import { sopClasses } from '../../src/dicom/uids.js';
import { readInstance } from '../../src/route/read-facts.js';
import { rowsOf, rules } from '../support/conformance-rules.js';
import { syntheticCt } from '../support/derivation.js';
import { enhancedCt } from '../support/enhanced-ct.js';
import { changeItem, set } from '../support/planted-faults.js';

const marks = configSchema.parse({ node: { aeTitle: 'LIMPID' } }).gate.vendorMarks();
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'limpid-marks-'));
});
afterAll(() => rm(folder, { recursive: true }));

let made = 0;
/** Products that show in each image of a file, `*`: it is a network. */
async function productsIn(bytes: Uint8Array): Promise<string[][]> {
  const file = join(folder, `${++made}.dcm`);
  await writeFile(file, bytes);
  const identity = { sopInstanceUid: '1.2', sopClassUid: sopClasses.ct, transferSyntaxUid: '1.2.840.10008.1.2.1' };
  const images = await readInstance(file, identity, { tags: new Set(), marks });
  return images.map((image) => [
    ...new Set(
      marks.flatMap(({ product, pattern, code }, index) =>
        pattern.test(image.marks[index] ?? '') ? [`${product}${code === 'VENDOR_NETWORK' ? '*' : ''}`] : [],
      ),
    ),
  ]);
}
const classic = (...elements: readonly (readonly [tag: number, vr: string, value: string])[]): Uint8Array =>
  syntheticCt(0, new Map(elements.map(([tag, vr, value]) => [tag, encodeElement(tag, vr, value)])));

describe('a classic object', () => {
  const siemens = [0x00210011, 'LO', 'SIEMENS MR SDI 02'] as const;
  const philips = [0x20050011, 'LO', 'Philips MR Imaging DD 008'] as const;
  it.each<[name: string, bytes: Uint8Array, products: readonly string[]]>([
    ['no product', classic(), []],
    [
      'Deep Resolve in Image Type',
      classic([0x00080008, 'CS', 'ORIGINAL\\PRIMARY\\M\\DRG\\NORM\\DRS\\DIS2D']),
      ['Siemens Deep Resolve*'],
    ],
    [
      'Deep Resolve in Image Type Text',
      classic(siemens, [0x00211175, 'CS', 'ORIGINAL\\PRIMARY\\M\\DRB']),
      ['Siemens Deep Resolve*'],
    ],
    ['Image Type Text without it', classic(siemens, [0x00211175, 'CS', 'ORIGINAL\\PRIMARY\\M\\ND']), []],
    [
      'iterative denoising',
      classic(siemens, [0x00211176, 'LO', 'IterativeDenoising:RelStrength=0.850']),
      ['Siemens Deep Resolve*'],
    ],
    ['the same element of another creator', classic([0x00210011, 'LO', 'OTHER'], [0x00211175, 'CS', 'X\\DRB']), []],
    [
      'AIR Recon DL',
      classic([0x00430010, 'LO', 'GEMS_PARM_01'], [0x004310ca, 'LO', '0.75\\High']),
      ['GE AIR Recon DL*'],
    ],
    ['SmartSpeed AI', classic(philips, [0x20051110, 'CS', 'CS_SENSE_AI']), ['Philips SmartSpeed AI*']],
    ['compressed sense without it', classic(philips, [0x20051110, 'CS', 'CS_SENSE'], [0x00189078, 'CS', 'CSENSE']), []],
    ['AiCE in the kernel', classic([0x00181210, 'SH', 'AiCE Body']), ['Canon AiCE, PIQE*']],
    ['strong AIDR 3D', classic([0x0008103e, 'LO', 'Abdomen AIDR 3D eSTR']), ['Canon AIDR 3D']],
    ['mild AIDR 3D', classic([0x0008103e, 'LO', 'Abdomen AIDR 3D STD']), []],
    ['ADMIRE 4', classic([0x00181210, 'SH', 'Br40d\\4']), ['Siemens ADMIRE, SAFIRE']],
  ])('%s', async (_, bytes, products) => expect(await productsIn(bytes)).toEqual([products]));

  it.each([
    [0x00080070, 'Manufacturer'],
    [0x00081090, 'Manufacturer Model Name'],
  ])('a product of its own that contributed, by %s', async (tag) => {
    const contributor = [encodeElement(tag, 'LO', 'SubtleMR 2.3')];
    const bytes = syntheticCt(0, new Map([[0x0018a001, encodeSequence(0x0018a001, [contributor])]]));
    expect(await productsIn(bytes)).toEqual([['SubtleMR*']]);
  });
});

describe('an object of several frames', () => {
  const object = enhancedCt({ frames: 3, size: 16 });
  it('says so of the frame that it is true of', async () => {
    const item = [
      encodeElement(0x00210011, 'LO', 'SIEMENS MR SDI 02'),
      encodeElement(0x00211175, 'CS', 'ORIGINAL\\PRIMARY\\M\\DRS'),
    ];
    const marked = changeItem('PerFrameFunctionalGroupsSequence', 1, (bytes) =>
      set(0x002111fe, 'SQ', encodeSequence(0, [item]).subarray(12))(set(0x00210011, 'LO', 'SIEMENS MR SDI 02')(bytes)),
    );
    expect(await productsIn(marked(object))).toEqual([[], ['Siemens Deep Resolve*'], []]);
  });

  it('says so of all in what they share', async () => {
    const marked = changeItem(
      'SharedFunctionalGroupsSequence',
      0,
      changeItem('CTReconstructionSequence', 0, set('ConvolutionKernel', 'SH', 'PIQE')),
    );
    expect(await productsIn(marked(object))).toEqual([1, 2, 3].map(() => ['Canon AiCE, PIQE*']));
  });
});

(rules === null ? it.skip : it)(
  'every product of the document has a mark, but for what is no network (needs ../shared/conformance.md)',
  () => {
    const products = rowsOf('## 7.').flatMap(([product = '', where = '', rest]) =>
      rest === undefined && where !== '' ? [product] : [],
    );
    const words = defaultVendorMarks.map(({ product, matches }) => `${product} ${matches}`).join(' ');
    const named = [
      'Deep Resolve',
      'AIR Recon DL',
      'TrueFidelity',
      'AiCE',
      'PIQE',
      'Precise',
      'SmartSpeed',
      'AIIR',
      'uCS',
      'Subtle',
      'ClariCT',
      'PixelShine',
      'iQMR',
      'SwiftMR',
      'ASiR-V',
      'ADMIRE',
      'SAFIRE',
      'iDose',
      'AIDR 3D',
    ];
    expect(products.join(' ')).toMatch(
      /Deep Resolve.*AIR Recon DL.*compressed sensing.*TrueFidelity.*AiCE.*stand-alone.*iterative/,
    );
    expect(named.filter((word) => !words.includes(word))).toEqual([]);
  },
);

it('contributors are read in the character set of the object', async () => {
  const latin2 = 'Zi\xf3\xb3ko'; // Ziółko in ISO 8859-2
  const words = Buffer.from(latin2, 'latin1');
  const contributor = [encodeElement(0x00080070, 'LO', words)];
  const bytes = syntheticCt(
    0,
    new Map([
      [0x00080005, encodeElement(0x00080005, 'CS', 'ISO_IR 101')],
      [0x0018a001, encodeSequence(0x0018a001, [contributor])],
    ]),
  );
  const file = join(folder, 'latin2.dcm');
  await writeFile(file, bytes);
  const identity = { sopInstanceUid: '1.2', sopClassUid: sopClasses.ct, transferSyntaxUid: '1.2.840.10008.1.2.1' };
  const [image] = await readInstance(file, identity, { tags: new Set(), marks });
  const texts = marks.map((_, index) => image?.marks[index] ?? '').filter((found) => found.includes('Zi'));
  expect(new Set(texts.map((found) => found.split('\\').at(-1)))).toEqual(new Set(['Ziółko']));
});
