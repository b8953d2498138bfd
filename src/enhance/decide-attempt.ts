import type { TaskState } from '../spool/state.js';

/** Failures and deaths of its child, and attempts of any kind, after which a task is given up: POISON. */
const mostDeaths = 3;
const mostAttempts = 10;
const longestFaultWaitMs = 3_600_000;

export type AttemptDecision = { readonly kind: 'run' } | { readonly kind: 'give-up'; readonly detail: string };

/**
 * Decides whether a task may be tried (again). A drained attempt, by a node that ended or a full volume, is nobody's fault and does not
 * count. One that a failing disk has ended counts among the attempts of any kind: the disk may be sick in one file alone, for ever.
 */
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

/**
 * Wait after an attempt that the disk or the machine has ended, ms: a minute, then twice as long each time, an hour at most. All attempts
 * last four hours: a volume that is away for that long is no series' fault, and nobody has to ask for each of its series again.
 *
 * @param attempts not drained, with this one
 */
export function faultWaitMs(attempts: number): number {
  return Math.min(longestFaultWaitMs, 60_000 * 2 ** Math.max(0, attempts - 1));
}
