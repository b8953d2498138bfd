// What stops a task without being its fault: a drain, a volume without room. None of it brings the task nearer to POISON.
import { once } from 'node:events';
import { hostname } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { ChildNotStarted } from '../../src/enhance/child-not-started.js';
import { decideAttempt, faultWaitMs } from '../../src/enhance/decide-attempt.js';
import { performTask } from '../../src/enhance/perform-task.js';
import type { PerformDeps } from '../../src/enhance/perform-task.js';
import { LimpidError } from '../../src/errors.js';
import { openLog } from '../../src/observe/log.js';
import { openMetrics } from '../../src/observe/metrics.js';
import { openSpool } from '../../src/spool/open-spool.js';
import type { Spool } from '../../src/spool/spool.js';
import type { TaskState } from '../../src/spool/state.js';
import { actionRecord, decisionRecord, key, resolvedTask, seriesRecord } from '../support/records.js';
import { withFolder } from '../support/temporary.js';

const task = resolvedTask().name;
const job = { key, revision: 1, task };

async function performed(
  change: Partial<PerformDeps>,
  signal = new AbortController().signal,
  decision = decisionRecord(1),
  failures = 0,
  duringRun: ((spool: Spool, abort: AbortSignal) => ReturnType<PerformDeps['run']>) | null = null,
  cutShort = 0,
): Promise<{ kind: string; waitMs: number; runs: number; task: TaskState | undefined }> {
  return withFolder(async (directory) => {
    const spool = await openSpool({ directory, sync: 'never', host: hostname(), now: Date.now });
    try {
      await spool.publishRevision(seriesRecord(1, ['1.1', '1.2']));
      await spool.publishDecision(decision);
      for (let number = 1; number <= failures; number++) {
        await spool.recordAttempt(key, 1, task);
        await spool.recordAttemptEnd(key, 1, task, number, 'died', new LimpidError('ENHANCE_MEMORY', 'too much'));
      }
      for (let number = 1; number <= cutShort; number++) await spool.recordAttempt(key, 1, task);
      let runs = 0;
      const deps: PerformDeps = {
        spool,
        run: () => {
          runs += 1;
          return Promise.reject(new LimpidError('SPOOL_FULL', 'ENOSPC: no space left on device, write'));
        },
        modelsDirectory: '',
        ownModelsDirectory: null,
        criticalBytes: 0,
        node: { stationName: 'n', deviceSerialNumber: 's', qualification: 'RESEARCH' },
        log: openLog('silent'),
        metrics: openMetrics(),
        now: () => 1_000,
        ...change,
        ...(duringRun === null ? {} : { run: (_, abort) => duringRun(spool, abort) }),
      };
      const result = await performTask(deps, job, signal);
      const state = await spool.state(key);
      return {
        kind: result.kind,
        waitMs: result.kind === 'later' ? result.atMs - 1_000 : 0,
        runs,
        task: state.revisions[0]?.tasks.get(task),
      };
    } finally {
      await spool.close();
    }
  });
}

const tooSlow = { run: () => Promise.reject(new LimpidError('ENHANCE_DEADLINE', 'the task took longer')) };

describe('a task that takes longer than its deadline', () => {
  it('is tried again where nothing takes its place', async () => {
    expect(await performed(tooSlow)).toMatchObject({ kind: 'later', task: { died: 1, outcome: null } });
  });
  it('ends at once where a fallback waits', async () => {
    const spare = { ...resolvedTask(), name: 'nlm-87654321', insteadOf: task };
    const decision = decisionRecord(1, { tasks: [resolvedTask(), spare] });
    const ended = await performed(tooSlow, undefined, decision);
    expect(ended).toMatchObject({ kind: 'done', task: { outcome: { outcome: 'failed', code: 'ENHANCE_DEADLINE' } } });
  });
});

it('whose network fails ends at once, with its words, and so does not keep a fallback waiting', async () => {
  const said = 'the graph does not take an input of [1, 2, 512, 512]: Reshape';
  const failed = { run: () => Promise.reject(new LimpidError('MODEL_FAILED', said)) };
  expect(await performed(failed)).toMatchObject({
    kind: 'done',
    task: { outcome: { outcome: 'failed', code: 'MODEL_FAILED', detail: said } },
  });
});

