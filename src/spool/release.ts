// Whether a release would let anything go: what a person or the gate holds, or a result that was withheld.
import { originals } from './layout.js';
import type { ActionRecord } from './records.js';
import { isOnHold, isReleased, isTaskHeld } from './state.js';
import type { RevisionState, SeriesState } from './state.js';

/** @param action a release, with the revision that it is for, and those before it */
export function isReleasable(state: SeriesState, { revision, task }: Pick<ActionRecord, 'revision' | 'task'>): boolean {
  const newest = Math.max(1, state.revisions.length);
  // what a person holds, which may be before the first revision
  const held = state.actions.flatMap((one) =>
    one.action.kind === 'hold' ? [one.action.task ?? task ?? originals] : [],
  );
  if (held.some((name) => (task === null || name === task) && isOnHold(state, newest, name))) return true;
  return state.revisions
    .filter(({ record }) => revision === null || record.revision <= revision)
    .some((one) => isHolding(state, one, task));
}

function isHolding(state: SeriesState, revision: RevisionState, task: string | null): boolean {
  const number = revision.record.revision;
  const { decision } = revision;
  if (decision === null) return false;
  if (task === null && decision.held.length > 0 && !isReleased(state, number, null)) return true;
  return decision.tasks
    .filter(({ name }) => task === null || name === task)
    .some((one) => {
      const outcome = revision.tasks.get(one.name)?.outcome ?? null;
      if (outcome === null) return isTaskHeld(state, revision, one);
      return outcome.outcome === 'withheld' && !isReleased(state, number, one.name);
    });
}
