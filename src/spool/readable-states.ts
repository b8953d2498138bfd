// The states of many series, for whoever looks at all of them: one that cannot be read must not hide the others, nor be hidden itself.
import { LimpidError } from '../errors.js';
import type { Key } from './key.js';
import type { Layout } from './layout.js';
import { RecordNotGiven, faultOfOne } from './read-state.js';
import type { SeriesState } from './series-state.js';
import type { UnreadableSeries } from './unreadable-series.js';
import { namesIn } from './write-once.js';

interface Readable {
  state(key: Key): Promise<SeriesState>;
}

/** Why the state of a series cannot be read. @throws what is no fault of the series */
function whyUnreadable(error: unknown): string {
  if (error instanceof LimpidError) return error.message;
  if (error instanceof RecordNotGiven) return error.message;
  const code = faultOfOne(error);
  if (code === undefined) throw error;
  return `one of its records is not given by the file system (${code})`;
}

/** The state of a series, or that it cannot be read. */
export async function stateOrFault(
  spool: Readable & { readonly layout: Pick<Layout, 'series' | 'instances'> },
  key: Key,
): Promise<SeriesState | UnreadableSeries> {
  try {
    return await spool.state(key);
  } catch (error) {
    const why = whyUnreadable(error);
    const files = await namesIn(spool.layout.instances(key)).catch(() => []);
    return { key, unreadable: why, folder: spool.layout.series(key), files: files.length };
  }
}

/** Series that are read at once: each waits a dozen times for the volume, one time after the other. */
const readAtOnce = 8;

/** Those of many, in their order; those with a record that does not fit, or is not given, are left out: `stateOrFault` tells of them. */
export async function* readableStates(spool: Readable, keys: Iterable<Key>): AsyncGenerator<SeriesState> {
  const readable = (key: Key): Promise<SeriesState | null> =>
    spool.state(key).catch((error: unknown) => {
      whyUnreadable(error);
      return null;
    });
  for await (const state of readAll([...keys], readable)) if (state !== null) yield state;
}

/** The same with those that cannot be read: each state, or why there is none. */
export async function* statesOrFaults(
  spool: Parameters<typeof stateOrFault>[0],
  keys: readonly Key[],
): AsyncGenerator<SeriesState | UnreadableSeries> {
  yield* readAll(keys, (key) => stateOrFault(spool, key));
}

async function* readAll<T>(keys: readonly Key[], read: (key: Key) => Promise<T>): AsyncGenerator<T> {
  for (let start = 0; start < keys.length; start += readAtOnce) {
    yield* await Promise.all(keys.slice(start, start + readAtOnce).map(read));
  }
}
