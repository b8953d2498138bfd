// What a view tells of the storage commitment that this node gives.
import { z } from 'zod';
import { counted } from './counted.js';
import { instanceNameOf } from './key.js';
import type { SeriesPromise } from './promises.js';
import type { SeriesState } from './state.js';

export const promiseView = z
  .object({
    by: z.string().meta({ description: 'The peer that asked this node to commit itself.' }),
    at: z.iso.datetime(),
    until: z.iso.datetime().meta({ description: 'The pixels stay at least until then.' }),
    state: z.enum(['deciding', 'telling', 'reported', 'unreported']).meta({
      description:
        'deciding: instances are looked at, or on their way to others; telling: decided, the peer has not taken the report; reported; unreported: given up.',
    }),
    says: z.string(),
    committed: z.int().nullable().meta({ description: 'Instances of this series; null: not decided yet.' }),
    failed: z.int().nullable(),
  })
  .meta({ id: 'Promise' });
export type PromiseView = z.infer<typeof promiseView>;

/** One promise as it is told: of its transaction the instances of this series. */
export function promiseViewOf(state: SeriesState, { by, at, until, outcome, end }: SeriesPromise): PromiseView {
  const listed = state.revisions.flatMap(({ record }) => record.instances.map(({ file }) => file));
  const own = new Set([...state.files, ...listed]);
  const countOf = (list: readonly { readonly sopInstanceUid: string }[]): number =>
    list.filter(({ sopInstanceUid }) => own.has(instanceNameOf(sopInstanceUid))).length;
  const base = { by, at, until };
  if (outcome === null) {
    const says = `${by} asks this node to commit itself; its instances are looked at or on their way to others.`;
    return { ...base, state: 'deciding', says, committed: null, failed: null };
  }
  const committed = countOf(outcome.committed);
  const failed = countOf(outcome.failed);
  const what = `this node has committed itself to ${counted(committed, 'instance')} for ${by}${failed > 0 ? `, not to ${failed}` : ''}`;
  const word = end === null ? 'telling' : end.how;
  const how = {
    telling: 'the report has not been taken yet',
    reported: 'reported',
    unreported: `the report was given up (${end?.detail ?? ''})`,
  }[word];
  return { ...base, state: word, says: `${what}; ${how}.`, committed, failed };
}
