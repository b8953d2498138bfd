// The sentences of a view: what a state, a code or a count means, in plain words.
import { failures, reasons } from '../errors.js';
import type { FailureCode, Reason, ReasonCode } from '../errors.js';
import { conditionWords, unmetWords } from './condition-words.js';
import { counted } from './counted.js';
import type { ActionRecord, ConditionOutcome } from './records.js';
import type { CodeView, DeliveryView, DeliveryWord, RevisionView, SeriesWord, TaskView, TaskWord } from './view.js';
import { isUnruled } from './unruled.js';
import { isWithdrawalTask } from './withdrawals.js';

const isReason = (code: ReasonCode | FailureCode): code is ReasonCode => Object.hasOwn(reasons, code);

/** A code with its sentence and, for a failure, what to do. */
export function codeView(code: ReasonCode | FailureCode, detail: string): CodeView {
  if (isReason(code)) return { code, says: reasons[code].says, detail, hint: null };
  const words = code.toLowerCase().replaceAll('_', ' ');
  return { code, says: `${words.charAt(0).toUpperCase()}${words.slice(1)}.`, detail, hint: failures[code].hint };
}

export const reasonViews = (list: readonly Reason[]): CodeView[] =>
  list.map(({ code, detail }) => codeView(code, detail));

/** How a rule came out: the conditions of one that matched, of another those that do not hold. */
export function ruleSays(rule: {
  readonly matched: boolean;
  readonly conditions: readonly ConditionOutcome[];
}): string {
  const { matched, conditions } = rule;
  const words = matched ? conditions.map(conditionWords) : conditions.flatMap(unmetWords);
  return [matched ? 'matches' : 'does not match', ...(words.length === 0 ? [] : [words.join('; ')])].join(': ');
}

const ofUnit: Readonly<Record<string, string>> = {
  '1': '',
  STORED: 'stored values',
  GREY: 'grey levels',
  PERMILLE: '‰ of the 99.5th percentile',
};

/** A unit of the records as people write it; empty where there is none. */
export const unitSays = (unit: string): string => ofUnit[unit] ?? unit;

/** The limit that held for a figure, in words; empty where it is none of those that have one, or nobody kept it. */
export function limitSays(name: string, { limit }: Pick<TaskView['figures'][string], 'limit'>): string[] {
  if (limit === undefined) return [];
  if (limit === null) return ['no limit'];
  return [`limit ${name === 'noiseRatio' ? 'at least' : 'at most'} ${limit}, in nine images of ten`];
}

const percent = (share: number): string => `${Math.round(share * 100)} %`;

function because(task: Omit<TaskView, 'says'>): string {
  return task.code === null ? '.' : `: ${task.code.says}`;
}

function enhancedSays({ sameAs, strength: { asked, reached } }: Omit<TaskView, 'says'>): string {
  if (sameAs !== null) return `Enhanced already in revision ${sameAs}; that result stands.`;
  // A finer grid is no share of the noise.
  if (reached === null && asked === 0) return 'Enhanced.';
  if (reached === null) return 'Enhanced; how much noise was taken away was not measurable.';
  // Coarse stored values move in whole steps, and the measured noise with them: it may stay, or rise.
  if (Math.round(reached * 100) <= 0)
    return `Enhanced; the noise measures no less than before, ${percent(asked)} asked.`;
  return `Enhanced: ${percent(reached)} of the noise taken away, ${percent(asked)} asked.`;
}

/** What retention has taken away goes nowhere. */
const withheldSays = (task: Omit<TaskView, 'says'>, swept: boolean): string =>
  `Withheld${because(task)} ${swept ? 'Retention has taken its pixels away: it can no longer be released.' : '`limpid series release` delivers it.'}`;

const ofTask: Readonly<Record<TaskWord, (task: Omit<TaskView, 'says'>, swept: boolean) => string>> = {
  enhanced: enhancedSays,
  spare: () => 'Runs only if the task before it fails.',
  waiting: ({ attempts }) =>
    attempts === 0 ? 'Waits for a worker.' : `Runs, or waits to run again: attempt ${attempts}.`,
  held: () => 'Waits for a person: release or discard it.',
  skipped: (task) => `Skipped${because(task)}`,
  withheld: withheldSays,
  released: () => 'Withheld first, and released by a person.',
  failed: (task) => `Failed${because(task)}`,
  superseded: () => 'A later revision took its place.',
  withdrawn: () => 'Withdrawn: every peer that has it is told to reject it.',
  discarded: () => 'Discarded by a person.',
};

