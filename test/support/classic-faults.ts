// Every fault of the conformance rules' table (section 11) that a classic object of the synthetic series can have, each planted by itself.
import { implicitLittleEndian } from '../../src/dicom/uids.js';
import { joined } from '../../src/dicom/element.js';
import { readInstance } from '../../src/dicom/file.js';
import { block, change, changeItem, doubled, drop, meta, moveToEnd, set, tag } from './planted-faults.js';
import type { Planted } from './planted-faults.js';

/** Rows and columns of the synthetic series. */
export const size = 32;

/** Changes the stored values. */
export const pixels =
  (picture: (value: (row: number, column: number) => number) => (row: number, column: number) => number): Planted =>
  (bytes) => {
    const { dataSet } = readInstance(bytes);
    const element = dataSet.get(tag('PixelData'));
    const own = new Int16Array(element === undefined ? [] : dataSet.value(element).slice().buffer);
    const made = picture((row, column) => own[row * size + column] ?? 0);
    const out = Int16Array.from(own, (_, index) => made(Math.floor(index / size), index % size));
    return set('PixelData', 'OW', new Uint8Array(out.buffer))(bytes);
  };

/** Series Description one byte shorter than its padding makes it. */
export const oddLength: Planted = (bytes) => {
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

/** UIDs of the synthetic series begin so. */
export const root = '1.2.826.0.1.3680043.10.999';
/** Name, rule that finds it, change of the derived file. */
export const classicFaults: readonly (readonly [name: string, rule: string, fault: Planted])[] = [
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
  ['odd length', 'SYNTAX', oddLength],
];
