// Does the spool hold what its records say? For `limpid spool verify`.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { LimpidError } from '../errors.js';
import type { Key } from './key.js';
import type { Spool } from './spool.js';
import { nextSteps, sweptFiles, unlistedFiles } from './state.js';
import type { SeriesState } from './state.js';
import { namesIn } from './write-once.js';

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
 * Walks every series: each record readable, each listed instance and each derived object there unless swept; with hashes,
 * each of the bytes that its record tells. A series that has something left to do and no marker gets one.
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
    const fault = (says: string): void => void faults.push({ key, says });
    try {
      const state = await spool.state(key);
      files += await verifyInstances(spool, state, depth, fault);
      files += await verifyResults(spool, state, depth, fault);
      if (!nextSteps(state).done && !(await spool.isActive(key))) {
        await spool.active.touch(key);
        woken.push(key);
      }
    } catch (error) {
      if (!(error instanceof LimpidError)) throw error;
      fault(error.message);
    }
    progress(index + 1, keys.length);
  }
  return { series: keys.length, files, faults, woken };
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
    } else if (
      depth === 'hashes' &&
      (await spool.instances.sha256(spool.layout.instance(state.key, file))) !== sha256
    ) {
      fault(`instances/${file}.dcm has other bytes than its record tells`);
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
          const bytes = await readFile(spool.objectFile(key, record.revision, task, file));
          if (createHash('sha256').update(bytes).digest('hex') !== sha256) {
            fault(`${name} has other bytes than its record tells`);
          }
        }
      }
    }
  }
  return files;
}