/** What became of a task. @param swept retention has taken the pixels of its revision away */
export const taskSays = (task: Omit<TaskView, 'says'>, swept: boolean): string => ofTask[task.state](task, swept);

const ofDelivery: Readonly<Record<DeliveryWord, (delivery: Omit<DeliveryView, 'says'>) => string>> = {
  delivered: ({ instances }) => `${counted(instances, 'instance')} delivered.`,
  waiting: ({ attempts, waiting, instances, peer, wait }) => {
    const reason = wait === null ? '' : `: ${wait.says}`;
    return attempts === 0 && wait === null
      ? `${counted(waiting, 'instance')} to send to ${peer}.`
      : `${waiting} of ${counted(instances, 'instance')} wait for ${peer}${reason}.`;
  },
  partial: ({ peer, delivered, refused, instances }) =>
    `${peer} has ${delivered} and refused ${refused} of ${counted(instances, 'instance')}; these are kept until a person requeues the series or discards them.`,
  'given-up': ({ task, peer, refused, waiting, wait }) => {
    const reason = wait === null ? '' : `: ${wait.says}`;
    // It is asked again and again, other than what has been refused, or is past its time.
    if (wait?.why === 'peer' && refused === 0)
      return `${counted(waiting, 'instance')} wait until a person mends ${peer}, and go by themselves then${reason}.`;
    // Retention may have taken away what a requeue is of; what tells of its withdrawal is always there.
    const acts = isWithdrawalTask(task) && refused > 0 ? 'withdraws the series again' : 'requeues the series';
    return `${peer} does not take ${counted(refused + waiting, 'instance')}; kept until a person ${acts} or discards them${reason}.`;
  },
  discarded: ({ delivered, instances }) =>
    `Discarded by a person after ${delivered} of ${counted(instances, 'instance')}.`,
};

const ofClosing: Readonly<Record<RevisionView['closed'], string>> = {
  count: 'as many instances had come as its headers announce',
  released: 'its association was released',
  quiet: 'nothing came for the quiet time',
  timeout: 'it had been open for the longest time',
  operator: 'a person asked for it',
};
const ofCause: Readonly<Record<RevisionView['cause'], string>> = {
  arrival: '',
  late: '; late instances are among them',
  requeue: '; the series was asked for again',
};

/** Why a revision was made, and closed when it was. */
export const closingSays = ({ closed, cause }: Pick<RevisionView, 'closed' | 'cause'>): string =>
  `${ofClosing[closed]}${ofCause[cause]}`;

/** What a delivery has reached whose derived series is withdrawn meanwhile, by a person or by a rule. */
export const withdrawnSays = ({ delivered, instances }: Pick<DeliveryView, 'delivered' | 'instances'>): string =>
  `Withdrawn after ${delivered} of ${counted(instances, 'instance')}.`;

/** What a delivery of the document of a withdrawal has reached that was asked for once more. */
export const askedAgainSays = ({ delivered, instances }: Pick<DeliveryView, 'delivered' | 'instances'>): string =>
  `Ended after ${delivered} of ${counted(instances, 'instance')}: the withdrawal was asked for again.`;

/** What a delivery has reached of a result that was made of originals which are corrected meanwhile. */
export const ofReplacedSays = ({ delivered, instances }: Pick<DeliveryView, 'delivered' | 'instances'>): string =>
  `Ended after ${delivered} of ${counted(instances, 'instance')}: its originals were corrected.`;

/** What a delivery has reached to a peer that the rules did not name any more when a person asked for the series again. */
export const noLongerNamedSays = ({ delivered, instances }: Pick<DeliveryView, 'delivered' | 'instances'>): string =>
  `Ended after ${delivered} of ${counted(instances, 'instance')}: the series was asked for again under rules that do not name the peer.`;

/** Of originals of which none was sent before others came in their place. */
export const replacedSays = 'None was sent: corrected ones took their place.';

/** What one delivery has reached. */
export const deliverySays = (delivery: Omit<DeliveryView, 'says'>): string => ofDelivery[delivery.state](delivery);

/** What a person asked for: of what, and how. */
export function actionSays({ kind, task, peer, priority, newUids, ...rest }: ActionRecord): string {
  const { reason, because: wrong } = rest;
  return [
    kind,
    ...(task === null ? [] : [`of ${task}`]),
    ...(peer === null ? [] : [`to ${peer}`]),
    ...(priority === null ? [] : [`to ${priority}`]),
    ...(newUids ? [kind === 'withdraw' ? 'once more' : 'with new UIDs'] : []),
    ...(reason === null ? [] : [`for ${reason}${wrong === null ? '' : `, ${wrong}`}`]),
  ].join(' ');
}

