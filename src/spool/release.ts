// What a release would let go: what a person or the gate holds, or a result that was withheld.
import { originals } from './layout.js';
import type { ActionRecord } from './records.js';
import { isOnHold, isReleased, isResultReleased, isTaskHeld } from './state.js';
import type { RevisionState, SeriesState } from './state.js';

/** @param action a release, with the revision that it is for, and those before it */
export function isReleasable(state: SeriesState, { revision, task }: Pick<ActionRecord, 'revision' | 'task'>): boolean {
  const newest = Math.max(1, state.revisions.length);
  // what a person holds, which may be before the first revision
  const held = state.actions.flatMap((one) =>
    one.action.kind === 'hold' ? [one.action.task ?? task ?? originals] : [],
  );
  if (held.some((name) => (task === null || name === task) && isOnHold(state, newest, name))) return true;
  if (withheldFor(state, { revision, task }).length > 0) return true;
  return state.revisions
    .filter(({ record }) => revision === null || record.revision <= revision)
    .some((one) => isHolding(state, one, task));
}

/** Series Instance UIDs of the withheld results that a release lets go; what retention has taken away goes nowhere. */
export function withheldFor(state: SeriesState, { revision, task }: Pick<ActionRecord, 'revision' | 'task'>): string[] {
  const found = state.revisions
    .filter(({ record, swept }) => !swept && (revision === null || record.revision <= revision))
    .flatMap((one) => [...one.tasks].map(([name, { outcome }]) => ({ one, name, outcome })))
    .filter(({ name }) => task === null || name === task)
    .filter(({ one, name, outcome }) => outcome?.outcome === 'withheld' && !isResultReleased(state, one, name));
  return [...new Set(found.flatMap(({ outcome }) => outcome?.seriesInstanceUid ?? []))];
}

function isHolding(state: SeriesState, revision: RevisionState, task: string | null): boolean {
  const number = revision.record.revision;
  const { decision } = revision;
  if (decision === null) return false;
  if (task === null && decision.held.length > 0 && !isReleased(state, number, null)) return true;
  return decision.tasks
    .filter(({ name }) => (task === null || name === task) && !revision.tasks.get(name)?.outcome)
    .some((one) => isTaskHeld(state, revision, one));
}
