// Files of the spool that are lost, or have lost their end, since they were recorded: a disk that was repaired, a person, a copy that was
// broken off.
import { stat } from 'node:fs/promises';
import { hasCode } from '../spool/write-once.js';
import type { Outcome, Outgoing } from './destination.js';

/**
 * Those that cannot go out, each with what becomes of it. Many a peer keeps half an image and answers 0000: one whose file is shorter
 * than its record tells must not go out. One whose file is not there is no fault of the peer's, whoever it is; it is looked for again later,
 * as it takes its place when it is sent here again. A file that does not answer is left to whoever opens it.
 */
export async function spoiltAmong(outgoing: readonly Outgoing[]): Promise<Map<Outgoing, Outcome>> {
  const spoilt = new Map<Outgoing, Outcome>();
  for (const instance of outgoing) {
    const comment = await faultOf(instance);
    if (comment === null) continue;
    const outcome = comment === gone ? 'transient' : 'permanent';
    spoilt.set(instance, { sopInstanceUid: instance.sopInstanceUid, class: outcome, status: null, comment });
  }
  return spoilt;
}

const cut = 'not sent: its file in the spool is cut; send it here again, then `limpid series requeue`';
const gone = 'not sent: its file is no longer in the spool; send it here again';

async function faultOf({ file, bytes }: Outgoing): Promise<typeof cut | typeof gone | null> {
  try {
    return (await stat(file)).size < bytes ? cut : null;
  } catch (error) {
    return hasCode(error, 'ENOENT') ? gone : null;
  }
}
