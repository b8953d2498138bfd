// Files of the spool that have lost their end since they were recorded: a disk that was repaired, a person, a copy that was broken off.
import { stat } from 'node:fs/promises';
import type { Outcome, Outgoing } from './destination.js';

/**
 * Those whose file is shorter than its record tells. Many a peer keeps half an image and answers 0000: it must not go out. A file that is
 * not there or does not answer is left to whoever opens it.
 */
export async function cutAmong(outgoing: readonly Outgoing[]): Promise<Set<Outgoing>> {
  const cut = new Set<Outgoing>();
  for (const instance of outgoing) {
    const found = await stat(instance.file).catch(() => null);
    if (found !== null && found.size < instance.bytes) cut.add(instance);
  }
  return cut;
}

/** What becomes of one of them. */
export const cutOutcome = ({ sopInstanceUid }: Outgoing): Outcome => ({
  sopInstanceUid,
  class: 'permanent',
  status: null,
  comment: 'not sent: its file in the spool is cut; send it here again, then `limpid series requeue`',
});
