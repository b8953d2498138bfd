// Makes the view of a series from what its files say: one pure function for `limpid series show` and the API.
import { commitmentViewOf } from './commitment-view.js';
import { originals } from './layout.js';
import { askedPriority } from './priority.js';
import { promiseViewOf } from './promise-view.js';
import type { SeriesPromise } from './promises.js';
import type { DeliveryRecord, ResolvedTask } from './records.js';
import {
  isDiscarded,
  isDropped,
  isNoLongerNamed,
  isOnHold,
  isResultReleased,
  isSwept,
  isTaskHeld,
  nextSteps,
  remaining,
  replacedBeforeSent,
  unlistedFiles,
  wantedDeliveries,
  isSpare,
} from './state.js';
import { isAskedAgain, isWithdrawalTask, isWithdrawn } from './withdrawals.js';
import type { RevisionState, SeriesState } from './state.js';
import type {
  DeliveryView,
  DeliveryWait,
  DeliveryWord,
  RevisionView,
  SeriesSummary,
  SeriesView,
  TaskView,
  TaskWord,
} from './view.js';
import {
  actionSays,
  askedAgainSays,
  codeView,
  deliverySays,
  noLongerNamedSays,
  ofReplacedSays,
  reasonViews,
  replacedSays,
  seriesSays,
  taskSays,
  withdrawnSays,
} from './view-words.js';
import type { ReadableWord } from './view-words.js';

/** What the room that delivers says of a delivery. */
export interface DeliveryJudge {
  /** Whether a delivery with these batches is not tried again. */
  readonly givenUp: (batches: readonly DeliveryRecord[]) => boolean;
  /** What a delivery waits for, of which these SOP Instance UIDs are open; null: nothing but its turn. */
  readonly wait: (peer: string, open: readonly string[], batches: readonly DeliveryRecord[]) => DeliveryWait | null;
}

const heldByPerson: DeliveryWait = { why: 'held', says: 'a person holds it', since: null, until: null };

function taskWord(state: SeriesState, revision: RevisionState, task: ResolvedTask): TaskWord {
  const outcome = revision.tasks.get(task.name)?.outcome;
  if (outcome) {
    const { outcome: word } = outcome;
    if (word === 'withdrawal' || isWithdrawn(state, revision.record.revision, task.name)) return 'withdrawn';
    return word === 'withheld' && isResultReleased(state, revision, task.name) ? 'released' : word;
  }
  if (isDiscarded(state, revision.record.revision, task.name, null)) return 'discarded';
  if (isSpare(revision, task)) return 'spare';
  return isTaskHeld(state, revision, task) ? 'held' : 'waiting';
}

function taskView(state: SeriesState, revision: RevisionState, task: ResolvedTask): TaskView {
  const run = revision.tasks.get(task.name);
  const outcome = run?.outcome ?? null;
  const word = taskWord(state, revision, task);
  const gate = word === 'held' ? task.gate.reasons[0] : undefined;
  const code = outcome === null || outcome.code === null ? null : codeView(outcome.code, outcome.detail);
  const view = {
    name: task.name,
    rule: task.rule,
    model: { id: task.model.id, version: task.model.version, kind: task.model.kind },
    state: word,
    code: gate === undefined ? code : codeView(gate.code, gate.detail),
    warnings: reasonViews([...task.gate.warnings, ...(outcome?.warnings ?? [])]),
    attempts: run?.started ?? 0,
    deaths: run?.died ?? 0,
    startedAt: outcome?.startedAt ?? null,
    endedAt: outcome?.endedAt ?? null,
    provider: outcome?.provider ?? null,
    modelSeconds: outcome?.modelSeconds ?? null,
    strength: outcome?.strength ?? { asked: task.strength, effective: null, reached: null, blend: null },
    noise: outcome?.noise ?? null,
    ...(task.choice === undefined ? {} : { choice: task.choice }),
    figures: outcome?.figures ?? {},
    grade: outcome?.grade ?? null,
    neighbours: outcome?.neighbours ?? null,
    seriesInstanceUid: outcome?.seriesInstanceUid ?? null,
    sameAs: outcome?.sameAs ?? null,
    instances: outcome?.instances.length ?? 0,
  };
  return { ...view, says: taskSays(view, revision.swept) };
}

