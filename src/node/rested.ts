// What is walked over for whoever asks: with thousands of series that takes longer than anybody waits for a page, and must not begin anew with each.
import { within } from '../deadline.js';

/** So long who asks waits for a new answer where there is an older one; a walk that takes longer is left alone for a while. */
const patienceMs = 500;
/** For so many times as long as such a walk took. */
const restTimes = 3;
/** An answer stands no longer than so behind its rest: what cannot be walked over any more is said to be so. */
const standsMs = 60_000;

/** @param walk is asked once at a time; its last answer is given while it is under way, or rests */
export function rested<T>(walk: () => Promise<T>, now: () => number = () => performance.now()): () => Promise<T> {
  let last: { readonly answer: T; readonly restsUntilMs: number; readonly standsUntilMs: number } | null = null;
  let running: Promise<T> | null = null;
  const begin = async (): Promise<T> => {
    const beganMs = now();
    const answer = await walk();
    const tookMs = now() - beganMs;
    const restsUntilMs = now() + (tookMs > patienceMs ? restTimes * tookMs : 0);
    last = { answer, restsUntilMs, standsUntilMs: restsUntilMs + tookMs + standsMs };
    return answer;
  };
  return () => {
    const known = last;
    if (known !== null && now() < known.restsUntilMs) return Promise.resolve(known.answer);
    running ??= begin().finally(() => (running = null));
    if (known === null || now() > known.standsUntilMs) return running;
    return within(patienceMs, running, () => known.answer);
  };
}
