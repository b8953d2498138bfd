// One job: makes the document that withdraws a derived series and publishes it like a result. Safe to repeat.
import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readInstanceHeader } from '../dicom/file.js';
import type { DataSet } from '../dicom/data-set.js';
import type { DerivingNode } from '../dicom/deriving-node.js';
import { explicitLittleEndian, sopClasses } from '../dicom/uids.js';
import { LimpidError } from '../errors.js';
import type { Log } from '../observe/log.js';
import type { Metrics } from '../observe/metrics.js';
import type { StepResult } from '../queue/jobs.js';
import type { Key } from '../spool/key.js';
import type { OutcomeRecord } from '../spool/records.js';
import type { Spool } from '../spool/spool.js';
import { documentToMake } from '../spool/state.js';
import { documentRevision, withdrawalsOf } from '../spool/withdrawals.js';
import type { MadeSeries, Withdrawal } from '../spool/withdrawals.js';
import { hasCode, writeSynced } from '../spool/write-once.js';
import { withdrawalDocument } from './withdrawal-document.js';

export interface WithdrawalDeps {
  readonly spool: Spool;
  readonly node: Pick<DerivingNode, 'aeTitle' | 'stationName' | 'deviceSerialNumber'>;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly now: () => number;
}

/** What cannot be made now is not dropped: a person has asked for it. */
const againMs = 300_000;
const file = '00001.dcm';

export async function performWithdrawal(
  deps: WithdrawalDeps,
  job: { readonly key: Key; readonly revision: number; readonly task: string },
): Promise<StepResult> {
  const { spool, log, metrics, now } = deps;
  const state = await spool.state(job.key);
  const withdrawal = withdrawalsOf(state).find(({ task }) => task === job.task);
  if (withdrawal === undefined || documentToMake(state, withdrawal) !== job.revision) return { kind: 'done' };
  const isAgain = withdrawal.action.newUids || documentRevision(state, withdrawal) !== null;
  const { made, action } = withdrawal;
  try {
    const started = now();
    const { bytes, sopInstanceUid } = withdrawalDocument(await studyOf(spool, job.key, made), {
      seriesInstanceUid: made.seriesInstanceUid,
      instances: made.outcome.instances,
      reason: action.reason ?? 'quality',
      because: action.because,
      why: action.why,
      running: withdrawal.running,
      atMs: Date.parse(action.at),
      node: deps.node,
    });
    const folder = await spool.freshFolder('withdrawal');
    await mkdir(join(folder, 'objects'));
    await writeSynced(join(folder, 'objects', file), bytes, 'always');
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const instance = { file, sopInstanceUid, sha256, bytes: bytes.length };
    const outcome = outcomeOf(withdrawal, instance, [started, now()]);
    const first = await spool.publishOutcome(job.key, job.revision, outcome, folder);
    if (first && !isAgain) {
      metrics.inc('withdrawals_total', { model: made.model.id, reason: action.reason ?? 'quality' });
      log.warn('a derived series is withdrawn', {
        ...job,
        withdrawn: made.task,
        model: made.model.id,
        reason: action.reason,
        by: action.by,
      });
    }
    return { kind: 'done' };
  } catch (error) {
    if (!(error instanceof LimpidError)) throw error;
    metrics.inc('failures_total', { code: error.code });
    log.error('a withdrawal could not be made', { ...job, code: error.code, error });
    return { kind: 'later', atMs: now() + againMs };
  }
}

/** @throws LimpidError SPOOL_SWEPT: nothing that tells patient and study is left */
async function studyOf(spool: Spool, key: Key, { revision, task, outcome }: MadeSeries): Promise<DataSet> {
  const object = spool.objectFile(key, revision, task, outcome.instances[0]?.file ?? '');
  for (const path of [spool.layout.study(key, revision, task), object]) {
    try {
      return readInstanceHeader(await readFile(path)).dataSet;
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error;
    }
  }
  throw new LimpidError('SPOOL_SWEPT', 'nothing is left that tells the study of the series to withdraw');
}

function outcomeOf(
  { task, made: { seriesInstanceUid } }: Withdrawal,
  instance: { readonly file: string; readonly sopInstanceUid: string; readonly sha256: string; readonly bytes: number },
  [started, ended]: readonly [number, number],
): OutcomeRecord {
  return {
    version: 1,
    task,
    outcome: 'withdrawal',
    code: null,
    detail: `of ${seriesInstanceUid}`,
    startedAt: new Date(started).toISOString(),
    endedAt: new Date(ended).toISOString(),
    sameAs: null,
    // Not the withdrawn one: nothing may take this record for the result.
    seriesInstanceUid: null,
    provider: null,
    threads: null,
    strength: { asked: 0, effective: null, reached: null, blend: null },
    noise: { before: null, after: null, unit: 'STORED' },
    figures: {},
    grade: null,
    neighbours: null,
    warnings: [],
    modelSeconds: null,
    instances: [
      {
        ...instance,
        sopClassUid: sopClasses.keyObjectSelection,
        transferSyntaxUid: explicitLittleEndian,
        source: '',
      },
    ],
  };
}
