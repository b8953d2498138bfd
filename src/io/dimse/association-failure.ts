// An association that limpid has asked for and that did not come about, or ended early: which code, and whether another try may do better.
import { type FailureCode, LimpidError } from '../../errors.js';
import type { AssociationEnd } from './association.js';
import type { Rejection } from './pdu.js';
import { describeRejection, rejectionClass } from './status.js';
import { isTlsFault, tlsFaultClass } from './tls-fault.js';

/** An association that did not come about, or ended before its release. */
export class AssociationFailure extends LimpidError {
  readonly deliveryClass: 'transient' | 'permanent';
  /** `established`: it had been accepted, so that another one may do better. */
  readonly phase: 'connecting' | 'established';
  /** The peer's A-ASSOCIATE-RJ, if that was it. */
  readonly rejection: Rejection | null;
  constructor(
    code: FailureCode,
    message: string,
    details: {
      deliveryClass: 'transient' | 'permanent';
      phase: 'connecting' | 'established';
      rejection?: Rejection;
    },
  ) {
    super(code, message);
    this.name = 'AssociationFailure';
    this.rejection = details.rejection ?? null;
    this.deliveryClass = details.deliveryClass;
    this.phase = details.phase;
  }
}

/** What the end of an association means for what was to be sent. */
export function failureOf(end: AssociationEnd, phase: 'connecting' | 'established'): AssociationFailure {
  const transient = { deliveryClass: 'transient', phase } as const;
  switch (end.how) {
    case 'released':
      return new AssociationFailure('DIMSE_PROTOCOL', 'the association was released', transient);
    case 'rejected':
      return new AssociationFailure('DIMSE_REJECTED', describeRejection(end), {
        deliveryClass: rejectionClass(end),
        phase,
        rejection: { result: end.result, source: end.source, reason: end.reason },
      });
    case 'aborted': {
      const code = { peer: 'DIMSE_ABORTED', timer: 'DIMSE_TIMEOUT', limpid: 'DIMSE_PROTOCOL' } as const;
      return new AssociationFailure(code[end.by], `${end.why} (A-ABORT ${end.source}/${end.reason})`, transient);
    }
    case 'lost':
      break;
  }
  // by TLS 1.3 a certificate that the peer refuses shows only when the first answer is read
  if (isTlsFault(end.why)) return tlsFailure(end.why, end.why, phase);
  return new AssociationFailure('DIMSE_CONNECT', `connection lost: ${end.why}`, transient);
}

/** @param code what went wrong, as `describeTlsFault` has it */
export function tlsFailure(code: string, why: string, phase: 'connecting' | 'established'): AssociationFailure {
  return new AssociationFailure('DIMSE_TLS', `TLS with the peer failed: ${why}`, {
    deliveryClass: tlsFaultClass(code),
    phase,
  });
}
