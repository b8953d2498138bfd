// The HTTP face answers in time, whatever the node behind it does: a volume or a queue that does not answer is what people look for there.
import { within } from '../deadline.js';
import type { Log } from '../observe/log.js';

export const answerMs = 5000;

/**
 * A part of the page: null where it cannot be read in time. While one question has no answer no other is asked: somebody who reloads the
 * page must not hold ever more of the threads that files wait in.
 */
export function pagePart<T>(name: string, read: () => Promise<T>, log: Log): () => Promise<T | null> {
  let asked: Promise<T> | null = null;
  return async () => {
    asked ??= read().finally(() => (asked = null));
    try {
      return await within(answerMs, asked, () => {
        log.warn('page without a part', { part: name, error: `no answer within ${answerMs / 1000} s` });
        return null;
      });
    } catch (error) {
      log.warn('page without a part', { part: name, error });
      return null;
    }
  };
}
