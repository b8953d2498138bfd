import { basename } from 'node:path';
import { LimpidError } from '../errors.js';
import { ThreadEnded } from '../threads/thread.js';

/**
 * What a call to a slice thread came to, where one that has passed its deadline is that and no fault of limpid: it says nothing against
 * the pixels, which may be many for this machine.
 *
 * @param file whose step it is; null: of none alone
 * @throws LimpidError `ENHANCE_DEADLINE`; whatever else the call throws
 */
export async function inTime<T>(file: string | null, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof ThreadEnded) || error.why !== 'no answer') throw error;
    const step = file === null ? 'a step of the task' : `a step of ${basename(file)}`;
    throw new LimpidError('ENHANCE_DEADLINE', `${step}: ${error.message}`, { cause: error });
  }
}
