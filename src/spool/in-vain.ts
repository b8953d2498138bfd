// What is said to whoever acts on a series that has gone on meanwhile: he may believe that something is stopped, or goes somewhere.
import type { ActionRecord } from './records.js';
import type { SeriesState } from './series-state.js';
import { withheldFor } from './release.js';
import { nextSteps } from './state.js';
import { isUnruled, unruledSays } from './unruled.js';
import { holdersOf, isWithdrawn, madeSeries } from './withdrawals.js';

/** What goes on from here: a peer that has what was made is not reached by what is held or given up now. */
function outThere(state: SeriesState): string {
  const isOut = madeSeries(state).some(
    (made) => !isWithdrawn(state, made.revision, made.task) && holdersOf(state, made).length > 0,
  );
  return isOut
    ? `. To have what was made of it rejected by who has it: limpid series withdraw ${state.key} --reason quality, or safety`
    : '';
}

/** A hold of what is over counts for what comes later alone. @param after the series with the hold */
function holdsNothing(after: SeriesState): boolean {
  const { revisions } = after;
  const isDecided = revisions.length > 0 && revisions.every(({ decision }) => decision !== null);
  return isDecided && nextSteps(after).waits.length === 0;
}

/**
 * What does not come of an action although one may think so; null: nothing of that kind.
 *
 * @param before the series as the action found it, and `after` with it
 */
export function inVainSays(
  before: SeriesState,
  after: SeriesState,
  { kind, revision = null }: Pick<ActionRecord, 'kind'> & Partial<Pick<ActionRecord, 'revision'>>,
): string | null {
  if (kind === 'release') return isUnruled(after.revisions.at(-1)) ? unruledSays(after.key) : null;
  if (kind === 'hold' && holdsNothing(after)) {
    const held = revision === null ? 'held is only what comes later' : 'nothing is held';
    return `nothing of it is under way any more: ${held}${outThere(after)}`;
  }
  const isOver = before.revisions.length > 0 && nextSteps(before).done;
  if (kind === 'discard' && isOver && withheldFor(before, { revision: null, task: null }).length === 0)
    return `nothing of it was left to discard${outThere(after)}`;
  return null;
}
