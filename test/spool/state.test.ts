import { describe, expect, it } from '@jest/globals';
import type { CommitmentState, CommitmentTransaction } from '../../src/spool/commitments.js';
import { originals } from '../../src/spool/layout.js';
import type { OutcomeRecord } from '../../src/spool/records.js';
import { nextSteps, remaining, waitingInstances } from '../../src/spool/state.js';
import type { RevisionState, SeriesState } from '../../src/spool/state.js';
import {
  actionRecord,
  decisionRecord,
  deliveryRecord,
  outcomeRecord,
  resolvedTask,
  revisionState,
  seriesRecord,
  seriesState,
} from '../support/records.js';

const task = 'ct-low-dose-12345678';

const uids = ['1.1', '1.2'];
const first = seriesRecord(1, uids);
const deliveredAll = { [`${task}@pacs`]: [deliveryRecord({ '1.1.9': 'delivered', '1.2.9': 'warned' })] };

describe('nextSteps', () => {
  it('waits for assembling while a file is in no revision', () => {
    expect(nextSteps(seriesState([], [], ['x']))).toEqual({ steps: [], waits: ['assembling'], done: false });
  });

  it('routes a closed revision', () => {
    expect(nextSteps(seriesState([revisionState(first)])).steps).toEqual([{ kind: 'route', revision: 1 }]);
  });

  it('runs the tasks of a decision and forwards the originals beside them', () => {
    const steps = nextSteps(seriesState([revisionState(first, decisionRecord(1, { forward: ['archive'] }))])).steps;
    expect(steps).toEqual([
      { kind: 'task', revision: 1, task },
      { kind: 'deliver', revision: 1, task: 'originals', peer: 'archive' },
    ]);
  });

  it('delivers an enhanced result', () => {
    const steps = nextSteps(seriesState([revisionState(first, decisionRecord(1), outcomeRecord(uids))])).steps;
    expect(steps).toEqual([{ kind: 'deliver', revision: 1, task, peer: 'pacs' }]);
  });

  it('is done when every instance is delivered or warned', () => {
    expect(
      nextSteps(seriesState([revisionState(first, decisionRecord(1), outcomeRecord(uids), deliveredAll)])),
    ).toEqual({
      steps: [],
      waits: [],
      done: true,
    });
  });

  it.each(['skipped', 'failed', 'superseded', 'withheld'] as const)(
    'delivers nothing of a task that is %s',
    (outcome) => {
      expect(
        nextSteps(seriesState([revisionState(first, decisionRecord(1), outcomeRecord(uids, { outcome }))])).done,
      ).toBe(true);
    },
  );

  it('delivers a withheld result once a person has released it', () => {
    const withheld = revisionState(first, decisionRecord(1), outcomeRecord(uids, { outcome: 'withheld' }));
    const released = seriesState([withheld], [actionRecord({ kind: 'release', task })]);
    expect(nextSteps(released).steps).toEqual([{ kind: 'deliver', revision: 1, task, peer: 'pacs' }]);
  });

  it('is not done while the peer has refused an instance for good, until a person discards the rest', () => {
    const partial = { [`${task}@pacs`]: [deliveryRecord({ '1.1.9': 'delivered', '1.2.9': 'permanent' })] };
    const revisions = [revisionState(first, decisionRecord(1), outcomeRecord(uids), partial)];
    expect(nextSteps(seriesState(revisions))).toEqual({ steps: [], waits: [], done: false });
    expect(nextSteps(seriesState(revisions, [actionRecord({ kind: 'discard', task, peer: 'pacs' })])).done).toBe(true);
  });

  it('counts nothing as waiting for a peer that a person has discarded, or retention taken', () => {
    const one = revisionState(first, decisionRecord(1), outcomeRecord(uids));
    expect(waitingInstances(seriesState([one]))).toEqual(new Map([['pacs', 2]]));
    const waitingOf = (...of: Parameters<typeof seriesState>): number =>
      waitingInstances(seriesState(...of)).get('pacs') ?? 0;
    expect(waitingOf([one], [actionRecord({ kind: 'discard', peer: 'pacs' })])).toBe(0);
    expect(waitingOf([{ ...one, swept: true }])).toBe(0);
  });

  it('brings each peer what it lacks itself, whatever another has', () => {
    const decision = decisionRecord(1, { tasks: [resolvedTask({ deliver: ['pacs', 'archive'] })] });
    const one = revisionState(first, decision, outcomeRecord(uids), deliveredAll);
    expect(nextSteps(seriesState([one])).steps).toEqual([{ kind: 'deliver', revision: 1, task, peer: 'archive' }]);
    expect(remaining(seriesState([one]), one, task, 'archive').open).toEqual(['1.1.9', '1.2.9']);
  });

  it('brings a peer again what it says it has lost, until a later batch has', () => {
    const batch = deliveryRecord({ '1.1.9': 'delivered', '1.2.9': 'delivered' });
    const openAfter = (batches: number, ...sent: (typeof batch)[]): readonly string[] => {
      const at = '2026-01-01T00:00:00.000Z';
      const transaction: CommitmentTransaction = {
        number: 1,
        asked: { version: 1, at, by: 'pacs', transactionUid: '1.9', batches, instances: [] },
        answer: null,
        report: {
          version: 1,
          at,
          committed: [],
          failed: [
            { sopInstanceUid: '1.1.9', reason: 0x0112 },
            { sopInstanceUid: '1.2.9', reason: 0x0110 },
          ],
        },
      };
      const one = {
        ...revisionState(first, decisionRecord(1), outcomeRecord(uids), { [`${task}@pacs`]: sent }),
        commitments: new Map([[`${task}@pacs`, { transactions: [transaction], end: null }]]),
      };
      return remaining(seriesState([one]), one, task, 'pacs').open;
    };
    expect(openAfter(1, batch)).toEqual(['1.1.9']);
    expect(openAfter(1, batch, deliveryRecord({ '1.1.9': 'delivered' }))).toEqual([]);
    // records of batches that are lost themselves
    expect(openAfter(2, batch)).toEqual(['1.1.9']);
  });

  it('brings what a later revision has lost once, if an earlier one does: its batch came behind the report', () => {
    const at = '2026-01-01T00:00:00.000Z';
    const [own, before] = [`${originals}@pacs`, `r1/${originals}@pacs`];
    const forward = { forward: ['pacs'], tasks: [] };
    const openOf = (sent: number, elsewhere: Record<string, number> | undefined): readonly string[] => {
      const transaction: CommitmentTransaction = {
        number: 1,
        asked: { version: 1, at, by: 'pacs', transactionUid: '1.9', batches: 0, elsewhere, instances: [] },
        answer: null,
        report: { version: 1, at, committed: [], failed: [{ sopInstanceUid: '1.1', reason: 0x0112 }] },
      };
      const batches = Array.from({ length: sent }, () => deliveryRecord({ '1.1': 'delivered' }));
      const one = revisionState(seriesRecord(1, ['1.1']), decisionRecord(1, forward), null, { [own]: batches });
      const two = {
        ...revisionState(seriesRecord(2, ['1.1']), decisionRecord(2, forward)),
        commitments: new Map([[own, { transactions: [transaction], end: null }]]),
      };
      return remaining(seriesState([one, two]), one, originals, 'pacs').open;
    };
    expect(openOf(1, { [before]: 1 })).toEqual(['1.1']);
    expect(openOf(2, { [before]: 1 })).toEqual([]);
    // what an older node recorded
    expect(openOf(2, undefined)).toEqual(['1.1']);
  });

  it('tries transient instances again, and only these', () => {
    const batches = { [`${task}@pacs`]: [deliveryRecord({ '1.1.9': 'delivered', '1.2.9': 'transient' })] };
    const one = revisionState(first, decisionRecord(1), outcomeRecord(uids), batches);
    expect(remaining(seriesState([one]), one, task, 'pacs')).toEqual({ open: ['1.2.9'], refused: [], swept: [] });
  });

  it('holds a series that no rule matches until a person acts', () => {
    const held = decisionRecord(1, { tasks: [], held: [{ code: 'NO_RULE', detail: '' }] });
    expect(nextSteps(seriesState([revisionState(first, held)]))).toEqual({ steps: [], waits: ['held'], done: false });
    expect(nextSteps(seriesState([revisionState(first, held)], [actionRecord({ kind: 'discard' })])).done).toBe(true);
  });

  it('holds the tasks of a series that is held', () => {
    const held = decisionRecord(1, { held: [{ code: 'NO_RULE', detail: '' }] });
    expect(nextSteps(seriesState([revisionState(first, held)]))).toEqual({ steps: [], waits: ['held'], done: false });
    const released = seriesState([revisionState(first, held)], [actionRecord({ kind: 'release' })]);
    expect(nextSteps(released).steps).toEqual([{ kind: 'task', revision: 1, task }]);
  });

  it('holds a task whose gate holds, and runs it when released', () => {
    const gated = decisionRecord(1, {
      tasks: [
        resolvedTask({ gate: { verdict: 'hold', reasons: [{ code: 'DUPLICATE_DIFFERS', detail: '' }], warnings: [] } }),
      ],
    });
    expect(nextSteps(seriesState([revisionState(first, gated)])).waits).toEqual(['held']);
    expect(nextSteps(seriesState([revisionState(first, gated)], [actionRecord({ kind: 'release' })])).steps).toEqual([
      { kind: 'task', revision: 1, task },
    ]);
  });

  it('a hold stops tasks, a release afterwards lets them go on', () => {
    const revisions = [revisionState(first, decisionRecord(1))];
    expect(nextSteps(seriesState(revisions, [actionRecord({ kind: 'hold' })])).steps).toEqual([]);
    const both = [actionRecord({ kind: 'hold' }), actionRecord({ kind: 'release' })];
    expect(nextSteps(seriesState(revisions, both)).steps).toHaveLength(1);
  });

  it('sends a peer only the originals that no earlier revision brought there', () => {
    const forward = decisionRecord(1, { tasks: [], forward: ['pacs'] });
    const sent = { 'originals@pacs': [deliveryRecord({ '1.1': 'delivered', '1.2': 'delivered' })] };
    const second = revisionState(seriesRecord(2, [...uids, '1.3']), { ...forward, revision: 2 });
    const both = seriesState([revisionState(first, forward, null, sent), second]);
    expect(nextSteps(both).steps).toEqual([{ kind: 'deliver', revision: 2, task: 'originals', peer: 'pacs' }]);
    expect(remaining(both, second, 'originals', 'pacs').open).toEqual(['1.3']);
  });

  it('a fallback runs only when the task before it has failed', () => {
    const spare = { ...resolvedTask(), name: 'nlm-87654321', insteadOf: task };
    const both = decisionRecord(1, { tasks: [resolvedTask(), spare] });
    const names = (outcome: OutcomeRecord | null): string[] =>
      nextSteps(
        seriesState(
          [revisionState(first, both)].map((one) => ({
            ...one,
            tasks: new Map(one.tasks).set(task, { started: 1, died: 0, drained: 0, outcome }),
          })),
        ),
      ).steps.flatMap((step) => (step.kind === 'task' ? [step.task] : []));
    expect(names(null)).toEqual([task]);
    expect(names(outcomeRecord([], { outcome: 'skipped' }))).toEqual([]);
    expect(names(outcomeRecord(['1.1', '1.2']))).toEqual([]);
    expect(names(outcomeRecord([], { outcome: 'failed' }))).toEqual(['nlm-87654321']);
  });

  it('waits for the receiver while a requeue is not answered', () => {
    const done = revisionState(first, decisionRecord(1), outcomeRecord(uids), deliveredAll);
    expect(nextSteps(seriesState([done], [actionRecord({ kind: 'requeue' })])).waits).toEqual(['assembling']);
    const answer = revisionState(seriesRecord(2, uids, { cause: 'requeue', action: '001.json' }));
    expect(nextSteps(seriesState([done, answer], [actionRecord({ kind: 'requeue' })])).steps).toEqual([
      { kind: 'route', revision: 2 },
    ]);
  });

  it('ends what was to go to peers that the rules do not name any more once a person has asked for the series again', () => {
    const forward = { tasks: [], forward: ['pacs', 'archive'], commit: [] };
    const refusedByPacs = { 'originals@pacs': [deliveryRecord({ '1.1': 'permanent' })] };
    const before = revisionState(first, decisionRecord(1, forward), null, refusedByPacs);
    const after = (decision: Parameters<typeof decisionRecord>[1], cause: 'requeue' | 'late', actions = 1) =>
      nextSteps(
        seriesState(
          [before, revisionState(seriesRecord(2, uids, { cause, action: '001.json' }), decisionRecord(2, decision))],
          [actionRecord({ kind: 'requeue' }), actionRecord({ kind: 'release', revision: 2 })].slice(0, actions),
        ),
      ).steps.map((step) => (step.kind === 'deliver' ? `r${step.revision} ${step.peer}` : step.kind));
    const moved = { tasks: [], forward: ['archive'] };
    expect(after(moved, 'requeue')).toEqual(['r1 archive', 'r2 archive']);
    expect(after(moved, 'late')).toEqual(['r1 pacs', 'r1 archive', 'r2 archive']);
    // What a gate holds is not decided before a person has released it.
    const held = { ...moved, held: [{ code: 'NO_RULE' as const, detail: '' }] };
    expect(after(held, 'requeue')).toContain('r1 pacs');
    expect(after(held, 'requeue', 2)).not.toContain('r1 pacs');
    const nowhere = [
      before,
      revisionState(seriesRecord(2, uids, { cause: 'requeue' }), decisionRecord(2, { tasks: [] })),
    ];
    expect(nextSteps(seriesState(nowhere)).done).toBe(true);
  });

  it('carries deliveries over to a requeued revision whose result is the same', () => {
    const done = revisionState(first, decisionRecord(1), outcomeRecord(uids), deliveredAll);
    const again = revisionState(
      seriesRecord(2, uids, { cause: 'requeue', action: '001.json' }),
      decisionRecord(2),
      outcomeRecord(uids, { sameAs: 1 }),
    );
    expect(nextSteps(seriesState([done, again], [actionRecord({ kind: 'requeue' })])).done).toBe(true);
  });

  it('asks a peer anew for the commitment of what is requeued, and brings it again what it has lost since', () => {
    const at = '2026-01-01T00:00:00.000Z';
    const own = `${originals}@pacs`;
    const forward = { forward: ['pacs'], commit: ['pacs'], tasks: [] };
    const transactions = (batches: number, report: Record<string, unknown>): [string, CommitmentState][] => {
      const asked = { version: 1 as const, at, by: 'pacs', transactionUid: '1.9', batches, instances: [] };
      const said = { version: 1 as const, at, committed: [], failed: [], ...report };
      return [[own, { transactions: [{ number: 1, asked, answer: null, report: said }], end: null }]];
    };
    const sent = deliveryRecord({ '1.1': 'delivered', '1.2': 'delivered' });
    const done = {
      ...revisionState(first, decisionRecord(1, forward), null, { [own]: [sent] }),
      commitments: new Map(transactions(1, { committed: ['1.1', '1.2'] })),
    };
    const requeued = seriesRecord(2, ['1.1', '1.2'], { cause: 'requeue', action: '001.json' });
    const again = (of: [string, CommitmentState][] = []): SeriesState =>
      seriesState(
        [done, { ...revisionState(requeued, decisionRecord(2, forward)), commitments: new Map(of) }],
        [actionRecord({ kind: 'requeue' })],
      );
    const { steps } = nextSteps(again());
    expect(steps).toEqual([{ kind: 'commit', revision: 2, task: originals, peer: 'pacs' }]);
    expect(nextSteps(again(transactions(0, { committed: ['1.1', '1.2'] }))).done).toBe(true);
    const lost = { committed: ['1.1'], failed: [{ sopInstanceUid: '1.2', reason: 0x0112 }] };
    const state = again(transactions(0, lost));
    const left = state.revisions.map((revision) => remaining(state, revision, originals, 'pacs').open);
    expect(left.at(-1)).toEqual(['1.2']);
    expect(nextSteps(state).steps).toContainEqual({ kind: 'deliver', revision: 2, task: originals, peer: 'pacs' });
  });

  it('waits for a person where nothing but the commitment of what is held is left, of which nobody is asked', () => {
    const delivered = { [`${originals}@pacs`]: [deliveryRecord({ '1.1': 'delivered', '1.2': 'delivered' })] };
    const sent = revisionState(
      first,
      decisionRecord(1, { forward: ['pacs'], commit: ['pacs'], tasks: [] }),
      null,
      delivered,
    );
    const after = (...kinds: ('hold' | 'release')[]): SeriesState =>
      seriesState(
        [sent],
        kinds.map((kind) => actionRecord({ kind })),
      );
    const asked = { kind: 'commit', revision: 1, task: originals, peer: 'pacs' };
    expect(nextSteps(after())).toMatchObject({ steps: [asked], waits: [] });
    expect(nextSteps(after('hold'))).toEqual({ steps: [], waits: ['held'], done: false });
    expect(nextSteps(after('hold', 'release'))).toMatchObject({ steps: [asked], waits: [] });
  });

  it('brings a peer the corrected originals that are requeued, and those that they replace no more', () => {
    const own = `${originals}@pacs`;
    const forward = { forward: ['pacs'], tasks: [] };
    const sent = deliveryRecord({ '1.1': 'delivered', '1.2': 'delivered' });
    const record = seriesRecord(1, ['1.1', '1.2']);
    const corrected = record.instances.map((instance) =>
      instance.sopInstanceUid === '1.1' ? { ...instance, file: `${instance.file}.corrected` } : instance,
    );
    const requeued = { cause: 'requeue' as const, action: '001.json', instances: corrected };
    const stateOf = (before: (typeof sent)[], after: (typeof sent)[]): SeriesState =>
      seriesState(
        [
          revisionState(record, decisionRecord(1, forward), null, { [own]: before }),
          revisionState(seriesRecord(2, [], requeued), decisionRecord(2, forward), null, { [own]: after }),
        ],
        [actionRecord({ kind: 'requeue' })],
      );
    const openOf = (state: SeriesState): (readonly string[])[] =>
      state.revisions.map((revision) => remaining(state, revision, originals, 'pacs').open);
    expect(openOf(stateOf([sent], []))).toEqual([[], ['1.1']]);
    // not a copy that another replaces, behind which the right one might be overwritten
    expect(openOf(stateOf([], []))).toEqual([['1.2'], ['1.1', '1.2']]);
    const { steps } = nextSteps(stateOf([sent], []));
    expect(steps).toEqual([{ kind: 'deliver', revision: 2, task: originals, peer: 'pacs' }]);
    expect(nextSteps(stateOf([sent], [deliveryRecord({ '1.1': 'delivered' })])).done).toBe(true);
  });

  it('brings nobody a result any more whose originals were corrected', () => {
    const record = seriesRecord(1, ['1.1', '1.2']);
    const corrected = record.instances.map((instance, index) =>
      index === 0 ? { ...instance, file: `${instance.file}.corrected` } : instance,
    );
    const deliver = ['pacs', 'archive'];
    const decided = (number: number) => decisionRecord(number, { tasks: [resolvedTask({ deliver })] });
    const sent = deliveryRecord({ '1.1.9': 'delivered', '1.2.9': 'delivered' });
    const made = (number: number) =>
      outcomeRecord(
        ['1.1', '1.2'].map((uid) => `${uid}.${number}`),
        { seriesInstanceUid: `2.25.${number}` },
      );
    const before = revisionState(record, decided(1), outcomeRecord(['1.1', '1.2']), { [`${task}@pacs`]: [sent] });
    expect(nextSteps(seriesState([before])).steps).toEqual([{ kind: 'deliver', revision: 1, task, peer: 'archive' }]);
    const requeued = (instances: typeof corrected) =>
      seriesRecord(2, [], { cause: 'requeue', action: '001.json', instances });
    const stateOf = (instances: typeof corrected): SeriesState =>
      seriesState(
        [before, revisionState(requeued(instances), decided(2), made(2))],
        [actionRecord({ kind: 'requeue' })],
      );
    const own = deliver.map((peer) => ({ kind: 'deliver', revision: 2, task, peer }));
    expect(nextSteps(stateOf(corrected)).steps).toEqual(own);
    expect(Object.fromEntries(waitingInstances(stateOf(corrected)))).toEqual({ archive: 2, pacs: 2 });
    // The same originals once more: what was made of them still holds.
    const old = { kind: 'deliver', revision: 1, task, peer: 'archive' };
    expect(nextSteps(stateOf(record.instances)).steps).toEqual([old, ...own]);
  });

  it('does nothing of a series on hold, neither task nor delivery, until a release', () => {
    const enhanced = revisionState(first, decisionRecord(1, { forward: ['archive'] }), outcomeRecord(uids));
    const hold = actionRecord({ kind: 'hold' });
    expect(nextSteps(seriesState([enhanced], [hold]))).toEqual({ steps: [], waits: ['held'], done: false });
    const waiting = revisionState(first, decisionRecord(1));
    expect(nextSteps(seriesState([waiting], [hold]))).toEqual({ steps: [], waits: ['held'], done: false });
    const release = actionRecord({ kind: 'release', revision: 1 });
    expect(nextSteps(seriesState([enhanced], [hold, release])).steps).toHaveLength(2);
    expect(nextSteps(seriesState([waiting], [hold, release, hold])).waits).toEqual(['held']);
  });

  it('keeps the hold of a revision over a release of those before it; the hold of a series ends with any', () => {
    const late = { ...revisionState(seriesRecord(2, uids), decisionRecord(2)) };
    const ended = revisionState(first, decisionRecord(1), outcomeRecord([], { outcome: 'skipped' }));
    const of = (hold: number | null, release: number) =>
      nextSteps(
        seriesState(
          [ended, late],
          [actionRecord({ kind: 'hold', revision: hold }), actionRecord({ kind: 'release', revision: release })],
        ),
      ).waits;
    expect(of(2, 1)).toEqual(['held']);
    expect(of(2, 2)).toEqual([]);
    expect(of(null, 1)).toEqual([]);
  });

  it('holds and releases one task', () => {
    const enhanced = revisionState(first, decisionRecord(1, { forward: ['archive'] }), outcomeRecord(uids));
    const hold = actionRecord({ kind: 'hold', task });
    const forwarding = { kind: 'deliver', revision: 1, task: 'originals', peer: 'archive' };
    expect(nextSteps(seriesState([enhanced], [hold]))).toEqual({ steps: [forwarding], waits: ['held'], done: false });
    const all = [actionRecord({ kind: 'hold' }), actionRecord({ kind: 'release', task })];
    expect(nextSteps(seriesState([enhanced], all)).steps).toEqual([
      { kind: 'deliver', revision: 1, task, peer: 'pacs' },
    ]);
  });

  it('a discard is for the revisions that there were: a requeue behind it runs', () => {
    const discard = actionRecord({ kind: 'discard', revision: 1 });
    const requeue = actionRecord({ kind: 'requeue' });
    const again = seriesRecord(2, uids, { cause: 'requeue', action: '002.json' });
    const steps = nextSteps(
      seriesState(
        [revisionState(first, decisionRecord(1)), revisionState(again, decisionRecord(2))],
        [discard, requeue],
      ),
    ).steps;
    expect(steps).toEqual([{ kind: 'task', revision: 2, task }]);
  });

  it('tells of a withdrawal also those for whom the series was discarded before, unless the document itself is', () => {
    const document = outcomeRecord([], {
      task: 'withdrawal-01',
      outcome: 'withdrawal',
      seriesInstanceUid: null,
      instances: outcomeRecord(['9.9']).instances,
    });
    const enhanced = revisionState(first, decisionRecord(1), outcomeRecord(uids), deliveredAll);
    const tasks = new Map([
      ...enhanced.tasks,
      ['withdrawal-01', { started: 0, died: 0, drained: 0, outcome: document }] as const,
    ]);
    const discard = actionRecord({ kind: 'discard', revision: 1 });
    const withdraw = actionRecord({ kind: 'withdraw', revision: 1, task, reason: 'safety' });
    const withdrawn = seriesState([{ ...enhanced, tasks }], [discard, withdraw]);
    const telling = { kind: 'deliver', revision: 1, task: 'withdrawal-01', peer: 'pacs' };
    expect(nextSteps(withdrawn)).toEqual({ steps: [telling], waits: [], done: false });
    const later = seriesState([{ ...enhanced, tasks }], [discard, withdraw, discard]);
    expect(nextSteps(later).done).toBe(true);
  });

  it('tells a peer of a withdrawal that it has refused once more, after a person asks for the series again', () => {
    const change = { task: 'withdrawal-01', outcome: 'withdrawal', seriesInstanceUid: null } as const;
    const document = { started: 0, died: 0, drained: 0, outcome: outcomeRecord(['9'], change) };
    const refusal = { 'withdrawal-01@pacs': [deliveryRecord({ '9.9': 'permanent' })] };
    const enhanced = revisionState(first, decisionRecord(1), outcomeRecord(uids), { ...deliveredAll, ...refusal });
    const refused = { ...enhanced, tasks: new Map([...enhanced.tasks, ['withdrawal-01', document] as const]) };
    const withdraw = actionRecord({ kind: 'withdraw', revision: 1, task, reason: 'safety' });
    const requeue = actionRecord({ kind: 'requeue' });
    expect(nextSteps(seriesState([refused], [withdraw]))).toEqual({ steps: [], waits: [], done: false });
    const again = seriesRecord(2, uids, { cause: 'requeue', action: '002.json' });
    const second = revisionState(again, decisionRecord(2, { tasks: [] }));
    const stepsOf = (...revisions: RevisionState[]) => nextSteps(seriesState(revisions, [withdraw, requeue])).steps;
    expect(stepsOf(refused, second)).toEqual([{ kind: 'task', revision: 2, task: 'withdrawal-01' }]);
    const remade = { ...second, tasks: new Map([['withdrawal-01', document]]) };
    const telling = { kind: 'deliver', revision: 2, task: 'withdrawal-01', peer: 'pacs' };
    expect(stepsOf(refused, remade)).toEqual([telling]);
    const told = { ...remade, deliveries: new Map([['withdrawal-01@pacs', [deliveryRecord({ '9.9': 'delivered' })]]]) };
    expect(nextSteps(seriesState([refused, told], [withdraw, requeue])).done).toBe(true);
    // Who has taken it is not told again.
    const taken = { ...refused, deliveries: new Map([...enhanced.deliveries, ...told.deliveries]) };
    expect(stepsOf(taken, second)).toEqual([]);
  });

  it('one revision answers every requeue before it', () => {
    const requeues = [actionRecord({ kind: 'requeue' }), actionRecord({ kind: 'requeue' })];
    const again = seriesRecord(2, uids, { cause: 'requeue', action: '002.json' });
    const done = revisionState(first, decisionRecord(1, { tasks: [] }));
    expect(nextSteps(seriesState([done], requeues)).waits).toEqual(['assembling']);
    expect(nextSteps(seriesState([done, revisionState(again, decisionRecord(2, { tasks: [] }))], requeues)).done).toBe(
      true,
    );
  });

  it('forwards of a swept series only what came later', () => {
    const swept = { ...revisionState(first, decisionRecord(1, { tasks: [] })), swept: true };
    const late = revisionState(
      seriesRecord(2, [...uids, '1.3']),
      decisionRecord(2, { tasks: [], forward: ['archive'] }),
    );
    const all = seriesState([swept, late]);
    expect(nextSteps(all).steps).toEqual([{ kind: 'deliver', revision: 2, task: 'originals', peer: 'archive' }]);
    expect(remaining(all, late, 'originals', 'archive')).toEqual({ open: ['1.3'], refused: [], swept: uids });
  });
});
