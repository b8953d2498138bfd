// What a person does about a series that waits for one: commands, and what each does.
import type { SeriesView } from './view.js';

export interface ToDo {
  readonly command: string;
  readonly does: string;
}

/** Empty where nobody has to act. */
export function toDo({ key, state, revisions }: Pick<SeriesView, 'key' | 'state' | 'revisions'>): ToDo[] {
  const requeue = (does: string): ToDo => ({ command: `limpid series requeue ${key}`, does });
  const discard: ToDo = { command: `limpid series discard ${key}`, does: 'gives it up' };
  switch (state) {
    case 'held':
      // Released, a series that no rule matches would go nowhere.
      return revisions.at(-1)?.decision?.held.some(({ code }) => code === 'NO_RULE') === true
        ? [requeue('routes it again, once a rule matches it'), discard]
        : [{ command: `limpid series release ${key}`, does: 'lets it go on' }, discard];
    case 'given-up':
    case 'partial':
    case 'uncommitted':
      return [requeue('tries again, once the peer is mended'), discard];
    case 'receiving':
    case 'routing':
    case 'enhancing':
    case 'delivering':
    case 'committing':
    case 'done':
      return [];
  }
}
