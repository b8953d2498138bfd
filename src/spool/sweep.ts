// Retention: takes pixels away that every destination has, and one day the records too. Killed at any point, the next sweep goes on.
import { rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../observe/log.js';
import { forgetTransactions } from './commitment-records.js';
import { decideSweep } from './decide-sweep.js';
import type { RetentionPolicy } from './decide-sweep.js';
import type { Key } from './key.js';
import { forgetPeriods } from './periods.js';
import { forgetEnded } from './promises.js';
import { promisedUntilIn, readPromisedUntil } from './read-state.js';
import type { Spool } from './spool.js';
import type { RevisionState, SeriesState } from './state.js';
import { hasCode, namesIn, renameOnce } from './write-once.js';

export interface SweepDeps {
  readonly spool: Spool;
  readonly policy: RetentionPolicy;
  readonly log: Log;
  readonly now: () => number;
}

export interface SweepReport {
  /** Series that were looked at. */
  readonly series: number;
  /** Series whose pixels were taken away. */
  readonly swept: number;
  /** Bytes of these. */
  readonly bytes: number;
  /** Series of which nothing is known any more. */
  readonly forgotten: number;
  /** Series that could not be read; each is in the log. */
  readonly faults: number;
  /** Bytes that are kept. */
  readonly kept: { readonly originals: number; readonly results: number };
}

/**
 * Walks every series once. One with a record from the future stays; the others are swept: against a clock that stands behind they are
 * younger than they are, and one that has leapt ahead is told by clock-leap.ts.
 *
 * @param signal ends the walk between two series
 */
export async function sweep(deps: SweepDeps, signal: AbortSignal): Promise<SweepReport> {
  const { spool, log } = deps;
  const report = { series: 0, swept: 0, bytes: 0, forgotten: 0, faults: 0, kept: { originals: 0, results: 0 } };
  const active = await spool.active.keys();
  const ahead: Key[] = [];
  for await (const { key, isSwept } of sweptOrNot(deps)) {
    if (signal.aborted) break;
    try {
      report.series += 1;
      if (isSwept) continue;
      const state = await spool.state(key);
      const activity = active.has(key) ? 'active' : 'quiet';
      const decision =
        activity === 'quiet' && (await isOldDamage(deps, state))
          ? ({ kind: 'records' } as const)
          : decideSweep(state, activity, deps.policy, deps.now());
      if (decision.kind === 'clock') ahead.push(key);
      const { reserve } = spool;
      if (decision.kind === 'records' && (await reserve.lend(() => forget(deps, state)))) report.forgotten += 1;
      const bytes = decision.kind === 'pixels' ? await reserve.lend(() => takePixels(deps, state)) : null;
      if (bytes === null && decision.kind !== 'records') {
        report.kept.originals += bytesOfOriginals(state);
        report.kept.results += bytesOfResults(state);
      } else if (bytes !== null && bytes > 0) {
        report.swept += 1;
        report.bytes += bytes;
      }
    } catch (error) {
      report.faults += 1;
      log.error('a series could not be swept', { key, error });
    }
  }
  await forgetEnded(spool, deps.policy.recordsMs, deps.now(), (transaction, error) => {
    report.faults += 1;
    log.error('a transaction of storage commitment could not be swept', { transaction, error });
  });
  await spool.reserve.lend(() => forgetNames(deps));
  if (ahead.length > 0) {
    log.warn(
      'series with records from a time that has not come are kept until then: was the clock ahead, or is it behind?',
      {
        series: ahead.length,
        key: ahead[0],
      },
    );
  }
  await spool.holdReserve();
  return report;
}

/** The names of instances that were seen go with pixels, those of what was made with records. */
async function forgetNames({ spool, policy, now }: SweepDeps): Promise<void> {
  const away = await spool.freshFolder('names');
  await forgetPeriods(spool.layout.seen, policy.deliveredMs, now(), away);
  await forgetPeriods(spool.layout.made, policy.recordsMs, now(), away);
  await rm(away, { recursive: true, force: true });
}

/** So many are looked at before the first of them is swept: whoever ends the walk waits no longer. */
const lookedAtOnce = 1000;

/** Every series, and whether it has no pixels left and its records stay for now: then there is nothing to do. */
async function* sweptOrNot({ spool, policy, now }: SweepDeps): AsyncGenerator<{ key: Key; isSwept: boolean }> {
  const keys = await spool.allKeys();
  const staysMs = policy.recordsMs === Infinity ? Infinity : policy.recordsMs - policy.deliveredMs;
  for (let start = 0; start < keys.length; start += lookedAtOnce) {
    const some = keys.slice(start, start + lookedAtOnce);
    const swept = new Set(await spool.folders.sweptSince(some, now() - staysMs));
    for (const key of some) yield { key, isSwept: swept.has(key) };
  }
}

/** Answers whether all that a series has left is damaged files, for long: no record tells when they came, but their folder does. */
async function isOldDamage(
  { spool, policy, now }: SweepDeps,
  { key, files, revisions }: SeriesState,
): Promise<boolean> {
  if (files.length + revisions.length > 0) return false;
  const damaged = await stat(spool.layout.damaged(key)).catch(() => null);
  return damaged !== null && now() - damaged.mtimeMs > policy.deliveredMs;
}

/** Bytes of the instance files that are there and listed. */
function bytesOfOriginals({ files, revisions }: SeriesState): number {
  const there = new Set(files);
  const bytes = new Map<string, number>();
  for (const { record } of revisions) {
    for (const instance of [...record.instances, ...record.variants]) {
      if (there.has(instance.file)) bytes.set(instance.file, instance.bytes);
    }
  }
  return [...bytes.values()].reduce((sum, one) => sum + one, 0);
}

/** Results that a revision holds itself. */
function resultsOf({ tasks }: RevisionState): { task: string; bytes: number }[] {
  return [...tasks].flatMap(([task, { outcome }]) =>
    outcome === null || outcome.instances.length === 0 || outcome.sameAs !== null
      ? []
      : [{ task, bytes: outcome.instances.reduce((sum, { bytes }) => sum + bytes, 0) }],
  );
}

function bytesOfResults({ revisions }: SeriesState): number {
  return revisions
    .filter(({ swept }) => !swept)
    .flatMap(resultsOf)
    .reduce((sum, { bytes }) => sum + bytes, 0);
}

/**
 * Says what goes (`swept.json` of each revision), and takes it away. Only what a revision lists: an instance that arrives
 * meanwhile stays. Who publishes a revision after the records are written reads them; for one that came before, the marker is
 * there at the second look, and the pixels stay until the series is done again.
 *
 * @returns bytes taken away, 0 where all was gone already; null where the series has become active
 */
async function takePixels({ spool, now }: SweepDeps, state: SeriesState): Promise<number | null> {
  const { key } = state;
  for (const revision of state.revisions.filter(({ swept }) => !swept)) {
    const { instances, variants } = revision.record;
    const results = resultsOf(revision);
    const sizes = [...instances, ...variants, ...results].map(({ bytes }) => bytes);
    await spool.publishSwept(key, revision.record.revision, {
      version: 1,
      at: new Date(now()).toISOString(),
      instances: instances.length + variants.length,
      bytes: sizes.reduce((sum, bytes) => sum + bytes, 0),
    });
  }
  if (await spool.isActive(key)) return null;
  // A promise is published before it looks for swept.json: one of both is seen by the other.
  if ((await readPromisedUntil(spool.layout, key)) > now()) return null;
  let bytes = 0;
  const folder = await spool.freshFolder('swept');
  for (const revision of state.revisions) {
    for (const { task, bytes: ofResult } of resultsOf(revision)) {
      const { revision: number } = revision.record;
      if (await moveAway(spool.layout.objects(key, number, task), join(folder, `r${number}-${task}`))) {
        bytes += ofResult;
      }
      await moveAway(spool.layout.maps(key, number, task), join(folder, `r${number}-${task}-maps`));
    }
  }
  await moveAway(spool.layout.damaged(key), join(folder, 'damaged'));
  const sizes = new Map(
    state.revisions.flatMap(({ record }) =>
      [...record.instances, ...record.variants].map((instance) => [instance.file, instance.bytes]),
    ),
  );
  for (const file of state.files) {
    const size = sizes.get(file);
    if (size !== undefined && (await moveAway(spool.layout.instance(key, file), join(folder, file)))) bytes += size;
  }
  await rm(folder, { recursive: true, force: true });
  return bytes;
}

/** @returns false where it was not there any more */
async function moveAway(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}

/**
 * Takes a whole series out of the spool by one rename, then deletes it. An instance that arrived in that moment (not
 * acknowledged yet, or just so) is put back.
 *
 * @returns false where the series has become active
 */
async function forget({ spool, now }: SweepDeps, state: SeriesState): Promise<boolean> {
  const { key, revisions } = state;
  if (await spool.isActive(key)) return false;
  const folder = await spool.freshFolder('forgotten');
  const away = join(folder, key);
  if (!(await moveAway(spool.layout.series(key), away))) return false;
  // Promised in that moment: it goes back whole, or, where an arriving instance has made the folder anew, file by file.
  const isPromised = (await promisedUntilIn(join(away, 'promises'))) > now();
  if (isPromised && (await renameOnce(away, spool.layout.series(key)))) return false;
  const listed = new Set(
    revisions.flatMap(({ record }) => [...record.instances, ...record.variants].map(({ file }) => `${file}.dcm`)),
  );
  const arrived = (await namesIn(join(away, 'instances'))).filter((name) => isPromised || !listed.has(name));
  for (const name of arrived) await spool.instances.restore(key, join(away, 'instances', name), name);
  await forgetTransactions(spool, state);
  await rm(folder, { recursive: true, force: true });
  return true;
}
