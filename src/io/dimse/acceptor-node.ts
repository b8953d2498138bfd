// What the associations of one SCP share, and who decides whether a peer is let in.
import type { Log } from '../../observe/log.js';
import type { Metrics } from '../../observe/metrics.js';
import type { AssociateRequest } from './associate-pdu.js';
import type { CommitmentService } from './commitment.js';
import type { Limits } from './limits.js';
import type { Rejection } from './pdu.js';
import type { Mismatch, NegotiationPolicy, PeerPolicy } from './policy.js';
import type { RefusalLog } from './refusal-log.js';
import type { AssociationInfo, StoreService } from './sink.js';
import type { Security } from './tls.js';

/** Where a connection comes from. */
export interface Origin {
  /** The peer's IP address. */
  readonly address: string;
  /** Its TCP port of this connection. */
  readonly port: number;
  readonly security: Security;
}

export type Admission =
  | {
      readonly kind: 'admit';
      readonly peer: string;
      /** Absent: it may do what anybody may. */
      readonly policy?: PeerPolicy | undefined;
      /** Whether its user identity was looked at and is right. */
      readonly identity?: 'checked' | 'ignored';
    }
  | { readonly kind: 'reject'; readonly rejection: Rejection; readonly why: string };

/** What all associations of one SCP share. */
export interface AcceptorNode {
  readonly aeTitles: readonly string[];
  readonly limits: Limits;
  readonly mismatch: Mismatch;
  readonly negotiation: NegotiationPolicy;
  readonly store: StoreService;
  readonly commitment?: CommitmentService | undefined;
  readonly log: Log;
  /** Of callers that are not let in. */
  readonly refusals: RefusalLog;
  readonly metrics: Metrics;
  readonly now: () => number;
  /** Decides about a request that is right by itself. */
  admit(request: AssociateRequest, origin: Origin): Admission;
  /** The association is accepted, or has ended: its room is counted. */
  opened(info: AssociationInfo): void;
  ended(info: AssociationInfo): void;
  /** Bytes queued at sinks by all associations. */
  queuedBytes: number;
}
