// Reads the facts of a revision from the first kilobytes of each of its files.
import pLimit from 'p-limit';
import type { DataSet } from '../dicom/data-set.js';
import { decimalOf } from '../dicom/decimal.js';
import { isPrivate } from '../dicom/dictionary.js';
import { FrameLayers, Layer, hasFunctionalGroups } from '../dicom/functional-groups.js';
import { isReason, ofOtherFrame, pixelDescription } from '../dicom/pixel-description.js';
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
/** Bytes that a value of all frames may have, counted for each frame; one below `shortValue` always may: comments have some thousand. */
const mostSharedBytes = 64 * 1024 * 1024;
const shortValue = 16 * 1024;
const atOnce = 8;
const pixelData = 0x7fe00010;
const characterSetTag = tagOfKeyword('SpecificCharacterSet');
const imageTypeTag = tagOfKeyword('ImageType');
const imageCommentsTag = tagOfKeyword('ImageComments');
const frameTypeTag = tagOfKeyword('FrameType');
const transferSyntaxTag = tagOfKeyword('TransferSyntaxUID');

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
  vendorDiffusion: null,
  hasStrangeText: false,
};

function instanceFacts(dataSet: DataSet, identity: Identity, { tags, marks }: Wanted): InstanceFacts[] {
  const wanted = [...new Set([...gateTags, ...tags])];
  const described = pixelDescription(dataSet);
  const frames = isReason(described) ? 1 : described.frames;
  const reading: Reading = {
    dataSet,
    transferSyntaxUid: identity.transferSyntaxUid,
    marks,
    longest: longestValueOf(frames),
    contributors: new Layer(items(dataSet, 'ContributingEquipmentSequence')),
    sets: null,
    found: new WeakMap(),
  };
  const whole = {
    sopInstanceUid: identity.sopInstanceUid,
    sopClassUid: text(dataSet, 'SOPClassUID') ?? identity.sopClassUid,
    transferSyntaxUid: identity.transferSyntaxUid,
    hasPixelData: tagBehind(dataSet) === pixelData,
    isOwn: isOwn(dataSet),
    isEncrypted: items(dataSet, 'EncryptedAttributesSequence').length > 0,
    geImageType: geImageType(dataSet),
    vendorDiffusion: vendorDiffusion(dataSet),
    hasStrangeText: hasStrangeText(dataSet),
    hasOverlay: dataSet.elements.some(({ tag }) => tag >>> 24 === 0x60),
    ...(modalityOfClass(text(dataSet, 'SOPClassUID') ?? '') === 'US' ? { hasTissue: hasTissueRegion(dataSet) } : {}),
    unreadable: null,
  };
  const alone = [new Layer([dataSet])];
  const first = {
    ...whole,
    marks: marksIn(alone, reading),
    values: valuesIn(alone, wanted, reading),
    pixels: described,
  };
  if (!hasFunctionalGroups(dataSet)) {
    if (isReason(described) || frames === 1) return [first];
    return Array.from({ length: frames }, (_, frame) => ({ ...first, frame }));
  }
  const layers = new FrameLayers(dataSet);
  if (isReason(described)) return [{ ...first, ...ofFrame(layers.of(0), wanted, reading) }];
  const ofImage = (frame: number): InstanceFacts => ({
    ...first,
    ...ofFrame(layers.of(frame), wanted, reading),
    pixels: ofOtherFrame(described, dataSet, layers.standardOf(frame)),
  });
  if (frames === 1) return [ofImage(0)];
  return Array.from({ length: frames }, (_, frame) => ({ ...ofImage(frame), frame }));
}

/** One object that is read. What layers say is kept: those of all frames are asked for each. */
interface Reading {
  readonly dataSet: DataSet;
  /** It stands before the data set, in the file meta group. */
  readonly transferSyntaxUid: string;
  readonly marks: readonly VendorMark[];
  /** Bytes of the longest value that is read. */
  readonly longest: number;
  readonly contributors: Layer;
  /** Specific Character Set; null: not read yet. */
  sets: readonly string[] | null;
  readonly found: WeakMap<
    Layer,
    { readonly texts: Map<number, readonly string[]>; readonly marks: Map<number, string> }
  >;
}

/** A value of all frames is looked at for each of them: of many frames it must be shorter. */
const longestValueOf = (frames: number): number =>
  Math.max(shortValue, Math.min(longestValue, Math.floor(mostSharedBytes / frames)));

/** What an object's functional groups say of one frame. */
function ofFrame(
  layers: readonly Layer[],
  wanted: readonly number[],
  reading: Reading,
): Pick<InstanceFacts, 'values' | 'marks'> {
  const values = valuesIn(layers, wanted, reading);
  const frameType = values.get(frameTypeTag);
  if (frameType !== undefined) values.set(imageTypeTag, frameType);
  return { values, marks: marksIn(layers, reading) };
}

