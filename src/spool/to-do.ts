// What a person does about a series that waits for one: commands, and what each does.
import type { SeriesView } from './view.js';
import { isWithdrawalTask } from './withdrawals.js';

export interface ToDo {
  readonly command: string;
  readonly does: string;
}

const command = (verb: 'requeue' | 'release' | 'discard', key: string, does: string): ToDo => ({
  command: `limpid series ${verb} ${key}`,
  does,
});

/** Of what retention has taken away nothing can be asked for again. */
export const mayRequeue = ({ revisions }: Pick<SeriesView, 'revisions'>): boolean =>
  revisions.every(({ swept }) => !swept);

/** What is told by a document can be told again, also of what retention has taken away. */
function withdrawAgain({ key, revisions }: Pick<SeriesView, 'key' | 'revisions'>): ToDo[] {
  const isRefused = revisions.some(({ deliveries }) =>
    deliveries.some(({ task, state, refused }) => isWithdrawalTask(task) && state === 'given-up' && refused > 0),
  );
  if (!isRefused || mayRequeue({ revisions })) return [];
  const does = 'tells the peer again, once it is mended; the reason may be safety too';
  return [{ command: `limpid series withdraw ${key} --reason quality`, does }];
}

/** Empty where nobody has to act. */
export function toDo({ key, state, revisions }: Pick<SeriesView, 'key' | 'state' | 'revisions'>): ToDo[] {
  if (state === 'unreadable') return [{ command: 'limpid spool verify', does: 'names the record that cannot be read' }];
  const discard = command('discard', key, 'gives it up');
  const requeue = (does: string): ToDo[] => (mayRequeue({ revisions }) ? [command('requeue', key, does)] : []);
  if (state === 'held') {
    const held = new Set(revisions.at(-1)?.decision?.held.map(({ code }) => code));
    // Released, a series that no rule matches would go nowhere.
    if (held.has('NO_RULE')) return [...requeue('routes it again, once a rule matches it'), discard];
    if (held.has('DUPLICATE_DIFFERS'))
      return [
        command('release', key, 'goes on with the copies that came first'),
        ...requeue('takes those that came later in their place, a corrected name say, and sends them'),
        discard,
      ];
    return [command('release', key, 'lets it go on'), discard];
  }
  const newest = revisions.at(-1);
  const isWithheld = newest?.swept === false && newest.tasks.some((task) => task.state === 'withheld');
  if (state === 'done' && isWithheld) {
    return [command('release', key, 'delivers what is withheld, once a person has judged it')];
  }
  const isRefused = state === 'given-up' || state === 'partial' || state === 'uncommitted';
  return isRefused
    ? [...requeue('tries again, once the peer is mended'), ...withdrawAgain({ key, revisions }), discard]
    : [];
}
