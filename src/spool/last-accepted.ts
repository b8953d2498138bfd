// When the last image of a revision was with a peer: what a person does afterwards, or a peer commits itself to, does not make it later.
import type { RevisionState } from './series-state.js';
import { isWithdrawalTask } from './withdrawals.js';

/** @returns ms since epoch; null: no peer has taken any */
export function lastAcceptedMs({ deliveries }: Pick<RevisionState, 'deliveries'>): number | null {
  const times = [...deliveries].flatMap(([name, batches]) => {
    if (isWithdrawalTask(name.split('@')[0] ?? '')) return [];
    const taken = batches.filter(({ instances }) =>
      instances.some((instance) => instance.class === 'delivered' || instance.class === 'warned'),
    );
    return taken.map(({ at }) => Date.parse(at));
  });
  return times.length === 0 ? null : Math.max(...times);
}