function foundIn({ found }: Reading, layer: Layer) {
  let kept = found.get(layer);
  if (kept === undefined) found.set(layer, (kept = { texts: new Map(), marks: new Map() }));
  return kept;
}

/** Values of the attributes, each from the first of the layers that has it. */
function valuesIn(
  layers: readonly Layer[],
  wanted: readonly number[],
  reading: Reading,
): Map<number, readonly string[]> {
  const values = new Map<number, readonly string[]>();
  for (const tag of wanted) {
    const found = tag === transferSyntaxTag ? [reading.transferSyntaxUid] : textsIn(layers, tag, reading);
    if (found.some((value) => value !== '')) values.set(tag, found);
  }
  return values;
}

function textsIn(layers: readonly Layer[], tag: number, reading: Reading): readonly string[] {
  const layer = layers.find((one) => one.holder(tag) !== null);
  const holder = layer?.holder(tag) ?? null;
  if (layer === undefined || holder === null) return [];
  const { texts: kept } = foundIn(reading, layer);
  let found = kept.get(tag);
  if (found === undefined) {
    found = opaqueTexts(holder, tag) ?? shortTexts(holder, tag, reading.longest, setsOf(reading));
    kept.set(tag, found);
  }
  return found;
}

/** @throws LimpidError DICOM_MALFORMED for a value that no attribute the gate or a rule asks for can have */
function shortTexts(dataSet: DataSet, tag: number, longest: number, inherited?: readonly string[]): string[] {
  const length = find(dataSet, tag)?.length ?? 0;
  if (length > longest) throw tooLong(length);
  return texts(dataSet, tag, inherited);
}

/** Character sets of the object, for items of it. */
function setsOf(reading: Reading): readonly string[] {
  return (reading.sets ??= shortTexts(reading.dataSet, characterSetTag, longestValue));
}

