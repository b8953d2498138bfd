import type { FailureCode, ReasonCode } from '../errors.js';
import type { OutcomeRecord, ResolvedTask } from './records.js';

/** The outcome of a task that ended without objects, at `nowMs` (ms since epoch). */
export function outcomeWithout(
  nowMs: number,
  task: ResolvedTask,
  outcome: 'skipped' | 'failed' | 'superseded',
  code: ReasonCode | FailureCode,
  detail: string,
): OutcomeRecord {
  const at = new Date(nowMs).toISOString();
  return {
    version: 1,
    task: task.name,
    outcome,
    code,
    detail,
    startedAt: at,
    endedAt: at,
    sameAs: null,
    seriesInstanceUid: null,
    provider: null,
    threads: null,
    strength: { asked: task.strength, effective: null, reached: null, blend: null },
    noise: { before: null, after: null, unit: 'STORED' },
    figures: {},
    grade: null,
    neighbours: null,
    warnings: [],
    modelSeconds: null,
    instances: [],
  };
}
