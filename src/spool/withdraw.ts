// Withdraws what limpid made of one series: publishes the actions; a running node makes and delivers the documents.
import { LimpidError } from '../errors.js';
import type { Key } from './key.js';
import type { ActionRecord } from './records.js';
import type { Spool } from './spool.js';
import { isWithdrawable } from './state.js';
import { madeSeries, withdrawalActions } from './withdrawals.js';
import type { WithdrawalReason } from './withdrawals.js';

/** Which of the derived series; null: every one. */
export interface WithdrawalChoice extends WithdrawalReason {
  readonly task: string | null;
  readonly seriesInstanceUid?: string;
}

/**
 * @returns files of the actions, in order
 * @throws LimpidError SPOOL_NOTHING_MADE: there is no such derived series that is not withdrawn yet, or of which a peer has refused that
 */
export async function withdrawSeries(
  spool: Spool,
  key: Key,
  { task, seriesInstanceUid, reason, because, why }: WithdrawalChoice,
  who: Pick<ActionRecord, 'by' | 'at'>,
): Promise<string[]> {
  const state = await spool.state(key);
  const chosen = madeSeries(state).filter(
    (made) =>
      (task === null || made.task === task) &&
      (seriesInstanceUid === undefined || made.seriesInstanceUid === seriesInstanceUid) &&
      isWithdrawable(state, made),
  );
  const actions = withdrawalActions(state, chosen, { reason, because, why }, who);
  if (actions.length === 0) {
    throw new LimpidError('SPOOL_NOTHING_MADE', `series ${key} has no derived series left to withdraw`);
  }
  const files: string[] = [];
  for (const action of actions) files.push(await spool.recordAction(key, action));
  return files;
}