/** Which peers have all, and which do not, as what was left has been discarded. */
function sentSays({ deliveries }: RevisionView): string[] {
  const of = (peer: string) => deliveries.filter((delivery) => delivery.peer === peer);
  const peers = [...new Set(deliveries.map(({ peer }) => peer))];
  const isCut = (peer: string): boolean => of(peer).some(({ state }) => state === 'discarded');
  const hasSome = (peer: string): boolean => of(peer).some(({ delivered }) => delivered > 0);
  const all = peers.filter((peer) => !isCut(peer) && of(peer).some(({ state }) => state === 'delivered'));
  const some = peers.filter((peer) => isCut(peer) && hasSome(peer));
  const none = peers.filter((peer) => isCut(peer) && !hasSome(peer));
  const groups = [
    ['delivered', all],
    ['not all delivered', some],
    ['not delivered', none],
  ] as const;
  return groups.flatMap(([how, names]) => (names.length === 0 ? [] : [`${how} to ${names.join(', ')}`]));
}

function doneSays(revision: RevisionView | undefined): string {
  if (revision === undefined) return 'Nothing is kept of it.';
  const outcomes = revision.tasks
    .filter(({ state }) => state !== 'spare')
    .map(({ state, code }) => (code === null ? state : `${state} (${code.code})`));
  const tasks = [...new Set(outcomes)].map(
    (outcome) => `${outcomes.filter((other) => other === outcome).length} ${outcome}`,
  );
  const committing = revision.deliveries.filter(({ commitment }) => commitment?.state === 'committed');
  const committed =
    committing.length === 0 ? [] : [`committed by ${[...new Set(committing.map(({ peer }) => peer))].join(', ')}`];
  const parts = [...tasks, ...sentSays(revision), ...committed];
  const sentence = parts.join(', ');
  if (sentence === '' && isUnruled(revision)) return 'Nothing was made of it or sent: no rule matches the series.';
  return sentence === '' ? 'No rule asked for anything.' : `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}.`;
}

interface Standing {
  readonly revisions: readonly RevisionView[];
  readonly unassembled: number;
}

function lastDelivery({ revisions }: Standing, word: DeliveryWord): DeliveryView | undefined {
  return revisions.flatMap(({ deliveries }) => deliveries).findLast(({ state }) => state === word);
}

function commitmentSays(revisions: readonly RevisionView[], state: 'open' | 'uncommitted'): string | undefined {
  return revisions.flatMap(({ deliveries }) => deliveries).findLast(({ commitment }) => commitment?.state === state)
    ?.commitment?.says;
}

function heldSays({ revisions }: Standing): string {
  const newest = revisions.at(-1);
  const reason = newest?.decision?.held[0] ?? newest?.tasks.find(({ state }) => state === 'held')?.code ?? null;
  return reason === null ? 'Waits for a person, as a person asked.' : `Waits for a person. ${reason.says}`;
}

/** Where a series can stand whose records can be read. */
export type ReadableWord = Exclude<SeriesWord, 'unreadable'>;

const ofSeries: Readonly<Record<ReadableWord, (standing: Standing) => string>> = {
  held: heldSays,
  'given-up': (standing) => lastDelivery(standing, 'given-up')?.says ?? 'A delivery is given up.',
  partial: (standing) => lastDelivery(standing, 'partial')?.says ?? 'A delivery is not complete.',
  receiving: ({ unassembled }) => `${counted(unassembled, 'instance')} arrived; the series is not closed yet.`,
  routing: ({ revisions }) =>
    revisions.at(-1)?.decision === null ? 'Closed; waits to be routed.' : 'Asked for again; the next revision follows.',
  enhancing: ({ revisions }) => {
    const open = revisions.flatMap(({ tasks }) => tasks).filter(({ state }) => state === 'waiting');
    return open.length === 0 ? 'Its withdrawal waits for a worker.' : `${counted(open.length, 'task')} to do.`;
  },
  delivering: (standing) => lastDelivery(standing, 'waiting')?.says ?? 'Instances are on their way.',
  uncommitted: ({ revisions }) => commitmentSays(revisions, 'uncommitted') ?? 'A peer does not commit itself.',
  committing: ({ revisions }) => commitmentSays(revisions, 'open') ?? 'Delivered; storage commitment is awaited.',
  done: ({ revisions }) => doneSays(revisions.at(-1)),
};

/** Where a series stands, from its state and its revisions. */
export const seriesSays = (state: ReadableWord, standing: Standing): string => ofSeries[state](standing);
