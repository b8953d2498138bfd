// A peer as commands call it, whatever its kind.
import type { FailureCode } from '../errors.js';
import type { Finding } from '../io/dimse/examine-connection.js';
import type { Outgoing } from '../io/dimse/outgoing.js';
import type { Negotiated } from '../io/dimse/requestor.js';

export interface CalledOutcome {
  readonly sopInstanceUid: string;
  readonly class: 'delivered' | 'warned' | 'transient' | 'permanent';
  /** The peer's; null where it gave none. */
  readonly status: number | null;
  readonly comment: string;
}

export interface CalledReport {
  /** Why the sending ended early; null: it did not. */
  readonly failure: { readonly code: FailureCode; readonly detail: string } | null;
  /** Of the first association; null: the peer is no DICOM node, or was not reached. */
  readonly negotiated: Negotiated | null;
  readonly outcomes: readonly CalledOutcome[];
}

export interface Echo {
  /** From the connection to the answer. */
  readonly ms: number;
  /** Of C-ECHO; null: the peer is no DICOM node, and is there. */
  readonly status: number | null;
  readonly negotiated: Negotiated | null;
}

export interface CalledPeer {
  readonly kind: 'dicom' | 'dicomweb' | 'folder';
  /** @throws LimpidError: why it does not answer */
  echo(signal: AbortSignal): Promise<Echo>;
  /** Sends files as they are, converted where the peer does not take them; what fails is in the report. */
  send(
    instances: readonly Outgoing[],
    control: { readonly signal: AbortSignal; readonly told: (outcome: CalledOutcome) => void },
  ): Promise<CalledReport>;
  /** Takes the connection apart, step by step; stores nothing. */
  examine(nowMs: number, signal: AbortSignal): Promise<readonly Finding[]>;
}

/** A peer of a configuration, ready to be called. @throws LimpidError USAGE: no such peer, or one without address */
export type CallPeer = (config: string, peer: string) => Promise<CalledPeer>;
