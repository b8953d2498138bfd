// What is known of one instance when it has arrived. limpid's own file meta group keeps who brought it and when, so that an
// instance file explains itself.
import { z } from 'zod';
import type { DataSet } from '../dicom/data-set.js';
import { writeFileMeta } from '../dicom/part10.js';
import type { FileMeta } from '../dicom/part10.js';
import { uidOf } from '../dicom/uid.js';
import { sopClasses } from '../dicom/uids.js';
import { number, numbers, text } from '../dicom/values.js';
import type { Key } from './key.js';
import type { InstanceRecord } from './records.js';

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
  readonly instance: InstanceRecord;
  readonly source: ArrivalSource;
  /** Association that brought it, unique in this process; null after a restart. */
  readonly association: number | null;
  readonly facts: AssemblyFacts;
}

/** Says what limpid's private information in the meta group is: JSON of peer and time of arrival. */
const arrivalCreator = uidOf('limpid-uid/1', 'arrival-facts');
const privateInformation = z.object({ peer: z.string(), at: z.iso.datetime() });

/** Preamble and meta group in front of a received data set. */
export function arrivalMeta(
  identity: { readonly sopClassUid: string; readonly sopInstanceUid: string; readonly transferSyntaxUid: string },
  source: ArrivalSource,
  atMs: number,
): Uint8Array {
  const facts: z.infer<typeof privateInformation> = { peer: source.peer, at: new Date(atMs).toISOString() };
  return writeFileMeta({
    ...identity,
    sourceAe: source.callingAe,
    sendingAe: source.callingAe,
    receivingAe: source.calledAe,
    sourceAddress: source.address,
    privateCreatorUid: arrivalCreator,
    privateInformation: new TextEncoder().encode(JSON.stringify(facts)),
  });
}

/** Who brought an instance, from its meta group; peer `unknown` for a file that another program wrote. */
export function arrivalSource(meta: FileMeta): ArrivalSource {
  const source = { callingAe: meta.sendingAe, calledAe: meta.receivingAe, address: meta.sourceAddress };
  if (meta.privateCreatorUid !== arrivalCreator) return { peer: 'unknown', ...source };
  const facts = privateInformation.safeParse(JSON.parse(new TextDecoder().decode(meta.privateInformation).trimEnd()));
  return { peer: facts.success ? facts.data.peer : 'unknown', ...source };
}

const multiFrameClasses: ReadonlySet<string> = new Set([
  sopClasses.enhancedCt,
  sopClasses.enhancedMr,
  sopClasses.legacyConvertedCt,
  sopClasses.legacyConvertedMr,
]);

/** Reads the facts from a data set's header; a header that ends early gives what it has. */
export function assemblyFacts(ds: DataSet): AssemblyFacts {
  const vector = (keyword: string, length: number): number[] | null => {
    const values = numbers(ds, keyword);
    return values.length === length && values.every(Number.isFinite) ? values : null;
  };
  const count = (keyword: string): number | null => {
    const value = number(ds, keyword);
    return value !== null && Number.isInteger(value) && value > 0 ? value : null;
  };
  return {
    studyInstanceUid: text(ds, 'StudyInstanceUID') ?? '',
    seriesInstanceUid: text(ds, 'SeriesInstanceUID') ?? '',
    modality: text(ds, 'Modality') ?? '',
    position: vector('ImagePositionPatient', 3),
    orientation: vector('ImageOrientationPatient', 6),
    expected: count('NumberOfSeriesRelatedInstances'),
    acquisition: { number: text(ds, 'AcquisitionNumber') ?? '', expected: count('ImagesInAcquisition') },
    isWhole: multiFrameClasses.has(text(ds, 'SOPClassUID') ?? '') && text(ds, 'ConcatenationUID') === null,
  };
}
