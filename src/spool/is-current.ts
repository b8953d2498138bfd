import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { Layout } from './layout.js';
import type { SeriesState } from './series-state.js';
import { hasCode, nextNumber } from './write-once.js';

/** Whether a state that was read is the last word on its series: nobody has acted on it since, and no further revision has come. */
export async function isCurrent(layout: Layout, { key, actions, revisions }: SeriesState): Promise<boolean> {
  if ((await nextNumber(layout.actions(key))) > (actions.at(-1)?.number ?? 0) + 1) return false;
  const newest = revisions.at(-1)?.record.revision ?? 0;
  try {
    await access(join(layout.revision(key, newest + 1), 'series.json'));
    return false;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return true;
    throw error;
  }
}
