import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Key } from '../../src/spool/key.js';
import { keyOf } from '../../src/spool/key.js';
import { onAll } from '../../src/spool/records.js';
import type {
  ActionRecord,
  DecisionRecord,
  DeliveryRecord,
  OutcomeRecord,
  ResolvedTask,
  SeriesRecord,
} from '../../src/spool/records.js';
import { nextSteps } from '../../src/spool/state.js';
import type { RevisionState, SeriesState } from '../../src/spool/state.js';
import { seriesSummary, seriesView } from '../../src/spool/view.js';
import { summaryOf, viewOf } from '../../src/spool/view-of.js';

const key: Key = keyOf('2.25.1', '2.25.2');
const hash = '0'.repeat(64);
const uids = ['2.25.11', '2.25.12', '2.25.13'];
const at = (minute: number): string => new Date(Date.UTC(2026, 10, 20, 10, minute)).toISOString();
const never = { givenUp: () => false, wait: () => null };

const record: SeriesRecord = {
  version: 1,
  key,
  revision: 1,
  cause: 'arrival',
  closed: 'quiet',
  openedAt: at(0),
  closedAt: at(2),
  studyInstanceUid: '2.25.1',
  seriesInstanceUid: '2.25.2',
  sources: [{ peer: 'ct1', callingAe: 'CT1', calledAe: 'LIMPID', address: '127.0.0.1' }],
  remake: 1,
  action: null,
  instances: uids.map((sopInstanceUid, i) => ({
    file: `f${i}`,
    sopInstanceUid,
    sopClassUid: '1.2.840.10008.5.1.4.1.1.2',
    transferSyntaxUid: '1.2.840.10008.1.2.1',
    sha256: hash,
    bytes: 100,
  })),
  variants: [],
  warnings: [{ code: 'GAPS', detail: '1 missing' }],
};

const task: ResolvedTask = {
  name: 'ct-low-dose-01234567',
  rule: 'chest',
  slot: 1,
  model: { id: 'ct-low-dose', version: '1.0.0', sha256: hash, kind: 'network' },
  settings: {},
  settingsSha256: hash,
  strength: 0.4,
  lift: [],
  gate: { verdict: 'run', reasons: [], warnings: [] },
  deliver: ['pacs'],
  late: 'keep',
};

const decision: DecisionRecord = {
  version: 1,
  key,
  revision: 1,
  decidedAt: at(3),
  config: 2,
  modality: 'CT',
  priority: 'routine',
  rules: [
    { name: 'chest', matched: true, conditions: [{ condition: 'Modality equals CT', holds: true, found: 'CT' }] },
  ],
  tasks: [task],
  forward: ['pacs'],
  commit: [],
  held: [],
};

function outcome(changes: Partial<OutcomeRecord>): OutcomeRecord {
  return {
    version: 1,
    task: task.name,
    outcome: 'enhanced',
    code: null,
    detail: '',
    startedAt: at(4),
    endedAt: at(6),
    sameAs: null,
    seriesInstanceUid: '2.25.3',
    provider: 'cpu',
    threads: 1,
    strength: { asked: 0.4, effective: 0.4, reached: 0.398, blend: 0.75 },
    noise: { before: 20, after: 12, unit: 'HU' },
    figures: { meanShift: { measured: true, before: 0, after: 0.1, unit: 'HU' } },
    grade: { before: 'moderate', after: 'light' },
    neighbours: null,
    warnings: [],
    modelSeconds: 4.5,
    instances: uids.map((source, i) => ({
      file: `${i}.dcm`,
      sopInstanceUid: `${source}.1`,
      sopClassUid: '1.2.840.10008.5.1.4.1.1.2',
      transferSyntaxUid: '1.2.840.10008.1.2.1',
      sha256: hash,
      bytes: 100,
      source,
    })),
    ...changes,
  };
}

