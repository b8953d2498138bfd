// The threads of a task's child, for tests that stand in its place.
import type { InstanceSummary } from '../../src/derive/check-series.js';
import type { FramePart } from '../../src/derive/frame-part.js';
import type { DerivationPlan } from '../../src/derive/plan.js';
import type { InferenceMethods, SliceMethods } from '../../src/enhance/methods.js';
import { openPool } from '../../src/threads/pool.js';
import type { Pool } from '../../src/threads/pool.js';

export type Slices = SliceMethods<DerivationPlan, FramePart, InstanceSummary>;

export interface TaskThreads {
  readonly slices: Pool<Slices>;
  readonly inference: Pool<InferenceMethods>;
  end(): Promise<void>;
}

/** @param count threads that decode and write; one runs the model */
export function openTaskThreads(count: number): TaskThreads {
  const slices = openPool<Slices>(new URL('../../src/task/slice-thread.js', import.meta.url), count);
  const inference = openPool<InferenceMethods>(new URL('../../src/task/inference-thread.js', import.meta.url), 1);
  return {
    slices,
    inference,
    end: async () => void (await Promise.all([...slices.all(), ...inference.all()].map((thread) => thread.end()))),
  };
}