/** VRs that do not say how a value reads; those of private elements in an implicit data set are all UN. */
const opaque: ReadonlySet<string> = new Set(['UN', 'OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'SQ']);
const shownBytes = 16;

/**
 * Texts of a private element of such a VR: what reads as ASCII, else its first bytes as `0x...`. They equal nothing that a rule may mean, but
 * the attribute is there, however long it is. Null: an element of another kind.
 */
function opaqueTexts(dataSet: DataSet, tag: number): string[] | null {
  const element = find(dataSet, tag);
  if (element === undefined || !isPrivate(tag) || !opaque.has(element.vr) || element.length === 0) return null;
  const bytes = dataSet.value(element);
  const known = unknownText(dataSet, tag);
  // A NUL among them tells a number: 49 in two bytes is no text `1`.
  if (known !== '' && !bytes.includes(0)) return known.split('\\').map((value) => value.trim());
  return [`0x${Buffer.from(bytes.subarray(0, shownBytes)).toString('hex')}`];
}

const tooLong = (length: number): LimpidError =>
  new LimpidError('DICOM_MALFORMED', `a value of ${length} bytes where text is asked for`);

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

/** What stands at each mark's place, in whichever of the layers that hold for an image. Of equipment, the contributors speak too. */
function marksIn(layers: readonly Layer[], reading: Reading): string[] {
  return reading.marks.map(({ place }, index) => {
    if (place.kind === 'private')
      return firstText(layers, (layer) => markOf(layer, index, reading, () => privateText(layer, place, reading)));
    const own = textsIn(layers, place.tag, reading).filter((value) => value !== '');
    if (!ofEquipment.has(place.tag)) return own.join('\\');
    const contributed = markOf(reading.contributors, index, reading, () => contributedText(place.tag, reading));
    return [...own, ...(contributed === '' ? [] : [contributed])].join('\\');
  });
}

function firstText(layers: readonly Layer[], textOf: (layer: Layer) => string): string {
  for (const layer of layers) {
    const found = textOf(layer);
    if (found !== '') return found;
  }
  return '';
}

/** What a layer says at a mark's place, read once. */
function markOf(layer: Layer, index: number, reading: Reading, read: () => string): string {
  const { marks } = foundIn(reading, layer);
  let found = marks.get(index);
  if (found === undefined) marks.set(index, (found = read()));
  return found;
}

/** Texts that are read until they are as long as a value may be. @throws LimpidError DICOM_MALFORMED behind that */
function joinedTexts(parts: Iterable<readonly string[]>, { longest }: Reading): string {
  const found: string[] = [];
  let length = 0;
  for (const part of parts) {
    for (const value of part) {
      if (value === '') continue;
      found.push(value);
      length += value.length;
    }
    if (length > longest) throw tooLong(length);
  }
  return found.join('\\');
}

function contributedText(tag: number, reading: Reading): string {
  return joinedTexts(
    reading.contributors.groups.map((group) => shortTexts(group, tag, reading.longest, setsOf(reading))),
    reading,
  );
}

function privateText(layer: Layer, place: Extract<VendorMark['place'], { kind: 'private' }>, reading: Reading): string {
  for (const group of layer.groups) {
    const tags = privateTags(group, place.group, place.creator, place.element);
    const found = tags.map((tag) => {
      const known = shortTexts(group, tag, reading.longest, setsOf(reading)).join('\\');
      return [known === '' ? unknownText(group, tag) : known];
    });
    const joined = joinedTexts(found, reading);
    if (joined !== '') return joined;
  }
  return '';
}

/** Tags of a creator's private elements (PS3.5 7.8.1); all of them, or those with this low byte. */
function privateTags(dataSet: DataSet, group: number, creator: string, element: number | null): number[] {
  /** Whether a block is that creator's; one may have thousands of elements. */
  const blocks = new Map<number, boolean>();
  const isOf = (block: number): boolean => {
    let found = blocks.get(block);
    if (found === undefined) {
      found = text(dataSet, group * 0x10000 + block) === creator;
      blocks.set(block, found);
    }
    return found;
  };
  const tags = dataSet.elements.flatMap(({ tag }) => {
    if (tag >>> 16 !== group || !isPrivate(tag)) return [];
    const block = (tag & 0xffff) >>> 8;
    if (block < 0x10 || (element !== null && (tag & 0xff) !== element)) return [];
    return isOf(block) ? [tag] : [];
  });
  // one that stands there twice (forbidden, but seen) is read once: its last
  return [...new Set(tags)];
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
  const imageType = shortTexts(dataSet, imageTypeTag, longestValue);
  if (imageType.slice(2).includes('LIMPID')) return true;
  const uids = ['SeriesInstanceUID', 'SOPInstanceUID'].map((keyword) => text(dataSet, keyword) ?? '');
  if (imageType[0] === 'DERIVED' && uids.every((uid) => isOwnForm(uid))) return true;
  const named = (ds: DataSet): boolean => text(ds, 'ManufacturerModelName')?.toLowerCase() === 'limpid';
  return named(dataSet) || items(dataSet, 'ContributingEquipmentSequence').some(named);
}

/**
 * Where vendors write b-value and gradient direction of a diffusion image beside, or in place of, Diffusion b-value (0018,9087) and Diffusion
 * Gradient Orientation (0018,9089). Images of one b-value lie at one position, a direction each.
 */
const diffusionElements = [
  { creator: 'SIEMENS MR HEADER', group: 0x0019, elements: [0x0c, 0x0e] },
  { creator: 'GEMS_PARM_01', group: 0x0043, elements: [0x39] },
  { creator: 'GEMS_ACQU_01', group: 0x0019, elements: [0xbb, 0xbc, 0xbd] },
  { creator: 'Philips Imaging DD 001', group: 0x2001, elements: [0x03] },
  { creator: 'Philips MR Imaging DD 001', group: 0x2005, elements: [0xb0, 0xb1, 0xb2] },
] as const;
/** Canon, and Toshiba before it, write both into Image Comments: b=1500(0.895,0.000,0.445). Other comments tell no image from another. */
const diffusionComment = /^b=[\d.]+\([-\d., ]+\)/;
/** Bytes of such an element that are looked at. */
const longestWord = 256;

function vendorDiffusion(dataSet: DataSet): string | null {
  const found = diffusionElements.flatMap(({ creator, group, elements }) =>
    elements.flatMap((element) => privateTags(dataSet, group, creator, element).map((tag) => wordOf(dataSet, tag))),
  );
  const comment = diffusionComment.exec(wordOf(dataSet, imageCommentsTag));
  const words = comment === null ? found : [...found, comment[0]];
  return words.some((word) => word !== '') ? words.join('|') : null;
}

/** What such an element says: its text, else its first bytes, as without a VR only that it differs can be told; empty where nothing stands. */
function wordOf(dataSet: DataSet, tag: number): string {
  const element = find(dataSet, tag);
  if (element === undefined || element.length === 0) return '';
  const values = element.length > longestWord ? '' : texts(dataSet, tag).join('\\');
  return values === '' ? Buffer.from(dataSet.value(element).subarray(0, longestWord)).toString('hex') : values;
}

function geImageType(dataSet: DataSet): number | null {
  const [tag] = privateTags(dataSet, 0x0043, 'GEMS_PARM_01', 0x2f);
  const element = tag === undefined ? undefined : find(dataSet, tag);
  if (tag === undefined || element === undefined) return null;
  if (element.vr === 'UN' && element.length === 2) {
    const [low = 0, high = 0] = dataSet.value(element);
    return low + high * 256;
  }
  const value = decimalOf(text(dataSet, tag) ?? '');
  return Number.isFinite(value) ? value : null;
}
