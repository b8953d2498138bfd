// What is said to whoever acts on a series that has gone on meanwhile.
import { describe, expect, it } from '@jest/globals';
import { inVainSays } from '../../src/spool/in-vain.js';
import type { ActionRecord } from '../../src/spool/records.js';
import type { SeriesState } from '../../src/spool/series-state.js';
import {
  actionRecord,
  decisionRecord,
  deliveryRecord,
  key,
  outcomeRecord,
  resolvedTask,
  revisionState,
  seriesRecord,
  seriesState,
} from '../support/records.js';

const uids = ['1.1', '1.2'];
const made = ['2.1', '2.2'];
const first = seriesRecord(1, uids);
const decision = decisionRecord(1, { forward: [], tasks: [resolvedTask({ deliver: ['pacs'] })] });
const task = decision.tasks[0]?.name ?? '';
const enhanced = outcomeRecord(made, { outcome: 'enhanced' });
const withdraw = `To have what was made of it rejected by who has it: limpid series withdraw ${key} --reason quality, or safety`;

/** The series and the same with an action, and what is said of it. */
function said(revisions: SeriesState['revisions'], action: ActionRecord, ...earlier: ActionRecord[]): string | null {
  const all = [...revisions];
  return inVainSays(seriesState(all, earlier), seriesState(all, [...earlier, action]), action);
}
const hold = actionRecord({ kind: 'hold' });
const discard = actionRecord({ kind: 'discard', revision: 1 });
const delivered = [
  revisionState(first, decision, enhanced, {
    [`${task}@pacs`]: [deliveryRecord({ '2.1.9': 'delivered', '2.2.9': 'delivered' })],
  }),
];
const onItsWay = [
  revisionState(first, decision, enhanced, { [`${task}@pacs`]: [deliveryRecord({ '2.1.9': 'delivered' })] }),
];

describe('a series that has been delivered meanwhile', () => {
  it('is held for what comes later alone, and what is out is withdrawn', () => {
    expect(said(delivered, hold)).toBe(
      `nothing of it is under way any more: held is only what comes later. ${withdraw}`,
    );
    const ofOne = actionRecord({ kind: 'hold', revision: 1 });
    expect(said(delivered, ofOne)).toBe(`nothing of it is under way any more: nothing is held. ${withdraw}`);
  });
  it('has nothing left to discard', () => {
    expect(said(delivered, discard)).toBe(`nothing of it was left to discard. ${withdraw}`);
  });
  it('is not told of a withdrawal again that is asked for', () => {
    const asked = actionRecord({ kind: 'withdraw', revision: 1, task, reason: 'quality' });
    expect(said(delivered, hold, asked)).not.toContain('withdraw');
  });
});

it('says nothing of what is stopped: not decided yet, to do, or on its way', () => {
  for (const revisions of [[], [revisionState(first)], [revisionState(first, decision)], onItsWay]) {
    expect([said(revisions, hold), said(revisions, discard)]).toEqual([null, null]);
  }
});

it('says nothing to who gives a result up that is withheld', () => {
  const withheld = [revisionState(first, decision, outcomeRecord(made, { outcome: 'withheld' }))];
  expect(said(withheld, discard)).toBeNull();
});