/** Why the last batch brought less than all: the association's failure, else the last instance that was not taken. */
function faultOf(last: DeliveryRecord | undefined): DeliveryView['fault'] {
  if (last === undefined) return null;
  if (last.association !== null) return { code: last.association.code, detail: last.association.detail };
  const refused = last.instances.findLast(
    (instance) => instance.class === 'transient' || instance.class === 'permanent',
  );
  if (refused === undefined) return null;
  const status = refused.status === null ? 'no answer' : refused.status.toString(16).toUpperCase().padStart(4, '0');
  return { code: status, detail: refused.comment };
}

function deliveryView(
  state: SeriesState,
  revision: RevisionState,
  { task, peer }: { readonly task: string; readonly peer: string },
  judge: DeliveryJudge,
): DeliveryView {
  const number = revision.record.revision;
  const batches = revision.deliveries.get(`${task}@${peer}`) ?? [];
  const left = remaining(state, revision, task, peer);
  const all =
    task === originals ? revision.record.instances.length : (revision.tasks.get(task)?.outcome?.instances.length ?? 0);
  const replaced = task === originals ? replacedBeforeSent(state, revision, peer) : 0;
  const isOver = isDropped(state, number, task, peer);
  // What retention takes away behind a discard was not delivered either.
  const away = isOver ? 0 : left.swept.length;
  const total = all - away - replaced;
  const waits = left.open.length + left.swept.length - away;
  const open = isSwept(revision, task) && !isOver ? 0 : waits;
  const refused = left.refused.length;
  const delivered = total - open - refused;
  const word = ((): DeliveryWord => {
    if (open + refused === 0) return 'delivered';
    if (isOver) return 'discarded';
    if (open > 0) return judge.givenUp(batches) ? 'given-up' : 'waiting';
    return delivered > 0 ? 'partial' : 'given-up';
  })();
  const wait = ((): DeliveryWait | null => {
    if (open === 0 || word === 'discarded') return null;
    return isOnHold(state, number, task) ? heldByPerson : judge.wait(peer, left.open, batches);
  })();
  const warned = new Set(
    batches.flatMap(({ instances }) =>
      instances.filter((entry) => entry.class === 'warned').map((entry) => entry.sopInstanceUid),
    ),
  );
  const view = {
    task,
    peer,
    state: word,
    instances: total,
    delivered,
    warned: warned.size,
    waiting: open,
    refused,
    attempts: batches.length,
    firstAt: batches[0]?.at ?? null,
    lastAt: batches.at(-1)?.at ?? null,
    fault: word === 'delivered' ? null : faultOf(batches.at(-1)),
    wait,
    commitment: isOver ? null : commitmentViewOf(state, revision, task, peer),
  };
  const says = ((): string => {
    if (total === 0 && replaced > 0) return replacedSays;
    if (word !== 'discarded') return deliverySays(view);
    if (isAskedAgain(state, task)) return askedAgainSays(view);
    if (isWithdrawn(state, number, task)) return withdrawnSays(view);
    if (isDiscarded(state, number, task, peer)) return deliverySays(view);
    return isNoLongerNamed(state, number, task, peer) ? noLongerNamedSays(view) : ofReplacedSays(view);
  })();
  return { ...view, says };
}

function revisionView(state: SeriesState, revision: RevisionState, judge: DeliveryJudge): RevisionView {
  const { record, decision } = revision;
  return {
    revision: record.revision,
    cause: record.cause,
    closed: record.closed,
    openedAt: record.openedAt,
    closedAt: record.closedAt,
    instances: record.instances.length,
    bytes: record.instances.reduce((sum, { bytes }) => sum + bytes, 0),
    variants: record.variants.length,
    swept: revision.swept,
    warnings: reasonViews(record.warnings),
    decision:
      decision === null
        ? null
        : {
            decidedAt: decision.decidedAt,
            config: decision.config,
            modality: decision.modality,
            priority: decision.priority,
            rules: decision.rules,
            forward: decision.forward,
            held: reasonViews(decision.held),
          },
    tasks: (decision?.tasks ?? []).map((task) => taskView(state, revision, task)),
    deliveries: wantedDeliveries(state, revision).map((wanted) => deliveryView(state, revision, wanted, judge)),
  };
}

