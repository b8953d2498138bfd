import type { TaskState } from '../spool/state.js';

/** Failures and deaths of its child, and attempts of any kind, after which a task is given up: POISON. */
const mostDeaths = 3;
const mostAttempts = 10;

export type AttemptDecision = { readonly kind: 'run' } | { readonly kind: 'give-up'; readonly detail: string };

/** Decides whether a task may be tried (again). A drained attempt, by a node that ended or a full volume, is nobody's fault and does not count. */
export function decideAttempt(task: Pick<TaskState, 'started' | 'died' | 'drained'>): AttemptDecision {
  if (task.died >= mostDeaths)
    return { kind: 'give-up', detail: `it failed, or ended its worker child, ${task.died} times` };
  const own = task.started - task.drained;
  if (own >= mostAttempts) return { kind: 'give-up', detail: `${own} attempts without an outcome` };
  return { kind: 'run' };
}

/** Wait before the next attempt after deaths, ms: 2 s, 10 s, 50 s. */
export function attemptWaitMs(died: number): number {
  return 2_000 * 5 ** Math.max(0, Math.min(died, mostDeaths) - 1);
}
