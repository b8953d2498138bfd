// Which series are worth reading for those of one state: of years of series nearly all are done, and reading all of them takes minutes.
import type { Key } from './key.js';
import type { Spool } from './spool.js';
import type { SeriesWord } from './view.js';

/**
 * Tells of a series whether it may be in a state: what is neither done nor unreadable has its marker. Any may be unreadable.
 *
 * @param state absent: in any
 */
export async function mayBe(
  { active }: { readonly active: Pick<Spool['active'], 'keys'> },
  state: SeriesWord | undefined,
): Promise<(key: Key) => boolean> {
  if (state === undefined || state === 'done' || state === 'unreadable') return () => true;
  const marked = await active.keys();
  return (key) => marked.has(key);
}
