// Reads the facts of a revision from the first kilobytes of each of its files.
import pLimit from 'p-limit';
import type { DataSet } from '../dicom/data-set.js';
import { decimalOf } from '../dicom/decimal.js';
import { isPrivate } from '../dicom/dictionary.js';
import { frameScopes, scopeOf } from '../dicom/functional-groups.js';
import { isReason, pixelDescription } from '../dicom/pixel-description.js';
import { stripEnd } from '../dicom/strip.js';
import { hasTissueRegion } from '../dicom/ultrasound-regions.js';
import { isOwnForm } from '../dicom/uid.js';
import { modalityOfClass } from '../dicom/uids.js';
import { find, hasStrangeText, items, text, texts } from '../dicom/values.js';
import { LimpidError } from '../errors.js';
import type { VendorMark } from '../rule.js';
import { readBeginning } from '../spool/read-beginning.js';
import type { InstanceRecord, SeriesRecord } from '../spool/records.js';
import { gateTags } from './gate-tags.js';
import { seriesFacts, tag as tagOfKeyword } from './series-facts.js';
import type { InstanceFacts, SeriesFacts } from './series-facts.js';

/** What to read beside the gate's own attributes. */
export interface Wanted {
  /** Attributes that the rules ask for. */
  readonly tags: ReadonlySet<number>;
  readonly marks: readonly VendorMark[];
}

/** Series whose files are all there. */
export const noneSwept: ReadonlySet<string> = new Set();

/** A value beyond this is no text that a rule or the gate could mean. */
const longestValue = 64 * 1024;
const atOnce = 8;
const pixelData = 0x7fe00010;

/**
 * Reads the headers of a revision's instances, up to Pixel Data. A file that cannot be read as DICOM becomes an instance that says so.
 *
 * @param fileOf where an instance's file lies
 * @param swept names of files that retention takes away: they are counted, not read
 */
export async function readSeriesFacts(
  series: SeriesRecord,
  fileOf: (instance: InstanceRecord) => string,
  wanted: Wanted,
  swept = noneSwept,
): Promise<SeriesFacts> {
  const limit = pLimit(atOnce);
  const there = series.instances.filter(({ file }) => !swept.has(file));
  const instances = await Promise.all(
    there.map((instance) => limit(() => readInstance(fileOf(instance), instance, wanted))),
  );
  return seriesFacts({
    instances: instances.flat(),
    sources: series.sources,
    variants: series.variants.length,
    swept: series.instances.length - there.length,
  });
}

type Identity = Pick<InstanceRecord, 'sopInstanceUid' | 'sopClassUid' | 'transferSyntaxUid'>;

/** Reads the facts of each image of one instance; see readSeriesFacts. */
export async function readInstance(path: string, identity: Identity, wanted: Wanted): Promise<InstanceFacts[]> {
  try {
    const { dataSet, complete } = await readBeginning(path);
    // The file ends, in peace behind an element or in the middle of one.
    if (!complete && dataSet.end < dataSet.bytes.length) throw new LimpidError('DICOM_MALFORMED', 'the header is cut');
    return instanceFacts(dataSet, identity, wanted);
  } catch (error) {
    if (!(error instanceof LimpidError)) throw error;
    const { sopInstanceUid, sopClassUid, transferSyntaxUid } = identity;
    return [{ ...nothing, sopInstanceUid, sopClassUid, transferSyntaxUid, unreadable: error.message }];
  }
}

const nothing: Omit<InstanceFacts, 'sopInstanceUid' | 'sopClassUid' | 'transferSyntaxUid' | 'unreadable'> = {
  values: new Map(),
  marks: [],
  hasPixelData: false,
  pixels: { code: 'UNDECODABLE', detail: '' },
  isOwn: false,
  isEncrypted: false,
  geImageType: null,
  bValue: null,
  hasStrangeText: false,
};

