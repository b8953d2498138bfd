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

/**
 * Advances every active series at start and every minute, and at once those that were touched since: thousands take a turn of many seconds,
 * which is broken off each second to look for what a person has just touched.
 */
export function startReconciler(deps: {
  readonly spool: Spool;
  readonly advance: (key: Key) => Promise<void>;
  readonly log: Log;
  readonly monotonic: () => number;
}): Reconciler {
  /** When each series was touched last, as far as it was looked at; null before the first look. */
  let seen: Map<Key, number> | null = null;
  /** What is left of the turn. */
  let turn = new Set<Key>();
  let dueAllMs = deps.monotonic();
  let closed = false;
  let timer: NodeJS.Timeout | null = null;
  let running: Promise<void> = Promise.resolve();

  const failed = (error: unknown): void => deps.log.error('reconciling failed', { error });
  const advance = async (key: Key): Promise<void> => {
    turn.delete(key);
    await deps.advance(key).catch((error: unknown) => {
      deps.log.error('a series could not be looked at', { key, error });
    });
  };
  const look = async (): Promise<void> => {
    const begunMs = deps.monotonic();
    const isTurnDue = begunMs >= dueAllMs;
    if (isTurnDue) {
      dueAllMs = begunMs + allEveryMs;
      // What cannot be cleared away must not keep series from being looked at: jobs that the queue has lost come from here.
      await deps.spool.lookAtLeaving().catch(failed);
      await deps.spool.sweepTemporary().catch(failed);
    }
    const active = await deps.spool.active.keys();
    const inOrder = [...active].toSorted(([, a], [, b]) => a - b); // who waits longest comes first
    const before = seen ?? active; // at start nothing is newly touched: all of it is the turn
    seen = new Map([...before].filter(([key]) => active.has(key)));
    turn = new Set(isTurnDue ? inOrder.map(([key]) => key) : [...turn].filter((key) => active.has(key)));
    for (const [key, touched] of inOrder) {
      if (closed) return;
      if (before.get(key) === touched) continue;
      seen.set(key, touched);
      await advance(key);
    }
    for (const key of turn) {
      if (closed) return;
      await advance(key);
      if (deps.monotonic() - begunMs >= lookEveryMs) return;
    }
  };
  const loop = async (): Promise<void> => {
    const isMore = await look().then(() => turn.size > 0, failed);
    if (closed) return;
    timer = setTimeout(
      () => {
        running = loop();
      },
      isMore === true ? 0 : lookEveryMs,
    );
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
