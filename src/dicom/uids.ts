// SOP classes and transfer syntaxes (PS3.6 Annex A) that limpid knows by name.

/** SOP Class UIDs by limpid's word for them. */
export const sopClasses = {
  verification: '1.2.840.10008.1.1',
  storageCommitment: '1.2.840.10008.1.20.1',
  ct: '1.2.840.10008.5.1.4.1.1.2',
  enhancedCt: '1.2.840.10008.5.1.4.1.1.2.1',
  legacyConvertedCt: '1.2.840.10008.5.1.4.1.1.2.2',
  mr: '1.2.840.10008.5.1.4.1.1.4',
  enhancedMr: '1.2.840.10008.5.1.4.1.1.4.1',
  legacyConvertedMr: '1.2.840.10008.5.1.4.1.1.4.4',
  us: '1.2.840.10008.5.1.4.1.1.6.1',
  usMultiFrame: '1.2.840.10008.5.1.4.1.1.3.1',
  secondaryCapture: '1.2.840.10008.5.1.4.1.1.7',
  keyObjectSelection: '1.2.840.10008.5.1.4.1.1.88.59',
} as const;

/** Classic single-frame classes that limpid derives. */
export const classicClasses: ReadonlySet<string> = new Set([sopClasses.ct, sopClasses.mr]);
/** Multi-frame classes with functional groups that limpid derives. */
export const enhancedClasses: ReadonlySet<string> = new Set([
  sopClasses.enhancedCt,
  sopClasses.legacyConvertedCt,
  sopClasses.enhancedMr,
  sopClasses.legacyConvertedMr,
]);
/** Ultrasound classes that limpid derives: one image, or a cine loop. */
export const ultrasoundClasses: ReadonlySet<string> = new Set([sopClasses.us, sopClasses.usMultiFrame]);
/** Every class that limpid derives. */
export const derivedClasses: ReadonlySet<string> = new Set([
  ...classicClasses,
  ...enhancedClasses,
  ...ultrasoundClasses,
]);

const modalities: ReadonlyMap<string, 'CT' | 'MR' | 'US'> = new Map([
  [sopClasses.us, 'US'],
  [sopClasses.usMultiFrame, 'US'],
  [sopClasses.ct, 'CT'],
  [sopClasses.enhancedCt, 'CT'],
  [sopClasses.legacyConvertedCt, 'CT'],
  [sopClasses.mr, 'MR'],
  [sopClasses.enhancedMr, 'MR'],
  [sopClasses.legacyConvertedMr, 'MR'],
]);

/** Modality of the images of a class that limpid derives; null for other classes. */
export function modalityOfClass(sopClassUid: string): 'CT' | 'MR' | 'US' | null {
  return modalities.get(sopClassUid) ?? null;
}

export const explicitLittleEndian = '1.2.840.10008.1.2.1';
export const implicitLittleEndian = '1.2.840.10008.1.2';

/** Which decoder of dcmjs-codecs reads a syntax; `none` for syntaxes that limpid only forwards. */
export type Coding = 'native' | 'rle' | 'jpeg' | 'jpegls' | 'jpeg2000' | 'htj2k' | 'none';

export interface TransferSyntax {
  readonly uid: string;
  readonly name: string;
  readonly explicit: boolean;
  readonly littleEndian: boolean;
  readonly deflated: boolean;
  readonly encapsulated: boolean;
  readonly coding: Coding;
  /** Lossy Image Compression Method (0028,2114) where pixels of this syntax have lost something; null where they cannot have. */
  readonly lossyMethod: string | null;
}

const plain = {
  explicit: true,
  littleEndian: true,
  deflated: false,
  encapsulated: false,
  coding: 'native',
  lossyMethod: null,
} as const;
const packed = (uid: string, name: string, coding: Coding, lossyMethod: string | null = null): TransferSyntax => ({
  ...plain,
  uid,
  name,
  encapsulated: true,
  coding,
  lossyMethod,
});

