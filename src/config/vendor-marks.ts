// Marks by which vendors' own networks and strong iterative reconstruction show (conformance: input gate). Configuration: `gate.vendorMarks`.
// Seen in stored public data: Siemens (MR), GE AIR Recon DL, Philips SmartSpeed AI. The others are from the literature.
import { compileExpression } from '../conditions/patterns.js';
import { readSubject } from '../conditions/subjects.js';
import type { MarkPlace, VendorMark } from '../rule.js';

/** One mark as it is written in the configuration. */
export interface VendorMarkText {
  readonly product: string;
  /** Keyword or tag; of a private attribute `(0043,xxCA)`, or `(0053,xxxx)` for all that its creator wrote. */
  readonly attribute: string;
  readonly creator?: string | undefined;
  /** Found anywhere in the value (several values joined by backslashes), without regard to case. */
  readonly matches: string;
  readonly code: 'VENDOR_NETWORK' | 'ITERATIVE_STRONG';
}

const texts = ['ConvolutionKernel', 'ReconstructionAlgorithm', 'SeriesDescription', 'ProtocolName'] as const;
const named = (product: string, matches: string, attributes: readonly string[]): VendorMarkText[] =>
  attributes.map((attribute) => ({ product, attribute, matches, code: 'VENDOR_NETWORK' }));

export const defaultVendorMarks: readonly VendorMarkText[] = [
  ...named('Siemens Deep Resolve', String.raw`(^|\\)DR[GSB](\\|$)`, ['ImageType']),
  // Objects of XA versions keep the words of Image Type and the steps of the reconstruction in private elements, enhanced ones in each frame's.
  {
    product: 'Siemens Deep Resolve',
    attribute: '(0021,xx75)',
    creator: 'SIEMENS MR SDI 02',
    matches: String.raw`(^|\\)DR[GSB](\\|$)`,
    code: 'VENDOR_NETWORK',
  },
  {
    product: 'Siemens Deep Resolve',
    attribute: '(0021,xx76)',
    creator: 'SIEMENS MR SDI 02',
    matches: 'IterativeDenoising',
    code: 'VENDOR_NETWORK',
  },
  {
    product: 'GE AIR Recon DL',
    attribute: '(0043,xxCA)',
    creator: 'GEMS_PARM_01',
    matches: String.raw`(low|medium|high)`,
    code: 'VENDOR_NETWORK',
  },
  {
    product: 'GE TrueFidelity',
    attribute: '(0053,xxxx)',
    creator: 'GEHC_CT_ADVAPP_001',
    matches: 'DLIR|TrueFidelity',
    code: 'VENDOR_NETWORK',
  },
  ...named('GE TrueFidelity', String.raw`\bDLIR\b|TrueFidelity`, ['SeriesDescription', 'ConvolutionKernel']),
  ...named('Canon AiCE, PIQE', String.raw`\b(AiCE|PIQE|DLR)\b`, texts),
  ...named('Philips Precise Image, SmartSpeed AI', String.raw`Precise ?Image|SmartSpeed ?(Precise|AI)`, texts),
  // Seen in enhanced objects of release 11 (NONE without it); the description is whatever the site calls its protocol.
  {
    product: 'Philips SmartSpeed AI',
    attribute: '(2005,xx10)',
    creator: 'Philips MR Imaging DD 008',
    matches: 'SENSE_AI',
    code: 'VENDOR_NETWORK',
  },
  ...named('United Imaging AIIR, uCS-AI, ACS', String.raw`\b(AIIR|uCS[- ]?AI|ACS)\b`, texts),
  // Their Manufacturer and model stand among the contributors too.
  ...named('SubtleMR', 'SubtleMR|SubtlePET|ClariCT|PixelShine|iQMR|SwiftMR', [
    'SeriesDescription',
    'Manufacturer',
    'ManufacturerModelName',
  ]),
  // Strong levels only: ADMIRE and SAFIRE 4 and 5 (second value of the kernel), ASiR-V from 60 %, iDose from level 5.
  {
    product: 'Siemens ADMIRE, SAFIRE',
    attribute: 'ConvolutionKernel',
    matches: String.raw`^[^\\]+\\[45]$`,
    code: 'ITERATIVE_STRONG',
  },
  {
    product: 'GE ASiR-V',
    attribute: '(0053,xx40)',
    creator: 'GEHC_CT_ADVAPP_001',
    matches: String.raw`\b([6-9]\d|100) ?%`,
    code: 'ITERATIVE_STRONG',
  },
  {
    product: 'Canon AIDR 3D',
    attribute: 'SeriesDescription',
    matches: String.raw`AIDR ?3D[^a-z]*e?-?STR`,
    code: 'ITERATIVE_STRONG',
  },
  {
    product: 'Philips iDose',
    attribute: 'SeriesDescription',
    matches: String.raw`iDose ?\(?[5-7]\)?`,
    code: 'ITERATIVE_STRONG',
  },
];

interface MarkFault {
  readonly key: 'attribute' | 'matches';
  readonly message: string;
}

/** Reads a mark, or says what is wrong with it. */
export function readMark(mark: VendorMarkText): VendorMark | { readonly faults: readonly MarkFault[] } {
  const place = readMarkPlace(mark.attribute, mark.creator);
  const pattern = compileExpression(mark.matches, 'without case');
  const faults: MarkFault[] = [];
  if (typeof place === 'string') faults.push({ key: 'attribute', message: place });
  if (typeof pattern === 'string') faults.push({ key: 'matches', message: `no regular expression: ${pattern}` });
  return typeof place === 'string' || typeof pattern === 'string'
    ? { faults }
    : { product: mark.product, name: mark.attribute, place, pattern, code: mark.code };
}

let builtIn: readonly VendorMark[] | null = null;

/** The default ones, read at the first call. */
export function builtInMarks(): readonly VendorMark[] {
  builtIn ??= defaultVendorMarks.map((text) => {
    const mark = readMark(text);
    if ('faults' in mark) throw new TypeError(`built-in mark ${text.product}: ${mark.faults[0]?.message}`);
    return mark;
  });
  return builtIn;
}

/** Reads where a mark stands, or says what is wrong. */
function readMarkPlace(attribute: string, creator: string | undefined): MarkPlace | string {
  const parts = /^\(([0-9a-f]{4}),xx([0-9a-f]{2}|xx)\)$/i.exec(attribute);
  if (parts !== null) {
    const group = Number.parseInt(parts[1] ?? '', 16);
    if (group % 2 === 0) return `${attribute} is no private attribute`;
    if (creator === undefined) return `${attribute} needs its private creator`;
    const element = parts[2]?.toLowerCase() === 'xx' ? null : Number.parseInt(parts[2] ?? '', 16);
    return { kind: 'private', group, creator, element };
  }
  if (creator !== undefined) return `with a creator the attribute is written as (0043,xxCA), found ${attribute}`;
  const read = readSubject(attribute);
  if ('fault' in read) return read.fault;
  return read.subject.kind === 'attribute'
    ? { kind: 'attribute', tag: read.subject.tag }
    : `${attribute} is no attribute`;
}