type Class = DeliveryRecord['instances'][number]['class'];
function batch(minute: number, classes: Readonly<Record<string, Class>>): DeliveryRecord {
  const instances = Object.entries(classes).map(([sopInstanceUid, name]) => ({
    sopInstanceUid,
    class: name,
    status: name === 'delivered' ? 0 : name === 'warned' ? 0xb000 : 0xa700,
    comment: name === 'permanent' ? 'No.' : '',
  }));
  return { version: 1, at: at(minute), peer: 'pacs', association: null, instances };
}

function action(changes: Partial<ActionRecord> & Pick<ActionRecord, 'kind'>): ActionRecord {
  return {
    version: 1,
    at: at(30),
    by: 'operator',
    why: '',
    ...onAll,
    ...changes,
  };
}

function revisionState(changes: Partial<RevisionState> = {}): RevisionState {
  return {
    record,
    decision,
    tasks: new Map(),
    deliveries: new Map(),
    begun: new Set(),
    commitments: new Map(),
    swept: false,
    ...changes,
  };
}

function seriesState(revisions: readonly RevisionState[], actions: readonly ActionRecord[] = []): SeriesState {
  return {
    key,
    files: ['f0', 'f1', 'f2'],
    revisions,
    promisedUntilMs: -Infinity,
    actions: actions.map((entry, i) => ({ number: i + 1, file: `00${i + 1}.json`, action: entry })),
  };
}

const withOutcome = (
  changes: Partial<OutcomeRecord> = {},
): Map<string, RevisionState['tasks'] extends ReadonlyMap<string, infer T> ? T : never> =>
  new Map([[task.name, { started: 1, died: 0, drained: 0, outcome: outcome(changes) }]]);
const all = (minute: number, name: Class, derived: boolean) =>
  batch(minute, Object.fromEntries(uids.map((uid) => [derived ? `${uid}.1` : uid, name])));

