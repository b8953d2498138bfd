/** Calls gathered into batches: a GPU takes several slices at once in hardly more time than one. */

export interface BatcherOptions<Argument, Answer> {
  /** Whether two calls may share a batch. */
  readonly alike: (first: Argument, other: Argument) => boolean;
  /** Calls of a batch that begins with this one, at most. */
  readonly most: (first: Argument) => number;
  /** Answers in the order of the calls; a failure is everybody's. */
  readonly run: (batch: readonly Argument[]) => Promise<readonly Answer[]>;
}

interface Waiting<Argument, Answer> {
  readonly argument: Argument;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Gives a function that answers calls one batch after the other: the call that waits longest, and with it those like it that have
 * arrived meanwhile. Nobody waits for a batch to fill.
 */
export function batched<Argument, Answer>({
  alike,
  most,
  run,
}: BatcherOptions<Argument, Answer>): (argument: Argument) => Promise<Answer> {
  const waiting: Waiting<Argument, Answer>[] = [];
  let running = false;

  function take(): Waiting<Argument, Answer>[] {
    const [first] = waiting;
    if (first === undefined) return [];
    const room = Math.max(1, most(first.argument));
    const batch = waiting.filter(({ argument }) => alike(first.argument, argument)).slice(0, room);
    for (const each of batch) waiting.splice(waiting.indexOf(each), 1);
    return batch;
  }

  async function runBatch(batch: readonly Waiting<Argument, Answer>[]): Promise<void> {
    try {
      const answers = await run(batch.map(({ argument }) => argument));
      for (const [i, { resolve }] of batch.entries()) resolve(answers[i]!);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  async function runAll(): Promise<void> {
    running = true;
    while (waiting.length > 0) {
      // A run blocks the thread: messages that came meanwhile are heard now.
      await new Promise((resolve) => setImmediate(resolve));
      await runBatch(take());
    }
    running = false;
  }

  return (argument) =>
    new Promise((resolve, reject) => {
      waiting.push({ argument, resolve, reject });
      if (!running) void runAll();
    });
}
