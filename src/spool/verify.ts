// Does the spool hold what its records say? For `limpid spool verify`.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Key } from './key.js';
import { faultOfOne } from './read-state.js';
import { stateOrFault } from './readable-states.js';
import type { Spool } from './spool.js';
import { nextSteps, sweptFiles, unlistedFiles } from './state.js';
import type { SeriesState } from './state.js';
import { isUnreadable } from './unreadable-series.js';
import { isWithdrawalTask } from './withdrawals.js';
import { hasCode, namesIn, threeDigits } from './write-once.js';

export interface SpoolFault {
  readonly key: Key;
  /** What is wrong, with the file below the series' folder. */
  readonly says: string;
}

export interface VerifyReport {
  readonly series: number;
  /** Instance files and derived objects that were looked at. */
  readonly files: number;
  readonly faults: readonly SpoolFault[];
  /** Series with something left to do that were not on the active list: put back there. */
  readonly woken: readonly Key[];
}

/**
 * Walks every series: each record there and readable, each listed instance and each derived object there unless swept; with hashes,
 * each of the bytes that its record tells. A file that the disk does not give is a fault of its series and ends nothing. A series that
 * has something left to do and no marker gets one, unless a record is lost: what would follow without it is not what follows with it.
 *
 * @param depth `hashes` reads every byte; `names` looks at names only
 */
export async function verifySpool(
  spool: Spool,
  depth: 'names' | 'hashes',
  progress: (done: number, total: number) => void,
): Promise<VerifyReport> {
  const keys = await spool.allKeys();
  const faults: SpoolFault[] = [];
  const woken: Key[] = [];
  let files = 0;
  for (const [index, key] of keys.entries()) {
    let found = await verifySeries(spool, key, depth);
    // Retention, or who writes, may have come between two looks: what is wrong stays wrong.
    if (found.faults.length > 0) found = await verifySeries(spool, key, depth);
    files += found.files;
    faults.push(...found.faults.map((says) => ({ key, says })));
    if (found.isLeft && !(await spool.isActive(key))) {
      await spool.active.touch(key);
      woken.push(key);
    }
    progress(index + 1, keys.length);
  }
  return { series: keys.length, files, faults, woken };
}

interface SeriesFound {
  readonly files: number;
  readonly faults: readonly string[];
  /** Every record is there, and they ask for something to be done. */
  readonly isLeft: boolean;
}

async function verifySeries(spool: Spool, key: Key, depth: 'names' | 'hashes'): Promise<SeriesFound> {
  const faults: string[] = [];
  const fault = (says: string): void => void faults.push(says);
  const state = await stateOrFault(spool, key);
  if (isUnreadable(state)) return { files: 0, faults: [state.unreadable], isLeft: false };
  try {
    const lost = await lostRecords(spool, state);
    for (const name of lost) fault(`${name} is missing: put it back from a copy of the spool`);
    const files =
      (await verifyInstances(spool, state, depth, fault)) + (await verifyResults(spool, state, depth, fault));
    return { files, faults, isLeft: lost.length === 0 && !nextSteps(state).done };
  } catch (error) {
    const code = faultOfOne(error);
    if (code === undefined) throw error;
    fault(`one of its folders is not given by the file system (${code})`);
    return { files: 0, faults, isLeft: false };
  }
}

/** Records that others tell of: what stands behind them was written after them. */
async function lostRecords({ layout }: Spool, { key, actions }: SeriesState): Promise<string[]> {
  const lost: string[] = [];
  const found = (await namesIn(layout.series(key)))
    .flatMap((name) => /^r([1-9]\d*)$/.exec(name)?.[1] ?? [])
    .map(Number);
  for (const number of new Set([...found.map((_number, index) => index + 1), ...found.toSorted((a, b) => a - b)])) {
    const names = await namesIn(layout.revision(key, number));
    if (!names.includes('series.json')) lost.push(`r${number}/series.json`);
    const results = await namesIn(layout.results(key, number));
    const deliveries = await namesIn(join(layout.revision(key, number), 'deliveries'));
    // The document of a withdrawal is made in the newest revision, decided or not.
    const isDecided =
      names.includes('attempts') ||
      [...results, ...deliveries].some((name) => !isWithdrawalTask(name.split('@')[0] ?? ''));
    if (isDecided && !names.includes('decision.json')) lost.push(`r${number}/decision.json`);
    for (const task of results) {
      const result = await namesIn(layout.result(key, number, task));
      if (result.includes('objects') && !result.includes('outcome.json'))
        lost.push(`r${number}/results/${task}/outcome.json`);
    }
  }
  const numbers = new Set(actions.map((action) => action.number));
  for (let number = 1; number <= numbers.size; number++)
    if (!numbers.has(number)) lost.push(`actions/${threeDigits(number)}.json`);
  return lost;
}

type Report = (says: string) => void;

async function verifyInstances(
  spool: Spool,
  state: SeriesState,
  depth: 'names' | 'hashes',
  fault: Report,
): Promise<number> {
  const there = new Set(state.files);
  const swept = sweptFiles(state);
  const listed = new Map(
    state.revisions.flatMap(({ record }) =>
      [...record.instances, ...record.variants].map((instance) => [instance.file, instance.sha256]),
    ),
  );
  for (const [file, sha256] of listed) {
    if (!there.has(file)) {
      if (!swept.has(file)) fault(`instances/${file}.dcm is missing`);
    } else if (depth === 'hashes') {
      const path = spool.layout.instance(state.key, file);
      await verifyBytes(`instances/${file}.dcm`, () => spool.instances.sha256(path), sha256, fault);
    }
  }
  const damaged = await namesIn(spool.layout.damaged(state.key));
  for (const name of damaged) fault(`damaged/${name} could not be read and was set aside`);
  return listed.size + unlistedFiles(state).length + damaged.length;
}

async function verifyResults(
  spool: Spool,
  { key, revisions }: SeriesState,
  depth: 'names' | 'hashes',
  fault: Report,
): Promise<number> {
  let files = 0;
  for (const { record, tasks, swept } of revisions) {
    for (const [task, { outcome }] of tasks) {
      if (outcome === null || outcome.sameAs !== null || swept) continue;
      const there = new Set(await namesIn(spool.layout.objects(key, record.revision, task)));
      for (const { file, sha256 } of outcome.instances) {
        files += 1;
        const name = `r${record.revision}/results/${task}/objects/${file}`;
        if (!there.has(file)) fault(`${name} is missing`);
        else if (depth === 'hashes') {
          const path = spool.objectFile(key, record.revision, task, file);
          await verifyBytes(name, () => sha256Of(path), sha256, fault);
        }
      }
    }
  }
  return files;
}

async function verifyBytes(name: string, read: () => Promise<string>, sha256: string, fault: Report): Promise<void> {
  try {
    if ((await read()) !== sha256) fault(`${name} has other bytes than its record tells`);
  } catch (error) {
    const code = faultOfOne(error);
    if (code === undefined && !hasCode(error, 'ENOENT')) throw error;
    fault(code === undefined ? `${name} is missing` : `${name} is not given by the file system (${code})`);
  }
}

/** Of a whole file: one of several GB fits into no buffer. */
async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
