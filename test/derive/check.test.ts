// Every fault of the conformance rules' table that a classic object can have, planted one at a time in a correct derived series.
import { beforeAll, describe, expect, it } from '@jest/globals';
import { encodeElement, joined } from '../../src/dicom/element.js';
import { readInstance } from '../../src/dicom/file.js';
import { decodePixels } from '../../src/dicom/pixels.js';
import { explicitLittleEndian, implicitLittleEndian, sopClasses } from '../../src/dicom/uids.js';
import { checkInstance } from '../../src/derive/check.js';
import { checkSeries, summaryOf } from '../../src/derive/check-series.js';
import { deriveInstance } from '../../src/derive/derive-instance.js';
import type { DecodedSource } from '../../src/derive/faults.js';
import type { DerivationPlan } from '../../src/derive/plan.js';
import { described, planFor, smoothed, syntheticCt, syntheticSeries } from '../support/derivation.js';
import { at, block, change, changeItem, doubled, drop, meta, moveToEnd, set, tag } from '../support/planted-faults.js';
import type { Planted } from '../support/planted-faults.js';

const now = Date.UTC(2026, 10, 21, 10, 16, 0);
const size = 32;
let sources: DecodedSource[];
let plan: DerivationPlan;
let derived: Uint8Array[];

beforeAll(async () => {
  const read = syntheticSeries(5);
  plan = planFor(read);
  sources = await Promise.all(
    read.map(async (source) => ({
      ...source,
      pixels: await decodePixels(source.dataSet, source.description, explicitLittleEndian),
    })),
  );
  derived = sources.map((source) =>
    deriveInstance(
      source,
      plan,
      smoothed(source.pixels, source.description),
      { noiseBefore: 24.1, noiseAfter: 14.5 },
      now,
    ),
  );
});

/** A bright disc off the middle, with a pattern that looks like noise. */
function mrPixels(): Uint8Array {
  const made = Uint16Array.from({ length: size * size }, (_, index) => {
    const [row, column] = [Math.floor(index / size), index % size];
    return (Math.hypot(row - 11, column - 13) < 7 ? 900 : 60) + ((index * 7919) % 61);
  });
  return new Uint8Array(made.buffer);
}

/** Changes the stored values. */
const pixels =
  (picture: (value: (row: number, column: number) => number) => (row: number, column: number) => number): Planted =>
  (bytes) => {
    const { dataSet } = readInstance(bytes);
    const element = dataSet.get(tag('PixelData'));
    const own = new Int16Array(element === undefined ? [] : dataSet.value(element).slice().buffer);
    const made = picture((row, column) => own[row * size + column] ?? 0);
    const out = Int16Array.from(own, (_, index) => made(Math.floor(index / size), index % size));
    return set('PixelData', 'OW', new Uint8Array(out.buffer))(bytes);
  };
