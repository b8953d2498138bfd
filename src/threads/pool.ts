import { startThread } from './thread.js';
import type { Methods, Thread } from './thread.js';

export interface Pool<M extends Methods> {
  readonly size: number;
  /** The thread with the fewest calls that wait; an ended one is replaced. */
  least(): Thread<M>;
  /** Every thread that lives. */
  all(): readonly Thread<M>[];
}

/** Threads of one module, started when first needed. */
export function openPool<M extends Methods>(module: URL, size: number): Pool<M> {
  const threads: Thread<M>[] = [];
  return {
    size,
    least() {
      const alive = threads.filter((thread) => thread.alive);
      threads.splice(0, threads.length, ...alive);
      const best = alive.toSorted((a, b) => a.pending - b.pending)[0];
      if (best && (best.pending === 0 || threads.length >= size)) return best;
      const thread = startThread<M>(module);
      threads.push(thread);
      return thread;
    },
    all: () => threads.filter((thread) => thread.alive),
  };
}
