// Whatever a crash leaves of a series' records, doing what comes next ends the series, or waits for a person or the receiver.
import fc from 'fast-check';
import { expect, it } from '@jest/globals';
import { noSuchObjectInstance } from '../../src/spool/commitments.js';
import { outcomeWithout } from '../../src/spool/outcome-without.js';
import type {
  ActionRecord,
  CommitmentReportRecord,
  DecisionRecord,
  DeliveryClass,
  OutcomeRecord,
} from '../../src/spool/records.js';
import { batchesTo, commitmentOf, lateWithdrawals, nextSteps, remaining } from '../../src/spool/state.js';
import type { RevisionState, SeriesState, Step } from '../../src/spool/state.js';
import { withdrawalActions, withdrawalsOf } from '../../src/spool/withdrawals.js';
import {
  actionRecord,
  at,
  decisionRecord,
  deliveryRecord,
  outcomeRecord,
  resolvedTask,
  seriesRecord,
  seriesState,
} from '../support/records.js';

const first = 'ct-low-dose-12345678';
const spare = 'gaussian-12345678';
const uids = ['1.1', '1.2', '1.3'];
/** More than any series of three revisions, two tasks and two peers has. */
const mostSteps = 400;

const plan = fc.record({
  decision: fc.record({
    gate: fc.constantFrom('run', 'hold'),
    held: fc.boolean(),
    hasSpare: fc.boolean(),
    forward: fc.boolean(),
    commit: fc.boolean(),
    late: fc.constantFrom('keep', 'withdraw'),
  }),
  revisions: fc.integer({ min: 1, max: 3 }),
  actions: fc.array(
    fc.record({
      kind: fc.constantFrom<ActionRecord['kind'][]>('hold', 'release', 'discard', 'requeue'),
      task: fc.constantFrom(null, first, 'originals'),
    }),
    { maxLength: 3 },
  ),
  /** What is done at each turn, and what comes of it. */
  turns: fc.array(fc.nat(), { minLength: 20, maxLength: 60 }),
  /** Which records a crash takes away, after which turn. */
  crashes: fc.array(fc.tuple(fc.nat(60), fc.nat()), { maxLength: 4 }),
});
type Plan = typeof plan extends fc.Arbitrary<infer T> ? T : never;

interface Life {
  state: SeriesState;
  turns: number;
  readonly plan: Plan;
  /** The next of the numbers that decide. */
  readonly draw: () => number;
}

function decisionOf(
  { decision: { gate, held, hasSpare, forward, commit, late } }: Plan,
  number: number,
): DecisionRecord {
  const reasons = [{ code: 'DUPLICATE_DIFFERS' as const, detail: '' }];
  const one = resolvedTask({ late, gate: { verdict: gate, reasons: gate === 'run' ? [] : reasons, warnings: [] } });
  const other = { ...one, name: spare, insteadOf: first, model: { ...one.model, id: 'gaussian' } };
  return decisionRecord(number, {
    tasks: hasSpare ? [one, other] : [one],
    forward: forward ? ['pacs'] : [],
    commit: commit ? ['pacs'] : [],
    held: held ? reasons : [],
  });
}

function put(life: Life, number: number, change: Partial<RevisionState>): void {
  const revisions = life.state.revisions.map((one) => (one.record.revision === number ? { ...one, ...change } : one));
  life.state = { ...life.state, revisions };
}

const revisionOf = ({ state }: Life, number: number): RevisionState => {
  const found = state.revisions.find(({ record }) => record.revision === number);
  if (found === undefined) throw new Error(`a step of revision ${number}, which is not there`);
  return found;
};

function end(life: Life, number: number, outcome: OutcomeRecord): void {
  const tasks = new Map(revisionOf(life, number).tasks);
  if (tasks.get(outcome.task)?.outcome) return; // published once
  put(life, number, { tasks: tasks.set(outcome.task, { started: 1, died: 0, drained: 0, outcome }) });
}

