// Reads a series' files into its state.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import { LimpidError } from '../errors.js';
import type { Key } from './key.js';
import { isBegun, isPromise } from './layout.js';
import type { Layout } from './layout.js';
import type { CommitmentState, CommitmentTransaction } from './commitments.js';
import {
  actionRecord,
  commitmentAnswerRecord,
  commitmentAskedRecord,
  commitmentEndRecord,
  commitmentReportRecord,
  decisionRecord,
  deliveryRecord,
  outcomeRecord,
  promiseRecord,
  seriesRecord,
} from './records.js';
import type { DeliveryRecord } from './records.js';
import type { NumberedAction, RevisionState, SeriesState, TaskState } from './state.js';
import { hasCode, namesIn, numberedNamesIn } from './write-once.js';

/** What the file system says of one file or folder that it does not give, whatever the others do. */
const faultsOfOne = ['EACCES', 'EIO', 'EISDIR'] as const;

/** Its code where a file system error is of one file or folder alone; undefined: it is another error. */
export const faultOfOne = (error: unknown): string | undefined => faultsOfOne.find((code) => hasCode(error, code));

/** A record that is there and cannot be had. What the file system says of a read names no file. */
export class RecordNotGiven extends Error {
  readonly code: string;
  constructor(file: string, code: string, cause: unknown) {
    super(`${file} is not given by the file system (${code})`, { cause });
    this.code = code;
  }
}

/**
 * One record, or null where the file is not there.
 *
 * @throws LimpidError SPOOL_RECORD_INVALID: the file is there and does not fit
 * @throws RecordNotGiven: the file is there, and the disk or its rights do not give it
 */
export async function readRecord<T>(file: string, schema: z.ZodType<T>): Promise<T | null> {
  const name = file.split('/').slice(-4).join('/');
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return null;
    const code = faultOfOne(error);
    throw code === undefined ? error : new RecordNotGiven(name, code, error);
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw new LimpidError('SPOOL_RECORD_INVALID', `${name} does not fit its schema`, { cause: error });
  }
}

/** Reads the whole state of a series; `files` and `revisions` are empty for one that is not there. */
export async function readState(layout: Layout, key: Key): Promise<SeriesState> {
  const names = await namesIn(layout.series(key));
  const numbers = names
    .map((name) => /^r([1-9]\d*)$/.exec(name)?.[1])
    .filter((digits) => digits !== undefined)
    .map(Number)
    .sort((a, b) => a - b);
  const actions = await readActions(layout, key);
  // As many documents at most as people have withdrawn series.
  const withdrawals = actions
    .filter(({ action }) => action.kind === 'withdraw')
    .map((_action, index) => `withdrawal-${String(index + 1).padStart(2, '0')}`);
  const revisions: RevisionState[] = [];
  for (const number of numbers) {
    const revision = await readRevision(layout, key, number, withdrawals);
    if (revision !== null) revisions.push(revision);
  }
  const instances = await namesIn(layout.instances(key));
  return {
    key,
    files: instances.filter((name) => name.endsWith('.dcm')).map((name) => name.slice(0, -4)),
    revisions,
    actions,
    promisedUntilMs: names.includes('promises') ? await readPromisedUntil(layout, key) : -Infinity,
  };
}

/** Whether a name is that of a record. What file browsers, editors and network volumes leave beside them (`.DS_Store`, `001.json~`) is none. */
const isNumberedRecord = (name: string): boolean => /^\d+.*\.json$/.test(name);

/** Until when this node has promised to keep instances of a series, ms since epoch; -Infinity: it has not. */
export function readPromisedUntil(layout: Layout, key: Key): Promise<number> {
  return promisedUntilIn(layout.promisesOf(key));
}

/** The same of a folder of promises, wherever it lies. */
export async function promisedUntilIn(folder: string): Promise<number> {
  let untilMs = -Infinity;
  for (const file of (await namesIn(folder)).filter(isPromise)) {
    const promise = await readRecord(join(folder, file), promiseRecord);
    if (promise !== null) untilMs = Math.max(untilMs, Date.parse(promise.until));
  }
  return untilMs;
}

async function readActions(layout: Layout, key: Key): Promise<NumberedAction[]> {
  const actions: NumberedAction[] = [];
  for (const file of (await numberedNamesIn(layout.actions(key))).filter(isNumberedRecord)) {
    const action = await readRecord(join(layout.actions(key), file), actionRecord);
    if (action !== null) actions.push({ number: Number.parseInt(file, 10), file, action });
  }
  return actions;
}

async function readRevision(
  layout: Layout,
  key: Key,
  number: number,
  withdrawals: readonly string[],
): Promise<RevisionState | null> {
  const folder = layout.revision(key, number);
  const record = await readRecord(join(folder, 'series.json'), seriesRecord);
  if (record === null) return null;
  const decision = await readRecord(join(folder, 'decision.json'), decisionRecord);
  const tasks = new Map<string, TaskState>();
  for (const task of decision?.tasks ?? []) tasks.set(task.name, await readTask(layout, key, number, task.name));
  for (const name of withdrawals) {
    const task = await readTask(layout, key, number, name);
    if (task.outcome !== null) tasks.set(name, task);
  }
  const deliveries = new Map<string, DeliveryRecord[]>();
  const begun = new Set<string>();
  for (const name of await namesIn(join(folder, 'deliveries'))) {
    const batches: DeliveryRecord[] = [];
    const files = await numberedNamesIn(join(folder, 'deliveries', name));
    if (files.some(isBegun)) begun.add(name);
    for (const file of files.filter(isNumberedRecord)) {
      const batch = await readRecord(join(folder, 'deliveries', name, file), deliveryRecord);
      if (batch !== null) batches.push(batch);
    }
    deliveries.set(name, batches);
  }
  const swept = (await namesIn(folder)).includes('swept.json');
  const commitments = new Map<string, CommitmentState>();
  for (const name of await namesIn(join(folder, 'commitments'))) {
    commitments.set(name, await readCommitments(join(folder, 'commitments', name)));
  }
  return { record, decision, tasks, deliveries, begun, commitments, swept };
}

async function readCommitments(folder: string): Promise<CommitmentState> {
  const transactions: CommitmentTransaction[] = [];
  const names = await numberedNamesIn(folder);
  const optional = <T>(name: string, schema: z.ZodType<T>): Promise<T | null> =>
    names.includes(name) ? readRecord(join(folder, name), schema) : Promise.resolve(null);
  for (const name of names) {
    const digits = /^(\d+)\.json$/.exec(name)?.[1];
    const asked = digits === undefined ? null : await readRecord(join(folder, name), commitmentAskedRecord);
    if (digits === undefined || asked === null) continue;
    transactions.push({
      number: Number.parseInt(digits, 10),
      asked,
      answer: await optional(`${digits}.answer.json`, commitmentAnswerRecord),
      report: await optional(`${digits}.report.json`, commitmentReportRecord),
    });
  }
  return { transactions, end: await optional('end.json', commitmentEndRecord) };
}

async function readTask(layout: Layout, key: Key, revision: number, task: string): Promise<TaskState> {
  const attempts = await namesIn(layout.attempts(key, revision, task));
  return {
    started: attempts.filter((name) => /^\d+\.json$/.test(name)).length,
    died: attempts.filter((name) => name.endsWith('.died.json')).length,
    drained: attempts.filter((name) => name.endsWith('.drained.json')).length,
    outcome: await readRecord(join(layout.result(key, revision, task), 'outcome.json'), outcomeRecord),
  };
}