const root = '1.2.826.0.1.3680043.10.999';
const planted: readonly (readonly [name: string, rule: string, fault: Planted])[] = [
  ['Image Type value 1 ORIGINAL', 'IMGTYPE', set('ImageType', 'CS', 'ORIGINAL\\SECONDARY\\AXIAL\\LIMPID')],
  ['Image Type value 2 PRIMARY', 'IMGTYPE', set('ImageType', 'CS', 'DERIVED\\PRIMARY\\AXIAL\\LIMPID')],
  ['Image Type value 3 changed', 'IMGTYPE', set('ImageType', 'CS', 'DERIVED\\SECONDARY\\LOCALIZER\\LIMPID')],
  ['Image Type without its mark', 'IMGTYPE', set('ImageType', 'CS', 'DERIVED\\SECONDARY\\AXIAL')],
  ['lower case in a CS', 'SYNTAX', set('ContentQualification', 'CS', 'research')],
  ["source's series UID reused", 'UID', set('SeriesInstanceUID', 'UI', root)],
  ["source's instance UID reused", 'UID', set('SOPInstanceUID', 'UI', `${root}.1.0`)],
  ['instance UID not by the recipe', 'UID', set('SOPInstanceUID', 'UI', '2.25.79')],
  ['one slice in another series', 'UID', set('SeriesInstanceUID', 'UI', '2.25.80')],
  ['UID component with leading zero', 'SYNTAX', set('SOPInstanceUID', 'UI', '2.25.079')],
  ['UID of 70 characters', 'SYNTAX', set('SeriesInstanceUID', 'UI', `2.25.${'1'.repeat(65)}`)],
  ['file meta of another instance', 'META', meta({ sopInstanceUid: '2.25.81' })],
  ['file meta of another class', 'META', meta({ sopClassUid: '1.2.3' })],
  [
    'meta group length wrong',
    'META',
    (bytes) => Uint8Array.from(bytes, (byte, index) => (index === 140 ? byte + 2 : byte)),
  ],
  ['study UID changed', 'STUDY', set('StudyInstanceUID', 'UI', '2.25.77')],
  ['patient ID changed', 'KEPT', set('PatientID', 'LO', 'OTHER')],
  ['patient name dropped', 'KEPT', drop('PatientName')],
  ['study date changed', 'KEPT', set('StudyDate', 'DA', '20000101')],
  ['accession number dropped', 'KEPT', drop('AccessionNumber')],
  ['frame of reference changed', 'FOR', set('FrameOfReferenceUID', 'UI', '2.25.78')],
  ['pixels flipped left to right', 'CONTENT', pixels((value) => (row, column) => value(row, size - 1 - column))],
  ['pixels upside down', 'CONTENT', pixels((value) => (row, column) => value(size - 1 - row, column))],
  ['pixels all zero', 'CONTENT', pixels(() => () => 0)],
  [
    'mean + 100',
    'CONTENT',
    pixels((value) => (row, column) => value(row, column) + (value(row, column) === -2000 ? 0 : 100)),
  ],
  ['padding turned into image', 'PADDING', pixels((value) => (row, column) => Math.max(-1500, value(row, column)))],
  [
    'image turned into padding',
    'PADDING',
    pixels((value) => (row, column) => (row === 16 && column === 16 ? -2000 : value(row, column))),
  ],
  ['Smallest Image Pixel Value stale', 'MINMAX', set('SmallestImagePixelValue', 'SS', -32000)],
  ['Largest Image Pixel Value as US', 'MINMAX', set('LargestImagePixelValue', 'US', 40)],
  ['Smallest Image Pixel Value dropped', 'MINMAX', drop('SmallestImagePixelValue')],
  ['pixel data one row short', 'PIXEL', set('PixelData', 'OW', new Uint8Array(size * (size - 1) * 2))],
  ['Pixel Data as OB', 'PIXEL', set('PixelData', 'OB', new Uint8Array(size * size * 2))],
  ['file cut short', 'READ', (bytes) => bytes.subarray(0, bytes.length - 500)],
  ['rescale slope changed', 'KEPT', set('RescaleSlope', 'DS', '2')],
  ['rescale intercept changed', 'KEPT', set('RescaleIntercept', 'DS', '-1024')],
  ['rescale slope missing', 'KEPT', drop('RescaleSlope')],
  ['window centre missing', 'KEPT', drop('WindowCenter')],
  ['window width 0', 'KEPT', set('WindowWidth', 'DS', '0')],
  ['KVP missing', 'KEPT', drop('KVP')],
  ['pixel spacing missing', 'KEPT', drop('PixelSpacing')],
  ['pixel spacing changed', 'KEPT', set('PixelSpacing', 'DS', '0.5\\0.5')],
  ['position missing', 'KEPT', drop('ImagePositionPatient')],
  ['position of another slice', 'KEPT', set('ImagePositionPatient', 'DS', '-100\\-100\\1.25')],
  ['orientation changed', 'KEPT', set('ImageOrientationPatient', 'DS', '0\\1\\0\\1\\0\\0')],
  ['orientation not orthogonal', 'KEPT', set('ImageOrientationPatient', 'DS', '1\\0\\0\\1\\1\\0')],
  ['slice thickness changed', 'KEPT', set('SliceThickness', 'DS', '9')],
  ['DS of 22 characters', 'KEPT', set('SliceThickness', 'DS', '1.25000000000000000000')],
  ['date 20261341', 'SYNTAX', set('ContentDate', 'DA', '20261341')],
  ['content date missing', 'TIME', drop('ContentDate')],
  [
    'creation time of the source',
    'TIME',
    change(['InstanceCreationDate', 'DA', '20260102'], ['InstanceCreationTime', 'TM', '101600']),
  ],
  ['series time not the begin of the derivation', 'TIME', set('SeriesTime', 'TM', '000000')],
  ['derivation description missing', 'DERIV', drop('DerivationDescription')],
  [
    'derivation description of another model',
    'DERIV',
    set('DerivationDescription', 'ST', 'limpid 0.1.0: noise reduction, other 1.0'),
  ],
  ['derivation code missing', 'DERIV', drop('DerivationCodeSequence')],
  [
    'derivation code of a foreign step',
    'DERIV',
    changeItem('DerivationCodeSequence', -1, set('CodeValue', 'SH', '113040')),
  ],
  ['code without meaning', 'DERIV', changeItem('DerivationCodeSequence', -1, set('CodeMeaning', 'LO', ''))],
  ['source image missing', 'SOURCE', drop('SourceImageSequence')],
  [
    'source image of another series',
    'SOURCE',
    changeItem('SourceImageSequence', 0, set('ReferencedSOPInstanceUID', 'UI', '2.25.9')),
  ],
  [
    'source image of another class',
    'SOURCE',
    changeItem('SourceImageSequence', 0, set('ReferencedSOPClassUID', 'UI', '1.2.3')),
  ],
  [
    'source image without purpose',
    'SOURCE',
    changeItem('SourceImageSequence', 0, drop('PurposeOfReferenceCodeSequence')),
  ],
  [
    'spatial locations not preserved',
    'SOURCE',
    changeItem('SourceImageSequence', 0, set('SpatialLocationsPreserved', 'CS', 'NO')),
  ],
  ['scanner left as manufacturer', 'EQUIP', set('Manufacturer', 'LO', 'ACME')],
  ['software versions missing', 'EQUIP', drop('SoftwareVersions')],
  ['station name missing', 'EQUIP', drop('StationName')],
  ['contributing equipment missing', 'EQUIP', drop('ContributingEquipmentSequence')],
  ["scanner's item missing", 'EQUIP', changeItem('ContributingEquipmentSequence', -2, null)],
  ["model's item missing", 'EQUIP', changeItem('ContributingEquipmentSequence', -1, null)],
  [
    "scanner's model lost",
    'EQUIP',
    changeItem('ContributingEquipmentSequence', -2, set('ManufacturerModelName', 'LO', 'x')),
  ],
  [
    "scanner's purpose wrong",
    'EQUIP',
    changeItem('ContributingEquipmentSequence', -2, drop('PurposeOfReferenceCodeSequence')),
  ],
  [
    "model's version wrong",
    'EQUIP',
    changeItem('ContributingEquipmentSequence', -1, set('SoftwareVersions', 'LO', '9')),
  ],
  [
    "model's device UID wrong",
    'EQUIP',
    changeItem('ContributingEquipmentSequence', -1, set('DeviceUID', 'UI', '2.25.1')),
  ],
  [
    'contribution without a time',
    'EQUIP',
    changeItem('ContributingEquipmentSequence', -1, drop('ContributionDateTime')),
  ],
  ['series description over 64 characters', 'TEXT', set('SeriesDescription', 'LO', `limpid DN ${'x'.repeat(60)}`)],
  ['series description without its mark', 'TEXT', set('SeriesDescription', 'LO', 'Thorax')],
  [
    'series description with new letters',
    'CHARSET',
    set(
      'SeriesDescription',
      'LO',
      Uint8Array.from('limpid DN f\u00fcr', (letter) => letter.charCodeAt(0)),
    ),
  ],
  ['character set changed', 'CHARSET', set('SpecificCharacterSet', 'CS', 'ISO_IR 192')],
  ['series number as in the source', 'TEXT', set('SeriesNumber', 'IS', '3')],
  ['series number empty', 'TEXT', set('SeriesNumber', 'IS', '')],
  ['instance number changed', 'NUMBER', set('InstanceNumber', 'IS', '4711')],
  ['image comments missing', 'TEXT', drop('ImageComments')],
  ['content qualification missing', 'QUAL', drop('ContentQualification')],
  ['content qualification PRODUCT', 'QUAL', set('ContentQualification', 'CS', 'PRODUCT')],
  ['performed procedure step kept', 'REMOVED', set('PerformedProcedureStepID', 'SH', 'PPS1')],
  ['foreign private block', 'PRIVATE', change([0x00110010, 'LO', 'ACME'], [0x00111001, 'LO', 'x'])],
  ['foreign element in the own block', 'PRIVATE', set(block(0x7f), 'LO', 'x')],
  ['curve', 'CURVE', set(0x50000010, 'US', 1)],
  ['empty icon', 'REMOVED', set('IconImageSequence', 'SQ', new Uint8Array(0))],
  ['attribute nobody asked for', 'ADDED', set('PatientComments', 'LT', 'x')],
  ['lossy flag invented', 'LOSSY', set('LossyImageCompression', 'CS', '01')],
  ['lossy ratio without the flag', 'LOSSY', set('LossyImageCompressionRatio', 'DS', '10')],
  ['lossy method without the flag', 'LOSSY', set('LossyImageCompressionMethod', 'CS', 'ISO_10918_1')],
  ['creator invented', 'ADDED', set('InstanceCreatorUID', 'UI', '2.25.82')],
  ['functional groups in a classic object', 'ADDED', set('SharedFunctionalGroupsSequence', 'SQ', new Uint8Array(0))],
  ['time zone invented', 'ADDED', set('TimezoneOffsetFromUTC', 'SH', '+0100')],
  ['private elements of the scanner', 'PRIVATE', change([0x00090010, 'LO', 'ACME PRIVATE'], [0x00091001, 'LO', 'x'])],
  ['slice thickness missing', 'KEPT', drop('SliceThickness')],
  ['Bits Stored missing', 'KEPT', drop('BitsStored')],
  ['creation date missing', 'TIME', drop('InstanceCreationDate')],
  ['content date of the source', 'TIME', set('ContentDate', 'DA', '20260102')],
  [
    "the source's description",
    'TEXT',
    set('SeriesDescription', 'LO', Uint8Array.from([0x53, 0x63, 0x68, 0xe4, 0x64, 0x65, 0x6c])),
  ],
  ['output deflated', 'READ', meta({ transferSyntaxUid: '1.2.840.10008.1.2.1.99' })],
  ['dimension organisation of another object', 'ADDED', set('DimensionOrganizationType', 'CS', '3D')],
  [
    'source image of the next slice',
    'SOURCE',
    changeItem('SourceImageSequence', 0, set('ReferencedSOPInstanceUID', 'UI', '1.2.826.0.1.3680043.10.999.1.1')),
  ],
  ['source image named twice', 'SOURCE', doubled('SourceImageSequence')],
  ['derivation step named twice', 'DERIV', doubled('DerivationCodeSequence')],
  ['Bits Stored 12 for 16-bit values', 'KEPT', change(['BitsStored', 'US', 12], ['HighBit', 'US', 11])],
  ['Bits Stored 17', 'KEPT', set('BitsStored', 'US', 17)],
  ['High Bit 14', 'KEPT', set('HighBit', 'US', 14)],
  ['RGB with one sample', 'KEPT', set('PhotometricInterpretation', 'CS', 'RGB')],
  ['Rows missing', 'KEPT', drop('Rows')],
  ['class Secondary Capture', 'CLASS', change(['SOPClassUID', 'UI', '1.2.840.10008.5.1.4.1.1.7'])],
  ['Modality OT', 'KEPT', set('Modality', 'CS', 'OT')],
  ['tags out of order', 'ORDER', moveToEnd('PatientID')],
  ['group length present', 'GROUPLEN', set(0x00100000, 'UL', 12)],
  ['implicit syntax named, data explicit', 'READ', meta({ transferSyntaxUid: implicitLittleEndian })],
  ['big endian syntax named', 'READ', meta({ transferSyntaxUid: '1.2.840.10008.1.2.2' })],
  ['no preamble and file meta', 'READ', (bytes) => bytes.subarray(readInstance(bytes).part10.dataSetOffset)],
  ['private block missing', 'PRIVATE', drop(0x01770010)],
  ['model version altered', 'PRIVATE', set(block(3), 'LO', '9.9.9')],
  ['settings altered', 'PRIVATE', set(block(5), 'UT', '{"strength":0.9,"task":"denoise"}')],
  ['settings digest altered', 'PRIVATE', set(block(6), 'LO', '0'.repeat(64))],
  ['strength altered', 'PRIVATE', set(block(7), 'FD', 0.9)],
  ['source set digest altered', 'PRIVATE', set(block(0x0d), 'LO', '0'.repeat(64))],
  ['source series altered', 'PRIVATE', set(block(0x0e), 'UI', '2.25.4')],
];

