// The C-STORE service: bytes into the spool as they come, the answer when they are kept.
import { setTimeout as sleep } from 'node:timers/promises';
import { within } from '../deadline.js';
import { StoreRefusal } from '../io/dimse/sink.js';
import type {
  AssociationInfo,
  ObjectSink,
  StoreAnswer,
  StoreRequest,
  StoreService,
  WalkedFacts,
} from '../io/dimse/sink.js';
import type { Log } from '../observe/log.js';
import type { Metrics } from '../observe/metrics.js';
import { arrivalMeta, assemblyFacts } from '../spool/arrival.js';
import type { Arrival } from '../spool/arrival.js';
import type { Incoming } from '../spool/incoming.js';
import { keyOf } from '../spool/key.js';
import type { Key } from '../spool/key.js';
import { modalityLabel } from '../spool/records.js';
import type { Spool } from '../spool/spool.js';
import { hasCode } from '../spool/write-once.js';
import type { Pressure } from './decide-pressure.js';
import type { Quotas } from './quotas.js';

export interface StoreDeps {
  readonly spool: Spool;
  /** What earlier revisions of a series list, by SOP Instance UID. */
  readonly listed: (key: Key) => Promise<ReadonlyMap<string, ReadonlySet<string>>>;
  /** An instance was kept; called before its answer. */
  readonly arrived: (arrival: Arrival) => void;
  /** An instance came that was kept before. */
  readonly repeated: (key: Key, association: number) => void;
  /** `incomplete`: released, and an instance of it was refused that may come again. */
  readonly associationEnded: (association: number, how: 'released' | 'incomplete' | 'aborted' | 'lost') => void;
  readonly pressure: () => Pressure;
  /** How long the spool may take for what it is asked; then the instance is refused as out of resources. */
  readonly diskMs: number;
  /** Whether this peer's instances that come again with other bytes are kept. */
  readonly variants: (peer: string) => 'keep' | 'refuse';
  /** What peers may store within a day; null: any amount. */
  readonly quotas: Pick<Quotas, 'kept' | 'used'> | null;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly now: () => number;
}

const outOfResources = 0xa700;
const processingFailure = 0x0110;
const duplicateInstance = 0x0111;

/** What the system says where an instance is taken as soon as somebody has mended it. */
const lacks = [
  { codes: ['ENOSPC', 'EDQUOT'], failure: 'SPOOL_FULL', comment: 'Out of storage space' },
  { codes: ['EMFILE', 'ENFILE'], failure: 'NODE_DESCRIPTORS', comment: 'Too many files are open' },
  { codes: ['EROFS'], failure: 'SPOOL_UNUSABLE', comment: 'The spool cannot be written' },
] as const;

const diskBusy: StoreAnswer = { status: outOfResources, comment: 'The spool does not keep up' };
const quotaUsed: StoreAnswer = { status: outOfResources, comment: 'The quota of this peer is used up for now' };

/** Looks after what the spool is asked: a disk that does not answer holds no association for longer than `diskMs`. */
class Patience {
  readonly #deps: StoreDeps;
  /** Asked too long ago, and still not answered. */
  #stuck = 0;

  constructor(deps: StoreDeps) {
    this.#deps = deps;
  }

  /** Whether the spool owes an answer: nothing more is given to it, as each instance would hold memory until it comes. */
  get isOver(): boolean {
    return this.#stuck > 0;
  }

