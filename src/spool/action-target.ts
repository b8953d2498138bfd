// What an action is for: whether the series has the revision, task or peer that it names, and for which revisions it is.
import { originals } from './layout.js';
import type { ActionRecord } from './records.js';
import type { SeriesState } from './series-state.js';

/** What an action names that the series has not, in words; null: it has all, or it is not decided yet what it has. */
export function unknownTarget(
  { key, revisions }: SeriesState,
  { kind, revision: number, task, peer }: Pick<ActionRecord, 'kind' | 'revision' | 'task' | 'peer'>,
): string | null {
  // The first one may be held before it is closed; who holds another that is not there would believe that something is held.
  if (kind === 'hold' && number !== null && number > Math.max(1, revisions.length))
    return `${key} has no revision ${number} (its newest: ${revisions.length === 0 ? 'none yet' : revisions.length})`;
  const decisions = revisions.flatMap(({ decision }) => (decision === null ? [] : [decision]));
  if (decisions.length === 0 || decisions.length < revisions.length) return null;
  const tasks = new Set([originals, ...revisions.flatMap((revision) => [...revision.tasks.keys()])]);
  if (task !== null && !tasks.has(task)) return `${key} has no task ${task} (its tasks: ${[...tasks].join(', ')})`;
  const decided = decisions.flatMap((decision) => [
    ...decision.forward,
    ...decision.tasks.flatMap((one) => one.deliver),
  ]);
  const begun = revisions.flatMap(({ deliveries }) => [...deliveries.keys()].map((name) => name.split('@')[1] ?? ''));
  const peers = new Set([...decided, ...begun]);
  if (peer === null || peers.has(peer)) return null;
  return `nothing of ${key} goes to ${peer} (its peers: ${peers.size === 0 ? 'none' : [...peers].join(', ')})`;
}

/** The newest revision that an action is for; null: it is for all, also those that come later. */
export function newestMeant({ revisions }: SeriesState, { kind, revision }: ActionRecord): number | null {
  // Slices that come later are handled anew, whatever number somebody has named.
  if (kind === 'discard') return Math.min(revision ?? Infinity, Math.max(1, revisions.length));
  if (kind !== 'release') return revision;
  // What the gate holds in a revision that is not decided yet is seen by nobody.
  const decided = revisions.filter(({ decision }) => decision !== null).map(({ record }) => record.revision);
  return Math.min(revision ?? Infinity, Math.max(0, ...decided));
}
