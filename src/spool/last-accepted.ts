// When the last image of a revision was with a peer: what a person does afterwards, or a peer commits itself to or loses, does not make it later.
import type { RevisionState } from './state.js';
import { isWithdrawalTask } from './withdrawals.js';

/** @returns ms since epoch; null: no peer has taken any */
export function lastAcceptedMs({ deliveries }: Pick<RevisionState, 'deliveries'>): number | null {
  const times = [...deliveries].flatMap(([name, batches]) => {
    if (isWithdrawalTask(name.split('@')[0] ?? '')) return [];
    const first = new Map<string, number>();
    for (const { at, instances } of batches) {
      for (const { sopInstanceUid, class: how } of instances) {
        // one that the peer has lost since, and was sent again, had been there
        const isTaken = (how === 'delivered' || how === 'warned') && !first.has(sopInstanceUid);
        if (isTaken) first.set(sopInstanceUid, Date.parse(at));
      }
    }
    return [...first.values()];
  });
  return times.length === 0 ? null : times.reduce((latest, time) => Math.max(latest, time));
}