/** A video syntax and its fragmentable form. */
const video = (part: string, name: string, lossyMethod: string): TransferSyntax[] => [
  packed(`1.2.840.10008.1.2.4.${part}`, name, 'none', lossyMethod),
  packed(`1.2.840.10008.1.2.4.${part}.1`, `Fragmentable ${name}`, 'none', lossyMethod),
];

/** Every transfer syntax that limpid accepts for storage. */
export const transferSyntaxes: readonly TransferSyntax[] = [
  { ...plain, uid: explicitLittleEndian, name: 'Explicit VR Little Endian' },
  { ...plain, uid: implicitLittleEndian, name: 'Implicit VR Little Endian', explicit: false },
  { ...plain, uid: '1.2.840.10008.1.2.2', name: 'Explicit VR Big Endian', littleEndian: false },
  { ...plain, uid: '1.2.840.10008.1.2.1.99', name: 'Deflated Explicit VR Little Endian', deflated: true },
  packed('1.2.840.10008.1.2.5', 'RLE Lossless', 'rle'),
  packed('1.2.840.10008.1.2.4.50', 'JPEG Baseline (Process 1)', 'jpeg', 'ISO_10918_1'),
  packed('1.2.840.10008.1.2.4.51', 'JPEG Extended (Process 2 & 4)', 'jpeg', 'ISO_10918_1'),
  packed('1.2.840.10008.1.2.4.57', 'JPEG Lossless (Process 14)', 'jpeg'),
  packed('1.2.840.10008.1.2.4.70', 'JPEG Lossless SV1 (Process 14)', 'jpeg'),
  packed('1.2.840.10008.1.2.4.80', 'JPEG-LS Lossless', 'jpegls'),
  packed('1.2.840.10008.1.2.4.81', 'JPEG-LS Near-Lossless', 'jpegls', 'ISO_14495_1'),
  packed('1.2.840.10008.1.2.4.90', 'JPEG 2000 (Lossless Only)', 'jpeg2000'),
  packed('1.2.840.10008.1.2.4.91', 'JPEG 2000', 'jpeg2000', 'ISO_15444_1'),
  packed('1.2.840.10008.1.2.4.201', 'High-Throughput JPEG 2000 (Lossless Only)', 'htj2k'),
  packed('1.2.840.10008.1.2.4.202', 'High-Throughput JPEG 2000 with RPCL (Lossless Only)', 'htj2k'),
  packed('1.2.840.10008.1.2.4.203', 'High-Throughput JPEG 2000', 'htj2k', 'ISO_15444_15'),
  ...video('100', 'MPEG2 Main Profile / Main Level', 'ISO_13818_2'),
  ...video('101', 'MPEG2 Main Profile / High Level', 'ISO_13818_2'),
  ...video('102', 'MPEG-4 AVC/H.264 High Profile / Level 4.1', 'ISO_14496_10'),
  ...video('103', 'MPEG-4 AVC/H.264 BD-compatible High Profile / Level 4.1', 'ISO_14496_10'),
  ...video('104', 'MPEG-4 AVC/H.264 High Profile / Level 4.2 for 2D Video', 'ISO_14496_10'),
  ...video('105', 'MPEG-4 AVC/H.264 High Profile / Level 4.2 for 3D Video', 'ISO_14496_10'),
  ...video('106', 'MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2', 'ISO_14496_10'),
  packed('1.2.840.10008.1.2.4.107', 'HEVC/H.265 Main Profile / Level 5.1', 'none', 'ISO_23008_2'),
  packed('1.2.840.10008.1.2.4.108', 'HEVC/H.265 Main 10 Profile / Level 5.1', 'none', 'ISO_23008_2'),
  packed('1.2.840.10008.1.2.8.1', 'Deflated Image Frame Compression', 'none'),
];

const byUid = new Map(transferSyntaxes.map((syntax) => [syntax.uid, syntax]));

/** The table's row of a transfer syntax, or undefined where limpid does not know it. */
export function transferSyntax(uid: string): TransferSyntax | undefined {
  return byUid.get(uid);
}
