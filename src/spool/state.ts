// What a series' files say, and what follows from them. Nothing else records a series' state.
import { committedBy, lossesIn } from './commitments.js';
import type { ActionRecord, ResolvedTask } from './records.js';
import { originals } from './layout.js';
import type { NumberedAction, RevisionState, SeriesState } from './series-state.js';
import {
  documentRevision,
  holdersOf,
  isWithdrawalTask,
  isAskedAgain,
  isWithdrawn,
  replacedSeries,
  withdrawalsBefore,
  withdrawalsOf,
} from './withdrawals.js';
import type { MadeSeries, Withdrawal } from './withdrawals.js';

export type { NumberedAction, RevisionState, SeriesState, TaskState } from './series-state.js';

/** One thing that a job has to do. */
export type Step =
  | { readonly kind: 'route'; readonly revision: number }
  | { readonly kind: 'task'; readonly revision: number; readonly task: string }
  | { readonly kind: 'deliver'; readonly revision: number; readonly task: string; readonly peer: string }
  | { readonly kind: 'commit'; readonly revision: number; readonly task: string; readonly peer: string };

export interface NextSteps {
  readonly steps: readonly Step[];
  /** Why the series is not done although there is nothing to run. */
  readonly waits: readonly ('assembling' | 'held')[];
  readonly done: boolean;
}

/** What one result, or the originals, still has to bring to one peer. */
export interface Remaining {
  /** SOP Instance UIDs not delivered yet and worth another try, in instance order. */
  readonly open: readonly string[];
  /** SOP Instance UIDs that the peer refused for good. */
  readonly refused: readonly string[];
  /** Originals that the peer does not have, and that retention has taken away. */
  readonly swept: readonly string[];
}

/** Answers whether a person holds a task of a revision (or its `originals`): the last word counts. */
export function isOnHold(state: SeriesState, revision: number, task: string): boolean {
  let hold: ActionRecord | null = null;
  for (const { action } of state.actions) {
    if (action.task !== null && action.task !== task) continue;
    if (action.kind === 'hold' && (action.revision === null || action.revision === revision)) hold = action;
    const lets = action.kind === 'release' || (action.kind === 'discard' && action.peer === null);
    // A hold of this revision alone was not meant by who lets go of those before it.
    if (lets && (hold?.revision === null || covers(action, revision))) hold = null;
  }
  return hold !== null;
}

/** A release or discard counts for the revisions that there were, not for those that come later. */
const covers = (action: ActionRecord, revision: number): boolean =>
  action.revision === null || revision <= action.revision;

/** Answers whether a person has released (or discarded) what the gate held in this revision, or one task of it. */
export function isReleased(state: SeriesState, revision: number, task: string | null): boolean {
  return state.actions.some(
    ({ action }) =>
      action.kind === 'release' && covers(action, revision) && (action.task === null || action.task === task),
  );
}

/**
 * Answers whether a person has released a result that was withheld. A release that came before it let go what the gate held: the
 * result that was outside its limits then has been looked at by nobody.
 */
export function isResultReleased(state: SeriesState, revision: RevisionState, task: string): boolean {
  const uid = revision.tasks.get(task)?.outcome?.seriesInstanceUid ?? '';
  return state.actions.some(
    ({ action }) =>
      action.kind === 'release' &&
      covers(action, revision.record.revision) &&
      (action.task === null || action.task === task) &&
      (action.results === null || action.results.includes(uid)),
  );
}

/**
 * Answers whether a person has given a delivery, a task or the whole series up. What was given up before a withdrawal was asked for
 * says nothing of its document: whoever has the derived series must hear of it.
 */
export function isDiscarded(state: SeriesState, revision: number, task: string | null, peer: string | null): boolean {
  const withdrawal = withdrawalsOf(state).find((one) => one.task === task);
  const from = withdrawal === undefined ? 0 : state.actions.findIndex(({ action }) => action === withdrawal.action);
  return state.actions
    .slice(from)
    .some(
      ({ action }) =>
        action.kind === 'discard' &&
        covers(action, revision) &&
        (action.task === null || action.task === task) &&
        (action.peer === null || action.peer === peer),
    );
}

