// Whether a series has what an action names: one of its tasks, or a peer that gets something of it.
import { originals } from './layout.js';
import type { ActionRecord } from './records.js';
import type { SeriesState } from './series-state.js';

/** What an action names that the series has not, in words; null: it has all, or it is not decided yet what it has. */
export function unknownTarget(
  { key, revisions }: SeriesState,
  { task, peer }: Pick<ActionRecord, 'task' | 'peer'>,
): string | null {
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