/** As routeSeries does it: those before are superseded, then the decision is published. */
function route(life: Life, number: number): void {
  for (const { record, decision, tasks } of life.state.revisions) {
    if (record.revision > number || decision !== null) continue;
    for (const before of life.state.revisions.filter((one) => one.record.revision < record.revision))
      for (const task of before.decision?.tasks ?? [])
        end(life, before.record.revision, outcomeWithout(Date.parse(at), task, 'superseded', 'SUPERSEDED', ''));
    const made = decisionOf(life.plan, record.revision);
    const none = { started: 0, died: 0, drained: 0, outcome: null };
    const all = new Map([...made.tasks.map(({ name }) => [name, none] as const), ...tasks]);
    put(life, record.revision, { decision: made, tasks: all });
  }
}

function perform(life: Life, step: Step): void {
  const revision = revisionOf(life, step.revision);
  const { draw } = life;
  if (step.kind === 'route') return route(life, step.revision);
  if (step.kind === 'task') {
    expect(revision.tasks.get(step.task)?.outcome ?? null).toBeNull();
    if (withdrawalsOf(life.state).some(({ task }) => task === step.task))
      return end(life, step.revision, outcomeRecord(['9'], { task: step.task, outcome: 'withdrawal' }));
    const outcome = (['enhanced', 'skipped', 'failed', 'withheld'] as const)[draw() % 4] ?? 'failed';
    const isMade = outcome === 'enhanced' || outcome === 'withheld';
    const seriesInstanceUid = isMade ? `2.25.${step.revision}${step.task.length}` : null;
    const own = { task: step.task, outcome, seriesInstanceUid } as const;
    return end(life, step.revision, outcomeRecord(isMade ? uids.map((uid) => `${uid}.${step.revision}`) : [], own));
  }
  const name = `${step.task}@${step.peer}`;
  if (step.kind === 'deliver') {
    const { open } = remaining(life.state, revision, step.task, step.peer);
    expect(open).not.toEqual([]);
    const classes = ['delivered', 'warned', 'transient', 'permanent', 'delivered'] as const;
    const sent = open.map((uid): [string, DeliveryClass] => [uid, classes[draw() % 5] ?? 'delivered']);
    const batches = [...(revision.deliveries.get(name) ?? []), deliveryRecord(Object.fromEntries(sent))];
    return put(life, step.revision, { deliveries: new Map(revision.deliveries).set(name, batches) });
  }
  const { uncommitted } = commitmentOf(life.state, revision, step.task, step.peer);
  expect(uncommitted).not.toEqual([]);
  const before = revision.commitments.get(name) ?? { transactions: [], end: null };
  const word = ['committed', 'refused', 'lost'][draw() % 3];
  const reason = word === 'lost' ? noSuchObjectInstance : 0x0110;
  const failed = uncommitted.map((sopInstanceUid) => ({ sopInstanceUid, reason }));
  const { [`r${step.revision}/${name}`]: batches = 0, ...elsewhere } = batchesTo(life.state, step.peer);
  const asked = { version: 1 as const, at, by: step.peer, transactionUid: '2.25.7', batches, elsewhere, instances: [] };
  const report: CommitmentReportRecord = {
    version: 1,
    at,
    committed: word === 'committed' ? [...uncommitted] : [],
    failed: word === 'committed' ? [] : failed,
  };
  const transactions = [
    ...before.transactions,
    { number: before.transactions.length + 1, asked, answer: null, report },
  ];
  const over = word === 'refused' ? ({ version: 1, at, how: 'uncommitted', detail: '' } as const) : null;
  return put(life, step.revision, {
    commitments: new Map(revision.commitments).set(name, { transactions, end: over }),
  });
}

/** Takes one record away, as a volume does that was not synced. A revision goes with what lies in its folder. */
function crash(life: Life, which: number): void {
  const { revisions } = life.state;
  const revision = revisions[which % Math.max(1, revisions.length)];
  if (revision === undefined) return;
  const number = revision.record.revision;
  const [task] = [...revision.tasks].filter(([, { outcome }]) => outcome !== null).map(([name]) => name);
  const [delivery] = revision.deliveries.keys();
  const [commitment] = revision.commitments.keys();
  const without = <T>(map: ReadonlyMap<string, T>, name = ''): Map<string, T> =>
    new Map([...map].filter(([one]) => one !== name));
  switch (which % 5) {
    case 0:
      return put(life, number, { decision: null });
    case 1:
      return task === undefined
        ? undefined
        : put(life, number, {
            tasks: new Map(revision.tasks).set(task, { started: 1, died: 0, drained: 0, outcome: null }),
          });
    case 2:
      return put(life, number, { deliveries: without(revision.deliveries, delivery) });
    case 3:
      return put(life, number, { commitments: without(revision.commitments, commitment) });
    default:
      life.state = { ...life.state, actions: life.state.actions.slice(0, -1) };
  }
}

