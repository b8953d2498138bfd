// What measuring a series comes to whose thread does not answer, or fails; and what it leaves in the thread.
import { describe, expect, it } from '@jest/globals';
import { measureSeries } from '../../src/enhance/measure-series.js';
import { LimpidError } from '../../src/errors.js';
import { ThreadEnded } from '../../src/threads/thread.js';
import type { Thread } from '../../src/threads/thread.js';
import { openTaskThreads } from '../support/task-threads.js';
import type { Slices } from '../support/task-threads.js';
import { writeSyntheticSeries } from '../support/synthetic-series.js';
import { withFolder } from '../support/temporary.js';

type Step = 'survey' | 'prepare' | 'judge';

/** Measures a series in a thread that fails in one step as it is told to. */
async function measuredIn(
  step: Step | null,
  error: LimpidError,
): Promise<{ readonly result: unknown; readonly dropped: number; readonly deadlines: readonly (number | null)[] }> {
  return withFolder(async (folder) => {
    const { files } = await writeSyntheticSeries(folder, {
      modality: 'CT',
      slices: 3,
      rows: 128,
      columns: 128,
      noise: 12,
      seed: 3,
    });
    const threads = openTaskThreads(1);
    try {
      const real = threads.slices.least();
      let dropped = 0;
      const deadlines: (number | null)[] = [];
      const failing: Thread<Slices> = {
        get pending() {
          return real.pending;
        },
        alive: !(error instanceof ThreadEnded),
        end: () => real.end(),
        call: (method, argument, options) => {
          if (method === 'prepare') deadlines.push(options.deadlineMs);
          if (method === 'drop') dropped++;
          return method === step ? Promise.reject(error) : real.call(method, argument, options);
        },
      };
      const slices = { size: 1, least: () => failing, all: () => [failing] };
      const result = await measureSeries(files, slices, 1000).catch((thrown: unknown) => thrown);
      while (real.pending > 0) await new Promise((resolve) => setTimeout(resolve, 20));
      return { result, dropped, deadlines };
    } finally {
      await threads.end();
    }
  });
}

const noAnswer = new ThreadEnded('no answer', 'no answer within 1000 ms');

describe('a series that is measured', () => {
  it.each(['survey', 'prepare', 'judge'] as const)(
    'too slowly in %s is told as too slow, by the name of its file, and not as a fault of limpid',
    async (step) => {
      const { result, dropped } = await measuredIn(step, noAnswer);
      expect(result).toMatchObject({
        code: 'ENHANCE_DEADLINE',
        message: expect.stringMatching(/^a step of 000\d\.dcm: no answer within 1000 ms$/),
      });
      expect(dropped).toBe(0); // the thread is gone, and all that it held
    },
  );
  it('leaves nothing in its thread when judging one of its images fails', async () => {
    const { result, dropped } = await measuredIn('judge', new LimpidError('ENHANCE_MEMORY', 'no room'));
    expect(result).toMatchObject({ code: 'ENHANCE_MEMORY' });
    expect(dropped).toBe(3);
  });
  it('has time for what waits before each image in its thread', async () => {
    const { result, deadlines } = await measuredIn(null, noAnswer);
    expect(result).toMatchObject({ noise: expect.any(Number) });
    expect([...deadlines].toSorted((a, b) => (a ?? 0) - (b ?? 0)).at(-1)).toBeGreaterThan(1000);
  });
});
