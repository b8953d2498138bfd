// Instances that share a proposal, sent over parallel associations from one queue: each gets one outcome.
import { transferSyntax } from '../../dicom/uids.js';
import { LimpidError } from '../../errors.js';
import type { Command } from './command.js';
import { CommandField, TransferSyntax } from './constants.js';
import { DataSetReader } from './data-set-reader.js';
import { ContextResult, type Proposal } from './negotiate.js';
import type { Outgoing } from './outgoing.js';
import { type Ready, closeReady, openReady, sendReady } from './ready-instance.js';
import { AssociationFailure } from './association-failure.js';
import { type Negotiated, type Requestor, type ScuTarget, openRequestor } from './requestor.js';
import { type InstanceOutcome, type SendOptions, syntaxesOf } from './send-options.js';
import { type DeliveryClass, deliveryRule, refusesClass } from './status.js';

/** Associations in a row that may be lost without a single answer before the rest is left for another time. */
const fruitlessAssociations = 3;

/** Sends the instances of one proposal. What becomes of each is told as it is known; `run` resolves when all have been told. */
export class StoreJob {
  readonly #target: ScuTarget;
  readonly #proposal: Proposal<Outgoing>;
  readonly #options: SendOptions;
  readonly #queue: Outgoing[];
  readonly #report: (outcome: InstanceOutcome) => void;
  /** SOP classes that the peer has answered for with a status that refuses all of them. */
  readonly #refused = new Map<string, number>();
  /** What ended the sending before all were tried, else the first failure that has cost an instance its answer. */
  failure: AssociationFailure | null = null;
  negotiated: Negotiated | null = null;

  constructor(
    target: ScuTarget,
    proposal: Proposal<Outgoing>,
    options: SendOptions,
    report: (outcome: InstanceOutcome) => void,
  ) {
    this.#target = target;
    this.#proposal = proposal;
    this.#options = options;
    this.#queue = [...proposal.instances];
    this.#report = report;
  }

