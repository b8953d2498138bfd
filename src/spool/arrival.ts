// What is known of one instance when it has arrived; limpid's own file meta group keeps it, so that an instance file explains itself.
import type { InstanceRecord } from './records.js';
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