/** What the node does when it asks what comes next: late withdrawals become actions, then one of the steps is performed. */
function turn(life: Life): boolean {
  const replaced = lateWithdrawals(life.state);
  const reason = { reason: 'quality', because: 'processing', why: '' } as const;
  for (const action of withdrawalActions(life.state, replaced, reason, { by: 'limpid', at })) act(life, action);
  const { steps, waits, done } = nextSteps(life.state);
  expect(new Set(steps.map((step) => JSON.stringify(step))).size).toBe(steps.length);
  if (done) expect([steps, waits]).toEqual([[], []]);
  // Each in its turn: no step may starve the others, as no job of a queue does.
  life.turns += 1;
  const step = steps[(life.draw() + life.turns) % Math.max(1, steps.length)];
  if (step === undefined) return false;
  perform(life, step);
  return true;
}

function act(life: Life, action: ActionRecord): void {
  const number = (life.state.actions.at(-1)?.number ?? 0) + 1;
  life.state = { ...life.state, actions: [...life.state.actions, { number, file: `${number}.json`, action }] };
}

function publish(life: Life): void {
  const number = life.state.revisions.length + 1;
  const requeue = life.state.actions.findLast(({ action }) => action.kind === 'requeue');
  const change = requeue === undefined ? {} : { cause: 'requeue' as const, action: requeue.file };
  const record = seriesRecord(number, uids.slice(0, number), change);
  const none = { decision: null, tasks: new Map(), deliveries: new Map(), commitments: new Map() };
  const revision = { record, ...none, begun: new Set<string>(), swept: false };
  const files = [...new Set([...life.state.files, ...record.instances.map(({ file }) => file)])];
  life.state = { ...life.state, files, revisions: [...life.state.revisions, revision] };
}

/** Runs until nothing is left to run. */
function settle(life: Life): void {
  let turns = 0;
  while (turn(life)) expect(++turns).toBeLessThan(mostSteps);
}

it('ends, whatever happens in which order, and whichever records a crash takes away', () => {
  const ends = { done: 0, refused: 0 };
  fc.assert(
    fc.property(plan, (given) => {
      let drawn = 0;
      const draw = (): number => {
        drawn += 1;
        // Behind what was given everything goes well: a peer that refuses for ever ends nothing.
        return given.turns[drawn - 1] ?? 0;
      };
      const life: Life = { state: seriesState([]), turns: 0, plan: given, draw };
      publish(life);
      for (let step = 0; step < given.turns.length; step += 1) {
        for (const [, which] of given.crashes.filter(([after]) => after === step)) crash(life, which);
        const [action] = given.actions.slice(step / 5, step / 5 + 1);
        if (step % 5 === 4 && action !== undefined) {
          const { length } = life.state.revisions;
          act(
            life,
            actionRecord({
              ...action,
              revision: action.kind === 'release' || action.kind === 'discard' ? length : null,
            }),
          );
        }
        if (step % 7 === 6 && life.state.revisions.length < given.revisions) publish(life);
        turn(life);
      }
      settle(life);
      if (nextSteps(life.state).waits.includes('assembling')) publish(life);
      settle(life);
      // What is left waits for a person, who lets it go; what a peer refuses they give up.
      act(life, actionRecord({ kind: 'release', revision: life.state.revisions.length }));
      settle(life);
      const { waits, done } = nextSteps(life.state);
      expect(waits).toEqual([]);
      ends[done ? 'done' : 'refused'] += 1;
      if (!done) act(life, actionRecord({ kind: 'discard', revision: life.state.revisions.length }));
      settle(life);
      expect(nextSteps(life.state)).toEqual({ steps: [], waits: [], done: true });
    }),
    { numRuns: 400, endOnFailure: true },
  );
  expect(Math.min(ends.done, ends.refused)).toBeGreaterThan(5);
});
