// What the HTTP status of a STOW-RS answer means (PS3.18 Section 10.5.3): pure.
import type { DeliveryClass } from '../spool/records.js';
import type { DestinationFailure } from './destination.js';

export type AnswerDecision =
  /** The destination as a whole: nothing more goes to it now. */
  | { readonly kind: 'failure'; readonly failure: DestinationFailure }
  /** The body says it of each instance; `unnamed`: what holds where it names none. */
  | { readonly kind: 'read'; readonly unnamed: 'delivered' | 'unknown' }
  /** Too much at once, or no word on which one is at fault: the halves again. */
  | { readonly kind: 'split' }
  | { readonly kind: 'syntax'; readonly comment: string }
  | {
      readonly kind: 'instance';
      readonly class: DeliveryClass;
      /** The DIMSE status that means the same, for its tries; null: none does. */
      readonly status: number | null;
      readonly comment: string;
    };

/** A status in four hex digits. */
export const hex = (status: number): string => status.toString(16).toUpperCase().padStart(4, '0');

const processingFailure = 0x0110;

const failure = (status: number, pace: DestinationFailure['pace'], why: string): AnswerDecision => ({
  kind: 'failure',
  failure: { code: 'DICOMWEB_REFUSED', detail: `HTTP ${status}: ${why}`, pace },
});

/** A success whose body is none of STOW-RS: a page to log in, a portal or a gateway has answered, and stored nothing. */
export function answerOfAnother(status: number, contentType: string): DestinationFailure {
  const what = /^[\w.+-]+\/[\w.+-]+/.exec(contentType)?.[0] ?? 'a body';
  const detail = `HTTP ${status} with ${what} that is no answer of STOW-RS: something before the server answers in its place`;
  return { code: 'DICOMWEB_REFUSED', detail, pace: 'operator' };
}

/**
 * @param instances of the request
 * @param retryAfterMs the wait that the answer asks for; null: none
 */
export function decideAnswer(status: number, instances: number, retryAfterMs: number | null = null): AnswerDecision {
  const decision = byStatus(status, instances, retryAfterMs !== null);
  if (decision.kind !== 'failure' || decision.failure.pace !== 'refused' || retryAfterMs === null) return decision;
  return { kind: 'failure', failure: { ...decision.failure, retryAfterMs } };
}

function byStatus(status: number, instances: number, isForNow: boolean): AnswerDecision {
  switch (status) {
    case 200:
    case 201:
    case 204:
      return { kind: 'read', unnamed: 'delivered' };
    case 202:
      return { kind: 'read', unnamed: 'unknown' };
    case 401:
    case 403:
    case 407:
      return failure(status, 'operator', 'not authorized; check the token, password or certificate');
    case 404:
    case 405:
    case 410:
      return failure(status, 'operator', 'no STOW-RS service at this address');
    case 408:
    case 425:
    case 429:
    case 502:
    case 503:
    case 504:
    case 507:
      return failure(status, 'refused', 'the server takes nothing now');
    case 406:
    case 415:
      return { kind: 'syntax', comment: `HTTP ${status}` };
    case 413:
      // Too large only for the moment (RFC 9110 Section 15.5.14).
      if (isForNow) return failure(status, 'refused', 'the server takes nothing so large now');
      if (instances > 1) return { kind: 'split' };
      return { kind: 'instance', class: 'permanent', status: null, comment: 'HTTP 413: too large for the server' };
    case 409:
      return { kind: 'read', unnamed: 'unknown' };
    default:
      break;
  }
  if (status >= 300 && status < 400) return failure(status, 'operator', 'the service has moved; mend its address');
  if (instances > 1) return { kind: 'split' };
  if (status >= 500)
    return { kind: 'instance', class: 'transient', status: processingFailure, comment: `HTTP ${status}` };
  return { kind: 'instance', class: 'permanent', status: null, comment: `HTTP ${status}` };
}
