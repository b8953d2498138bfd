// Derived series that are withdrawn (conformance 12): what was made, what people have withdrawn of it, and who has to be told.
import { onAll } from './records.js';
import type { ActionRecord, OutcomeRecord } from './records.js';
import type { SeriesState } from './series-state.js';

/** A derived series that a task of this series has made. */
export interface MadeSeries {
  /** Revision and task that hold its objects. */
  readonly revision: number;
  readonly task: string;
  readonly model: { readonly id: string; readonly version: string };
  readonly seriesInstanceUid: string;
  readonly outcome: OutcomeRecord;
}

export interface Withdrawal {
  /** From 1 within the source series, in order of the actions: part of the document's UIDs. */
  readonly running: number;
  /** Name under which its document is kept and delivered: `withdrawal-01`. */
  readonly task: string;
  readonly made: MadeSeries;
  readonly action: ActionRecord;
}

/** Whether a task's name is that of a withdrawal. */
export function isWithdrawalTask(task: string): boolean {
  return /^withdrawal-\d{2,}$/.test(task);
}

/** Every derived series of a series, once each. */
export function madeSeries({ revisions }: Pick<SeriesState, 'revisions'>): MadeSeries[] {
  return revisions.flatMap(({ record, decision, tasks }) =>
    (decision?.tasks ?? []).flatMap(({ name, model }) => {
      const outcome = tasks.get(name)?.outcome;
      const seriesInstanceUid = outcome?.seriesInstanceUid ?? null;
      // What an earlier revision had made is listed there.
      if (!outcome || seriesInstanceUid === null || outcome.sameAs !== null) return [];
      return [{ revision: record.revision, task: name, model, seriesInstanceUid, outcome }];
    }),
  );
}

/** The withdrawals that people asked for; asking twice is one, unless a peer had refused the document or it had been discarded (`newUids`). */
export function withdrawalsOf(state: Pick<SeriesState, 'revisions' | 'actions'>): Withdrawal[] {
  const asked = state.actions.filter(({ action }) => action.kind === 'withdraw');
  if (asked.length === 0) return [];
  const all = madeSeries(state);
  const found: Withdrawal[] = [];
  for (const { action } of asked) {
    const made = all.find(({ revision, task }) => revision === action.revision && task === action.task);
    if (made === undefined || (!action.newUids && found.some((one) => isOfSame(one.made, made)))) continue;
    const running = found.length + 1;
    found.push({ running, task: `withdrawal-${String(running).padStart(2, '0')}`, made, action });
  }
  return found;
}

const isOfSame = (a: MadeSeries, b: MadeSeries): boolean => a.seriesInstanceUid === b.seriesInstanceUid;

/** The withdrawals of the same derived series that were asked for before this one. */
export const withdrawalsBefore = (state: SeriesState, { made, running }: Withdrawal): Withdrawal[] =>
  withdrawalsOf(state).filter((one) => isOfSame(one.made, made) && one.running < running);

/** Whether the series that this task withdraws was asked to be withdrawn once more: a document of its own goes out in place of this one. */
export function isAskedAgain(state: SeriesState, task: string): boolean {
  if (!isWithdrawalTask(task)) return false;
  const all = withdrawalsOf(state);
  const own = all.find((withdrawal) => withdrawal.task === task);
  return own !== undefined && all.some((one) => isOfSame(one.made, own.made) && one.running > own.running);
}

/** Who has asked for the withdrawal that a task delivers; null: it delivers something else. */
export function withdrawnBy(state: Pick<SeriesState, 'revisions' | 'actions'>, task: string): string | null {
  if (!isWithdrawalTask(task)) return null;
  return withdrawalsOf(state).find((withdrawal) => withdrawal.task === task)?.action.by ?? null;
}

/** Whether the result of a task is withdrawn: nothing more of it is delivered. */
export function isWithdrawn(state: SeriesState, revision: number, task: string): boolean {
  const uid = state.revisions.find(({ record }) => record.revision === revision)?.tasks.get(task)
    ?.outcome?.seriesInstanceUid;
  return withdrawalsOf(state).some(({ made }) => made.seriesInstanceUid === uid);
}

/** Peers that have an instance of a derived series, or may have it: what was cut short counts. */
export function holdersOf(state: SeriesState, { outcome, seriesInstanceUid }: MadeSeries): string[] {
  const uids = new Set(outcome.instances.map(({ sopInstanceUid }) => sopInstanceUid));
  const batches = state.revisions.flatMap(({ deliveries }) => [...deliveries.values()].flat());
  const holding = batches.filter(({ instances }) =>
    instances.some((instance) => uids.has(instance.sopInstanceUid) && instance.class !== 'permanent'),
  );
  const begun = state.revisions.flatMap((revision) =>
    [...revision.begun].flatMap((name) => {
      const [task = '', peer = ''] = name.split('@');
      return revision.tasks.get(task)?.outcome?.seriesInstanceUid === seriesInstanceUid ? [peer] : [];
    }),
  );
  return [...new Set([...holding.map(({ peer }) => peer), ...begun])].sort();
}

/** The newest revision whose results hold the document of a withdrawal; null until it is made. */
export function documentRevision(state: SeriesState, { task }: Withdrawal): number | null {
  const holder = state.revisions.findLast(({ tasks }) => (tasks.get(task)?.outcome ?? null) !== null);
  return holder?.record.revision ?? null;
}

/** Why a series is withdrawn; `because` only for quality. */
export interface WithdrawalReason {
  readonly reason: 'quality' | 'safety';
  readonly because: ActionRecord['because'];
  readonly why: string;
}

/** The actions that withdraw these derived series; of one that is withdrawn already a further document is made. */
export function withdrawalActions(
  state: SeriesState,
  chosen: readonly MadeSeries[],
  reason: WithdrawalReason,
  { by, at }: Pick<ActionRecord, 'by' | 'at'>,
): ActionRecord[] {
  return chosen.map(({ revision, task }) => ({
    version: 1,
    at,
    by,
    kind: 'withdraw',
    ...onAll,
    revision,
    task,
    newUids: isWithdrawn(state, revision, task),
    ...reason,
  }));
}

/**
 * Earlier derived series that a later revision's replaces by a rule with `late: withdraw`: those of the same model, once every
 * peer has the new one.
 */
export function replacedSeries(
  state: SeriesState,
  isDelivered: (revision: number, task: string) => boolean,
): MadeSeries[] {
  const late = state.revisions.filter(({ record, decision }) => record.cause === 'late' && decision !== null);
  if (late.length === 0) return [];
  const all = madeSeries(state);
  const replaced = late.flatMap(({ record, decision, tasks }) =>
    (decision?.tasks ?? []).flatMap((task) => {
      const outcome = tasks.get(task.name)?.outcome;
      if (task.late !== 'withdraw' || outcome?.outcome !== 'enhanced') return [];
      if (!isDelivered(record.revision, task.name)) return [];
      return all.filter(
        (earlier) =>
          earlier.revision < record.revision &&
          earlier.model.id === task.model.id &&
          earlier.seriesInstanceUid !== outcome.seriesInstanceUid &&
          !isWithdrawn(state, earlier.revision, earlier.task),
      );
    }),
  );
  return [...new Set(replaced)];
}
