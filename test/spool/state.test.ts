import { describe, expect, it } from '@jest/globals';
import type {
  ActionRecord,
  DecisionRecord,
  DeliveryRecord,
  OutcomeRecord,
  SeriesRecord,
} from '../../src/spool/records.js';
import { nextSteps, remaining } from '../../src/spool/state.js';
import type { RevisionState, SeriesState } from '../../src/spool/state.js';
import {
  actionRecord,
  decisionRecord,
  deliveryRecord,
  key,
  outcomeRecord,
  resolvedTask,
  seriesRecord,
} from '../support/records.js';

const task = 'ct-low-dose-12345678';

function revision(
  record: SeriesRecord,
  decision: DecisionRecord | null = null,
  outcome: OutcomeRecord | null = null,
  deliveries: Record<string, DeliveryRecord[]> = {},
): RevisionState {
  return {
    record,
    decision,
    tasks: new Map((decision?.tasks ?? []).map(({ name }) => [name, { started: 0, died: 0, drained: 0, outcome }])),
    deliveries: new Map(Object.entries(deliveries)),
    commitments: new Map(),
    swept: false,
  };
}

function state(revisions: RevisionState[], actions: ActionRecord[] = [], extraFiles: string[] = []): SeriesState {
  const listed = revisions.flatMap(({ record }) => record.instances.map(({ file }) => file));
  return {
    key,
    files: [...new Set([...listed, ...extraFiles])],
    revisions,
    promisedUntilMs: -Infinity,
    actions: actions.map((action, index) => ({ number: index + 1, file: `00${index + 1}.json`, action })),
  };
}

const uids = ['1.1', '1.2'];
const first = seriesRecord(1, uids);
const deliveredAll = { [`${task}@pacs`]: [deliveryRecord({ '1.1.9': 'delivered', '1.2.9': 'warned' })] };

