// Where instances are delivered to: one interface for every kind of peer.
import type { DeliveryClass } from '../spool/records.js';
import type { FailureCode } from '../errors.js';

export interface Outgoing {
  /** Part 10 file; its data set bytes go out unchanged. */
  readonly file: string;
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  readonly transferSyntaxUid: string;
}

export interface SendReport {
  /** Why the association (or connection) ended early; null if it did not. */
  readonly association: {
    readonly code: FailureCode;
    readonly detail: string;
    readonly class: 'transient' | 'permanent';
  } | null;
  /** One for each instance. */
  readonly outcomes: readonly {
    readonly sopInstanceUid: string;
    readonly class: DeliveryClass;
    readonly status: number | null;
    readonly comment: string;
  }[];
}

export interface Destination {
  /** Sends; a peer's failure is in the report, never thrown. */
  send(instances: readonly Outgoing[], signal: AbortSignal): Promise<SendReport>;
  /** Answers whether the peer can be reached now (C-ECHO). */
  probe(signal: AbortSignal): Promise<boolean>;
}
