import { expect, it } from '@jest/globals';
import { seriesPage } from '../../src/admin/series-page.js';
import { keyOf } from '../../src/spool/key.js';
import { unreadableView } from '../../src/spool/unreadable-series.js';

it('the page of a series that cannot be read says so and what to do, and shows no facts and no commands that would be refused', () => {
  const key = keyOf('1.2.3', '1.2.3.4');
  const view = unreadableView({ key, unreadable: 'r1/series.json does not fit', folder: '/spool/series/mf', files: 4 });
  const page = seriesPage(view, 0);
  expect(page).toContain('r1/series.json does not fit. Put what is cut back into /spool/series/mf;');
  expect(page).toContain('<h2>What to do</h2>');
  expect(page).not.toContain('<dl>');
  expect(page).not.toContain('requeue');
});
