// Where received objects go. DIMSE moves bytes and answers; keeping them is the business of who implements these.
import type { AssemblyTexts, Identity } from './walker.js';

export interface AssociationInfo {
  /** Running number within one SCP. */
  readonly id: number;
  readonly callingAe: string;
  readonly calledAe: string;
  /** The peer's IP address, and its TCP port of this connection. */
  readonly address: string;
  readonly port: number;
  /** The peer's name from admission, or 'unknown'. */
  readonly peer: string;
  readonly openedAtMs: number;
}

/** A C-STORE request as its command set announces it, before its data set. */
export interface StoreRequest {
  readonly association: AssociationInfo;
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  readonly transferSyntaxUid: string;
  readonly messageId: number;
}

/** What the walk over a whole data set has found; an empty text where it is absent. */
export interface WalkedFacts extends Identity, AssemblyTexts {
  /** Length of the data set as received. */
  readonly bytes: number;
}

export interface StoreAnswer {
  readonly status: number;
  /** Error Comment: at most 64 characters, no patient data. */
  readonly comment?: string;
  /** Offending Element: tags. */
  readonly offending?: readonly number[];
}

/** Thrown by a sink that cannot take an object and says what is answered for it. */
export class StoreRefusal extends Error {
  readonly answer: StoreAnswer;

  constructor(answer: StoreAnswer) {
    super(answer.comment ?? 'refused by the store');
    this.name = 'StoreRefusal';
    this.answer = answer;
  }
}

export interface ObjectSink {
  /**
   * Takes the next bytes of the data set: a slice of a read buffer, not to be changed, valid only during the call, or while its
   * buffer is held where it lies in `StoreService.memory`.
   * Gives the bytes still queued; above its mark the association is not read from until `drained` resolves.
   */
  write(chunk: Uint8Array): number;
  /** Rejects with StoreRefusal: the object is refused with its answer, read and dropped; with anything else: 0110. */
  drained(): Promise<void>;
  /** The data set is whole and its UIDs are those of the command: keep it, then say the answer. Rejects: 0110, and `discard`. */
  commit(facts: WalkedFacts): Promise<StoreAnswer>;
  /** Refused, aborted, lost: remove everything. Called at most once, in any state but after an answered commit. */
  discard(): Promise<void>;
}

/** Memory that connections read into and that sinks may keep bytes in; its buffers are counted, and given back by each who holds them. */
export interface ReadMemory {
  /** A buffer that the caller holds; null: memory is scarce. */
  take(): Buffer | null;
  /** Whether another holds the buffer that these bytes lie in. */
  isShared(bytes: Uint8Array): boolean;
  give(bytes: Uint8Array): void;
}

export interface StoreService {
  /** Where instances are read to that sinks take; absent: sinks copy what they keep. */
  readonly memory?: ReadMemory;
  /** A C-STORE command has come. After a refusal the data set is still read, and dropped. */
  begin(request: StoreRequest): ObjectSink | StoreAnswer;
  /** The association has ended and everything that came over it is answered or discarded. */
  associationEnded(association: AssociationInfo, how: 'released' | 'aborted' | 'lost'): void;
}