function instanceFacts(dataSet: DataSet, identity: Identity, { tags, marks }: Wanted): InstanceFacts[] {
  const wanted = [...new Set([...gateTags, ...tags])];
  const whole = {
    sopInstanceUid: identity.sopInstanceUid,
    sopClassUid: text(dataSet, 'SOPClassUID') ?? identity.sopClassUid,
    transferSyntaxUid: identity.transferSyntaxUid,
    marks: marks.map((mark) => markText([dataSet], dataSet, mark)),
    hasPixelData: tagBehind(dataSet) === pixelData,
    isOwn: isOwn(dataSet),
    isEncrypted: items(dataSet, 'EncryptedAttributesSequence').length > 0,
    geImageType: geImageType(dataSet),
    bValue: bValue(dataSet),
    hasStrangeText: hasStrangeText(dataSet),
    hasOverlay: dataSet.elements.some(({ tag }) => tag >>> 24 === 0x60),
    ...(modalityOfClass(text(dataSet, 'SOPClassUID') ?? '') === 'US' ? { hasTissue: hasTissueRegion(dataSet) } : {}),
    unreadable: null,
  };
  const first = { ...whole, values: valuesIn([dataSet], dataSet, wanted), pixels: pixelDescription(dataSet) };
  if (isReason(first.pixels) || first.pixels.frames === 1) return [{ ...first, ...ofFrame(dataSet, 0, wanted, marks) }];
  return Array.from({ length: first.pixels.frames }, (_, frame) => ({
    ...first,
    ...ofFrame(dataSet, frame, wanted, marks),
    frame,
  }));
}

/** What an object's functional groups say of one frame; nothing for a classic object. */
function ofFrame(
  dataSet: DataSet,
  frame: number,
  wanted: readonly number[],
  marks: readonly VendorMark[],
): Partial<InstanceFacts> {
  const scopes = frameScopes(dataSet, frame);
  if (scopes.length === 1) return {};
  const values = valuesIn(scopes, dataSet, wanted);
  const frameType = values.get(frameTypeTag);
  if (frameType !== undefined) values.set(imageTypeTag, frameType);
  const found = marks.map((mark) => markText(scopes, dataSet, mark));
  return { values, pixels: pixelDescription(dataSet, frame), marks: found };
}

const frameTypeTag = tagOfKeyword('FrameType');
const imageTypeTag = tagOfKeyword('ImageType');

/** Values of the attributes, each from the first of the data sets that has it. */
function valuesIn(
  scopes: readonly DataSet[],
  whole: DataSet,
  wanted: readonly number[],
): Map<number, readonly string[]> {
  const values = new Map<number, readonly string[]>();
  const characterSets = texts(whole, 'SpecificCharacterSet');
  for (const tag of wanted) {
    const found = shortTexts(scopeOf(scopes, tag), tag, characterSets);
    if (found.some((value) => value !== '')) values.set(tag, found);
  }
  return values;
}

/** @throws LimpidError DICOM_MALFORMED for a value that no attribute the gate or a rule asks for can have */
function shortTexts(dataSet: DataSet, tag: number, characterSets?: readonly string[]): string[] {
  const length = find(dataSet, tag)?.length ?? 0;
  if (length > longestValue)
    throw new LimpidError('DICOM_MALFORMED', `a value of ${length} bytes where text is asked for`);
  return texts(dataSet, tag, characterSets);
}

/** The tag at which reading stopped; -1 at the end of the file. */
function tagBehind({ bytes, end, encoding }: DataSet): number {
  if (end + 4 > bytes.length) return -1;
  const view = new DataView(bytes.buffer, bytes.byteOffset + end, 4);
  return view.getUint16(0, encoding.littleEndian) * 0x10000 + view.getUint16(2, encoding.littleEndian);
}

/** Attributes by which equipment names itself. */
const ofEquipment: ReadonlySet<number> = new Set(
  ['Manufacturer', 'ManufacturerModelName', 'SoftwareVersions'].map(tagOfKeyword),
);

