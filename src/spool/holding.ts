// How an instance is held: whole in the spool, and by those it is forwarded to. What storage commitment of this node is decided by.
import { readPart10 } from '../dicom/part10.js';
import { text } from '../dicom/values.js';
import { LimpidError } from '../errors.js';
import { committedBy } from './commitments.js';
import { readMetaBytes } from './data-set-bytes.js';
import { readBeginning } from './read-beginning.js';
import type { Spool } from './spool.js';
import { deliveredTo, revisionsSinceRequeue, sweptFiles } from './state.js';
import type { RevisionState, SeriesState } from './state.js';
import { hasCode } from './write-once.js';

/** What lies on the disk. `damaged`: a file is there whose bytes are not those that were recorded. */
export type OnDisk =
  | { readonly kind: 'absent' }
  | { readonly kind: 'damaged' }
  | { readonly kind: 'whole'; readonly sopClassUid: string };

/**
 * SOP Class UID of the file of an instance; null: it is another's. The meta group is by the command that brought it, whose UIDs a site may
 * let differ from the data set's.
 */
async function sopClassIn(path: string, sopInstanceUid: string): Promise<string | null> {
  const { meta } = readPart10((await readMetaBytes(path)).beginning);
  if (meta.mediaStorageSopInstanceUid === sopInstanceUid) return meta.mediaStorageSopClassUid;
  const { dataSet } = await readBeginning(path);
  return text(dataSet, 'SOPInstanceUID') === sopInstanceUid ? text(dataSet, 'SOPClassUID') : null;
}

/**
 * Reads an instance file to its end and compares it with its records: its UIDs, SHA-256 of its data set where a
 * revision lists one. What retention has said it takes counts as absent.
 */
export async function readHeld(
  spool: Spool,
  state: SeriesState,
  file: string,
  sopInstanceUid: string,
): Promise<OnDisk> {
  if (!state.files.includes(file) || sweptFiles(state).has(file)) return { kind: 'absent' };
  const path = spool.layout.instance(state.key, file);
  const recorded = state.revisions.flatMap(({ record }) =>
    record.instances.filter((instance) => instance.file === file),
  );
  try {
    const sopClassUid = await sopClassIn(path, sopInstanceUid);
    if (sopClassUid === null) return { kind: 'damaged' };
    const sha256 = await spool.instances.sha256(path);
    if (recorded.some((instance) => instance.sha256 !== sha256)) return { kind: 'damaged' };
    return { kind: 'whole', sopClassUid };
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return { kind: 'absent' };
    if (error instanceof LimpidError || hasCode(error, 'EIO')) return { kind: 'damaged' };
    throw error;
  }
}

export type Forwarding = 'none' | 'open' | 'done';

/**
 * Tells of the instances of a series whether every peer that one is forwarded to has it, and has committed itself where that is asked for.
 * `open`: not yet, or not yet decided; `none`: it is forwarded to nobody. Who has what is looked up once for all of them: a series may have
 * ten thousand.
 */
export function forwardingIn(state: SeriesState): (sopInstanceUid: string) => Forwarding {
  const listed = new Map<string, RevisionState[]>();
  for (const revision of state.revisions) {
    for (const { sopInstanceUid } of revision.record.instances) {
      const revisions = listed.get(sopInstanceUid);
      if (revisions === undefined) listed.set(sopInstanceUid, [revision]);
      else revisions.push(revision);
    }
  }
  const having = new Map<string, { delivered: ReadonlySet<string>; committed: ReadonlySet<string> }>();
  const hadBy = (peer: string) => {
    const known = having.get(peer);
    if (known !== undefined) return known;
    const asked = revisionsSinceRequeue(state, state.revisions.length);
    const had = { delivered: deliveredTo(state, peer), committed: committedBy(asked, peer) };
    having.set(peer, had);
    return had;
  };
  return (sopInstanceUid) => {
    const revisions = listed.get(sopInstanceUid) ?? [];
    if (revisions.length === 0 || revisions.some(({ decision }) => decision === null)) return 'open';
    const isCommitting = (peer: string): boolean => revisions.some(({ decision }) => decision?.commit.includes(peer));
    const peers = new Set(revisions.flatMap(({ decision }) => decision?.forward ?? []));
    if (peers.size === 0) return 'none';
    const isThere = (peer: string): boolean => {
      const { delivered, committed } = hadBy(peer);
      return delivered.has(sopInstanceUid) && (!isCommitting(peer) || committed.has(sopInstanceUid));
    };
    return [...peers].every(isThere) ? 'done' : 'open';
  };
}
