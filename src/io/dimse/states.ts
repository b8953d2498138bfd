// The state table of an association (PS3.8 Section 9.2) as data: what the peer may send when.
import { PduType } from './pdu.js';

/**
 * States of PS3.8 Table 9-4 that last. Sta3 and Sta4 do not: requests are answered at once, and the stream is connected before.
 * Sta9, Sta10 and Sta12 (release collision) do not: limpid answers a collision at once, and never asks for release as acceptor.
 */
export type State = 'Sta1' | 'Sta2' | 'Sta5' | 'Sta6' | 'Sta7' | 'Sta8' | 'Sta11' | 'Sta13';

const { AssociateRequest, AssociateAccept, AssociateReject, Data, ReleaseRequest, ReleaseResponse, Abort } = PduType;

/** PDUs that a state allows; any other: A-ABORT 2/2 (action AA-8). In Sta13 everything is read and dropped. */
export const allowedPdus: Readonly<Record<State, ReadonlySet<PduType>>> = {
  Sta1: new Set(),
  Sta2: new Set([AssociateRequest, Abort]),
  Sta5: new Set([AssociateAccept, AssociateReject, Abort]),
  Sta6: new Set([Data, ReleaseRequest, Abort]),
  Sta7: new Set([Data, ReleaseRequest, ReleaseResponse, Abort]),
  Sta8: new Set([Abort]),
  Sta11: new Set([ReleaseResponse, Abort]),
  Sta13: new Set(),
};
