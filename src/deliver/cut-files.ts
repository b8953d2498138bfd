// Files of the spool that have lost their end since they were recorded: a disk that was repaired, a person, a copy that was broken off.
import { stat } from 'node:fs/promises';
import pLimit from 'p-limit';
import { dataSetBytesIn } from '../spool/data-set-bytes.js';
import type { Outcome, Outgoing } from './destination.js';

/** Files that are looked at at once: of a batch one after the other costs a noticeable part of the time that sending it takes. */
const atOnce = 8;

/**
 * Those whose file is shorter than its record tells. Many a peer keeps half an image and answers 0000: it must not go out. A file that is
 * not there or does not answer is left to whoever opens it.
 */
export async function cutAmong(outgoing: readonly Outgoing[]): Promise<Set<Outgoing>> {
  const limit = pLimit(atOnce);
  const held = await Promise.all(outgoing.map((instance) => limit(() => heldBytes(instance))));
  return new Set(outgoing.filter(({ bytes }, index) => (held[index] ?? bytes) < bytes));
}

/** What the file holds of that which is recorded of it: of an original the file meta group does not count. */
const heldBytes = ({ file, origin }: Outgoing): Promise<number | null> =>
  (origin === 'original' ? dataSetBytesIn(file) : stat(file).then(({ size }) => size)).catch(() => null);

/** What becomes of one of them. */
export const cutOutcome = ({ sopInstanceUid }: Outgoing): Outcome => ({
  sopInstanceUid,
  class: 'permanent',
  status: null,
  comment: 'not sent: its file in the spool is cut; send it here again, then `limpid series requeue`',
});