describe('nextSteps', () => {
  it('waits for assembling while a file is in no revision', () => {
    expect(nextSteps(state([], [], ['x']))).toEqual({ steps: [], waits: ['assembling'], done: false });
  });

  it('routes a closed revision', () => {
    expect(nextSteps(state([revision(first)])).steps).toEqual([{ kind: 'route', revision: 1 }]);
  });

  it('runs the tasks of a decision and forwards the originals beside them', () => {
    const steps = nextSteps(state([revision(first, decisionRecord(1, { forward: ['archive'] }))])).steps;
    expect(steps).toEqual([
      { kind: 'task', revision: 1, task },
      { kind: 'deliver', revision: 1, task: 'originals', peer: 'archive' },
    ]);
  });

  it('delivers an enhanced result', () => {
    const steps = nextSteps(state([revision(first, decisionRecord(1), outcomeRecord(uids))])).steps;
    expect(steps).toEqual([{ kind: 'deliver', revision: 1, task, peer: 'pacs' }]);
  });

  it('is done when every instance is delivered or warned', () => {
    expect(nextSteps(state([revision(first, decisionRecord(1), outcomeRecord(uids), deliveredAll)]))).toEqual({
      steps: [],
      waits: [],
      done: true,
    });
  });

  it.each(['skipped', 'failed', 'superseded', 'withheld'] as const)(
    'delivers nothing of a task that is %s',
    (outcome) => {
      expect(nextSteps(state([revision(first, decisionRecord(1), outcomeRecord(uids, { outcome }))])).done).toBe(true);
    },
  );

  it('delivers a withheld result once a person has released it', () => {
    const withheld = revision(first, decisionRecord(1), outcomeRecord(uids, { outcome: 'withheld' }));
    const released = state([withheld], [actionRecord({ kind: 'release', task })]);
    expect(nextSteps(released).steps).toEqual([{ kind: 'deliver', revision: 1, task, peer: 'pacs' }]);
  });

  it('is not done while the peer has refused an instance for good, until a person discards the rest', () => {
    const partial = { [`${task}@pacs`]: [deliveryRecord({ '1.1.9': 'delivered', '1.2.9': 'permanent' })] };
    const revisions = [revision(first, decisionRecord(1), outcomeRecord(uids), partial)];
    expect(nextSteps(state(revisions))).toEqual({ steps: [], waits: [], done: false });
    expect(nextSteps(state(revisions, [actionRecord({ kind: 'discard', task, peer: 'pacs' })])).done).toBe(true);
  });

  it('tries transient instances again, and only these', () => {
    const batches = { [`${task}@pacs`]: [deliveryRecord({ '1.1.9': 'delivered', '1.2.9': 'transient' })] };
    const one = revision(first, decisionRecord(1), outcomeRecord(uids), batches);
    expect(remaining(state([one]), one, task, 'pacs')).toEqual({ open: ['1.2.9'], refused: [], swept: [] });
  });

  it('holds a series that no rule matches until a person acts', () => {
    const held = decisionRecord(1, { tasks: [], held: [{ code: 'NO_RULE', detail: '' }] });
    expect(nextSteps(state([revision(first, held)]))).toEqual({ steps: [], waits: ['held'], done: false });
    expect(nextSteps(state([revision(first, held)], [actionRecord({ kind: 'discard' })])).done).toBe(true);
  });

  it('holds a task whose gate holds, and runs it when released', () => {
    const gated = decisionRecord(1, {
      tasks: [
        resolvedTask({ gate: { verdict: 'hold', reasons: [{ code: 'DUPLICATE_DIFFERS', detail: '' }], warnings: [] } }),
      ],
    });
    expect(nextSteps(state([revision(first, gated)])).waits).toEqual(['held']);
    expect(nextSteps(state([revision(first, gated)], [actionRecord({ kind: 'release' })])).steps).toEqual([
      { kind: 'task', revision: 1, task },
    ]);
  });

  it('a hold stops tasks, a release afterwards lets them go on', () => {
    const revisions = [revision(first, decisionRecord(1))];
    expect(nextSteps(state(revisions, [actionRecord({ kind: 'hold' })])).steps).toEqual([]);
    const both = [actionRecord({ kind: 'hold' }), actionRecord({ kind: 'release' })];
    expect(nextSteps(state(revisions, both)).steps).toHaveLength(1);
  });

  it('sends a peer only the originals that no earlier revision brought there', () => {
    const forward = decisionRecord(1, { tasks: [], forward: ['pacs'] });
    const sent = { 'originals@pacs': [deliveryRecord({ '1.1': 'delivered', '1.2': 'delivered' })] };
    const second = revision(seriesRecord(2, [...uids, '1.3']), { ...forward, revision: 2 });
    const both = state([revision(first, forward, null, sent), second]);
    expect(nextSteps(both).steps).toEqual([{ kind: 'deliver', revision: 2, task: 'originals', peer: 'pacs' }]);
    expect(remaining(both, second, 'originals', 'pacs').open).toEqual(['1.3']);
  });

  it('a fallback runs only when the task before it has failed', () => {
    const spare = { ...resolvedTask(), name: 'nlm-87654321', insteadOf: task };
    const both = decisionRecord(1, { tasks: [resolvedTask(), spare] });
    const names = (outcome: OutcomeRecord | null): string[] =>
      nextSteps(
        state(
          [revision(first, both)].map((one) => ({
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
    const done = revision(first, decisionRecord(1), outcomeRecord(uids), deliveredAll);
    expect(nextSteps(state([done], [actionRecord({ kind: 'requeue' })])).waits).toEqual(['assembling']);
    const answer = revision(seriesRecord(2, uids, { cause: 'requeue', action: '001.json' }));
    expect(nextSteps(state([done, answer], [actionRecord({ kind: 'requeue' })])).steps).toEqual([
      { kind: 'route', revision: 2 },
    ]);
  });

  it('carries deliveries over to a requeued revision whose result is the same', () => {
    const done = revision(first, decisionRecord(1), outcomeRecord(uids), deliveredAll);
    const again = revision(
      seriesRecord(2, uids, { cause: 'requeue', action: '001.json' }),
      decisionRecord(2),
      outcomeRecord(uids, { sameAs: 1 }),
    );
    expect(nextSteps(state([done, again], [actionRecord({ kind: 'requeue' })])).done).toBe(true);
  });

  it('does nothing of a series on hold, neither task nor delivery, until a release', () => {
    const enhanced = revision(first, decisionRecord(1, { forward: ['archive'] }), outcomeRecord(uids));
    const hold = actionRecord({ kind: 'hold' });
    expect(nextSteps(state([enhanced], [hold]))).toEqual({ steps: [], waits: ['held'], done: false });
    const waiting = revision(first, decisionRecord(1));
    expect(nextSteps(state([waiting], [hold]))).toEqual({ steps: [], waits: ['held'], done: false });
    const release = actionRecord({ kind: 'release', revision: 1 });
    expect(nextSteps(state([enhanced], [hold, release])).steps).toHaveLength(2);
    expect(nextSteps(state([waiting], [hold, release, hold])).waits).toEqual(['held']);
  });

  it('holds and releases one task', () => {
    const enhanced = revision(first, decisionRecord(1, { forward: ['archive'] }), outcomeRecord(uids));
    const hold = actionRecord({ kind: 'hold', task });
    const originals = { kind: 'deliver', revision: 1, task: 'originals', peer: 'archive' };
    expect(nextSteps(state([enhanced], [hold]))).toEqual({ steps: [originals], waits: ['held'], done: false });
    const all = [actionRecord({ kind: 'hold' }), actionRecord({ kind: 'release', task })];
    expect(nextSteps(state([enhanced], all)).steps).toEqual([{ kind: 'deliver', revision: 1, task, peer: 'pacs' }]);
  });

  it('a discard is for the revisions that there were: a requeue behind it runs', () => {
    const discard = actionRecord({ kind: 'discard', revision: 1 });
    const requeue = actionRecord({ kind: 'requeue' });
    const again = seriesRecord(2, uids, { cause: 'requeue', action: '002.json' });
    const steps = nextSteps(
      state([revision(first, decisionRecord(1)), revision(again, decisionRecord(2))], [discard, requeue]),
    ).steps;
    expect(steps).toEqual([{ kind: 'task', revision: 2, task }]);
  });

  it('one revision answers every requeue before it', () => {
    const requeues = [actionRecord({ kind: 'requeue' }), actionRecord({ kind: 'requeue' })];
    const again = seriesRecord(2, uids, { cause: 'requeue', action: '002.json' });
    const done = revision(first, decisionRecord(1, { tasks: [] }));
    expect(nextSteps(state([done], requeues)).waits).toEqual(['assembling']);
    expect(nextSteps(state([done, revision(again, decisionRecord(2, { tasks: [] }))], requeues)).done).toBe(true);
  });

  it('forwards of a swept series only what came later', () => {
    const swept = { ...revision(first, decisionRecord(1, { tasks: [] })), swept: true };
    const late = revision(seriesRecord(2, [...uids, '1.3']), decisionRecord(2, { tasks: [], forward: ['archive'] }));
    const all = state([swept, late]);
    expect(nextSteps(all).steps).toEqual([{ kind: 'deliver', revision: 2, task: 'originals', peer: 'archive' }]);
    expect(remaining(all, late, 'originals', 'archive')).toEqual({ open: ['1.3'], refused: [], swept: uids });
  });
});
