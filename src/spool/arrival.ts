// What is known of one instance when it has arrived. limpid's own file meta group keeps who brought it and when, so that an
// instance file explains itself.
import { z } from 'zod';
import type { DataSet } from '../dicom/data-set.js';
import { writeFileMeta } from '../dicom/part10.js';
import type { FileMeta } from '../dicom/part10.js';
import { uidOf } from '../dicom/uid.js';
import { sopClasses } from '../dicom/uids.js';
import { text, texts, written } from '../dicom/values.js';
import type { KeptInstance } from './instances.js';
import type { Key } from './key.js';

export interface ArrivalSource {
  /** Name of the peer in the configuration, or `unknown`. */
  readonly peer: string;
  readonly callingAe: string;
  readonly calledAe: string;
  readonly address: string;
}

/** Facts for assembling, from the first kilobytes of the data set. */
export interface AssemblyFacts {
  readonly studyInstanceUid: string;
  readonly seriesInstanceUid: string;
  readonly modality: string;
  /** Image Position (Patient), mm. */
  readonly position: readonly number[] | null;
  /** Image Orientation (Patient), direction cosines. */
  readonly orientation: readonly number[] | null;
  /** Slice Thickness, mm. */
  readonly thicknessMm: number | null;
  /** Number of Series Related Instances (0020,1209), where a sender put it in. */
  readonly expected: number | null;
  /** Acquisition Number, and Images in Acquisition (0020,1002): how many instances share that number. */
  readonly acquisition: { readonly number: string; readonly expected: number | null };
  /** One object holds all its frames (Enhanced and Legacy Converted classes), and is no part of a concatenation. */
  readonly isWhole: boolean;
}

export interface Arrival {
  readonly key: Key;
  readonly kind: 'stored' | 'variant';
  readonly instance: KeptInstance;
  readonly source: ArrivalSource;
  /** Association that brought it, unique in this process; null after a restart. */
  readonly association: number | null;
  readonly facts: AssemblyFacts;
}

/** Says what limpid's private information in the meta group is: JSON of peer and time of arrival. */
const arrivalCreator = uidOf('limpid-uid/1', 'arrival-facts');
const privateInformation = z.object({ peer: z.string(), at: z.iso.datetime() });

/** An AE title as its VR can hold it (PS3.5 Table 6.2-1): what it cannot becomes a question mark. Some callers have an umlaut in theirs. */
const writableTitle = (title: string): string => title.replace(/[^ -[\]-~]/g, '?');

/** As a URI of the scheme `dicom` (PS3.10 Section 7.1.1.1); an address of IPv6 as in any URI (RFC 3986, RFC 6874). */
const presentationAddress = (address: string, port: number): string =>
  `dicom:${address.includes(':') ? `[${address.replace('%', '%25')}]` : address}:${port}`;

/** The address in it; files of earlier versions have nothing but the address. */
const addressIn = (presentation: string): string =>
  /^dicom:\[?(.*?)\]?:\d+$/.exec(presentation)?.[1]?.replace('%25', '%') ?? presentation;

/**
 * Preamble and meta group in front of a received data set.
 *
 * @param source with the port that its connection came from
 */
export function arrivalMeta(
  identity: { readonly sopClassUid: string; readonly sopInstanceUid: string; readonly transferSyntaxUid: string },
  source: ArrivalSource & { readonly port: number },
  atMs: number,
): Uint8Array {
  const facts: z.infer<typeof privateInformation> = { peer: source.peer, at: new Date(atMs).toISOString() };
  return writeFileMeta({
    ...identity,
    sourceAe: writableTitle(source.callingAe),
    sendingAe: writableTitle(source.callingAe),
    receivingAe: source.calledAe,
    sourceAddress: presentationAddress(source.address, source.port),
    privateCreatorUid: arrivalCreator,
    privateInformation: new TextEncoder().encode(JSON.stringify(facts)),
  });
}

/** Who brought an instance, from its meta group; peer `unknown` for a file that another program wrote. */
export function arrivalSource(meta: FileMeta): ArrivalSource {
  const address = addressIn(meta.sourceAddress);
  const source = { callingAe: meta.sendingAe, calledAe: meta.receivingAe, address };
  if (meta.privateCreatorUid !== arrivalCreator) return { peer: 'unknown', ...source };
  return { peer: peerIn(meta.privateInformation) ?? 'unknown', ...source };
}

/** The peer's name in limpid's private information; null: it is none, or cut. */
function peerIn(bytes: Uint8Array): string | null {
  // Of an odd length it has a NUL behind it, as every OB has.
  const json = new TextDecoder().decode(bytes).replace(/[\0\s]+$/, '');
  try {
    const facts = privateInformation.safeParse(JSON.parse(json));
    return facts.success ? facts.data.peer : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

const multiFrameClasses: ReadonlySet<string> = new Set([
  sopClasses.enhancedCt,
  sopClasses.enhancedMr,
  sopClasses.legacyConvertedCt,
  sopClasses.legacyConvertedMr,
]);

/** The attributes that facts for assembling come from, as they are written; empty where absent. */
export interface AssemblyTexts {
  readonly sopClassUid: string;
  readonly studyInstanceUid: string;
  readonly seriesInstanceUid: string;
  readonly modality: string;
  readonly acquisitionNumber: string;
  readonly sliceThickness: string;
  readonly imagePositionPatient: string;
  readonly imageOrientationPatient: string;
  readonly imagesInAcquisition: string;
  readonly numberOfSeriesRelatedInstances: string;
  readonly concatenationUid: string;
}

/** Reads the facts from attributes at the top level of a data set. */
export function assemblyFacts(of: AssemblyTexts): AssemblyFacts {
  const vector = (value: string, length: number): number[] | null => {
    const values = written.decimals(value);
    return values.length === length && values.every(Number.isFinite) ? values : null;
  };
  const count = (value: string): number | null => {
    const first = written.decimals(value)[0];
    return first !== undefined && Number.isInteger(first) && first > 0 ? first : null;
  };
  return {
    studyInstanceUid: of.studyInstanceUid,
    seriesInstanceUid: of.seriesInstanceUid,
    modality: of.modality,
    position: vector(of.imagePositionPatient, 3),
    orientation: vector(of.imageOrientationPatient, 6),
    thicknessMm: vector(of.sliceThickness, 1)?.[0] ?? null,
    expected: count(of.numberOfSeriesRelatedInstances),
    acquisition: { number: written.first(of.acquisitionNumber), expected: count(of.imagesInAcquisition) },
    isWhole: multiFrameClasses.has(of.sopClassUid) && written.first(of.concatenationUid) === '',
  };
}

/** The same from a data set's header; one that ends early gives what it has. */
export function headerFacts(ds: DataSet): AssemblyFacts {
  const first = (keyword: string): string => text(ds, keyword) ?? '';
  const all = (keyword: string): string => texts(ds, keyword).join('\\');
  return assemblyFacts({
    sopClassUid: first('SOPClassUID'),
    studyInstanceUid: first('StudyInstanceUID'),
    seriesInstanceUid: first('SeriesInstanceUID'),
    modality: first('Modality'),
    acquisitionNumber: first('AcquisitionNumber'),
    sliceThickness: all('SliceThickness'),
    imagePositionPatient: all('ImagePositionPatient'),
    imageOrientationPatient: all('ImageOrientationPatient'),
    imagesInAcquisition: first('ImagesInAcquisition'),
    numberOfSeriesRelatedInstances: first('NumberOfSeriesRelatedInstances'),
    concatenationUid: first('ConcatenationUID'),
  });
}
