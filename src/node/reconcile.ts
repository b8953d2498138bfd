// The reconciler: whatever happened to the queue or to a process, the spool's files say what is left to do.
import type { Log } from '../observe/log.js';
import type { Key } from '../spool/key.js';
import type { Spool } from '../spool/spool.js';

export interface Reconciler {
  /** Looks at every active series now (the queue has lost its jobs). */
  all(): void;
  close(): Promise<void>;
}

const lookEveryMs = 1_000;
const allEveryMs = 60_000;

/** Advances every active series at start and every minute, and at once those that were touched since. */
export function startReconciler(deps: {
  readonly spool: Spool;
  readonly advance: (key: Key) => Promise<void>;
  readonly log: Log;
  readonly monotonic: () => number;
}): Reconciler {
  const seen = new Map<Key, number>();
  let dueAllMs = deps.monotonic();
  let closed = false;
  let timer: NodeJS.Timeout | null = null;
  let running: Promise<void> = Promise.resolve();

  const failed = (error: unknown): void => deps.log.error('reconciling failed', { error });
  const look = async (): Promise<void> => {
    const everything = deps.monotonic() >= dueAllMs;
    if (everything) {
      dueAllMs = deps.monotonic() + allEveryMs;
      // What cannot be cleared away must not keep series from being looked at: jobs that the queue has lost come from here.
      await deps.spool.lookAtLeaving().catch(failed);
      await deps.spool.sweepTemporary().catch(failed);
    }
    const active = await deps.spool.active.keys();
    for (const key of seen.keys()) if (!active.has(key)) seen.delete(key);
    for (const [key, touched] of active) {
      if (closed) return;
      if (!everything && seen.get(key) === touched) continue;
      seen.set(key, touched);
      await deps.advance(key).catch((error: unknown) => {
        deps.log.error('a series could not be looked at', { key, error });
      });
    }
  };
  const loop = async (): Promise<void> => {
    await look().catch(failed);
    if (closed) return;
    timer = setTimeout(() => {
      running = loop();
    }, lookEveryMs);
  };
  running = loop();
  return {
    all: () => {
      dueAllMs = deps.monotonic();
    },
    close: async () => {
      closed = true;
      if (timer !== null) clearTimeout(timer);
      await running;
    },
  };
}
