import { expect, it } from '@jest/globals';
import { seriesWord } from '../../src/admin/page-frame.js';
import { seriesPage } from '../../src/admin/series-page.js';
import { summaryOf } from '../../src/spool/view-of.js';
import { keyOf } from '../../src/spool/key.js';
import { unreadableView } from '../../src/spool/unreadable-series.js';
import { series } from './node.js';

it('the page of a series that cannot be read says so and what to do, and shows no facts and no commands that would be refused', () => {
  const key = keyOf('1.2.3', '1.2.3.4');
  const view = unreadableView({ key, unreadable: 'r1/series.json does not fit', folder: '/spool/series/mf', files: 4 });
  const page = seriesPage(view, 0);
  expect(page).toContain('r1/series.json does not fit. Put what is cut back into /spool/series/mf;');
  expect(page).toContain('<h2>What to do</h2>');
  expect(page).not.toContain('<dl>');
  expect(page).not.toContain('requeue');
});

it('no text on a page turns the direction of what follows it; letters that are read from the right do', () => {
  const why = 'مراجعة \u202Egnp.\u2066';
  const asked = { number: 1, kind: 'hold', says: 'hold', at: '2026-11-20T10:00:00.000Z', by: 'api', why };
  const actions = [{ ...asked, revision: null, task: null, peer: null }];
  expect(seriesPage({ ...series, actions }, 0)).toContain(': مراجعة ?gnp.?');
});

it('a series that is done is not shown as all well while a result of it is withheld, and says how to go on', () => {
  const [revision] = series.revisions;
  const [task] = revision?.tasks ?? [];
  if (!revision || !task) throw new Error('no task');
  const pageWith = (state: typeof task.state): string =>
    seriesPage({ ...series, state: 'done', revisions: [{ ...revision, tasks: [{ ...task, state }] }] }, 0);
  expect(pageWith('enhanced')).toContain('<span class="word good">done</span>');
  for (const state of ['withheld', 'failed'] as const) {
    expect(pageWith(state)).toContain('<span class="word wait">done</span>');
  }
  expect(pageWith('withheld')).toContain(`limpid series release ${series.key}</code> delivers what is withheld`);
  expect(pageWith('released')).not.toContain('delivers what is withheld');
});

it('a series of which nothing was made or sent, as no rule matches it, is not shown as all well once it is let go', () => {
  const [revision] = series.revisions;
  const decision = revision?.decision;
  if (!revision || !decision) throw new Error('no decision');
  const noRule = { code: 'NO_RULE', says: 'No rule matches the series.', detail: '', hint: null };
  const released = { ...revision, tasks: [], decision: { ...decision, rules: [], forward: [], held: [noRule] } };
  const view = { ...series, state: 'done' as const, revisions: [released] };
  expect(seriesPage(view, 0)).toContain('<span class="word calm">done</span>');
  expect(seriesWord(summaryOf(view)).text).toBe('<span class="word calm">done</span>');
});

it('names the commands that do something as the series stands, and the one that withdraws what was made', () => {
  const [revision] = series.revisions;
  const [task] = revision?.tasks ?? [];
  if (!revision || !task) throw new Error('no task');
  const verbs = (changes: Partial<typeof series>, swept: boolean, state: typeof task.state): string[] => {
    const page = seriesPage(
      { ...series, ...changes, revisions: [{ ...revision, swept, tasks: [{ ...task, state }] }] },
      0,
    );
    return [...page.matchAll(/limpid series (\w+) /g)].map(([, verb = '']) => verb);
  };
  expect(verbs({}, false, 'waiting')).toEqual(['requeue', 'hold', 'discard']);
  expect(verbs({ state: 'held' }, false, 'waiting')).toEqual(['release', 'discard', 'requeue']);
  expect(verbs({ state: 'done' }, false, 'enhanced')).toEqual(['requeue', 'withdraw']);
  expect(verbs({ state: 'done' }, true, 'released')).toEqual(['withdraw']);
  expect(verbs({ state: 'done' }, true, 'withdrawn')).toEqual([]);
});

it('tells of each figure the limit that held for that result, and none where its model has none or nobody kept it', () => {
  const figure = { measured: true, before: null, after: 0.4, unit: '1' };
  const figures = {
    residualStructure: { ...figure, limit: 0.8 },
    noiseRatio: { ...figure, limit: 0.25 },
    smoothChange: { ...figure, limit: null },
    periodicPattern: figure,
  };
  const [revision] = series.revisions;
  const [task] = revision?.tasks ?? [];
  if (revision === undefined || task === undefined) throw new Error('no task');
  const page = seriesPage({ ...series, revisions: [{ ...revision, tasks: [{ ...task, figures }] }] }, 0);
  expect(page).toContain('1 is edges; limit at most 0.8, in nine images of ten<');
  expect(page).toContain('noise that is left, as a share; limit at least 0.25, in nine images of ten<');
  expect(page).toContain('wiped out; no limit<');
  expect(page).toContain('over the noise<');
  expect(page).not.toContain('anatomy');
});