function seriesWord(state: SeriesState, revisions: readonly RevisionView[], unassembled: number): ReadableWord {
  const { steps, waits } = nextSteps(state);
  // Of what retention has taken away only its withdrawal can still be refused.
  const deliveries = revisions.flatMap((revision) =>
    revision.deliveries.filter(({ task }) => !revision.swept || isWithdrawalTask(task)),
  );
  if (waits.includes('held')) return 'held';
  if (deliveries.some((delivery) => delivery.state === 'given-up')) return 'given-up';
  if (deliveries.some((delivery) => delivery.state === 'partial')) return 'partial';
  if (deliveries.some(({ commitment }) => commitment?.state === 'uncommitted')) return 'uncommitted';
  if (unassembled > 0) return 'receiving';
  if (waits.includes('assembling') || steps.some(({ kind }) => kind === 'route')) return 'routing';
  if (steps.some(({ kind }) => kind === 'task')) return 'enhancing';
  if (steps.some(({ kind }) => kind === 'deliver')) return 'delivering';
  return steps.length > 0 ? 'committing' : 'done';
}

/** Every time that a view holds, of things that have happened. */
function timesOf(view: Pick<SeriesView, 'revisions' | 'actions'>): string[] {
  const revisions = view.revisions.flatMap(({ openedAt, closedAt, decision, tasks, deliveries }) => [
    openedAt,
    closedAt,
    decision?.decidedAt,
    ...tasks.flatMap(({ startedAt, endedAt }) => [startedAt, endedAt]),
    ...deliveries.flatMap(({ firstAt, lastAt, commitment }) => [firstAt, lastAt, commitment?.lastAt]),
  ]);
  return [...revisions, ...view.actions.map(({ at }) => at)].filter((at) => typeof at === 'string').sort();
}

/** The view of a series: its state in one word and one sentence, and all that its records tell. */
export function viewOf(state: SeriesState, judge: DeliveryJudge, promises: readonly SeriesPromise[] = []): SeriesView {
  const unassembled = unlistedFiles(state).length;
  const revisions = state.revisions.map((revision) => revisionView(state, revision, judge));
  const actions = state.actions.map(({ number, action }) => {
    const { at, by, kind, why, revision, task, peer } = action;
    return { number, at, by, kind, says: actionSays(action), why, revision, task, peer };
  });
  const newest = state.revisions.at(-1);
  const decision = state.revisions.findLast((revision) => revision.decision !== null)?.decision;
  const times = timesOf({ revisions, actions });
  const word = seriesWord(state, revisions, unassembled);
  return {
    key: state.key,
    state: word,
    says: seriesSays(word, { revisions, unassembled }),
    modality: decision?.modality ?? null,
    priority: askedPriority(state) ?? decision?.priority ?? null,
    studyInstanceUid: newest?.record.studyInstanceUid ?? null,
    seriesInstanceUid: newest?.record.seriesInstanceUid ?? null,
    sources: newest?.record.sources ?? [],
    files: state.files.length,
    unassembled,
    openedAt: state.revisions[0]?.record.openedAt ?? null,
    changedAt: times.at(-1) ?? null,
    revisions,
    promises: promises.map((promise) => promiseViewOf(state, promise)),
    actions,
  };
}

/** The line that a list shows of a view. */
export function summaryOf(view: SeriesView): SeriesSummary {
  const newest = view.revisions.at(-1);
  return {
    key: view.key,
    state: view.state,
    says: view.says,
    modality: view.modality,
    priority: view.priority,
    sources: [...new Set(view.sources.map(({ peer }) => peer))],
    instances: newest?.instances ?? view.files,
    revision: newest?.revision ?? 0,
    openedAt: view.openedAt,
    changedAt: view.changedAt,
    tasks: (newest?.tasks ?? []).map(({ name, state, code }) => ({ name, state, code: code?.code ?? null })),
    held: (newest?.decision?.held ?? []).map(({ code }) => code),
  };
}