/** Files that a revision lists, as an instance or as a variant. */
export function listedFiles(state: SeriesState): Set<string> {
  const listed = new Set<string>();
  for (const { record } of state.revisions) {
    for (const instance of [...record.instances, ...record.variants]) listed.add(instance.file);
  }
  return listed;
}

/** Files of `instances/` that no revision lists yet. */
export function unlistedFiles(state: SeriesState): string[] {
  const listed = listedFiles(state);
  return state.files.filter((file) => !listed.has(file));
}

/** Number of the last action that a revision answers; 0: none does. */
export const answeredActions = ({ revisions }: SeriesState): number =>
  Math.max(0, ...revisions.map(({ record }) => Number.parseInt(record.action ?? '0', 10)));

/** Requeue actions that no revision answers yet; a revision answers all that there were. */
export function unansweredRequeues(state: SeriesState): NumberedAction[] {
  const answered = answeredActions(state);
  return state.actions.filter(({ action, number }) => action.kind === 'requeue' && number > answered);
}

/** Names in `instances/` that retention has taken, or is taking, away. */
export function sweptFiles(state: SeriesState): Set<string> {
  const swept = state.revisions.filter((revision) => revision.swept);
  return new Set(swept.flatMap(({ record }) => [...record.instances, ...record.variants].map(({ file }) => file)));
}

/** A delivery to a peer, or its commitment, of any revision: `name` is rN/TASK@PEER. */
interface Named<T> {
  readonly revision: number;
  readonly name: string;
  readonly of: T;
}

function ofPeer<T>(
  state: SeriesState,
  peer: string,
  what: (revision: RevisionState) => ReadonlyMap<string, T>,
): Named<T>[] {
  return state.revisions.flatMap((one) => {
    const { revision } = one.record;
    const own = [...what(one)].filter(([name]) => name.endsWith(`@${peer}`));
    return own.map(([name, of]) => ({ revision, name: `r${revision}/${name}`, of }));
  });
}

/** How many batches each delivery to a peer has, by rN/TASK@PEER: a loss that it reports is of these alone. */
export function batchesTo(state: SeriesState, peer: string): Record<string, number> {
  return Object.fromEntries(
    ofPeer(state, peer, ({ deliveries }) => deliveries).map(({ name, of }) => [name, of.length]),
  );
}

/**
 * Files whose place another copy of the same SOP Instance UID has taken in a later revision: a corrected one that a person has requeued.
 * They go out no more, and a peer that has one does not have what took its place.
 */
function replacedFiles({ revisions }: SeriesState): ReadonlySet<string> {
  const replaced = new Set<string>();
  if (revisions.length === 1) return replaced;
  const current = new Map<string, string>();
  for (const { sopInstanceUid, file } of revisions.flatMap(({ record }) => record.instances)) {
    const before = current.get(sopInstanceUid) ?? file;
    if (before !== file) replaced.add(before);
    replaced.delete(file);
    current.set(sopInstanceUid, file);
  }
  return replaced;
}

/** Originals of a revision whose place another copy has taken, by SOP Instance UID. */
function replacedOf(state: SeriesState, replaced: ReadonlySet<string>, revision: number): ReadonlySet<string> {
  if (replaced.size === 0) return replaced;
  const own = state.revisions.find(({ record }) => record.revision === revision)?.record.instances ?? [];
  return new Set(own.filter(({ file }) => replaced.has(file)).map(({ sopInstanceUid }) => sopInstanceUid));
}

/**
 * SOP Instance UIDs that a peer has, by any batch of any revision. What it has reported missing since, asked for commitment, it has
 * only if a later batch brought it; an original of which another copy goes out now, only if a batch brought that.
 */