describe('the view of a series', () => {
  it('tells its way step by step', () => {
    const word = (state: SeriesState) => {
      const { state: name, says } = viewOf(state, never);
      return [name, says];
    };
    expect(word(seriesState([]))).toEqual(['receiving', '3 instances arrived; the series is not closed yet.']);
    expect(word(seriesState([revisionState({ decision: null })]))).toEqual(['routing', 'Closed; waits to be routed.']);
    expect(word(seriesState([revisionState()]))).toEqual(['enhancing', '1 task to do.']);
    const enhanced = revisionState({ tasks: withOutcome() });
    const withdraw = action({ kind: 'withdraw', revision: 1, task: task.name, reason: 'safety' });
    expect(word(seriesState([enhanced], [withdraw]))).toEqual(['enhancing', 'Its withdrawal waits for a worker.']);
    expect(word(seriesState([enhanced]))).toEqual(['delivering', '3 instances to send to pacs.']);
    const deliveries = new Map([
      ['originals@pacs', [all(5, 'delivered', false)]],
      [`${task.name}@pacs`, [batch(7, { '2.25.11.1': 'delivered', '2.25.12.1': 'transient' })]],
    ]);
    expect(word(seriesState([{ ...enhanced, deliveries }]))).toEqual(['delivering', '2 of 3 instances wait for pacs.']);
    deliveries.set(`${task.name}@pacs`, [all(8, 'warned', true)]);
    expect(word(seriesState([{ ...enhanced, deliveries }]))).toEqual(['done', '1 enhanced, delivered to pacs.']);
    // A fallback that was not needed is no news.
    const fallback: ResolvedTask = { ...task, name: 'nlm-01234567', slot: 2, insteadOf: task.name };
    const withFallback = enhanced.decision && { ...enhanced.decision, tasks: [task, fallback] };
    expect(word(seriesState([{ ...enhanced, decision: withFallback, deliveries }]))).toEqual([
      'done',
      '1 enhanced, delivered to pacs.',
    ]);
  });

  it('tells of a task what was asked, what was reached and when', () => {
    const view = viewOf(seriesState([revisionState({ tasks: withOutcome() })]), never);
    expect(view.revisions[0]?.tasks[0]).toMatchObject({
      state: 'enhanced',
      says: 'Enhanced: 40 % of the noise taken away, 40 % asked.',
      strength: { asked: 0.4, reached: 0.398, blend: 0.75 },
      startedAt: at(4),
      endedAt: at(6),
      instances: 3,
    });
    expect(view).toMatchObject({ modality: 'CT', priority: 'routine', changedAt: at(6), openedAt: at(0) });
    expect(view.revisions[0]?.warnings).toEqual([
      { code: 'GAPS', says: 'Slice positions are missing.', detail: '1 missing', hint: null },
    ]);
  });

  it('never says of noise that stayed, rose or was not asked for that a share of it was taken away', () => {
    const says = (asked: number, reached: number | null): string | undefined => {
      const tasks = withOutcome({ strength: { asked, effective: asked, reached, blend: 0.4375 } });
      return viewOf(seriesState([revisionState({ tasks })]), never).revisions[0]?.tasks[0]?.says;
    };
    const no = 'Enhanced; the noise measures no less than before, 40 % asked.';
    expect([says(0.4, 0), says(0.4, -0.03), says(0.4, 0.004)]).toEqual([no, no, no]);
    expect(says(0.4, 0.006)).toBe('Enhanced: 1 % of the noise taken away, 40 % asked.');
    expect(says(0.4, null)).toBe('Enhanced; how much noise was taken away was not measurable.');
    expect(says(0, null)).toBe('Enhanced.');
  });

  it('gives each code its sentence, and failures what to do', () => {
    const failed = withOutcome({ outcome: 'failed', code: 'ENHANCE_DEADLINE', detail: '1800 s', instances: [] });
    const view = viewOf(seriesState([revisionState({ tasks: failed })]), never);
    expect(view.revisions[0]?.tasks[0]?.code).toEqual({
      code: 'ENHANCE_DEADLINE',
      says: 'Enhance deadline.',
      detail: '1800 s',
      hint: 'Raise workers.deadline or give the worker more cores. Where the message names one image, only cores help, or its decoder hangs: see whether another program can read it.',
    });
    const skipped = withOutcome({ outcome: 'skipped', code: 'ALREADY_CLEAN', instances: [] });
    const deliveries = new Map([['originals@pacs', [all(5, 'delivered', false)]]]);
    const done = viewOf(seriesState([revisionState({ tasks: skipped, deliveries })]), never);
    expect(done.says).toBe('1 skipped (ALREADY_CLEAN), delivered to pacs.');
  });

  it('says who has to act when a person has to', () => {
    const held = { ...decision, tasks: [], forward: [], held: [{ code: 'NO_RULE' as const, detail: '' }] };
    const waits = viewOf(seriesState([revisionState({ decision: held })]), never);
    expect([waits.state, waits.says]).toEqual(['held', 'Waits for a person. No rule matches the series.']);
    const byHand = viewOf(seriesState([revisionState()], [action({ kind: 'hold' })]), never);
    expect([byHand.state, byHand.revisions[0]?.tasks[0]?.state]).toEqual(['held', 'held']);
    const discarded = viewOf(seriesState([revisionState({ decision: held })], [action({ kind: 'discard' })]), never);
    expect(discarded.state).toBe('done');
  });

  it('tells a derived series that was withdrawn on its way from one that a person has discarded', () => {
    const some = batch(5, { [`${uids[0]}.1`]: 'delivered' });
    const deliveries = new Map([[`${task.name}@pacs`, [some]]]);
    const revision = revisionState({ tasks: withOutcome(), deliveries });
    const says = (kind: 'withdraw' | 'discard') => {
      const reason = kind === 'withdraw' ? ({ reason: 'safety' } as const) : {};
      const state = seriesState([revision], [action({ kind, revision: 1, task: task.name, ...reason })]);
      return viewOf(state, never).revisions[0]?.deliveries.find(({ task: name }) => name === task.name)?.says;
    };
    expect(says('withdraw')).toBe('Withdrawn after 1 of 3 instances.');
    expect(says('discard')).toBe('Discarded by a person after 1 of 3 instances.');
  });

  it('never says of originals that were corrected that a peer has them which was away', () => {
    const saysOf = (correctedCount: number, before: readonly DeliveryRecord[]) => {
      const instances = record.instances.map((instance, index) =>
        index < correctedCount ? { ...instance, file: `f${index}.corrected` } : instance,
      );
      const requeued: SeriesRecord = { ...record, revision: 2, cause: 'requeue', action: '001.json', instances };
      const state = seriesState(
        [
          revisionState({ tasks: withOutcome(), deliveries: new Map([['originals@pacs', before]]) }),
          revisionState({ record: requeued, decision: { ...decision, revision: 2 } }),
        ],
        [action({ kind: 'requeue' })],
      );
      return viewOf(state, never).revisions[0]?.deliveries.map(({ says }) => says);
    };
    const ended = 'Ended after 0 of 3 instances: its originals were corrected.';
    expect(saysOf(3, [])).toEqual(['None was sent: corrected ones took their place.', ended]);
    expect(saysOf(1, [])).toEqual(['2 instances to send to pacs.', ended]);
    expect(saysOf(1, [all(5, 'delivered', false)])).toEqual(['3 instances delivered.', ended]);
    expect(saysOf(0, [])).toEqual(['3 instances to send to pacs.', '3 instances to send to pacs.']);
  });

  it('never says that what retention has taken away undelivered was delivered', () => {
    const some = batch(5, { [`${uids[0]}.1`]: 'delivered' });
    const deliveries = new Map([
      ['originals@pacs', [batch(5, { '2.25.11': 'delivered' })]],
      [`${task.name}@pacs`, [some]],
    ]);
    const revision = revisionState({ tasks: withOutcome(), deliveries, swept: true });
    const view = viewOf(seriesState([revision], [action({ kind: 'discard', revision: 1 })]), never);
    const shown = view.revisions[0]?.deliveries.map(({ task: name, state, delivered, says }) => [
      name,
      state,
      delivered,
      says,
    ]);
    const says = 'Discarded by a person after 1 of 3 instances.';
    expect(shown).toEqual([
      ['originals', 'discarded', 1, says],
      [task.name, 'discarded', 1, says],
    ]);
    expect(view).toMatchObject({ state: 'done', says: '1 enhanced, not all delivered to pacs.' });
  });

  it('is not done while a peer refuses a withdrawal, also of what retention has taken away', () => {
    const documents = outcome({})
      .instances.slice(0, 1)
      .map((one) => ({ ...one, sopInstanceUid: '2.25.99' }));
    const document = outcome({
      task: 'withdrawal-01',
      outcome: 'withdrawal',
      seriesInstanceUid: '2.25.98',
      instances: documents,
    });
    const revision = revisionState({
      tasks: new Map([...withOutcome(), ['withdrawal-01', { started: 0, died: 0, drained: 0, outcome: document }]]),
      deliveries: new Map([
        ['originals@pacs', [all(5, 'delivered', false)]],
        [`${task.name}@pacs`, [all(8, 'delivered', true)]],
        ['withdrawal-01@pacs', [batch(40, { '2.25.99': 'permanent' })]],
      ]),
    });
    const withdraw = action({ kind: 'withdraw', revision: 1, task: task.name, reason: 'safety' });
    for (const swept of [false, true]) {
      const state = seriesState([{ ...revision, swept }], [withdraw]);
      expect(nextSteps(state).done).toBe(false);
      expect(viewOf(state, never)).toMatchObject({
        state: 'given-up',
        says: expect.stringContaining('pacs does not take 1 instance'),
      });
    }
  });

  it('tells a refused delivery from one that is tried again, and ends with a discard', () => {
    const tasks = withOutcome({ outcome: 'skipped', code: 'DERIVED', instances: [] });
    const deliveries = new Map([
      ['originals@pacs', [batch(5, { '2.25.11': 'delivered', '2.25.12': 'permanent', '2.25.13': 'permanent' })]],
    ]);
    const partial = viewOf(seriesState([revisionState({ tasks, deliveries })]), never);
    expect(partial).toMatchObject({ state: 'partial' });
    expect(partial.revisions[0]?.deliveries[0]).toMatchObject({
      delivered: 1,
      refused: 2,
      fault: { code: 'A700', detail: 'No.' },
    });
    const refused = new Map([['originals@pacs', [all(5, 'permanent', false)]]]);
    expect(viewOf(seriesState([revisionState({ tasks, deliveries: refused })]), never).state).toBe('given-up');
    const away = new Map([['originals@pacs', [all(5, 'transient', false)]]]);
    const state = seriesState([revisionState({ tasks, deliveries: away })]);
    expect(viewOf(state, never).state).toBe('delivering');
    const givenUp = (batches: readonly unknown[]): boolean => batches.length > 0;
    expect(viewOf(state, { ...never, givenUp })).toMatchObject({
      state: 'given-up',
      says: expect.stringContaining('until a person requeues'),
    });
    // It is past its time above; here its peer is asked again and again.
    const rejected = { why: 'peer', says: 'it takes nothing since noon', since: null, until: null } as const;
    expect(viewOf(state, { ...never, givenUp, wait: () => rejected })).toMatchObject({
      state: 'given-up',
      says: expect.stringMatching(/ wait until a person mends pacs, and go by themselves then: it takes nothing/),
    });
    const discard = action({ kind: 'discard', peer: 'pacs' });
    const ended = viewOf(seriesState([revisionState({ tasks, deliveries: refused })], [discard]), never);
    expect([ended.state, ended.revisions[0]?.deliveries[0]?.state]).toEqual(['done', 'discarded']);
    expect(ended.says).toBe('1 skipped (DERIVED), not delivered to pacs.');
  });

  it('says how to find out why a peer has not been asked yet to commit itself: no record tells of one that cannot be', () => {
    const tasks = withOutcome({ outcome: 'skipped', code: 'DERIVED', instances: [] });
    const deliveries = new Map([['originals@pacs', [all(5, 'delivered', false)]]]);
    const asking = { ...decision, commit: ['pacs'] };
    const view = viewOf(seriesState([revisionState({ decision: asking, tasks, deliveries })]), never);
    expect(view).toMatchObject({
      state: 'committing',
      says: expect.stringContaining('`limpid peers check pacs` says why'),
    });
  });

  it('tells why a delivery waits, in the sentence of the series too', () => {
    const tasks = withOutcome({ outcome: 'skipped', code: 'DERIVED', instances: [] });
    const hours = { why: 'hours', says: 'its hours begin at night', since: null, until: null } as const;
    const asked: string[] = [];
    const judge = {
      ...never,
      wait: (peer: string, open: readonly string[]) => (asked.push(`${peer} ${open.length}`), hours),
    };
    const waits = viewOf(seriesState([revisionState({ tasks })]), judge);
    expect(waits.revisions[0]?.deliveries[0]).toMatchObject({ state: 'waiting', wait: hours });
    expect(waits.says).toMatch(/ wait for pacs: its hours begin at night\.$/);
    expect(asked).toEqual([`pacs ${waits.revisions[0]?.instances}`]);
    const held = viewOf(seriesState([revisionState({ tasks })], [action({ kind: 'hold' })]), judge);
    expect(held.revisions[0]?.deliveries[0]?.wait).toMatchObject({ why: 'held' });
    const done = viewOf(
      seriesState([revisionState({ tasks, deliveries: new Map([['originals@pacs', [all(5, 'delivered', false)]]]) })]),
      judge,
    );
    expect(done.revisions[0]?.deliveries[0]?.wait).toBeNull();
  });

  it('says of a result that was withheld whether a person has released it', () => {
    const revision = revisionState({
      decision,
      tasks: withOutcome({ outcome: 'withheld', code: 'WITHHELD', seriesInstanceUid: '2.25.9' }),
    });
    const shown = (...actions: ActionRecord[]) =>
      viewOf(seriesState([revision], actions), never).revisions[0]?.tasks.map(({ state, says }) => [state, says]);
    expect(shown()).toEqual([
      ['withheld', "Withheld: The result is outside the model card's limits. `limpid series release` delivers it."],
    ]);
    expect(shown(action({ kind: 'release', results: ['2.25.9'] }))).toEqual([
      ['released', 'Withheld first, and released by a person.'],
    ]);
    expect(shown(action({ kind: 'release', results: ['2.25.8'] }))?.[0]?.[0]).toBe('withheld');
    const gone = viewOf(seriesState([{ ...revision, swept: true }]), never).revisions[0]?.tasks[0];
    expect(gone?.says).toMatch(/limits\. Retention has taken its pixels away: it can no longer be released\.$/);
  });

  it('shows the priority that a person gave', () => {
    const raised = action({ kind: 'prioritise', priority: 'urgent' });
    expect(viewOf(seriesState([revisionState()], [raised]), never).priority).toBe('urgent');
  });

  it('says of each action what was asked for', () => {
    const actions = [
      action({ kind: 'prioritise', priority: 'batch' }),
      action({ kind: 'requeue', newUids: true }),
      action({ kind: 'discard', task: 'originals', peer: 'pacs' }),
      action({ kind: 'withdraw', task: 'ct-low-dose-12345678', reason: 'quality', because: 'artifact' }),
      action({ kind: 'withdraw', reason: 'safety' }),
      action({ kind: 'hold' }),
    ];
    expect(viewOf(seriesState([revisionState()], actions), never).actions.map(({ says }) => says)).toEqual([
      'prioritise to batch',
      'requeue with new UIDs',
      'discard of originals to pacs',
      'withdraw of ct-low-dose-12345678 for quality, artifact',
      'withdraw for safety',
      'hold',
    ]);
  });
});

