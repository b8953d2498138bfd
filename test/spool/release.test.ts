// Which releases let something go, and which say nothing to what is there.
import { describe, expect, it } from '@jest/globals';
import { isReleasable } from '../../src/spool/release.js';
import { openSpool } from '../../src/spool/open-spool.js';
import { nextSteps } from '../../src/spool/state.js';
import type { ActionRecord } from '../../src/spool/records.js';
import {
  actionRecord,
  decisionRecord,
  key,
  outcomeRecord,
  resolvedTask,
  revisionState,
  seriesRecord,
  seriesState,
} from '../support/records.js';
import { withFolder } from '../support/temporary.js';

const uids = ['1.1', '1.2'];
const first = seriesRecord(1, uids);
const task = decisionRecord(1).tasks[0]?.name ?? '';
const all = { revision: null, task: null };
const decided = (outcome: 'enhanced' | 'failed' | 'skipped' | 'withheld' | null, ...actions: ActionRecord[]) =>
  seriesState(
    [revisionState(first, decisionRecord(1), outcome === null ? null : outcomeRecord(uids, { outcome }))],
    actions.map((action) => action),
  );

describe('a release', () => {
  it.each(['enhanced', 'failed', 'skipped'] as const)('says nothing to a task that is %s', (outcome) => {
    expect(isReleasable(decided(outcome), all)).toBe(false);
    expect(isReleasable(decided(outcome), { revision: null, task })).toBe(false);
  });
  it('lets a withheld result go, once', () => {
    expect(isReleasable(decided('withheld'), all)).toBe(true);
    expect(isReleasable(decided('withheld'), { revision: null, task })).toBe(true);
    expect(isReleasable(decided('withheld'), { revision: null, task: 'another' })).toBe(false);
    expect(isReleasable(decided('withheld', actionRecord({ kind: 'release', revision: 1 })), all)).toBe(false);
  });
  it('ends what a person holds: all, or one task, also before anything is decided', () => {
    for (const held of [null, task]) {
      const hold = actionRecord({ kind: 'hold', task: held });
      for (const one of [decided(null, hold), seriesState([], [hold])]) {
        expect(isReleasable(one, all)).toBe(true);
        expect(isReleasable(one, { revision: null, task })).toBe(true);
      }
      const over = [hold, actionRecord({ kind: 'release', task: held })];
      expect(isReleasable(decided(null, ...over), all)).toBe(false);
    }
    expect(isReleasable(decided(null), all)).toBe(false);
  });
  it('lets go what the gate holds, and a series that no rule matches', () => {
    const verdict = { verdict: 'hold', reasons: [{ code: 'DUPLICATE_DIFFERS', detail: '' }], warnings: [] } as const;
    const gated = decisionRecord(1, {
      tasks: [resolvedTask({ gate: { ...verdict, reasons: [...verdict.reasons], warnings: [] } })],
    });
    expect(isReleasable(seriesState([revisionState(first, gated)]), all)).toBe(true);
    const unmatched = decisionRecord(1, { tasks: [], held: [{ code: 'NO_RULE', detail: '' }] });
    expect(isReleasable(seriesState([revisionState(first, unmatched)]), all)).toBe(true);
    const released = [actionRecord({ kind: 'release', revision: 1 })];
    expect(isReleasable(seriesState([revisionState(first, unmatched)], released), all)).toBe(false);
  });
  it('of what the gate holds is none of the result that is withheld afterwards', async () => {
    await withFolder(async (directory) => {
      const spool = await openSpool({ directory, sync: 'never', host: 'test', now: Date.now });
      try {
        const reasons = [{ code: 'PAEDIATRIC' as const, detail: '' }];
        const gate = { verdict: 'hold' as const, reasons, warnings: [] };
        await spool.publishRevision(first);
        await spool.publishDecision(decisionRecord(1, { tasks: [resolvedTask({ gate })] }));
        await spool.recordAction(key, actionRecord({ kind: 'release' }));
        expect(nextSteps(await spool.state(key)).steps).toEqual([{ kind: 'task', revision: 1, task }]);
        await spool.publishOutcome(key, 1, outcomeRecord(uids, { outcome: 'withheld', code: 'WITHHELD' }), null);
        expect(nextSteps(await spool.state(key)).steps).toEqual([]);
        await spool.recordAction(key, actionRecord({ kind: 'release' }));
        expect(nextSteps(await spool.state(key)).steps).toEqual([{ kind: 'deliver', revision: 1, task, peer: 'pacs' }]);
        expect(isReleasable(await spool.state(key), all)).toBe(false);
      } finally {
        await spool.close();
      }
    });
  });
  it('of what a person holds is none of what the gate holds afterwards', async () => {
    await withFolder(async (directory) => {
      const spool = await openSpool({ directory, sync: 'never', host: 'test', now: Date.now });
      try {
        await spool.publishRevision(first);
        await spool.recordAction(key, actionRecord({ kind: 'hold' }));
        await spool.recordAction(key, actionRecord({ kind: 'release' }));
        const gate = { verdict: 'hold' as const, reasons: [{ code: 'PAEDIATRIC' as const, detail: '' }], warnings: [] };
        await spool.publishDecision(decisionRecord(1, { tasks: [resolvedTask({ gate })] }));
        expect(nextSteps(await spool.state(key))).toMatchObject({ steps: [], waits: ['held'] });
        await spool.recordAction(key, actionRecord({ kind: 'release' }));
        expect(nextSteps(await spool.state(key)).steps).toEqual([{ kind: 'task', revision: 1, task }]);
      } finally {
        await spool.close();
      }
    });
  });
  it('lets nothing go that retention has taken away', () => {
    const withheld = revisionState(first, decisionRecord(1), outcomeRecord(uids, { outcome: 'withheld' }));
    expect(isReleasable(seriesState([{ ...withheld, swept: true }]), all)).toBe(false);
  });
});
