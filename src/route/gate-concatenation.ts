// The gate's question on concatenations: are all parts of one multi-frame image there (PS3.3 C.7.6.16.2.2.4)?
import type { Reason } from '../errors.js';
import { numberOf, valuesOf } from './series-facts.js';
import type { InstanceFacts, SeriesFacts } from './series-facts.js';

/** A concatenation is complete when its parts are numbered 1 to the total that they name; one that names no total never is. */
export function concatenationFaults({ instances }: SeriesFacts): Reason[] {
  const parts = new Map<string, Map<string, InstanceFacts>>();
  for (const instance of instances) {
    const [uid] = valuesOf(instance, 'ConcatenationUID');
    if (uid === undefined) continue;
    const own = parts.get(uid) ?? new Map<string, InstanceFacts>();
    parts.set(uid, own.set(instance.sopInstanceUid, instance));
  }
  const open = [...parts.values()].filter((own) => !isComplete([...own.values()])).length;
  return open === 0 ? [] : [{ code: 'CONCATENATION', detail: `${open} of ${parts.size} incomplete` }];
}

function isComplete(parts: readonly InstanceFacts[]): boolean {
  const numbers = new Set(parts.map((part) => numberOf(part, 'InConcatenationNumber')));
  const totals = new Set(parts.map((part) => numberOf(part, 'InConcatenationTotalNumber')));
  const [total] = totals;
  if (totals.size !== 1 || total === null || total !== parts.length) return false;
  return Array.from({ length: total }, (_, index) => index + 1).every((number) => numbers.has(number));
}
