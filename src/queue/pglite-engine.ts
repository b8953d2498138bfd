// The parent's side of the thread that owns PGlite: queries go over as messages.
import { Worker } from 'node:worker_threads';

export interface ToThread {
  readonly id: number;
  readonly op: 'query' | 'close';
  readonly text: string;
  readonly params?: readonly unknown[] | undefined;
}
export type FromThread =
  | ({ readonly kind: 'result'; readonly id: number } & EngineResult)
  | { readonly kind: 'error'; readonly id: number; readonly message: string; readonly code: string | undefined }
  | { readonly kind: 'notification'; readonly channel: string; readonly payload: string };

export interface EngineResult {
  /** Fits every type: as with pg, the asker says what the rows hold. */
  readonly rows: never[];
  readonly rowCount: number | null;
}

/** A failed query with its SQLSTATE. */
export class PgliteError extends Error {
  readonly code: string | undefined;
  constructor(message: string, code: string | undefined) {
    super(message);
    this.name = 'PgliteError';
    this.code = code;
  }
}

export interface Engine {
  query(text: string, params?: readonly unknown[]): Promise<EngineResult>;
  close(): Promise<void>;
  /** Ends the thread at once. */
  kill(): Promise<void>;
}

export interface EngineEvents {
  notification(channel: string, payload: string): void;
  /** The thread ended by itself; every open query has failed. */
  ended(): void;
}

/** Longer than any sound shutdown (0.02 to 0.25 s measured). */
const closeMs = 5_000;

/** Opens the database in `directory`, or makes it; takes 0.4 to 2 s, the first time 5 to 12 s. */
export async function openEngine(directory: string, events: EngineEvents): Promise<Engine> {
  const thread = new Worker(new URL('./pglite-thread.js', import.meta.url), { workerData: { directory } });
  const pending = new Map<number, { resolve(result: EngineResult): void; reject(error: Error): void }>();
  let last = 0;
  let closing = false;
  /** Why no message is answered any more: the thread has ended. */
  let ended: PgliteError | null = null;
  const failAll = (error: Error): void => {
    for (const call of pending.values()) call.reject(error);
    pending.clear();
  };
  thread.on('message', (message: FromThread) => {
    if (message.kind === 'notification') {
      events.notification(message.channel, message.payload);
      return;
    }
    const call = pending.get(message.id);
    pending.delete(message.id);
    if (message.kind === 'result') call?.resolve(message);
    else call?.reject(new PgliteError(message.message, message.code));
  });
  thread.on('error', failAll);
  thread.on('exit', (code) => {
    ended = new PgliteError(`the thread of the embedded queue ended with code ${code}`, undefined);
    failAll(ended);
    if (!closing) events.ended();
  });
  const answer = (id: number): Promise<EngineResult> =>
    new Promise((resolve, reject) => pending.set(id, { resolve, reject }));
  const call = (op: ToThread['op'], text: string, params?: readonly unknown[]): Promise<EngineResult> => {
    if (ended !== null) return Promise.reject(ended);
    const id = ++last;
    const result = answer(id);
    thread.postMessage({ id, op, text, params } satisfies ToThread);
    return result;
  };
  const kill = async (): Promise<void> => {
    closing = true;
    await thread.terminate();
  };
  try {
    await answer(0);
  } catch (error) {
    await kill();
    throw error;
  }
  return {
    query: (text, params) => call('query', text, params),
    close: async () => {
      closing = true;
      const timer = setTimeout(() => void thread.terminate(), closeMs);
      try {
        await call('close', '');
      } finally {
        clearTimeout(timer);
        await thread.terminate();
      }
    },
    kill,
  };
}
