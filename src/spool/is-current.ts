import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { Layout } from './layout.js';
import type { SeriesState } from './series-state.js';
import { hasCode, nextNumber } from './write-once.js';

/** Whether a state that was read is the last word on its series: nobody has acted on it since, and no revision or decision has come. */
export async function isCurrent(layout: Layout, { key, actions, revisions }: SeriesState): Promise<boolean> {
  if ((await nextNumber(layout.actions(key))) > (actions.at(-1)?.number ?? 0) + 1) return false;
  const newest = revisions.at(-1);
  const number = newest?.record.revision ?? 0;
  // the rules by which a person has asked for the series again may name other peers
  if (newest?.decision === null && (await isThere(join(layout.revision(key, number), 'decision.json')))) return false;
  return !(await isThere(join(layout.revision(key, number + 1), 'series.json')));
}

async function isThere(file: string): Promise<boolean> {
  try {
    await access(file);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return false;
    throw error;
  }
}
