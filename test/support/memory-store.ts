// A StoreService that keeps what it receives in memory, and can be told to misbehave.
import type {
  AssociationInfo,
  ObjectSink,
  StoreAnswer,
  StoreRequest,
  StoreService,
  WalkedFacts,
} from '../../src/io/dimse/sink.js';

export interface StoredObject {
  readonly request: StoreRequest;
  readonly facts: WalkedFacts;
  /** The data set as it came. */
  readonly bytes: Buffer;
}

export interface MemoryStore extends StoreService {
  readonly objects: StoredObject[];
  readonly ended: { readonly association: AssociationInfo; readonly how: 'released' | 'aborted' | 'lost' }[];
  /** Sinks that were begun and neither committed nor discarded. */
  readonly open: () => number;
  readonly discarded: () => number;
}

export interface MemoryStoreOptions {
  /** Refuses before the data set. */
  readonly refuse?: (request: StoreRequest) => StoreAnswer | null;
  /** Runs before a commit is answered; what it throws is the commit's failure. */
  readonly beforeCommit?: (facts: WalkedFacts) => Promise<StoreAnswer | void>;
  /** Bytes that the sink says are queued, and when they have been taken. */
  readonly queue?: { readonly bytes: () => number; readonly drained: () => Promise<void> };
}

export function memoryStore(options: MemoryStoreOptions = {}): MemoryStore {
  const objects: StoredObject[] = [];
  const ended: { association: AssociationInfo; how: 'released' | 'aborted' | 'lost' }[] = [];
  let open = 0;
  let discarded = 0;
  const sinkFor = (request: StoreRequest): ObjectSink => {
    const chunks: Uint8Array[] = [];
    open++;
    return {
      write: (chunk) => {
        chunks.push(Buffer.from(chunk));
        return options.queue?.bytes() ?? 0;
      },
      drained: () => options.queue?.drained() ?? Promise.resolve(),
      commit: async (facts) => {
        const answer = await options.beforeCommit?.(facts);
        open--;
        objects.push({ request, facts, bytes: Buffer.concat(chunks) });
        return answer ?? { status: 0 };
      },
      discard: () => {
        open--;
        discarded++;
        return Promise.resolve();
      },
    };
  };
  return {
    objects,
    ended,
    open: () => open,
    discarded: () => discarded,
    begin: (request) => options.refuse?.(request) ?? sinkFor(request),
    associationEnded: (association, how) => void ended.push({ association, how }),
  };
}
