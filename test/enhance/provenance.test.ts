// Two slices that lie side by side, and the model's outputs for them exchanged on their way: no figure of the pixels tells it, the
// fingerprint of what the model was given does.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fingerprintOfValues, fingerprintsOf } from '../../src/enhance/fingerprint.js';
import type { InferenceMethods } from '../../src/enhance/methods.js';
import type { Pool } from '../../src/threads/pool.js';
import type { Thread } from '../../src/threads/thread.js';
import { smallTask } from '../support/small-task.js';
import { openTaskThreads } from '../support/task-threads.js';

const threads = openTaskThreads(1);
const { inference } = threads;
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'limpid-provenance-'));
});
afterAll(async () => {
  await threads.end();
  await rm(folder, { recursive: true });
});

type Answer = Awaited<ReturnType<Thread<InferenceMethods>['call']>>;

/** A pool that gives the first call the answer to the second, and the second that to the first. */
function exchanging(pool: Pool<InferenceMethods>): Pool<InferenceMethods> {
  const answers: Promise<Answer>[] = [];
  let tellSecond: (answer: Promise<Answer>) => void = () => undefined;
  const second = new Promise<Answer>((resolve) => (tellSecond = resolve));
  const thread: Thread<InferenceMethods> = {
    pending: 0,
    alive: true,
    end: () => Promise.resolve(),
    call(method, argument, options) {
      const own = pool.least().call(method, argument, options);
      answers.push(own);
      if (answers.length === 2) tellSecond(own);
      return answers.length === 1 ? second : answers.length === 2 ? (answers[0] ?? own) : own;
    },
  };
  return { size: 1, least: () => thread, all: () => [thread] };
}

const outcomeOf = (model: string, pool: Pool<InferenceMethods>) =>
  smallTask(folder, { ...threads, inference: pool }, { model, strength: 0.4 });

describe('the outputs of a model', () => {
  it.each(['wavelet', 'bicubic'])('go to their own slices (%s)', async (model) => {
    const { outcome, code, detail, objects } = await outcomeOf(model, inference);
    expect([outcome, code, detail, objects.length]).toEqual(['enhanced', null, '', 4]);
  });

  it.each(['wavelet', 'bicubic'])('are refused where two were exchanged, and nothing is kept (%s)', async (model) => {
    const { outcome, code, detail, objects } = await outcomeOf(model, exchanging(inference));
    expect([outcome, code, objects]).toEqual(['failed', 'DERIVE_CHECK_FAILED', []]);
    expect(detail).toBe("PROVENANCE: the model's output is of another slice");
  });
});

describe('fingerprintsOf', () => {
  const alone = { before: null, after: null };
  const of = (values: Float32Array, map: Float32Array): number => fingerprintsOf(values, map, alone).of;

  it('changes with any bit of image or noise map', () => {
    const [values, map] = [Float32Array.of(1, 2, 3), Float32Array.of(4, 5)];
    const all = [
      of(values, map),
      of(Float32Array.of(1, 2, 3.0000002), map),
      of(values, Float32Array.of(4, 5.000001)),
      of(map, values),
      of(Float32Array.of(2, 1, 3), map),
    ];
    expect(new Set(all).size).toBe(5);
    const shared = new Float32Array(new SharedArrayBuffer(12));
    shared.set(values);
    expect(of(shared, map)).toBe(all[0]);
  });

  it('tells which neighbours were there, and on which side', () => {
    const [values, map, other] = [Float32Array.of(1), Float32Array.of(2), Float32Array.of(1.0000001)];
    const beside = (before: Float32Array | null, after: Float32Array | null) =>
      fingerprintsOf(values, map, { before, after }).beside;
    expect(beside(null, null)).toEqual(alone);
    expect(beside(values, null)).toEqual({ before: fingerprintOfValues(values), after: null });
    expect(beside(values, other)).toEqual({ before: fingerprintOfValues(values), after: fingerprintOfValues(other) });
    expect(fingerprintOfValues(other)).not.toBe(fingerprintOfValues(values));
  });
});
