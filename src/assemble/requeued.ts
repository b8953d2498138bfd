// The revision that answers a person who asks for a series again.
import type { InstanceRecord, SeriesRecord } from '../spool/records.js';
import { answeredActions } from '../spool/state.js';
import type { NumberedAction, SeriesState } from '../spool/state.js';

/**
 * What a requeue works on. Where an instance came twice with other bytes, a person who asks again means the second copy: it takes
 * the first one's place, and since SOP Instance UIDs stay the same, the derived series needs new ones (`remake`). Of an instance
 * that came a third time nobody can say which copy is meant: it stays held.
 *
 * @param newUids a person asked for them, or what was made is withdrawn
 */
function requeued(record: SeriesRecord, newUids: boolean): Pick<SeriesRecord, 'instances' | 'variants' | 'remake'> {
  const copies = new Map<string, InstanceRecord[]>();
  for (const variant of record.variants) {
    copies.set(variant.sopInstanceUid, [...(copies.get(variant.sopInstanceUid) ?? []), variant]);
  }
  const only = ({ sopInstanceUid }: InstanceRecord): InstanceRecord | null => {
    const [one, ...more] = copies.get(sopInstanceUid) ?? [];
    return one === undefined || more.length > 0 ? null : one;
  };
  const instances = record.instances.map((instance) => only(instance) ?? instance);
  const taken = instances.some((instance, index) => instance !== record.instances[index]);
  return {
    instances,
    variants: record.variants.filter((variant) => only(variant) === null),
    remake: record.remake + (newUids || taken ? 1 : 0),
  };
}

/**
 * The next revision, over the instances of the last one.
 *
 * @param requeues that no revision answers yet, oldest first: this one answers all
 */
export function requeuedRevision(
  state: SeriesState,
  last: SeriesRecord,
  requeues: readonly NumberedAction[],
  atMs: number,
): SeriesRecord {
  const answered = answeredActions(state);
  // A withdrawn series' UIDs are never used again.
  const withdrawn = state.actions.some(({ action, number }) => action.kind === 'withdraw' && number > answered);
  const newUids = withdrawn || requeues.some(({ action }) => action.newUids);
  const at = new Date(atMs).toISOString();
  return {
    ...last,
    ...requeued(last, newUids),
    revision: last.revision + 1,
    cause: 'requeue',
    closed: 'operator',
    openedAt: at,
    closedAt: at,
    action: requeues.at(-1)?.file ?? null,
  };
}
