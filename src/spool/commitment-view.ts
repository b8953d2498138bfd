// What a view tells of storage commitment.
import { z } from 'zod';
import { counted } from './counted.js';
import { commitmentOf } from './state.js';
import type { RevisionState, SeriesState } from './state.js';

export const commitmentView = z
  .object({
    state: z.enum(['open', 'committed', 'uncommitted', 'waived']).meta({
      description:
        'open: the peer was, or will be, asked; committed: it has committed itself to all that it stored; uncommitted: it has not, and is not asked again; waived: it is not asked any more, by the configuration.',
    }),
    says: z.string(),
    committed: z.int().meta({ description: 'Instances.' }),
    uncommitted: z.int().meta({ description: 'Instances that the peer has stored and not committed itself to.' }),
    requests: z.int().meta({ description: 'Transactions so far.' }),
    lastAt: z.iso.datetime().nullable().meta({ description: 'Newest request or report.' }),
  })
  .meta({ id: 'Commitment' });
export type CommitmentView = z.infer<typeof commitmentView>;

const hex = (code: number): string => code.toString(16).toUpperCase().padStart(4, '0');

/** The commitment of one delivery; null where it is not asked for. */
export function commitmentViewOf(
  state: SeriesState,
  revision: RevisionState,
  task: string,
  peer: string,
): CommitmentView | null {
  const { word, uncommitted, committed } = commitmentOf(state, revision, task, peer);
  if (word === 'none') return null;
  const of = revision.commitments.get(`${task}@${peer}`);
  const transactions = of?.transactions ?? [];
  const last = transactions.at(-1);
  const by = last?.asked.by ?? peer;
  const isEarly = word === 'committed' && committed === 0;
  const open = counted(uncommitted.length, 'instance');
  const says = ((): string => {
    if (isEarly) return `${by} will be asked to commit itself to what it stores.`;
    if (word === 'committed') return `${counted(committed, 'instance')} committed by ${by}.`;
    if (word === 'waived') return `${open} not committed: ${of?.end?.detail ?? 'not asked any more'}.`;
    if (word === 'uncommitted')
      return `${by} does not commit itself to ${open} (${of?.end?.detail ?? ''}); kept until a person acts.`;
    // The log alone says why not: what is asked leaves a record, what cannot be asked leaves none.
    if (last === undefined)
      return `${by} has not been asked yet to commit itself to ${open}; where that stays so, \`limpid peers check ${peer}\` says why.`;
    if (last.report !== null) {
      const reasons = [...new Set(last.report.failed.map(({ reason }) => hex(reason)))].join(', ');
      return `${by} did not commit itself to ${open} (${reasons === '' ? 'not in its report' : reasons}); it is asked again.`;
    }
    if (last.answer === null) return `${by} is being asked to commit itself to ${open}.`;
    if (last.answer.status === 0) return `${by} has been asked; its report on ${open} is awaited.`;
    const why = last.answer.status === null ? (last.answer.code ?? '') : `status ${hex(last.answer.status)}`;
    return `${by} could not be asked to commit itself to ${open} (${why}); it is tried again.`;
  })();
  return {
    state: isEarly ? 'open' : word,
    says,
    committed,
    uncommitted: uncommitted.length,
    requests: transactions.length,
    lastAt: last?.report?.at ?? last?.asked.at ?? null,
  };
}