const classes = fc.constantFrom<Class>('delivered', 'warned', 'transient', 'permanent');
const anyState = fc
  .record({
    routed: fc.boolean(),
    files: fc.subarray(['f0', 'f1', 'f2', 'f3']),
    result: fc.constantFrom('none', 'enhanced', 'skipped', 'withheld', 'failed', 'superseded'),
    held: fc.boolean(),
    originals: fc.array(fc.dictionary(fc.constantFrom(...uids), classes), { maxLength: 3 }),
    derived: fc.array(fc.dictionary(fc.constantFrom(...uids.map((uid) => `${uid}.1`)), classes), { maxLength: 3 }),
    actions: fc.array(fc.constantFrom('hold', 'release', 'requeue', 'prioritise', 'discard'), { maxLength: 3 }),
    swept: fc.boolean(),
  })
  .map(({ routed, files, result, held, originals, derived, actions, swept }): SeriesState => {
    const revision = revisionState({
      decision: routed ? { ...decision, held: held ? [{ code: 'NO_RULE', detail: '' }] : [] } : null,
      tasks:
        result === 'none'
          ? new Map()
          : withOutcome({
              outcome: result,
              code: result === 'enhanced' ? null : 'DERIVED',
            }),
      deliveries: new Map([
        ['originals@pacs', originals.map((entries, i) => batch(10 + i, entries))],
        [`${task.name}@pacs`, derived.map((entries, i) => batch(20 + i, entries))],
      ]),
      swept,
    });
    return {
      ...seriesState(
        [revision],
        actions.map((kind) => action({ kind })),
      ),
      files,
    };
  });

describe('any state', () => {
  it('has a view that fits its schema, is done when and only when nothing is left, and always says something', () => {
    fc.assert(
      fc.property(anyState, (state) => {
        const view = viewOf(state, never);
        expect(seriesView.parse(view)).toEqual(view);
        expect(seriesSummary.parse(summaryOf(view))).toEqual(summaryOf(view));
        expect(view.state === 'done').toBe(nextSteps(state).done);
        expect(view.says).toMatch(/^\S.*\.$/);
        for (const { instances, delivered, waiting, refused } of view.revisions.flatMap(
          ({ deliveries }) => deliveries,
        )) {
          expect(delivered + waiting + refused).toBe(instances);
        }
      }),
      { numRuns: 500 },
    );
  });
});
