// What /readyz tells: each thing that this process depends on, asked when somebody wants to know.
import type { DependencyView, ReadyReport } from '../admin/ports.js';
import { backlogOf } from '../queue/backend.js';
import type { QueueBackend } from '../queue/backend.js';
import type { PressureMarks } from '../receive/decide-pressure.js';
import type { Spool } from '../spool/spool.js';

/** Where instances begin to be refused, as the receiver has it. */
type Marks = Pick<PressureMarks, 'lowBytes' | 'criticalBytes' | 'fullBacklog'>;

/** Of a receiver with its spool: the lock is its own, another one's as long as that runs, or was lost for good. */
export type Standing = 'holds' | 'stands-by' | 'stepped-down';

const standingWords = {
  'stands-by': 'Another receiver holds the spool: this one takes its place when that one ends.',
  'stepped-down':
    'The lock of the spool is gone, or another process has it: this receiver takes nothing until it is started again.',
} as const;

/** @param process `stopping` is aborted once it drains; `standing` is that of its receiver, `holds` without one */
export function readiness(
  spool: Pick<Spool, 'freeBytes'>,
  queue: Pick<QueueBackend, 'counts' | 'probe' | 'notice'>,
  marks: Marks,
  process: { readonly stopping: AbortSignal; readonly standing: () => Standing },
): () => Promise<ReadyReport> {
  return async () => {
    const dependencies = [await spoolView(spool, marks), await queueView(queue, marks)];
    const standing = process.standing();
    if (standing !== 'holds') dependencies.push({ name: 'receiver', state: 'down', says: standingWords[standing] });
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

async function spoolView(spool: Pick<Spool, 'freeBytes'>, { lowBytes, criticalBytes }: Marks): Promise<DependencyView> {
  try {
    const free = await spool.freeBytes();
    const room = `${(free / 1e9).toFixed(1)} GB of room`;
    if (free < criticalBytes) {
      const says = `${room}: below spool.critical, associations are refused. Free space, or inodes (df -i).`;
      return { name: 'spool', state: 'down', says };
    }
    if (free < lowBytes) {
      const says = `${room}: below spool.low, instances are refused (A700). Free space, or inodes (df -i).`;
      return { name: 'spool', state: 'degraded', says };
    }
    return { name: 'spool', state: 'ready', says: `The spool can be written, ${room}.` };
  } catch {
    return { name: 'spool', state: 'down', says: 'The spool volume does not answer: check its mount.' };
  }
}

async function queueView(
  queue: Pick<QueueBackend, 'counts' | 'probe' | 'notice'>,
  { fullBacklog }: Marks,
): Promise<DependencyView> {
  try {
    const backlog = backlogOf(await queue.counts());
    if (backlog >= fullBacklog) {
      const says = `${backlog} jobs wait for routing and enhancing: from ${fullBacklog} (node.dimse.fullBacklog) on instances are refused (A700).`;
      return { name: 'queue', state: 'degraded', says };
    }
  } catch (error) {
    const says = `The queue does not answer${whyOf(error)}: instances are kept, and worked on once it is back.`;
    return { name: 'queue', state: 'degraded', says };
  }
  try {
    await queue.probe();
    const notice = await queue.notice();
    if (notice !== null) return { name: 'queue', state: 'degraded', says: `The queue takes jobs. ${notice}` };
    return { name: 'queue', state: 'ready', says: 'The queue takes jobs.' };
  } catch (error) {
    const says = `The queue answers, but takes no jobs${whyOf(error)}: instances are kept, and worked on once it does.`;
    return { name: 'queue', state: 'degraded', says };
  }
}

/** What the store itself says, in brackets; empty: nothing. */
function whyOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : null;
  return cause instanceof Error && cause.message !== '' ? ` (${cause.message})` : '';
}