/** Of what the MR object does not have at all. */
const ruleOfMr: ReadonlyMap<string, string> = new Map([
  ['image turned into padding', 'PIXEL'],
  ['rescale slope changed', 'ADDED'],
  ['rescale intercept changed', 'ADDED'],
]);

const odd: Planted = (bytes) => {
  const { part10, dataSet } = readInstance(bytes);
  const parts = dataSet.elements.map((element) => {
    const own = dataSet.bytes.subarray(element.offset, element.end);
    if (element.tag !== tag('SeriesDescription')) return own;
    const short = own.slice(0, -1);
    new DataView(short.buffer).setUint16(6, element.length - 1, true);
    return short;
  });
  return joined([bytes.subarray(0, part10.dataSetOffset), ...parts]);
};

describe('checkInstance', () => {
  it('finds nothing in what deriveInstance made', () => {
    expect(derived.map((bytes, index) => checkInstance(at(sources, index), bytes, plan))).toEqual([[], [], [], [], []]);
  });

  it.each([...planted, ['odd length', 'SYNTAX', odd] as const])('finds: %s (%s)', (_, rule, fault) => {
    const bytes = fault(at(derived, 0));
    expect(Buffer.compare(bytes, at(derived, 0))).not.toBe(0);
    const found = checkInstance(at(sources, 0), bytes, plan);
    expect(found.map((line) => line.split(':')[0])).toContain(rule);
    // No patient data in what may reach a log.
    expect(found.join()).not.toMatch(/M.ller|P1|999\./);
  });

  // MR: unsigned, no padding, no rescale; kept private b-value beside limpid's block.
  it('finds the same faults in an MR object, but for those of what it does not have', async () => {
    const mr = new Map([
      [tag('SOPClassUID'), encodeElement(tag('SOPClassUID'), 'UI', sopClasses.mr)],
      [tag('Modality'), encodeElement(tag('Modality'), 'CS', 'MR')],
      [tag('ImageType'), encodeElement(tag('ImageType'), 'CS', 'ORIGINAL\\PRIMARY\\M\\ND')],
      [tag('BitsStored'), encodeElement(tag('BitsStored'), 'US', 12)],
      [tag('HighBit'), encodeElement(tag('HighBit'), 'US', 11)],
      [tag('PixelRepresentation'), encodeElement(tag('PixelRepresentation'), 'US', 0)],
      ...[
        'PixelPaddingValue',
        'RescaleSlope',
        'RescaleIntercept',
        'SmallestImagePixelValue',
        'LargestImagePixelValue',
        'KVP',
      ].map((keyword) => [tag(keyword), new Uint8Array(0)] as const),
      [0x00190010, encodeElement(0x00190010, 'LO', 'SIEMENS MR HEADER')],
      [0x0019100c, encodeElement(0x0019100c, 'IS', '1000')],
      [tag('PixelData'), encodeElement(tag('PixelData'), 'OW', mrPixels())],
    ]);
    const read = described(readInstance(syntheticCt(0, mr)));
    const source = { ...read, pixels: await decodePixels(read.dataSet, read.description, explicitLittleEndian) };
    const own = planFor([source]);
    const figures = { noiseBefore: 12, noiseAfter: 8 };
    const bytes = deriveInstance(source, own, smoothed(source.pixels, source.description), figures, now);
    expect(checkInstance(source, bytes, own)).toEqual([]);
    const missed = planted.flatMap(([name, rule, plant]) => {
      const changed = plant(bytes);
      const found = checkInstance(source, changed, own).map((line) => line.split(':')[0]);
      const isSame = Buffer.compare(changed, bytes) === 0;
      return isSame || found.includes(ruleOfMr.get(name) ?? rule) ? [] : [`${name}: ${found.join(' ')}`];
    });
    expect(missed).toEqual([]);
    const bValue = checkInstance(source, drop(0x0019100c)(bytes), own);
    expect(bValue.map((line) => line.split(':')[0])).toContain('KEPT');
  });

  it('finds a lossy history that is lost, shortened or made up', async () => {
    const { bytes, faults } = await unchanged([
      [tag('LossyImageCompression'), 'CS', '01'],
      [tag('LossyImageCompressionRatio'), 'DS', '8\\10'],
      [tag('LossyImageCompressionMethod'), 'CS', 'ISO_15444_1\\ISO_10918_1'],
    ]);
    expect(faults(bytes)).toEqual([]);
    for (const plant of [
      set('LossyImageCompression', 'CS', '00'),
      drop('LossyImageCompression'),
      drop('LossyImageCompressionRatio'),
      set('LossyImageCompressionRatio', 'DS', '8'),
      drop('LossyImageCompressionMethod'),
      set('LossyImageCompressionMethod', 'CS', 'ISO_15444_1'),
    ])
      expect(faults(plant(bytes)).join()).toContain('LOSSY');
  });

  it('finds the pixels of another slice, and pixels that nothing was done to', () => {
    const own = readInstance(at(derived, 3)).dataSet;
    const element = own.get(tag('PixelData'));
    const swapped = set('PixelData', 'OW', element === undefined ? '' : own.value(element))(at(derived, 0));
    expect(checkInstance(at(sources, 0), swapped, plan).join()).toContain('CONTENT');
    const figures = { noiseBefore: null, noiseAfter: null };
    const untouched = deriveInstance(at(sources, 0), plan, at(sources, 0).pixels, figures, now);
    expect(checkInstance(at(sources, 0), untouched, plan)).toEqual([expect.stringContaining('UNCHANGED')]);
  });

  /** A source with other elements, derived as it is. */
  const unchanged = async (
    elements: readonly (readonly [tag: number, vr: string, value: string | number | Uint8Array | null])[],
  ) => {
    const extra = elements.map(
      ([key, vr, value]) => [key, value === null ? new Uint8Array(0) : encodeElement(key, vr, value)] as const,
    );
    const read = described(readInstance(syntheticCt(0, new Map(extra))));
    const source = { ...read, pixels: await decodePixels(read.dataSet, read.description, explicitLittleEndian) };
    const own = planFor([source], 0);
    const bytes = deriveInstance(source, own, source.pixels, { noiseBefore: null, noiseAfter: null }, now);
    return { source, bytes, faults: (changed: Uint8Array) => checkInstance(source, changed, own) };
  };

  it('finds bits above High Bit that are not the sign', async () => {
    const { bytes, faults } = await unchanged([
      [tag('BitsStored'), 'US', 12],
      [tag('HighBit'), 'US', 11],
    ]);
    expect(faults(bytes)).toEqual([]);
    const masked = pixels((value) => (row, column) => value(row, column) & 0x0fff)(bytes);
    expect(faults(masked)).toContain('PIXEL: values do not fit 12 bits');
  });

  it('finds nothing in pixels of 8 bits, and a wrong sign of them', async () => {
    const grey = Uint8Array.from({ length: size * size }, (_, index) => (index * 7) % 256);
    const { bytes, faults, source } = await unchanged([
      [tag('BitsAllocated'), 'US', 8],
      [tag('BitsStored'), 'US', 8],
      [tag('HighBit'), 'US', 7],
      [tag('PixelRepresentation'), 'US', 0],
      [tag('PixelPaddingValue'), '', null],
      [tag('SmallestImagePixelValue'), 'US', 0],
      [tag('LargestImagePixelValue'), 'US', 255],
      [tag('PixelData'), 'OB', grey],
    ]);
    expect(source.description).toMatchObject({ bitsAllocated: 8, signed: false, padding: null });
    expect(faults(bytes)).toEqual([]);
    const derivedGrey = readInstance(bytes).dataSet;
    const element = derivedGrey.get(tag('PixelData'));
    expect([element?.vr, element && Buffer.compare(derivedGrey.value(element), grey)]).toEqual(['OB', 0]);
    expect(faults(set('PixelRepresentation', 'US', 1)(bytes)).join()).toContain('KEPT');
  });

  it('finds a source whose identifiers are no UIDs', () => {
    const [source] = sources;
    if (source === undefined) throw new Error('no source');
    const bad = readInstance(set('SeriesInstanceUID', 'UI', 'abc')(source.bytes));
    expect(checkInstance({ ...source, ...bad }, at(derived, 0), plan).join()).toContain(
      "the source's SeriesInstanceUID is no UID",
    );
  });
});

