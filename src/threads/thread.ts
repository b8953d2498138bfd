/** A worker thread that answers calls, one message a call. Decoders run in such threads: they are replaced after an error. */
import { Worker, parentPort } from 'node:worker_threads';
import type { TransferListItem } from 'node:worker_threads';
import { LimpidError, failureCodeOf } from '../errors.js';
import type { FailureCode } from '../errors.js';

/** What a method gives: its value, and what of it is handed over instead of copied. */
export interface Result<T> {
  readonly value: T;
  readonly transfer?: readonly TransferListItem[];
}

/** The methods of a thread: one argument, one result. */
export type Methods = Readonly<Record<string, (argument: never) => Promise<Result<unknown>>>>;
type Argument<M extends Methods, K extends keyof M> = Parameters<M[K]>[0];
type Value<M extends Methods, K extends keyof M> = Awaited<ReturnType<M[K]>>['value'];

// `never` stands for values whose type the two ends agree on by `Methods`: it fits every reader.
interface Call {
  readonly id: number;
  readonly method: string;
  readonly argument: never;
}
type Answer =
  | { readonly id: number; readonly value: never }
  | { readonly id: number; readonly code: FailureCode; readonly message: string };
/** What a thread says once its module is there, before any answer. */
const ready = 'ready';

/**
 * A thread that will not answer: `no answer` was waited for in vain, by this call or another one, it has `died`, or it has `not started`: then
 * no call has anything to do with it, and the code is that of the cause (too many open files, a disk that does not give the module).
 */
export class ThreadEnded extends LimpidError {
  readonly why: 'no answer' | 'died' | 'not started';
  constructor(why: ThreadEnded['why'], message: string, options?: { cause?: unknown }) {
    super(why === 'not started' ? failureCodeOf(options?.cause) : 'INTERNAL', message, options);
    this.why = why;
  }
}

export interface Thread<M extends Methods> {
  /** Calls that have no answer yet. */
  readonly pending: number;
  /** False once it has ended. */
  readonly alive: boolean;
  /**
   * @param deadlineMs the thread is ended if there is no answer by then
   * @throws LimpidError of the method; ThreadEnded if the thread ends, did not start, or the deadline passes
   */
  call<K extends keyof M & string>(method: K, argument: Argument<M, K>, options: CallOptions): Promise<Value<M, K>>;
  /** Ends the thread. Never while onnxruntime runs in it: that aborts the process. */
  end(): Promise<void>;
}
export interface CallOptions {
  readonly transfer?: readonly TransferListItem[];
  readonly deadlineMs: number | null;
}

/** Starts the module as a thread; it must call `serve`. A thread that is waited for keeps the process alive, an idle one does not. */
export function startThread<M extends Methods>(module: URL): Thread<M> {
  // descriptors are opened in one thread and closed in another (spool/disk)
  const worker = new Worker(module, { execArgv: [], trackUnmanagedFds: false });
  const waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  let next = 0;
  let alive = true;
  let why: ThreadEnded['why'] = 'not started';
  const fail = (message: string, cause?: unknown): void => {
    alive = false;
    for (const { reject } of waiting.values()) reject(new ThreadEnded(why, message, { cause }));
    waiting.clear();
  };
  worker.on('message', (answer: Answer | typeof ready) => {
    if (answer === ready) {
      // A deadline may have passed while it started.
      if (why === 'not started') why = 'died';
      return;
    }
    const call = waiting.get(answer.id);
    waiting.delete(answer.id);
    if (waiting.size === 0) worker.unref();
    if ('code' in answer) call?.reject(new LimpidError(answer.code, answer.message));
    else call?.resolve(answer.value);
  });
  worker.on('error', (error) => {
    const what = error instanceof Error ? error.message : String(error);
    fail(why === 'not started' ? `a thread did not start: ${what}` : 'a thread failed', error);
  });
  worker.on('exit', () => fail('a thread ended'));
  worker.unref();
  return {
    get pending() {
      return waiting.size;
    },
    get alive() {
      return alive;
    },
    async call(method, argument, { transfer = [], deadlineMs }) {
      if (!alive) throw new ThreadEnded(why, 'a thread ended');
      const id = next++;
      const answer = new Promise<Value<M, typeof method>>((resolve, reject) => waiting.set(id, { resolve, reject }));
      worker.ref();
      worker.postMessage({ id, method, argument }, transfer);
      if (deadlineMs === null) return answer;
      const timer = setTimeout(() => {
        // That of the call that ran is not known: it may be another one.
        why = 'no answer';
        fail(`no answer within ${deadlineMs} ms`);
        void worker.terminate();
      }, deadlineMs);
      try {
        return await answer;
      } finally {
        clearTimeout(timer);
      }
    },
    async end() {
      alive = false;
      await worker.terminate();
    },
  };
}

/** Answers calls in this thread; errors arrive by their `failureCodeOf`. Calls may overlap where a method waits. */
export function serve(methods: Methods): void {
  const port = parentPort;
  if (!port) throw new LimpidError('INTERNAL', 'not started as a thread');
  const answer = async ({ id, method, argument }: Call): Promise<void> => {
    try {
      const run = methods[method];
      if (!run) throw new LimpidError('INTERNAL', `no method ${method}`);
      const { value, transfer } = await run(argument);
      port.postMessage({ id, value }, transfer);
    } catch (error) {
      const code = failureCodeOf(error);
      port.postMessage({ id, code, message: error instanceof Error ? error.message : String(error) });
    }
  };
  port.on('message', (call: Call) => void answer(call));
  port.postMessage(ready);
}
