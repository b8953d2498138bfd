// The states of many series, for whoever looks at all of them: one that cannot be read must not hide the others. It is left out here, and
// named where it is worked on: by the reconciler, the sweep, `limpid spool verify`.
import { LimpidError } from '../errors.js';
import type { Key } from './key.js';
import type { SeriesState } from './series-state.js';

/** Reads one after the other; those with a record that does not fit are left out. */
export async function* readableStates(
  spool: { state(key: Key): Promise<SeriesState> },
  keys: Iterable<Key>,
): AsyncGenerator<SeriesState> {
  for (const key of keys) {
    const state = await spool.state(key).catch((error: unknown) => {
      if (error instanceof LimpidError) return null;
      throw error;
    });
    if (state !== null) yield state;
  }
}
