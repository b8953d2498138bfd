// Storage commitment that this node gives: the transactions of those who ask, and the promises that keep pixels. Written once each.
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { instanceNameOf } from './key.js';
import type { Key } from './key.js';
import { isPromise } from './layout.js';
import { readRecord } from './read-state.js';
import { promiseEndRecord, promiseOutcomeRecord, promiseRecord, promiseRequestRecord } from './records.js';
import type { PromiseEndRecord, PromiseOutcomeRecord, PromiseRequestRecord } from './records.js';
import type { Spool } from './spool.js';
import { namesIn } from './write-once.js';

/** A transaction by its files. `name` stands for its UID. */
export interface PromiseTransaction {
  readonly name: string;
  readonly request: PromiseRequestRecord;
  readonly outcome: PromiseOutcomeRecord | null;
  readonly end: PromiseEndRecord | null;
}

/** A promise of one series, with what its transaction came to. */
export interface SeriesPromise {
  readonly by: string;
  readonly at: string;
  readonly until: string;
  /** Of all series of the transaction; null: not decided yet. */
  readonly outcome: PromiseOutcomeRecord | null;
  readonly end: PromiseEndRecord | null;
}

const fileOf = (spool: Pick<Spool, 'layout'>, name: string, what: 'request' | 'outcome' | 'end'): string =>
  join(spool.layout.promise(name), `${what}.json`);

/**
 * Publishes a request; only then it may be answered.
 *
 * @returns `repeated`: this request was here before, `since` when; `taken`: its Transaction UID stands for another one
 */
export async function recordRequest(
  spool: Spool,
  request: PromiseRequestRecord,
): Promise<{ readonly kind: 'new' | 'repeated' | 'taken'; readonly name: string; readonly since: string }> {
  const name = instanceNameOf(request.transactionUid);
  const file = fileOf(spool, name, 'request');
  if (await spool.publish(file, request)) return { kind: 'new', name, since: request.at };
  const before = await readRecord(file, promiseRequestRecord);
  const isSame = before !== null && before.by === request.by && isSameList(before, request);
  return { kind: isSame ? 'repeated' : 'taken', name, since: before?.at ?? request.at };
}

function isSameList(a: PromiseRequestRecord, b: PromiseRequestRecord): boolean {
  const textOf = ({ references }: PromiseRequestRecord) =>
    references.map(({ sopClassUid, sopInstanceUid }) => `${sopInstanceUid} ${sopClassUid}`).join('\n');
  return textOf(a) === textOf(b);
}

/** Publishes what the node commits itself to; only then it may be reported. */
export async function recordOutcome(spool: Spool, name: string, outcome: PromiseOutcomeRecord): Promise<void> {
  await spool.publish(fileOf(spool, name, 'outcome'), outcome);
}

/** Publishes that the report is not sent any more. */
export async function recordEnd(spool: Spool, name: string, end: PromiseEndRecord): Promise<void> {
  await spool.publish(fileOf(spool, name, 'end'), end);
}

/** One transaction; null: there is none. @throws LimpidError SPOOL_RECORD_INVALID */
export async function readTransaction(spool: Pick<Spool, 'layout'>, name: string): Promise<PromiseTransaction | null> {
  const request = await readRecord(fileOf(spool, name, 'request'), promiseRequestRecord);
  if (request === null) return null;
  const outcome = await readRecord(fileOf(spool, name, 'outcome'), promiseOutcomeRecord);
  return { name, request, outcome, end: await readRecord(fileOf(spool, name, 'end'), promiseEndRecord) };
}

/** What this node has been asked to promise of one series, oldest first. */
export async function promisesOf(spool: Pick<Spool, 'layout'>, key: Key): Promise<SeriesPromise[]> {
  const folder = spool.layout.promisesOf(key);
  const found: SeriesPromise[] = [];
  for (const file of (await namesIn(folder)).filter(isPromise)) {
    const promise = await readRecord(join(folder, file), promiseRecord);
    if (promise === null) continue;
    const transaction = await readTransaction(spool, file.replace(/\.json$/, ''));
    if (transaction === null) continue; // forgotten, long after it ended
    const { by, at, until } = promise;
    const { outcome, end } = transaction;
    found.push({ by, at, until, outcome, end });
  }
  return found.toSorted((one, other) => one.at.localeCompare(other.at));
}

/** Names of the transactions that have not ended. */
export async function openTransactions(spool: Spool): Promise<string[]> {
  const open: string[] = [];
  for (const name of await namesIn(spool.layout.promises)) {
    const files = await namesIn(spool.layout.promise(name));
    if (files.includes('request.json') && !files.includes('end.json')) open.push(name);
  }
  return open;
}

/**
 * Forgets transactions that ended so long ago: their Transaction UID may be used again.
 *
 * @param failed told of each that cannot be read or removed; the others are forgotten all the same
 */
export async function forgetEnded(
  spool: Spool,
  olderThanMs: number,
  nowMs: number,
  failed: (name: string, error: unknown) => void,
): Promise<void> {
  for (const name of await namesIn(spool.layout.promises)) {
    try {
      const end = await readRecord(fileOf(spool, name, 'end'), promiseEndRecord);
      if (end === null || nowMs - Date.parse(end.at) <= olderThanMs) continue;
      await rm(spool.layout.promise(name), { recursive: true, force: true });
    } catch (error) {
      failed(name, error);
    }
  }
}

/** Publishes that the pixels of a series stay. What is looked at in the spool before this may be swept meanwhile. */
export async function promiseSeries(
  spool: Spool,
  key: Key,
  name: string,
  promise: { readonly at: string; readonly until: string; readonly by: string },
): Promise<void> {
  await spool.publish(join(spool.layout.promisesOf(key), `${name}.json`), { version: 1, ...promise });
}

/**
 * Looks for instance files in every series, newest first. Takes one `readdir` a series: years of records are walked in seconds.
 *
 * @param files names as `instanceNameOf` makes them
 */
export async function findInstances(spool: Spool, files: ReadonlySet<string>): Promise<Map<string, Key>> {
  const found = new Map<string, Key>();
  for (const key of await spool.allKeys()) {
    if (found.size === files.size) break;
    const names = await readdir(spool.layout.instances(key)).catch(() => []);
    for (const name of names) {
      const file = name.replace(/\.dcm$/, '');
      if (files.has(file) && !found.has(file)) found.set(file, key);
    }
  }
  return found;
}