/** What stands at a mark's place, in whichever of the data sets that hold for an image. Of equipment, the contributors speak too. */
function markText(scopes: readonly DataSet[], whole: DataSet, { place }: VendorMark): string {
  if (place.kind === 'private')
    return scopes.map((scope) => privateText(scope, place)).find((value) => value !== '') ?? '';
  const contributors = ofEquipment.has(place.tag) ? items(whole, 'ContributingEquipmentSequence') : [];
  return [scopeOf(scopes, place.tag), ...contributors]
    .flatMap((scope) => shortTexts(scope, place.tag))
    .filter((value) => value !== '')
    .join('\\');
}

function privateText(
  dataSet: DataSet,
  { group, creator, element }: Extract<VendorMark['place'], { kind: 'private' }>,
): string {
  return privateTags(dataSet, group, creator, element)
    .map((tag) => shortTexts(dataSet, tag).join('\\') || unknownText(dataSet, tag))
    .filter((value) => value !== '')
    .join('\\');
}

/** Tags of a creator's private elements (PS3.5 7.8.1); all of them, or those with this low byte. */
function privateTags(dataSet: DataSet, group: number, creator: string, element: number | null): number[] {
  return dataSet.elements.flatMap(({ tag }) => {
    if (tag >>> 16 !== group || !isPrivate(tag)) return [];
    const block = (tag & 0xffff) >>> 8;
    if (block < 0x10 || (element !== null && (tag & 0xff) !== element)) return [];
    return text(dataSet, group * 0x10000 + block) === creator ? [tag] : [];
  });
}

/** Private elements have no VR in an implicit data set: what reads as ASCII is taken as text. */
function unknownText(dataSet: DataSet, tag: number): string {
  const element = find(dataSet, tag);
  if (element === undefined || element.vr !== 'UN' || element.length > 1024) return '';
  const bytes = dataSet.value(element);
  return bytes.every((byte) => byte === 0 || (byte >= 0x20 && byte < 0x7f))
    ? stripEnd(String.fromCharCode(...bytes))
    : '';
}

function isOwn(dataSet: DataSet): boolean {
  if (privateTags(dataSet, 0x0177, 'LIMPID', null).length > 0) return true;
  // What de-identification leaves: limpid's mark in Image Type, and the form of UIDs.
  const imageType = texts(dataSet, 'ImageType');
  if (imageType.slice(2).includes('LIMPID')) return true;
  const uids = ['SeriesInstanceUID', 'SOPInstanceUID'].map((keyword) => text(dataSet, keyword) ?? '');
  if (imageType[0] === 'DERIVED' && uids.every((uid) => isOwnForm(uid))) return true;
  const named = (ds: DataSet): boolean => text(ds, 'ManufacturerModelName')?.toLowerCase() === 'limpid';
  return named(dataSet) || items(dataSet, 'ContributingEquipmentSequence').some(named);
}

/** Where vendors write the b-value of a diffusion image beside, or in place of, Diffusion b-value (0018,9087). */
const bValues = [
  { creator: 'SIEMENS MR HEADER', group: 0x0019, element: 0x0c },
  { creator: 'GEMS_PARM_01', group: 0x0043, element: 0x39 },
  { creator: 'Philips Imaging DD 001', group: 0x2001, element: 0x03 },
] as const;

function bValue(dataSet: DataSet): string | null {
  for (const { creator, group, element } of bValues) {
    for (const tag of privateTags(dataSet, group, creator, element)) {
      const found = find(dataSet, tag);
      const value = texts(dataSet, tag)[0] ?? '';
      if (value !== '') return value;
      // Without a VR only that it differs can be told.
      if (found !== undefined && found.length > 0) return Buffer.from(dataSet.value(found)).toString('hex');
    }
  }
  return null;
}

function geImageType(dataSet: DataSet): number | null {
  const [tag] = privateTags(dataSet, 0x0043, 'GEMS_PARM_01', 0x2f);
  const element = tag === undefined ? undefined : find(dataSet, tag);
  if (tag === undefined || element === undefined) return null;
  if (element.vr === 'UN' && element.length === 2) {
    const [low = 0, high = 0] = dataSet.value(element);
    return low + high * 256;
  }
  const value = decimalOf(texts(dataSet, tag)[0] ?? '');
  return Number.isFinite(value) ? value : null;
}