describe('checkSeries', () => {
  const uids = () => sources.map((_, slice) => `${root}.1.${slice}`);
  const summaries = async (made: readonly Uint8Array[]) =>
    Promise.all(
      made.map(async (bytes, index) => {
        const { dataSet } = readInstance(bytes);
        const own = at(sources, index % sources.length);
        return summaryOf(own, bytes, await decodePixels(dataSet, own.description, explicitLittleEndian), plan);
      }),
    );

  it('finds nothing in a whole series', async () => {
    expect(checkSeries(uids(), await summaries(derived), plan)).toEqual([]);
  });

  it('finds a missing slice, and one that is there twice', async () => {
    expect(checkSeries(uids(), await summaries(derived.slice(0, 4)), plan)).toEqual([expect.stringContaining('COUNT')]);
    const twice = checkSeries(uids(), await summaries([...derived.slice(0, 5), at(derived, 0)]), plan).join();
    expect(twice).toContain('COUNT');
    expect(twice).toContain('UID: 1 SOP Instance UIDs are used twice');
    expect(twice).toContain('SOURCE: 1 sources were derived twice');
  });

  it('finds a slice of another series, and attributes of the series that differ', async () => {
    const foreign = [set('SeriesInstanceUID', 'UI', '2.25.80')(at(derived, 0)), ...derived.slice(1)];
    expect(checkSeries(uids(), await summaries(foreign), plan).join()).toContain('UID');
    const renamed = [set('SeriesDescription', 'LO', 'limpid DN x')(at(derived, 0)), ...derived.slice(1)];
    expect(checkSeries(uids(), await summaries(renamed), plan).join()).toContain('SERIES');
    const elsewhere = [
      changeItem('SourceImageSequence', 0, set('ReferencedSOPInstanceUID', 'UI', '2.25.9'))(at(derived, 0)),
      ...derived.slice(1),
    ];
    expect(checkSeries(uids(), await summaries(elsewhere), plan).join()).toContain('SOURCE');
  });

  it('finds pixels that were exchanged between slices', async () => {
    const whole = await summaries(derived);
    const mixed = whole.map((summary, index) => ({
      ...summary,
      samples: summary.samples.map((sample) => ({
        ...sample,
        derived: at(at(whole, index === 1 ? 2 : index === 2 ? 1 : index).samples, 0).derived,
      })),
    }));
    expect(checkSeries(uids(), mixed, plan)).toEqual([
      'CONTENT: 2 slices are nearer to another source than to their own',
    ]);
  });
});
