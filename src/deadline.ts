// Waiting for an answer no longer than so: one way for every room.

/** What is under way with a peer when the node is told to stop may end well for so long, ms: a sixth of the time that the node has. */
export const stopLeaveMs = 5_000;

/** Who waits may be told to stop: then for so long more at most, for an answer that may be about to come. */
export interface Stop {
  readonly signal: AbortSignal | undefined;
  readonly leaveMs: number;
}

/**
 * What `answer` gives; where it has not come after `ms`, what `late` gives or throws. It may still come then: its value is nobody's, and
 * so is its error. No timer outlives the wait.
 */
export async function within<T, L>(
  ms: number,
  answer: Promise<T>,
  late: () => L,
  { signal, leaveMs }: Stop = { signal: undefined, leaveMs: ms },
): Promise<T | L> {
  const timers: NodeJS.Timeout[] = [];
  let leave = (): void => undefined;
  const over = new Promise<void>((resolve) => {
    const endAfter = (waitMs: number): void => void timers.push(setTimeout(resolve, waitMs));
    endAfter(ms);
    leave = () => endAfter(leaveMs);
  });
  if (signal?.aborted) leave();
  signal?.addEventListener('abort', leave, { once: true });
  try {
    return await Promise.race([answer, over.then(late)]);
  } finally {
    for (const timer of timers) clearTimeout(timer);
    signal?.removeEventListener('abort', leave);
  }
}

/** Aborted `leaveMs` after another signal: what is under way may end meanwhile. */
export function signalLater(signal: AbortSignal, leaveMs: number): AbortSignal {
  if (leaveMs === 0) return signal;
  const later = new AbortController();
  const abort = (): void => void setTimeout(() => later.abort(signal.reason), leaveMs).unref();
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort, { once: true });
  return later.signal;
}
