// A thread that walks over the folders of all series: started by `series-folders.ts`. Each of tens of thousands by itself would be a way
// from the event loop to a thread and back, which costs several times the call and waits behind all else that the node does.
import { serve } from '../threads/thread.js';
import { failureOf } from './disk-job.js';
import type { Key } from './key.js';
import { Layout } from './layout.js';
import { isSweptSince, mayName, newestFirst } from './walk.js';
import type { SeriesFolder } from './walk.js';

/** Series of the spool at `root`. */
interface Some {
  readonly root: string;
  readonly keys: readonly Key[];
}

/** See `SeriesFolders`. */
export type WalkMethods = {
  newestFirst(root: string): Promise<{ value: readonly SeriesFolder[] | ReturnType<typeof failureOf> }>;
  sweptSince(question: Some & { readonly sinceMs: number }): Promise<{ value: readonly Key[] }>;
  mayName(question: Some & { readonly seriesInstanceUid: string }): Promise<{ value: readonly Key[] }>;
};

const methods: WalkMethods = {
  async newestFirst(root) {
    try {
      return { value: await newestFirst(new Layout(root)) };
    } catch (error) {
      return { value: failureOf(error) };
    }
  },
  sweptSince({ root, keys, sinceMs }) {
    const layout = new Layout(root);
    return Promise.resolve({ value: keys.filter((key) => isSweptSince(layout, key, sinceMs)) });
  },
  mayName({ root, keys, seriesInstanceUid }) {
    const layout = new Layout(root);
    return Promise.resolve({ value: keys.filter((key) => mayName(layout, key, seriesInstanceUid)) });
  },
};
serve(methods);
