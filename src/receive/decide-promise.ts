// Whether this node commits itself to an instance: pure, from what the spool holds and who else has it (PS3.4 Annex J.3).
import { Status } from '../io/dimse/constants.js';
import type { OnDisk } from '../spool/holding.js';

export type PromiseDecision =
  | { readonly kind: 'committed' }
  /** Not yet: it is on its way to others. */
  | { readonly kind: 'wait' }
  /** `reason`: Failure Reason (0008,1197). */
  | { readonly kind: 'failed'; readonly reason: number; readonly why: string };

const failed = (reason: number, why: string): PromiseDecision => ({ kind: 'failed', reason, why });

/** Nobody can tell what the spool holds of a series whose records do not fit their schema. */
export const unreadable = failed(Status.ProcessingFailure, 'the records of its series cannot be read');

/**
 * @param sopClassUid as the request names it
 * @param forwarding of the instance; `not needed`: what the spool holds is enough
 * @param time `over`: what is not forwarded by now fails
 */
export function decidePromise(
  sopClassUid: string,
  onDisk: OnDisk,
  forwarding: 'none' | 'open' | 'done' | 'not needed',
  time: 'left' | 'over',
): PromiseDecision {
  if (onDisk.kind === 'absent') return failed(Status.NoSuchObjectInstance, 'not in the spool');
  if (onDisk.kind === 'damaged') return failed(Status.ProcessingFailure, 'other bytes than recorded');
  if (onDisk.sopClassUid !== sopClassUid) return failed(Status.ClassInstanceConflict, 'of another SOP class');
  if (forwarding === 'none') return failed(Status.ProcessingFailure, 'no rule forwards it');
  if (forwarding !== 'open') return { kind: 'committed' };
  return time === 'left' ? { kind: 'wait' } : failed(Status.ProcessingFailure, 'not forwarded in time');
}

/**
 * Whether a time that began at a recorded date is over.
 *
 * @param nowMs may be before it: a clock that was ahead then by more than all of the time began it long ago
 */
export function isOver(since: string, lastsMs: number, nowMs: number): boolean {
  const goneMs = nowMs - Date.parse(since);
  return goneMs >= lastsMs || -goneMs > lastsMs;
}