  /** What `asked` gives. @throws StoreRefusal A700: it has not come in time; it may still come, and then counts as usual */
  with<T>(asked: Promise<T>): Promise<T> {
    const { diskMs, log } = this.#deps;
    return within(diskMs, asked, () => {
      if (this.#stuck++ === 0) log.error('the spool does not answer: instances are refused', { ms: diskMs });
      void asked
        .catch(() => {}) // told to who asked, or of no use any more
        .then(() => {
          if (--this.#stuck === 0) log.info('the spool answers again');
        });
      throw new StoreRefusal(diskBusy);
    });
  }
}

/** The receiver's answer to C-STORE requests. */
export function openStoreService(deps: StoreDeps): StoreService {
  const patience = new Patience(deps);
  const refusalFor = (peer: string): StoreAnswer | null => {
    if (patience.isOver) return diskBusy;
    if (deps.quotas !== null && deps.quotas.used(peer) >= 1) return quotaUsed;
    const pressure = deps.pressure();
    return pressure.kind === 'none' || pressure.kind === 'slow'
      ? null
      : { status: outOfResources, comment: pressure.why };
  };
  /** What an association has been refused for: each is told once, as a sender may go on with thousands of instances. */
  const told = new WeakMap<AssociationInfo, Set<string>>();
  const tell = (association: AssociationInfo, { status, comment = '' }: StoreAnswer): void => {
    const before = told.get(association) ?? new Set();
    if (before.has(comment)) return;
    told.set(association, before.add(comment));
    const { id, peer } = association;
    deps.log.warn('object refused', { association: id, peer, status: hexOf(status), comment });
  };
  /** Associations of which an instance was refused for now: their senders come back, and their series are not whole. */
  const incomplete = new WeakSet<AssociationInfo>();
  const { buffers } = deps.spool.instances;
  return {
    memory: {
      take: () => (buffers.areScarce ? null : buffers.take()),
      isShared: (bytes) => buffers.isShared(bytes),
      give: (bytes) => buffers.give(bytes),
    },
    begin(request) {
      const { association } = request;
      const refusal = refusalFor(association.peer);
      if (refusal === null) return new StoreSink(deps, request, patience, () => void incomplete.add(association));
      incomplete.add(association);
      count(deps, association.peer, 'other', outOfResources);
      tell(association, refusal);
      return refusal;
    },
    associationEnded: (association: AssociationInfo, how) =>
      deps.associationEnded(association.id, how === 'released' && incomplete.has(association) ? 'incomplete' : how),
  };
}

const hexOf = (status: number): string => status.toString(16).toUpperCase().padStart(4, '0');

function count(deps: StoreDeps, peer: string, modality: string, status: number): void {
  deps.metrics.inc('instances_received_total', { peer, modality, status: hexOf(status) });
}

class StoreSink implements ObjectSink {
  readonly #deps: StoreDeps;
  readonly #request: StoreRequest;
  readonly #patience: Patience;
  /** Told that the instance is refused, and may come again. */
  readonly #unkept: () => void;
  readonly #incoming: Incoming;
  readonly #startedAt: number;

  constructor(deps: StoreDeps, request: StoreRequest, patience: Patience, unkept: () => void) {
    this.#deps = deps;
    this.#patience = patience;
    this.#unkept = unkept;
    this.#request = request;
    this.#startedAt = deps.now();
    this.#incoming = deps.spool.instances.begin(arrivalMeta(request, request.association, this.#startedAt));
  }

  write(chunk: Uint8Array): number {
    return this.#incoming.write(chunk);
  }

  async drained(): Promise<void> {
    const { log } = this.#deps;
    try {
      await this.#patience.with(this.#incoming.drained());
    } catch (error) {
      this.#unkept();
      if (error instanceof StoreRefusal) throw error;
      log.error('an instance could not be kept', { peer: this.#request.association.peer, error });
      throw new StoreRefusal(this.#failed(error));
    }
  }

  async commit(walked: WalkedFacts): Promise<StoreAnswer> {
    const answer = await this.#patience.with(this.#keep(walked)).catch((error: unknown) => {
      if (error instanceof StoreRefusal) return error.answer;
      throw error;
    });
    if (answer.status === outOfResources || answer.status === processingFailure) this.#unkept();
    const pressure = this.#deps.pressure();
    // what is kept is kept: the answer that comes later holds the sender up
    if (pressure.kind === 'slow') await sleep(pressure.delayMs);
    const { peer } = this.#request.association;
    count(this.#deps, peer, modalityLabel(walked.modality), answer.status);
    this.#deps.metrics.inc('received_bytes_total', { peer }, walked.bytes);
    this.#deps.metrics.observe('receive_seconds', { peer }, (this.#deps.now() - this.#startedAt) / 1000);
    return answer;
  }

  discard(): Promise<void> {
    return this.#incoming.discard();
  }

  async #keep(walked: WalkedFacts): Promise<StoreAnswer> {
    const { spool, log } = this.#deps;
    const key = keyOf(walked.studyInstanceUid, walked.seriesInstanceUid);
    const { association, transferSyntaxUid } = this.#request;
    try {
      const listed = await this.#deps.listed(key);
      const { sopClassUid, sopInstanceUid } = walked;
      const identity = { sopClassUid, sopInstanceUid, transferSyntaxUid };
      const { kind, instance } = await spool.instances.publish(
        key,
        this.#incoming,
        identity,
        listed,
        this.#deps.variants(association.peer),
      );
      if (kind === 'refused') {
        log.warn('an instance came again with other bytes and was refused', { key, peer: association.peer });
        return { status: duplicateInstance, comment: 'Another one of this SOP Instance UID is kept here' };
      }
      if (kind === 'duplicate') {
        log.debug('duplicate instance', { key });
        this.#deps.repeated(key, association.id);
        return { status: 0 };
      }
      if (kind === 'variant') {
        log.warn('an instance came again with other bytes', { key, file: instance.file, peer: association.peer });
      }
      const { peer, callingAe, calledAe, address } = association;
      this.#deps.quotas?.kept(peer, walked.bytes);
      this.#deps.arrived({
        key,
        kind,
        instance,
        source: { peer, callingAe, calledAe, address },
        association: association.id,
        facts: assemblyFacts(walked),
      });
      return { status: 0 };
    } catch (error) {
      await this.#incoming.discard();
      log.error('an instance could not be kept', { key, error });
      return this.#failed(error);
    }
  }

  /** The answer to what the spool could not do. */
  #failed(error: unknown): StoreAnswer {
    const lack = lacks.find(({ codes }) => hasCode(error, ...codes));
    this.#deps.metrics.inc('failures_total', { code: lack?.failure ?? 'INTERNAL' });
    return lack === undefined
      ? { status: processingFailure, comment: 'Could not be kept' }
      : { status: outOfResources, comment: lack.comment };
  }
}