describe('a task', () => {
  it('that fills the volume is tried again later, and its child has not died', async () => {
    expect(await performed({})).toMatchObject({
      kind: 'later',
      waitMs: 60_000,
      runs: 1,
      task: { started: 1, died: 0, drained: 1, outcome: null },
    });
  });

  it('that finds the volume full as often as you like is never given up for that', () => {
    expect(decideAttempt({ started: 30, died: 2, drained: 25 })).toEqual({ kind: 'run' });
    expect(decideAttempt({ started: 30, died: 2, drained: 20 }).kind).toBe('give-up');
    expect(decideAttempt({ started: 3, died: 3, drained: 0 }).kind).toBe('give-up');
  });

  it('that fails a third time ends with that failure in words', async () => {
    const spoilt = { run: () => Promise.reject(new LimpidError('MODEL_INVALID', 'model.yaml is no YAML')) };
    const ended = (failures: number) => performed(spoilt, undefined, undefined, failures);
    expect(await ended(1)).toMatchObject({ kind: 'later', task: { died: 2, outcome: null } });
    const detail = 'it failed, or ended its worker child, 3 times; the last time MODEL_INVALID: model.yaml is no YAML';
    expect(await ended(2)).toMatchObject({
      kind: 'done',
      task: { outcome: { outcome: 'failed', code: 'POISON', detail } },
    });
  });

  it.each(['SPOOL_UNUSABLE', 'NODE_DESCRIPTORS'] as const)(
    'that a fault of the machine ends (%s) outlasts it: it is not what brings a task to POISON within seconds',
    async (code) => {
      const away = { run: () => Promise.reject(new LimpidError(code, 'EIO: i/o error, read')) };
      const after = (failures: number) => performed(away, undefined, undefined, failures);
      expect(await after(2)).toMatchObject({ kind: 'later', waitMs: 240_000, task: { died: 2, outcome: null } });
      const nine = Array.from({ length: 9 }, (_, attempt) => faultWaitMs(attempt + 1));
      expect(nine.reduce((sum, waitMs) => sum + waitMs, 0)).toBeGreaterThan(4 * 3_600_000);
    },
  );

  it('whose child is never started has not failed: it waits', async () => {
    const none = { run: () => Promise.reject(new ChildNotStarted('PROVIDER_UNAVAILABLE', 'no provider of cuda')) };
    const ended = await performed(none, undefined, undefined, 2);
    expect(ended).toMatchObject({ kind: 'later', waitMs: 240_000, task: { died: 2, outcome: null } });
  });

  it('whose source the disk never gives again ends all the same, and says why', async () => {
    const sick = () => Promise.reject(Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' }));
    const after = (cutShort: number) => performed({}, undefined, undefined, 0, sick, cutShort);
    expect(await after(8)).toMatchObject({ kind: 'later', task: { started: 9, died: 0, outcome: null } });
    const detail = '10 attempts without an outcome; the last time SPOOL_UNUSABLE: EIO: i/o error, read';
    expect(await after(9)).toMatchObject({ kind: 'done', task: { outcome: { code: 'POISON', detail } } });
  });

  it('whose result would fill the volume waits, without an attempt', async () => {
    expect(await performed({ criticalBytes: Number.MAX_SAFE_INTEGER })).toMatchObject({
      kind: 'later',
      waitMs: 60_000,
      runs: 0,
      task: { started: 0, outcome: null },
    });
  });

  it.each([null, task])('that a person discards while it runs ends, and its child with it: %p', async (discarded) => {
    const running = async (spool: Spool, abort: AbortSignal): Promise<never> => {
      await spool.recordAction(key, actionRecord({ kind: 'discard', task: discarded }));
      await once(abort, 'abort', { signal: AbortSignal.timeout(10_000) });
      throw new LimpidError('ENHANCE_DRAINED', 'it was told to end');
    };
    expect(await performed({}, undefined, undefined, 0, running)).toMatchObject({
      kind: 'done',
      task: { outcome: null },
    });
  });

  it('goes on while a person does something else to its series', async () => {
    const running = async (spool: Spool, abort: AbortSignal): Promise<never> => {
      for (const kind of ['hold', 'prioritise'] as const) await spool.recordAction(key, actionRecord({ kind }));
      await pause(5_000);
      throw new LimpidError('MODEL_FAILED', `it was told to end: ${abort.aborted}`);
    };
    const ended = await performed({}, undefined, undefined, 0, running);
    expect(ended.task?.outcome?.detail).toBe('it was told to end: false');
  });

  it('of a node that drains is not begun', async () => {
    expect(await performed({}, AbortSignal.abort())).toMatchObject({
      kind: 'later',
      runs: 0,
      task: { started: 0, outcome: null },
    });
  });
});
