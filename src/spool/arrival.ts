// What is known of one instance when it has arrived. limpid's own file meta group keeps who brought it and when, so that an
// instance file explains itself.
import { z } from 'zod';
import type { DataSet } from '../dicom/data-set.js';
import { writeFileMeta } from '../dicom/part10.js';
import type { FileMeta } from '../dicom/part10.js';
import { uidOf } from '../dicom/uid.js';
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
  /** Images in Acquisition (0020,1002), or Number of Series Related Instances (0020,1209). */
  readonly expected: number | null;
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

/** Reads the facts from a data set's header; a header that ends early gives what it has. */
export function assemblyFacts(ds: DataSet): AssemblyFacts {
  const vector = (keyword: string, length: number): number[] | null => {
    const values = numbers(ds, keyword);
    return values.length === length && values.every(Number.isFinite) ? values : null;
  };
  const expected = number(ds, 'NumberOfSeriesRelatedInstances') ?? number(ds, 'ImagesInAcquisition');
  return {
    studyInstanceUid: text(ds, 'StudyInstanceUID') ?? '',
    seriesInstanceUid: text(ds, 'SeriesInstanceUID') ?? '',
    modality: text(ds, 'Modality') ?? '',
    position: vector('ImagePositionPatient', 3),
    orientation: vector('ImageOrientationPatient', 6),
    expected: expected !== null && Number.isInteger(expected) && expected > 0 ? expected : null,
  };
}
