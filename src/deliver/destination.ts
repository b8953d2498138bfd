// Where instances are delivered to: one interface for every kind of peer.
import type { FailureCode } from '../errors.js';
import type { DeliveryClass } from '../spool/records.js';

export interface Outgoing {
  /** Part 10 file; its data set bytes go out unchanged. */
  readonly file: string;
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  readonly transferSyntaxUid: string;
  /** Results may be compressed for the peer, originals are not. */
  readonly origin: 'original' | 'result';
  /** As recorded: of an original's data set, of a result's whole file. */
  readonly bytes: number;
}

/** Why a destination as a whole takes nothing now, and how it is asked again; `failurePaces` has a row for each. */
export type FailurePace = 'unreachable' | 'lost' | 'refused' | 'unrecognized' | 'operator';

/** One event of the destination, whatever the number of instances that wait for it. */
export interface DestinationFailure {
  readonly code: FailureCode;
  readonly detail: string;
  readonly pace: FailurePace;
  /** The wait that it has asked for, ms; it is not asked before. */
  readonly retryAfterMs?: number;
}

export interface Outcome {
  readonly sopInstanceUid: string;
  readonly class: DeliveryClass;
  /** The peer's status; null where it gave none. */
  readonly status: number | null;
  readonly comment: string;
}

export interface SendReport {
  /** Why the sending ended early; null if it did not. */
  readonly failure: DestinationFailure | null;
  /** One for each instance that was tried; the others have not been touched. */
  readonly outcomes: readonly Outcome[];
}

export interface SendControl {
  /** Aborted: nothing more goes out. */
  readonly signal: AbortSignal;
  /** What is under way then has so long to be answered, ms; absent: it is cut off. */
  readonly leaveMs?: number;
  /** Aborted: nothing more goes out either, and what is under way is waited for as ever. */
  readonly halt?: AbortSignal;
  /** Waits until an instance may go out; false: no more may now, the rest is left. */
  readonly pace: (instance: Pick<Outgoing, 'sopInstanceUid'>) => Promise<boolean>;
  /** Told of each outcome as it is known. */
  readonly told?: (outcome: Outcome) => void;
}

export interface Destination {
  /** Sends; a peer's failure is in the report, never thrown. */
  send(instances: readonly Outgoing[], control: SendControl): Promise<SendReport>;
  /** Asks whether the peer can be reached now (C-ECHO). @returns null: it can */
  probe(signal: AbortSignal): Promise<DestinationFailure | null>;
}
