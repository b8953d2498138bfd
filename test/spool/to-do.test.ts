import { expect, it } from '@jest/globals';
import { momentSays } from '../../src/spool/moment.js';
import { seriesStates } from '../../src/spool/series-states.js';
import { toDo } from '../../src/spool/to-do.js';
import { series } from '../admin/node.js';

const [revision] = series.revisions;
const heldBy = (code: string) => {
  const held = [{ code, says: '', detail: '', hint: null }];
  const decision = revision?.decision ? { ...revision.decision, held } : null;
  return { ...series, state: 'held', revisions: revision ? [{ ...revision, decision }] : [] } as const;
};
const commands = (view: Parameters<typeof toDo>[0]): string[] => toDo(view).map(({ command }) => command);

it('names a command for every state that waits for a person, and for no other', () => {
  const waiting = seriesStates.filter((state) => commands({ ...series, state }).length > 0);
  expect(waiting.toSorted()).toEqual(['given-up', 'held', 'partial', 'uncommitted', 'unreadable']);
  for (const state of waiting.filter((one) => one !== 'unreadable'))
    expect(commands({ ...series, state }).at(-1)).toBe(`limpid series discard ${series.key}`);
});

it('does not name a release where nothing would be sent by it: no rule matches', () => {
  expect(commands(heldBy('NO_RULE'))[0]).toBe(`limpid series requeue ${series.key}`);
  expect(commands(heldBy('REVISION_STORM'))[0]).toBe(`limpid series release ${series.key}`);
});

it('says which copies go on where an instance came twice with other bytes', () => {
  const [release, requeue] = toDo(heldBy('DUPLICATE_DIFFERS'));
  expect(release).toMatchObject({ command: `limpid series release ${series.key}` });
  expect(release?.does).toContain('came first');
  expect(requeue).toMatchObject({ command: `limpid series requeue ${series.key}` });
  expect(requeue?.does).toContain('came later');
});

it('names no requeue where retention has taken pixels away: it would be refused', () => {
  const swept = { ...series, revisions: series.revisions.map((one) => ({ ...one, swept: true })) };
  for (const state of ['given-up', 'partial', 'uncommitted'] as const)
    expect(commands({ ...swept, state })).toEqual([`limpid series discard ${series.key}`]);
});

it('writes a time as people read it', () => {
  expect(momentSays('2026-03-02T12:00:08.941Z')).toBe('2026-03-02 12:00:08 UTC');
});