export function deliveredTo(state: SeriesState, peer: string): Set<string> {
  const delivered = new Set<string>();
  const replaced = replacedFiles(state);
  const losses = ofPeer(state, peer, ({ commitments }) => commitments).flatMap(({ of, ...from }) =>
    lossesIn(of).map((loss) => ({ ...from, loss })),
  );
  for (const { revision, name, of: batches } of ofPeer(state, peer, ({ deliveries }) => deliveries)) {
    const isOriginals = name === `r${revision}/${originals}@${peer}`;
    const others = isOriginals ? replacedOf(state, replaced, revision) : new Set<string>();
    for (const [index, { instances }] of batches.entries()) {
      // By the count of batches, not by the clock, which may be set.
      const since = losses.filter(({ loss, ...asked }) => {
        if (asked.name === name) return index < loss.batches;
        return loss.elsewhere === undefined ? revision < asked.revision : index < (loss.elsewhere[name] ?? 0);
      });
      for (const { sopInstanceUid, class: how } of instances) {
        if ((how !== 'delivered' && how !== 'warned') || others.has(sopInstanceUid)) continue;
        if (!since.some(({ loss }) => loss.uids.has(sopInstanceUid))) delivered.add(sopInstanceUid);
      }
    }
  }
  return delivered;
}

/** Where the commitment of a delivery stands. `none`: it is not asked for. */
export interface CommitmentStanding {
  readonly word: 'none' | 'open' | 'committed' | 'uncommitted' | 'waived';
  /** SOP Instance UIDs that the peer has stored and not committed itself to. */
  readonly uncommitted: readonly string[];
  readonly committed: number;
}

/**
 * The revisions whose reports count for a revision: a person who has asked for a series again doubts what its peers said of it before,
 * a PACS where somebody has deleted it say. They are asked anew, and what they have no more goes out again.
 */
export function revisionsSinceRequeue(state: SeriesState, revision: number): readonly RevisionState[] {
  const from = state.revisions.findLastIndex(({ record }) => record.cause === 'requeue' && record.revision <= revision);
  return from === -1 ? state.revisions : state.revisions.slice(from);
}

/** What the peer has committed itself to, of the instances that it has stored. */
export function commitmentOf(
  state: SeriesState,
  revision: RevisionState,
  task: string,
  peer: string,
): CommitmentStanding {
  // A document of a withdrawal is no image that anybody would delete.
  const isWanted = revision.decision?.commit.includes(peer) === true && !isWithdrawalTask(task);
  if (!isWanted) return { word: 'none', uncommitted: [], committed: 0 };
  const delivered = deliveredTo(state, peer);
  const committed = committedBy(revisionsSinceRequeue(state, revision.record.revision), peer);
  const wanted = instancesOf(revision, task).map(({ sopInstanceUid }) => sopInstanceUid);
  const uncommitted = wanted.filter((uid) => delivered.has(uid) && !committed.has(uid));
  const end = revision.commitments.get(`${task}@${peer}`)?.end ?? null;
  const word = uncommitted.length === 0 ? 'committed' : (end?.how ?? 'open');
  return { word, uncommitted, committed: wanted.filter((uid) => committed.has(uid)).length };
}

/** The instances of a result, or the revision's own for `originals`. */
export function instancesOf(
  revision: RevisionState,
  task: string,
): readonly { readonly file: string; readonly sopInstanceUid: string; readonly sopClassUid: string }[] {
  return task === originals ? revision.record.instances : (revision.tasks.get(task)?.outcome?.instances ?? []);
}

