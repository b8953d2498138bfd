import { originals } from '../spool/layout.js';
import type { Layout } from '../spool/layout.js';
import type { Spool } from '../spool/spool.js';
import type { RevisionState, SeriesState } from '../spool/state.js';
import type { Outgoing } from './destination.js';

/** The files of a result, or the originals, in instance order; a result that an earlier revision has made lies there. */
export function outgoingOf(
  spool: Pick<Spool, 'objectFile'> & { readonly layout: Pick<Layout, 'instance'> },
  state: SeriesState,
  revision: RevisionState,
  task: string,
  uids: readonly string[],
): Outgoing[] {
  const wanted = new Set(uids);
  const { key } = state;
  const number = revision.record.revision;
  if (task === originals) {
    return revision.record.instances
      .filter(({ sopInstanceUid }) => wanted.has(sopInstanceUid))
      .map((instance) => ({ ...instance, file: spool.layout.instance(key, instance.file), origin: 'original' }));
  }
  const outcome = revision.tasks.get(task)?.outcome;
  const made = outcome?.sameAs ?? number;
  return (outcome?.instances ?? [])
    .filter(({ sopInstanceUid }) => wanted.has(sopInstanceUid))
    .map((instance) => ({ ...instance, file: spool.objectFile(key, made, task, instance.file), origin: 'result' }));
}
