// Which class the jobs of a series are of.
import type { Priority } from './records.js';
import type { SeriesState } from './series-state.js';

/** What goes first: the lower place. */
export const placeOf: Readonly<Record<Priority, number>> = { urgent: 0, routine: 1, batch: 2 };

/** What a person asked for last; undefined: nobody has. */
export const askedPriority = ({ actions }: Pick<SeriesState, 'actions'>): Priority | null | undefined =>
  actions.findLast(({ action }) => action.kind === 'prioritise')?.action.priority;

/** What a person asked for last, else the decision's, else routine. */
export function priorityOf(state: Pick<SeriesState, 'actions' | 'revisions'>, revision: number): Priority {
  const ofDecision = state.revisions.find(({ record }) => record.revision === revision)?.decision?.priority;
  return askedPriority(state) ?? ofDecision ?? 'routine';
}
