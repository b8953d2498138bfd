// Publishes the records of storage commitment, and finds the delivery that a report belongs to.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LimpidError } from '../errors.js';
import { noSuchObjectInstance } from './commitments.js';
import { instanceNameOf } from './key.js';
import type { Key } from './key.js';
import { readRecord } from './read-state.js';
import { commitmentAskedRecord, commitmentIndexRecord } from './records.js';
import type { CommitmentAnswerRecord, CommitmentAskedRecord, CommitmentEndRecord } from './records.js';
import type { SeriesState } from './series-state.js';
import { nextSteps } from './state.js';
import type { Spool } from './spool.js';
import { namesIn, nextNumber, threeDigits } from './write-once.js';

/** One delivery: a result, or the originals, at one peer. */
export interface DeliveryName {
  readonly key: Key;
  readonly revision: number;
  readonly task: string;
  readonly peer: string;
}

const folderOf = (spool: Spool, { key, revision, task, peer }: DeliveryName): string =>
  spool.layout.commitments(key, revision, task, peer);

/** Forgets whose a series' transactions were: a report that comes after that is unknown. */
export async function forgetTransactions(spool: Spool, { revisions }: SeriesState): Promise<void> {
  const transactions = revisions.flatMap(({ commitments }) =>
    [...commitments.values()].flatMap((one) => one.transactions),
  );
  for (const { asked } of transactions) await rm(indexOf(spool, asked.transactionUid), { force: true });
}

const indexOf = (spool: Spool, transactionUid: string): string =>
  join(spool.layout.commitmentIndex, `${instanceNameOf(transactionUid)}.json`);

/** Publishes a transaction and where it is found by its UID; only then its request may be sent. @returns its number */
export async function recordAsked(spool: Spool, delivery: DeliveryName, asked: CommitmentAskedRecord): Promise<number> {
  const folder = folderOf(spool, delivery);
  for (;;) {
    const number = await nextNumber(folder);
    if (!(await spool.publish(join(folder, `${threeDigits(number)}.json`), asked))) continue;
    const { key, revision, task, peer } = delivery;
    await spool.publish(indexOf(spool, asked.transactionUid), { version: 1, key, revision, task, peer, number });
    return number;
  }
}

/** Publishes what the peer answered to the request. */
export async function recordAnswer(
  spool: Spool,
  delivery: DeliveryName,
  number: number,
  answer: CommitmentAnswerRecord,
): Promise<void> {
  await spool.publish(join(folderOf(spool, delivery), `${threeDigits(number)}.answer.json`), answer);
}

/** Publishes that no further transaction follows. */
export async function recordCommitmentEnd(
  spool: Spool,
  delivery: DeliveryName,
  end: CommitmentEndRecord,
): Promise<void> {
  await spool.publish(join(folderOf(spool, delivery), 'end.json'), end);
}

/** Whether a transaction's report has come. */
export async function isReported(spool: Spool, delivery: DeliveryName, number: number): Promise<boolean> {
  return (await namesIn(folderOf(spool, delivery))).includes(`${threeDigits(number)}.report.json`);
}

/** A report as it came. */
export interface IncomingReport {
  readonly transactionUid: string;
  /** Names of the peer it has come from. */
  readonly by: readonly string[];
  readonly at: string;
  readonly committed: readonly string[];
  readonly failed: readonly { readonly sopInstanceUid: string; readonly reason: number }[];
}

export type TakenReport =
  /** `unknown`: no transaction of this node, or not one that this peer was asked; `repeated`: its report had come before. */
  | { readonly kind: 'unknown' | 'repeated' }
  | {
      readonly kind: 'taken';
      readonly delivery: DeliveryName;
      readonly committed: number;
      readonly failed: number;
      /** Of these, instances that the peer does not have. */
      readonly missing: number;
    };

/**
 * Keeps a report beside its transaction and wakes the series. Instances that were not asked for are left out.
 *
 * @throws LimpidError SPOOL_RECORD_INVALID
 */
export async function takeReport(spool: Spool, report: IncomingReport): Promise<TakenReport> {
  const index = await readRecord(indexOf(spool, report.transactionUid), commitmentIndexRecord);
  if (index === null) return { kind: 'unknown' };
  const { key, revision, task, peer, number } = index;
  const delivery = { key, revision, task, peer };
  const folder = folderOf(spool, delivery);
  const asked = await readRecord(join(folder, `${threeDigits(number)}.json`), commitmentAskedRecord);
  if (asked === null || !report.by.includes(asked.by)) return { kind: 'unknown' };
  if (asked.transactionUid !== report.transactionUid) {
    throw new LimpidError('SPOOL_RECORD_INVALID', 'the index of a transaction names another one');
  }
  const wanted = new Set(asked.instances.map(({ sopInstanceUid }) => sopInstanceUid));
  const failed = report.failed.filter(({ sopInstanceUid }) => wanted.has(sopInstanceUid));
  const failing = new Set(failed.map(({ sopInstanceUid }) => sopInstanceUid));
  // A peer that says both of one instance has not committed itself to it.
  const committed = [...new Set(report.committed)].filter((uid) => wanted.has(uid) && !failing.has(uid));
  const record = {
    version: 1,
    at: report.at,
    committed,
    failed: failed.map(({ sopInstanceUid, reason }) => ({ sopInstanceUid, reason })),
  };
  const isFirst = await spool.publish(join(folder, `${threeDigits(number)}.report.json`), record);
  // Who kept it first was perhaps ended before it woke the series. One that is done stays so: it would be done, and told of, anew.
  if (isFirst || !nextSteps(await spool.state(key)).done) await spool.active.touch(key);
  if (!isFirst) return { kind: 'repeated' };
  const missing = failed.filter(({ reason }) => reason === noSuchObjectInstance).length;
  return { kind: 'taken', delivery, committed: committed.length, failed: failed.length, missing };
}