/** What a delivery has left. The instances are those of the result, or the revision's own for `originals`. */
export function remaining(state: SeriesState, revision: RevisionState, task: string, peer: string): Remaining {
  const delivered = deliveredTo(state, peer);
  const away = task === originals ? sweptFiles(state) : new Set<string>();
  const replaced = task === originals ? replacedFiles(state) : new Set<string>();
  const instances = instancesOf(revision, task).filter(({ file }) => !replaced.has(file));
  const wanted = instances.filter(({ file }) => !away.has(file)).map(({ sopInstanceUid }) => sopInstanceUid);
  const refused = new Set<string>();
  for (const batch of revision.deliveries.get(`${task}@${peer}`) ?? []) {
    for (const instance of batch.instances) {
      if (instance.class === 'permanent') refused.add(instance.sopInstanceUid);
    }
  }
  return {
    open: wanted.filter((uid) => !delivered.has(uid) && !refused.has(uid)),
    refused: wanted.filter((uid) => !delivered.has(uid) && refused.has(uid)),
    swept: instances
      .filter(({ file, sopInstanceUid }) => away.has(file) && !delivered.has(sopInstanceUid))
      .map(({ sopInstanceUid }) => sopInstanceUid),
  };
}

/** Deliveries that a decision and its outcomes ask for: task (or `originals`) and peer. */
export function wantedDeliveries(state: SeriesState, revision: RevisionState): { task: string; peer: string }[] {
  const { decision } = revision;
  if (decision === null) return [];
  const wanted = decision.forward.map((peer) => ({ task: originals, peer }));
  for (const task of decision.tasks) {
    const outcome = revision.tasks.get(task.name)?.outcome?.outcome;
    const released = outcome === 'withheld' && isResultReleased(state, revision, task.name);
    if (outcome === 'enhanced' || released) wanted.push(...task.deliver.map((peer) => ({ task: task.name, peer })));
  }
  for (const withdrawal of withdrawalsOf(state)) {
    if (documentRevision(state, withdrawal) !== revision.record.revision) continue;
    wanted.push(...peersToTell(state, withdrawal).map((peer) => ({ task: withdrawal.task, peer })));
  }
  return wanted;
}

/** Whether a peer has the document of a withdrawal. */
function isTold(state: SeriesState, withdrawal: Withdrawal, peer: string): boolean {
  const made = documentRevision(state, withdrawal);
  const holder = state.revisions.find(({ record }) => record.revision === made);
  const delivered = deliveredTo(state, peer);
  return holder !== undefined && instancesOf(holder, withdrawal.task).every((one) => delivered.has(one.sopInstanceUid));
}

/** Whom a withdrawal is for: who has the derived series, and no document of an earlier withdrawal of it. */
function peersToTell(state: SeriesState, withdrawal: Withdrawal): string[] {
  const before = withdrawalsBefore(state, withdrawal);
  return holdersOf(state, withdrawal.made).filter((peer) => !before.some((one) => isTold(state, one, peer)));
}

/** Answers whether a derived series can be withdrawn: it is not yet, or a peer has refused the document, or a person has discarded it. */
export function isWithdrawable(state: SeriesState, { revision, task, seriesInstanceUid }: MadeSeries): boolean {
  if (!isWithdrawn(state, revision, task)) return true;
  const last = withdrawalsOf(state).findLast(({ made }) => made.seriesInstanceUid === seriesInstanceUid);
  if (last === undefined) return false;
  const number = documentRevision(state, last);
  const holder = state.revisions.find(({ record }) => record.revision === number);
  if (holder === undefined) return false;
  return peersToTell(state, last).some((peer) => {
    const { open, refused } = remaining(state, holder, last.task, peer);
    return refused.length > 0 || (open.length > 0 && isDiscarded(state, holder.record.revision, last.task, peer));
  });
}

/**
 * The revision in which the document of a withdrawal has to be made; null: it is there. A person who asks for the series again has it made
 * once more, the same, while a peer that is to reject the series has not taken it: it goes out by that revision, whatever was refused before.
 */
export function documentToMake(state: SeriesState, withdrawal: Withdrawal): number | null {
  const made = documentRevision(state, withdrawal);
  if (made === null) return state.revisions.at(-1)?.record.revision ?? 0;
  const again = state.revisions.findLast(({ record }) => record.cause === 'requeue' && record.revision > made);
  const holder = state.revisions.find(({ record }) => record.revision === made);
  if (again === undefined || holder === undefined) return null;
  const isLacking = peersToTell(state, withdrawal).some((peer) => {
    if (isDropped(state, made, withdrawal.task, peer)) return false;
    const { open, refused } = remaining(state, holder, withdrawal.task, peer);
    return open.length + refused.length > 0;
  });
  return isLacking ? again.record.revision : null;
}

