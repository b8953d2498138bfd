// What /readyz tells: each thing that this process depends on, asked when somebody wants to know.
import type { DependencyView, ReadyReport } from '../admin/ports.js';
import type { QueueBackend } from '../queue/backend.js';
import type { Spool } from '../spool/spool.js';

/** @param process `stopping` is aborted once it drains; `standsBy` tells whether another receiver holds the spool */
export function readiness(
  spool: Spool,
  queue: QueueBackend,
  criticalBytes: number,
  process: { readonly stopping: AbortSignal; readonly standsBy: () => boolean },
): () => Promise<ReadyReport> {
  return async () => {
    const dependencies = [await spoolView(spool, criticalBytes), await queueView(queue)];
    if (process.standsBy()) {
      const says = 'Another receiver holds the spool: this one takes its place when that one ends.';
      dependencies.push({ name: 'receiver', state: 'down', says });
    }
    if (process.stopping.aborted) {
      dependencies.push({
        name: 'node',
        state: 'down',
        says: 'The node is draining: it takes nothing new and will end.',
      });
    }
    return { dependencies };
  };
}

async function spoolView(spool: Spool, criticalBytes: number): Promise<DependencyView> {
  try {
    const free = await spool.freeBytes();
    const gigabytes = `${(free / 1e9).toFixed(1)} GB free`;
    return free < criticalBytes
      ? {
          name: 'spool',
          state: 'down',
          says: `${gigabytes}: below spool.critical, associations are refused. Free space.`,
        }
      : { name: 'spool', state: 'ready', says: `The spool can be written, ${gigabytes}.` };
  } catch {
    return { name: 'spool', state: 'down', says: 'The spool volume does not answer: check its mount.' };
  }
}

async function queueView(queue: QueueBackend): Promise<DependencyView> {
  try {
    await queue.counts();
    return { name: 'queue', state: 'ready', says: 'The queue answers.' };
  } catch {
    const says = 'The queue does not answer: instances are kept, and worked on once it is back.';
    return { name: 'queue', state: 'degraded', says };
  }
}