  async run(): Promise<void> {
    const lanes = Math.max(1, Math.min(this.#options.associations, this.#queue.length));
    const { turn = (lane) => lane() } = this.#options;
    const failures = await Promise.all(Array.from({ length: lanes }, () => turn(() => this.#runLane())));
    const failure = failures.find((candidate) => candidate !== null) ?? null;
    if (this.#queue.length === 0) return;
    this.failure = failure ?? this.failure;
    this.leave(failure?.message ?? 'stopped');
  }

  /** Tells of each instance still in the queue that it was not tried. */
  leave(why: string): void {
    const outcome = this.failure?.deliveryClass ?? 'transient';
    for (const instance of this.#queue.splice(0)) this.#tell(instance, outcome, null, `not sent: ${why}`, false);
  }

  /** One association after the other until the queue is empty; a failure ends it, when another try promises nothing. */
  async #runLane(): Promise<AssociationFailure | null> {
    for (let fruitless = 0; this.#queue.length > 0 && !this.#options.signal?.aborted;) {
      let requestor: Requestor;
      try {
        const { signal, leaveMs = 0 } = this.#options;
        requestor = await openRequestor(this.#target, this.#proposal.contexts, signal, { leaveMs });
      } catch (error) {
        if (error instanceof AssociationFailure) return error;
        throw error;
      }
      this.negotiated ??= requestor.negotiated;
      const answered = await this.#sendOver(requestor);
      const { failure } = requestor;
      await requestor.release();
      if (failure === null || this.#queue.length === 0) return null;
      fruitless = answered > 0 ? 1 : fruitless + 1;
      const isHopeless = failure.code === 'DIMSE_TIMEOUT' || fruitless >= fruitlessAssociations;
      if (isHopeless || this.#options.signal?.aborted) return failure;
      // one instance that the peer cannot bear must not keep the others from it
      this.#options.log.warn('association lost while sending; opening another', { code: failure.code });
    }
    return null;
  }

  /** Sends until the queue is empty or the association ends. @returns how many instances got an answer */
  async #sendOver(requestor: Requestor): Promise<number> {
    const reader = new DataSetReader(requestor.room);
    let answered = 0;
    let closing: Promise<unknown> = Promise.resolve();
    let last: Ready | null = null;
    // a way to the pool and back is a sixth of an instance's time: it is gone while the answer to the next one is awaited
    const closeLast = () => {
      if (last === null) return;
      closing = Promise.all([closing, closeReady(last)]);
      closing.catch(() => {}); // awaited below
      last = null;
    };
    let ready = await this.#prepareNext(requestor, reader);
    while (ready !== null && requestor.failure === null && !this.#options.signal?.aborted) {
      // the next instance is read while the answer to this one is awaited
      const ahead: Promise<Ready | null>[] = [];
      const sent = () => {
        closeLast();
        ahead.push(this.#prepareNext(requestor, reader));
      };
      if (await this.#sendOne(requestor, reader, ready, sent)) answered++;
      closeLast();
      last = ready;
      ready = (await ahead[0]) ?? null;
    }
    closeLast();
    await closing;
    if (ready !== null) await this.#putBack(ready);
    return answered;
  }

  async #putBack(ready: Ready): Promise<void> {
    ready.first.taken();
    await closeReady(ready);
    this.#queue.unshift(ready.instance);
  }

  /** @returns whether an answer came; if not, the association has ended */
  async #sendOne(requestor: Requestor, reader: DataSetReader, ready: Ready, sent: () => void): Promise<boolean> {
    const { instance, contextId } = ready;
    const request = storeRequest(instance);
    const sendData = async (isWritten: () => void) => {
      await sendReady(requestor, reader, ready, isWritten);
      sent();
    };
    try {
      const first = await requestor.call(contextId, request, sendData);
      const { status, errorComment = '' } = await this.#triedUncompressed(requestor, ready, first);
      if (status !== undefined && refusesClass(status)) this.#refused.set(instance.sopClassUid, status);
      if (status === undefined) this.#tell(instance, 'transient', null, 'a response without status');
      else this.#tell(instance, deliveryRule(status).class, status, printable(errorComment));
      return true;
    } catch (error) {
      const why = error instanceof LimpidError ? error.message : 'the file cannot be read';
      if (error instanceof AssociationFailure) this.failure ??= error;
      else this.#options.log.error('sending an instance failed', { error });
      this.#tell(instance, 'transient', null, `no answer: ${why}`);
      return false;
    }
  }

  /**
   * What a peer cannot understand it may understand uncompressed, or in the other VR coding: one try in each of the two, where the
   * peer accepts it and the instance may go out so.
   *
   * @returns the last response
   */
  async #triedUncompressed(requestor: Requestor, ready: Ready, first: Command): Promise<Command> {
    const { instance } = ready;
    const used = requestor.contexts.get(ready.contextId)?.transferSyntaxUid;
    const mayBe = this.#options.conversion?.syntaxes(instance) ?? [];
    let last = first;
    for (const other of uncompressed) {
      const id = findContext(requestor, instance.sopClassUid, other);
      if (other === used || id === undefined || !mayBe.includes(other)) continue;
      if ((last.status ?? 0) >>> 12 !== 0xc) break;
      last = (await this.#sendAgain(requestor, instance, { id, transferSyntaxUid: other })) ?? last;
    }
    return last;
  }

  /** @returns the response; null: the instance cannot be had in that syntax */
  async #sendAgain(
    requestor: Requestor,
    instance: Outgoing,
    context: { id: number; transferSyntaxUid: string },
  ): Promise<Command | null> {
    // Windows of its own: those of the association hold the next instance already.
    const reader = new DataSetReader(requestor.room);
    let again: Ready;
    try {
      again = await openReady(instance, context, reader, this.#options.conversion);
    } catch (error) {
      this.#options.log.error('converting an instance failed', { error });
      return null;
    }
    try {
      return await requestor.call(context.id, storeRequest(instance), (isWritten) =>
        sendReady(requestor, reader, again, isWritten),
      );
    } finally {
      await closeReady(again);
    }
  }

  /** Opens the next instance that can be sent; what cannot gets its outcome on the way. */
  async #prepareNext(requestor: Requestor, reader: DataSetReader): Promise<Ready | null> {
    while (requestor.failure === null && !this.#options.signal?.aborted) {
      const instance = this.#queue.shift();
      if (instance === undefined) return null;
      const refused = this.#refused.get(instance.sopClassUid);
      if (refused !== undefined) {
        this.#tell(instance, 'permanent', refused, 'not sent: the peer has just refused its SOP class');
        continue;
      }
      if (this.#options.pace && !(await this.#options.pace(instance))) {
        this.#queue.unshift(instance);
        return null;
      }
      const ready = await this.#prepareFirst(instance, this.#chooseContexts(requestor, instance), reader);
      if (ready !== null) return ready;
    }
    return null;
  }

  /** Opens an instance in the first of these contexts that it can be had for; null: in none, and its outcome is told. */
  async #prepareFirst(
    instance: Outgoing,
    contexts: readonly { id: number; transferSyntaxUid: string }[],
    reader: DataSetReader,
  ): Promise<Ready | null> {
    for (const [index, context] of contexts.entries()) {
      try {
        return await openReady(instance, context, reader, this.#options.conversion);
      } catch (error) {
        if (!(error instanceof LimpidError)) this.#options.log.error('an instance cannot be read', { error });
        const isSpoilt = error instanceof LimpidError && error.next === 'reject';
        if (isSpoilt && index + 1 < contexts.length) continue;
        const why = error instanceof LimpidError ? error.message : 'the file cannot be read';
        this.#tell(instance, isSpoilt ? 'permanent' : 'transient', null, `not sent: ${why}`);
        return null;
      }
    }
    return null;
  }

  /** The accepted contexts that an instance may go out in, the preferred first; none: its outcome is told. */
  #chooseContexts(requestor: Requestor, instance: Outgoing): { id: number; transferSyntaxUid: string }[] {
    const accepted = syntaxesOf(this.#options)(instance).flatMap((transferSyntaxUid) => {
      const id = findContext(requestor, instance.sopClassUid, transferSyntaxUid);
      return id === undefined ? [] : [{ id, transferSyntaxUid }];
    });
    if (accepted.length > 0) return accepted;
    const results = this.#refusals(requestor, instance);
    if (results.some((result) => !isFinal.has(result))) {
      this.#tell(instance, 'transient', null, 'not sent: the peer refuses this presentation context for now');
    } else if (results[0] === ContextResult.AbstractSyntaxNotSupported) {
      this.#tell(instance, 'permanent', null, 'not sent: the peer does not accept this SOP class');
    } else this.#tell(instance, 'permanent', null, this.#whyNoSyntax(instance));
    return [];
  }

  /** What was compressed with loss goes out as it is, unless the configuration of the peer says otherwise: who looks for the cause looks at the peer. */
  #whyNoSyntax(instance: Outgoing): string {
    const own = transferSyntax(instance.transferSyntaxUid);
    const isKept = own !== undefined && own.lossyMethod !== null && own.coding !== 'none';
    if (!isKept || syntaxesOf(this.#options)(instance).length > 1)
      return 'not sent: the peer accepts no transfer syntax it can be sent in';
    return `not sent: the peer does not take ${own.name}; decompressed it would go only with decompressLossy: true of the peer`;
  }

  /** Answers to the contexts that an instance could have gone out in, that of its own syntax first. */
  #refusals(requestor: Requestor, instance: Outgoing): number[] {
    const { sopClassUid, transferSyntaxUid } = instance;
    const { contexts } = requestor.negotiated;
    return [transferSyntaxUid, ...syntaxesOf(this.#options)(instance)].flatMap((uid) => {
      const proposed = contexts.find(
        ({ abstractSyntaxUid, transferSyntaxUids }) =>
          abstractSyntaxUid === sopClassUid && transferSyntaxUids.includes(uid),
      );
      return proposed === undefined ? [] : [proposed.result];
    });
  }

  #tell(instance: Outgoing, outcome: DeliveryClass, status: number | null, comment: string, tried = true): void {
    this.#report({ sopInstanceUid: instance.sopInstanceUid, class: outcome, status, comment, tried });
  }
}

/** Results of a context that another try would not change; user-rejection and no-reason (1, 2) may pass. */
const isFinal: ReadonlySet<number> = new Set(Object.values(ContextResult));

/** What every peer should understand, in the order of the tries. */
const uncompressed = [TransferSyntax.ExplicitLittleEndian, TransferSyntax.ImplicitLittleEndian] as const;

const storeRequest = ({ sopClassUid, sopInstanceUid }: Outgoing) => ({
  field: CommandField.Store,
  priority: 0,
  affectedSopClassUid: sopClassUid,
  affectedSopInstanceUid: sopInstanceUid,
});

/** Id of the accepted context of a class and syntax. */
function findContext(requestor: Requestor, sopClassUid: string, transferSyntaxUid: string): number | undefined {
  for (const [id, context] of requestor.contexts) {
    if (context.abstractSyntaxUid === sopClassUid && context.transferSyntaxUid === transferSyntaxUid) return id;
  }
  return undefined;
}

const printable = (text: string) => text.replace(/[^\x20-\x7e]/g, '').slice(0, 64);