/**
 * Answers whether a result was made of an original whose place a corrected copy has taken: a person has put it right, a patient's name
 * say, and nobody gets the wrong one any more who has it not.
 */
export function isOfReplaced(state: SeriesState, revision: number, task: string): boolean {
  if (task === originals || isWithdrawalTask(task)) return false;
  return replacedOf(state, replacedFiles(state), revision).size > 0;
}

/**
 * Answers whether a person has asked for the series again under rules that no longer name a peer for its originals, or for any result:
 * what earlier revisions would still bring there ends. While such a revision waits for a person it says nothing yet; a late one is routed
 * for what has come.
 */
export function isNoLongerNamed(state: SeriesState, revision: number, task: string, peer: string): boolean {
  if (isWithdrawalTask(task)) return false;
  const again = state.revisions.findLast(
    ({ record, decision }) =>
      record.cause === 'requeue' &&
      record.revision > revision &&
      decision !== null &&
      (decision.held.length === 0 || isReleased(state, record.revision, null)),
  );
  if (!again?.decision) return false;
  const { forward, tasks } = again.decision;
  return task === originals ? !forward.includes(peer) : !tasks.some(({ deliver }) => deliver.includes(peer));
}

/**
 * Answers whether a delivery is given up: a person has discarded it, or asked for the series under other rules, the result is withdrawn,
 * its originals were corrected, or the withdrawal that it brings was asked for once more.
 */
export function isDropped(state: SeriesState, revision: number, task: string, peer: string): boolean {
  return (
    isDiscarded(state, revision, task, peer) ||
    isAskedAgain(state, task) ||
    isWithdrawn(state, revision, task) ||
    isOfReplaced(state, revision, task) ||
    isNoLongerNamed(state, revision, task, peer)
  );
}

/** How many originals of a revision a peer was never sent, as corrected copies have taken their place before. */
export function replacedBeforeSent(state: SeriesState, { record }: RevisionState, peer: string): number {
  const replaced = replacedFiles(state);
  if (replaced.size === 0) return 0;
  const sent = new Set<string>();
  for (const { record: own, deliveries } of state.revisions) {
    const files = new Map(own.instances.map(({ sopInstanceUid, file }) => [sopInstanceUid, file]));
    for (const { instances } of deliveries.get(`${originals}@${peer}`) ?? []) {
      for (const { sopInstanceUid, class: how } of instances) {
        if (how === 'delivered' || how === 'warned') sent.add(files.get(sopInstanceUid) ?? '');
      }
    }
  }
  return record.instances.filter(({ file }) => replaced.has(file) && !sent.has(file)).length;
}

/** Answers whether retention has taken away what a delivery would bring; documents of withdrawals are made behind it. */
export function isSwept({ swept }: RevisionState, task: string): boolean {
  return swept && !isWithdrawalTask(task);
}

/** Earlier derived series to withdraw now, because a rule says so and every peer has what replaces them. */
export function lateWithdrawals(state: SeriesState): MadeSeries[] {
  return replacedSeries(state, (number, task) => {
    const revision = state.revisions.find(({ record }) => record.revision === number);
    if (revision === undefined) return false;
    const peers = revision.decision?.tasks.find(({ name }) => name === task)?.deliver ?? [];
    return peers.every((peer) => {
      const { open, refused } = remaining(state, revision, task, peer);
      return open.length + refused.length === 0;
    });
  });
}

/** Instances of a series that wait for each peer. */
export function waitingInstances(state: SeriesState): Map<string, number> {
  const waiting = new Map<string, number>();
  for (const revision of state.revisions) {
    for (const { task, peer } of wantedDeliveries(state, revision)) {
      if (isSwept(revision, task) || isDropped(state, revision.record.revision, task, peer)) continue;
      waiting.set(peer, (waiting.get(peer) ?? 0) + remaining(state, revision, task, peer).open.length);
    }
  }
  return waiting;
}

