// The HTTP face answers in time, whatever the node behind it does: a volume or a queue that does not answer is what people look for there.
import { within } from '../deadline.js';
import { LimpidError } from '../errors.js';
import type { Log } from '../observe/log.js';

export const answerMs = 5000;
/** Of the API: a program may ask for what thousands of series have to be read for, and waits for it. */
export const apiAnswerMs = 30_000;

/**
 * A question that is asked once at a time: whoever asks meanwhile gets the same answer. Thousands of requests that come at once must not
 * take the thread that modalities are answered by for minutes.
 */
export function shared<T>(read: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | null = null;
  return () => {
    running ??= read().finally(() => (running = null));
    return running;
  };
}

/**
 * A part of a page: null where it cannot be read in time. While one question has no answer the same is not asked again: somebody who
 * reloads the page must not hold ever more of the threads that files wait in.
 */
export function pagePart<T, Of = void>(
  name: string,
  read: (of: Of) => Promise<T>,
  log: Log,
): (of: Of) => Promise<T | null> {
  const asked = new Map<Of, Promise<T>>();
  return async (of) => {
    const answer = asked.get(of) ?? read(of).finally(() => asked.delete(of));
    asked.set(of, answer);
    try {
      return await within(answerMs, answer, () => {
        log.warn('page without a part', { part: name, error: `no answer within ${answerMs / 1000} s` });
        return null;
      });
    } catch (error) {
      log.warn('page without a part', { part: name, error });
      return null;
    }
  };
}

/**
 * Answers of the API, in time: while a question has gone unanswered for longer than that, the same is refused at once, as it is not asked
 * again for a page. What changes something is asked each time.
 */
export function inTime(limitMs: number): <T>(question: string | null, read: () => Promise<T>) => Promise<T> {
  const late = new Set<string>();
  const noAnswer = (): never => {
    const says = `The node did not answer within ${limitMs / 1000} s.`;
    throw new LimpidError('ADMIN_NO_ANSWER', says);
  };
  return async (question, read) => {
    if (question !== null && late.has(question)) noAnswer();
    const answer = read();
    return within(limitMs, answer, () => {
      if (question !== null) {
        late.add(question);
        const isOver = (): void => void late.delete(question);
        void answer.then(isOver, isOver);
      }
      return noAnswer();
    });
  };
}
