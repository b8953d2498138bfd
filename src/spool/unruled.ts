// A series that no rule matches: held, and let go all the same it goes nowhere.
import type { Key } from './key.js';

interface Decided {
  readonly decision: { readonly held: readonly { readonly code: string }[] } | null;
}

/** Whether a revision was held as no rule matches it. */
export const isUnruled = (revision: Decided | undefined): boolean =>
  revision?.decision?.held.some(({ code }) => code === 'NO_RULE') === true;

/** What is said to whoever releases such a series: he may believe that it goes somewhere. */
export const unruledSays = (key: Key): string =>
  `no rule matches it: nothing is made of it or sent by that. Once a rule does: limpid series requeue ${key}`;