/** Instances of a series that each peer has stored, and not yet committed itself to. */
export function uncommittedInstances(state: SeriesState): Map<string, number> {
  const uncommitted = new Map<string, number>();
  for (const revision of state.revisions) {
    for (const { task, peer } of wantedDeliveries(state, revision)) {
      const standing = commitmentOf(state, revision, task, peer);
      if (standing.word !== 'open' && standing.word !== 'uncommitted') continue;
      if (isSwept(revision, task) || isDropped(state, revision.record.revision, task, peer)) continue;
      uncommitted.set(peer, (uncommitted.get(peer) ?? 0) + standing.uncommitted.length);
    }
  }
  return uncommitted;
}

/** Answers whether a task is a fallback that is not needed, or not yet: the one before it has not failed. */
export function isSpare(revision: RevisionState, { insteadOf }: ResolvedTask): boolean {
  return insteadOf !== undefined && revision.tasks.get(insteadOf)?.outcome?.outcome !== 'failed';
}

/** Answers whether a task of this decision waits for a person: its gate holds, or the series is held. */
export function isTaskHeld(state: SeriesState, revision: RevisionState, task: ResolvedTask): boolean {
  const number = revision.record.revision;
  if (isOnHold(state, number, task.name)) return true;
  const held = (revision.decision?.held.length ?? 0) > 0 || task.gate.verdict === 'hold';
  return held && !isReleased(state, number, task.name);
}

/**
 * The next steps of a series, from its files alone: the reconciler adds them as jobs, every finished job asks again.
 * Safe to ask at any moment, as often as one likes.
 */
export function nextSteps(state: SeriesState): NextSteps {
  const steps: Step[] = [];
  const waits = new Set<'assembling' | 'held'>();
  let refused = false;
  if (unlistedFiles(state).length > 0 || unansweredRequeues(state).length > 0) waits.add('assembling');
  for (const revision of state.revisions) {
    const { decision, record } = revision;
    const number = record.revision;
    const newest = number === state.revisions.length;
    if (decision === null) {
      steps.push({ kind: 'route', revision: number });
      continue;
    }
    const seriesDiscarded = isDiscarded(state, number, null, null);
    if (decision.held.length > 0 && newest && !seriesDiscarded && !isReleased(state, number, null)) waits.add('held');
    for (const task of decision.tasks) {
      if (revision.tasks.get(task.name)?.outcome) continue;
      if (isDiscarded(state, number, task.name, null) || isSpare(revision, task)) continue;
      if (isTaskHeld(state, revision, task)) waits.add('held');
      else steps.push({ kind: 'task', revision: number, task: task.name });
    }
    for (const { task, peer } of wantedDeliveries(state, revision)) {
      if (isSwept(revision, task) || isDropped(state, number, task, peer)) continue;
      const left = remaining(state, revision, task, peer);
      if (left.open.length > 0 && isOnHold(state, number, task)) waits.add('held');
      else if (left.open.length > 0) steps.push({ kind: 'deliver', revision: number, task, peer });
      else {
        const { word } = commitmentOf(state, revision, task, peer);
        // Of what a person holds nobody is asked either.
        if (word === 'open' && isOnHold(state, number, task)) waits.add('held');
        else if (word === 'open') steps.push({ kind: 'commit', revision: number, task, peer });
        if (left.refused.length > 0 || word === 'uncommitted') refused = true;
      }
    }
  }
  for (const withdrawal of withdrawalsOf(state)) {
    const revision = documentToMake(state, withdrawal);
    if (revision !== null) steps.push({ kind: 'task', revision, task: withdrawal.task });
  }
  const replaced = lateWithdrawals(state).length > 0;
  return { steps, waits: [...waits], done: steps.length === 0 && waits.size === 0 && !refused && !replaced };
}
