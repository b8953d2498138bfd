// Files of the spool that are lost, or have lost their end, since they were recorded: a disk that was repaired, a person, a copy that was
// broken off.
import { stat } from 'node:fs/promises';
import pLimit from 'p-limit';
import { dataSetBytesIn } from '../spool/data-set-bytes.js';
import { hasCode } from '../spool/write-once.js';
import type { Outcome, Outgoing } from './destination.js';

/** Files that are looked at at once: of a batch one after the other costs a noticeable part of the time that sending it takes. */
const atOnce = 8;

/**
 * Those that cannot go out, each with what becomes of it. Many a peer keeps half an image and answers 0000: one whose file is shorter
 * than its record tells must not go out. One whose file is not there is no fault of the peer's, whoever it is; it is looked for again later,
 * as it takes its place when it is sent here again. A file that does not answer is left to whoever opens it.
 */
export async function spoiltAmong(outgoing: readonly Outgoing[]): Promise<Map<Outgoing, Outcome>> {
  const limit = pLimit(atOnce);
  const spoilt = new Map<Outgoing, Outcome>();
  const comments = await Promise.all(outgoing.map((instance) => limit(() => faultOf(instance))));
  for (const [index, instance] of outgoing.entries()) {
    const comment = comments[index] ?? null;
    if (comment === null) continue;
    const outcome = comment === gone ? 'transient' : 'permanent';
    spoilt.set(instance, { sopInstanceUid: instance.sopInstanceUid, class: outcome, status: null, comment });
  }
  return spoilt;
}

const cut = 'not sent: its file in the spool is cut; send it here again, then `limpid series requeue`';
const gone = 'not sent: its file is no longer in the spool; send it here again';

async function faultOf({ file, origin, bytes }: Outgoing): Promise<typeof cut | typeof gone | null> {
  try {
    // Of an original the file meta group is not recorded.
    const held = origin === 'original' ? await dataSetBytesIn(file) : (await stat(file)).size;
    if (held === null) return gone;
    return held < bytes ? cut : null;
  } catch (error) {
    return hasCode(error, 'ENOENT') ? gone : null;
  }
}
