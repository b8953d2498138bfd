// A series with a record that cannot be read: cut by a power failure, written by a newer limpid, or not given by the disk. Nothing is done
// for it, and only a person can help: whoever looks at series is told that it is there.
import type { Key } from './key.js';
import type { SeriesState } from './series-state.js';
import type { SeriesView } from './view.js';

export interface UnreadableSeries {
  readonly key: Key;
  /** Which record, and what is wrong with it. */
  readonly unreadable: string;
  /** Where the series lies. */
  readonly folder: string;
  /** Instance files in it. */
  readonly files: number;
}

export const isUnreadable = (series: SeriesState | UnreadableSeries): series is UnreadableSeries =>
  'unreadable' in series;

/** What can be shown of it. */
export function unreadableView({ key, unreadable, folder, files }: UnreadableSeries): SeriesView {
  return {
    key,
    state: 'unreadable',
    says: `Waits for a person, as it cannot be read: ${unreadable}. Put what is cut back into ${folder}; what a newer limpid has written that one reads; or stop the node, move that folder out of the spool and send the series again.`,
    modality: null,
    priority: null,
    studyInstanceUid: null,
    seriesInstanceUid: null,
    sources: [],
    files,
    unassembled: 0,
    openedAt: null,
    changedAt: null,
    revisions: [],
    promises: [],
    actions: [],
  };
}
