// docs/errors.md: every code that a person may meet, with what to do.
import { failures, reasons } from '../../src/errors.js';
import { anchored, page, table } from './markdown.js';

const nextWords = { retry: 'tries again', reject: 'gives this input up', stop: 'stops' } as const;
const verdictWords = { skip: 'skipped', hold: 'held', warn: 'warning' } as const;
/** No verdicts of the gate: how a task ends that it let run. */
const endings: Readonly<Record<string, string>> = { SUPERSEDED: 'superseded', WITHHELD: 'withheld', POISON: 'failed' };

export function errorsPage(): string {
  const failureRows = Object.entries(failures).map(([code, { next, hint }]) => [anchored(code), nextWords[next], hint]);
  const reasonRows = Object.entries(reasons).map(([code, { verdict, lift, says }]) => [
    anchored(code),
    endings[code] ?? verdictWords[verdict],
    lift ? 'yes' : '',
    says,
  ]);
  return page(
    'Codes',
    'A code is the same everywhere: in `limpid series show`, the API, the log, the metrics `limpid_failures_total{code}` and `limpid_tasks_skipped_total{reason}`, and here. It is never renamed.',
    '## Failures',
    'Something did not work. The second column says what limpid does by itself, the third what a person does.',
    table(['code', 'limpid', 'what to do'], failureRows),
    '## Reasons',
    'Why a series was not enhanced, or was enhanced with a warning. The original goes where the rule sends it all the same. A rule may lift those marked so with `lift: [CODE]`.',
    table(['code', 'the task is', 'may be lifted', 'meaning'], reasonRows),
  );
}
