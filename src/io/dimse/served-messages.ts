// What comes over an association that a peer has opened: C-ECHO, C-STORE and storage commitment, answered in the order of the requests.
import type { AcceptorNode } from './acceptor-node.js';
import type { Association } from './association.js';
import { type Command, encodeCommand } from './command.js';
import { encodeCommitmentReport, eventReport } from './commitment.js';
import { CommandField } from './constants.js';
import { Gathered } from './gathered.js';
import { IncomingObject } from './incoming-object.js';
import type { MessageUser } from './message.js';
import type { AcceptedContext, CommitmentOffer } from './negotiate.js';
import { associationEnded, OwnRequests } from './own-requests.js';
import { encodeData, invalidMessage } from './pdu.js';
import { type PendingAnswer, PendingAnswers } from './pending-answers.js';
import type { PeerPolicy } from './policy.js';
import { refuseStore } from './refuse-store.js';
import { answerCommitment, refuseCommitment } from './serve-commitment.js';
import type { AssociationInfo, StoreAnswer } from './sink.js';
import { answers } from './status.js';

/** What was agreed on when the association was accepted. */
export interface Agreed {
  readonly info: AssociationInfo;
  readonly contexts: ReadonlyMap<number, AcceptedContext>;
  /** What one PDV to the peer may carry. */
  readonly room: number;
  readonly offer: CommitmentOffer;
  readonly policy: PeerPolicy | undefined;
}

type ServingNode = Pick<
  AcceptorNode,
  'limits' | 'mismatch' | 'store' | 'commitment' | 'log' | 'metrics' | 'queuedBytes'
>;

export class ServedMessages implements MessageUser {
  readonly #node: ServingNode;
  readonly #association: Association;
  readonly #agreed: Agreed;
  #object: IncomingObject | null = null;
  /** The data set of N-ACTION or N-EVENT-REPORT while it is read. */
  #kept: Gathered | null = null;
  #current: PendingAnswer | null = null;
  readonly #own = new OwnRequests();
  #droppedBytes = 0;
  #queued = 0;
  /** Bytes that were queued when the data sets ended that are being finished. */
  #finishingBytes = 0;
  #isHeld = false;
  readonly #answers: PendingAnswers;
  readonly #finishing = new Set<Promise<void>>();
  #received = 0;

  constructor(node: ServingNode, association: Association, agreed: Agreed) {
    this.#node = node;
    this.#association = association;
    this.#agreed = agreed;
    this.#answers = new PendingAnswers((contextId, response) => {
      association.write(encodeData(contextId, 'command', response, agreed.room));
    });
  }

  /** Whether the next bytes go to a sink. */
  get isKeeping(): boolean {
    return this.#object?.isKept ?? false;
  }
  /** Whether the peer waits for an answer, or is not read from. */
  get isBusy(): boolean {
    return this.#answers.count > 0 || this.#isHeld;
  }
  /** Data sets of C-STORE requests that have come to their end. */
  get received(): number {
    return this.#received;
  }
  /** C-STORE requests that were not answered with success. */
  get refusals(): number {
    return this.#answers.refusals;
  }

  releaseRequested(): void {
    this.#dropCurrent();
    this.#releaseWhenAnswered();
  }

  /** The association has ended. */
  end(): void {
    this.#dropCurrent();
    this.#setQueued(0);
    this.#own.end();
  }

  /** Resolves when all data sets that came to their end are answered or discarded. */
  async settled(): Promise<void> {
    await Promise.all(this.#finishing);
  }

  isAccepted(contextId: number): boolean {
    return this.#agreed.contexts.has(contextId);
  }

  commandBegins(): void {
    this.#association.watch('command set');
  }

  command(contextId: number, command: Command, isMistyped: boolean): void {
    this.#association.unwatch();
    if (command.hasDataSet) this.#association.watch('data set');
    if (command.field === CommandField.Cancel && !command.hasDataSet) return; // nothing that could be cancelled: no answer
    if ((command.field & CommandField.Response) !== 0) {
      this.#responded(command);
      return;
    }
    if (command.messageId === undefined) throw invalidMessage('a request without message id');
    const isInUse = this.#answers.has(command.messageId);
    const pending = this.#answers.add(contextId, command);
    const unread = isInUse ? answers.messageIdInUse : isMistyped ? answers.mistyped : null;
    if (unread !== null && command.field === CommandField.Store) this.#refused(unread);
    const taken = unread ?? this.#begin(contextId, command);
    if (command.hasDataSet) {
      this.#current = pending;
      this.#droppedBytes = 0;
      if (taken instanceof IncomingObject) this.#object = taken;
      else if (taken instanceof Gathered) this.#kept = taken;
      else pending.answer = taken; // sent once the data set has been read and dropped
      return;
    }
    this.#answer(pending, 'status' in taken ? taken : answers.noDataSet);
  }

  /** The answer to a request of limpid's own; a data set behind it is read and dropped. */
  #responded(command: Command): void {
    this.#own.answered(command);
    this.#droppedBytes = 0;
  }

  /** Takes a request: what its data set goes into, or its answer. */
  #begin(contextId: number, command: Command): IncomingObject | Gathered | StoreAnswer {
    const { info, contexts, offer, policy } = this.#agreed;
    const context = contexts.get(contextId);
    if (command.field === CommandField.Echo) return command.hasDataSet ? answers.echoWithDataSet : answers.success;
    if (command.field === CommandField.Action || command.field === CommandField.EventReport) {
      return refuseCommitment(command, context, offer) ?? new Gathered();
    }
    if (command.field !== CommandField.Store || !context) return answers.unrecognized;
    const refusal = refuseStore(command, context, policy);
    if (refusal !== null) {
      this.#refused(refusal);
      return refusal;
    }
    const { messageId = 0, affectedSopClassUid = '', affectedSopInstanceUid = '' } = command;
    const { limits, store } = this.#node;
    const mismatch = policy?.mismatch ?? this.#node.mismatch;
    const request = {
      association: info,
      sopClassUid: affectedSopClassUid,
      sopInstanceUid: affectedSopInstanceUid,
      transferSyntaxUid: context.transferSyntaxUid,
      messageId,
    };
    const { log } = this.#node;
    const failed = (event: string, error: unknown) =>
      log.error(event, { association: info.id, peer: info.peer, error });
    const noted = (event: string) => log.warn(event, { association: info.id, peer: info.peer });
    const refused = (answer: StoreAnswer) => this.#refused(answer);
    try {
      return new IncomingObject(request, store.begin(request), { limits, mismatch, failed, noted, refused });
    } catch (error) {
      failed('store failed', error);
      refused(answers.failure);
      return answers.failure;
    }
  }

  /** What the store did not see: it counts the rest. */
  #refused({ status, comment }: StoreAnswer): void {
    const { id, peer } = this.#agreed.info;
    const hex = status.toString(16).toUpperCase().padStart(4, '0');
    this.#node.log.warn('object refused', { association: id, peer, status: hex, comment });
    this.#node.metrics.inc('instances_received_total', { peer, modality: 'other', status: hex });
  }

  dataSetValue(slice: Uint8Array): void {
    const object = this.#object;
    if (object === null) {
      this.#dropValue(slice);
      this.#kept?.add(slice);
      return;
    }
    this.#setQueued(object.write(slice));
    if (this.#isTooMuch(this.#queued) && !this.#isHeld) void this.#hold(object);
  }

  dataSetEnd(): void {
    this.#association.unwatch();
    const object = this.#object;
    const pending = this.#current;
    const kept = this.#kept;
    this.#object = null;
    this.#kept = null;
    this.#current = null;
    if (pending === null) return;
    if (kept !== null) {
      this.#finish(this.#serve(pending, kept.bytes), pending);
      return;
    }
    if (object === null) {
      this.#answer(pending, pending.answer ?? answers.failure);
      return;
    }
    this.#received++;
    this.#finish(object.finish(), pending);
  }

  #finish(answered: Promise<StoreAnswer>, pending: PendingAnswer): void {
    const bytes = this.#queued; // they stay counted until the answer
    this.#queued = 0;
    this.#finishingBytes += bytes;
    const finishing = answered.then((answer) => {
      this.#finishing.delete(finishing);
      this.#finishingBytes -= bytes;
      this.#node.queuedBytes -= bytes;
      this.#answer(pending, answer);
    });
    this.#finishing.add(finishing);
    this.#holdUnanswered();
  }

  /**
   * Reads nothing more while too many requests wait for their answers, those too that have theirs and stand behind others, or too many
   * bytes of theirs for the disk.
   */
  #holdUnanswered(): void {
    const isTooMuch = this.#answers.count > this.#node.limits.unanswered || this.#isTooMuch(this.#finishingBytes);
    if (isTooMuch) this.#association.pause('unanswered');
    else this.#association.resume('unanswered');
  }

  /** Whether this association, with so many bytes queued, may bring no more for now. */
  #isTooMuch(bytes: number): boolean {
    const { queuedBytes, queuedBytesOfAll } = this.#node.limits;
    return bytes > queuedBytes || (bytes > 0 && this.#node.queuedBytes > queuedBytesOfAll);
  }

  /** N-ACTION or N-EVENT-REPORT with its data set. Never rejects. */
  async #serve({ contextId, request }: PendingAnswer, dataSet: Buffer): Promise<StoreAnswer> {
    const { commitment, log } = this.#node;
    const { info, contexts } = this.#agreed;
    const context = contexts.get(contextId);
    if (commitment === undefined || context === undefined) return answers.unrecognized;
    try {
      return await answerCommitment(commitment, info, { request, dataSet, ...context }, (report) =>
        this.#ask(contextId, eventReport(report), encodeCommitmentReport(report, context.transferSyntaxUid)),
      );
    } catch (error) {
      log.error('storage commitment failed', { association: info.id, peer: info.peer, error });
      return answers.failure;
    }
  }

  /** Sends a request of limpid's own. @returns the peer's status; rejects where the association, or the time for an answer, ends before */
  #ask(contextId: number, request: Omit<Command, 'hasDataSet' | 'messageId'>, dataSet: Uint8Array): Promise<number> {
    const association = this.#association;
    if (!association.isOpen) return Promise.reject(associationEnded());
    return this.#own.ask(this.#node.limits.responseMs, (messageId) => {
      const command = encodeCommand({ ...request, messageId, hasDataSet: true });
      association.write(encodeData(contextId, 'command', command, this.#agreed.room));
      association.write(encodeData(contextId, 'data', dataSet, this.#agreed.room));
    });
  }

  #dropValue(slice: Uint8Array): void {
    this.#droppedBytes += slice.length;
    const { objectBytes, otherDataSetBytes } = this.#node.limits;
    const limit = this.#current?.request.field === CommandField.Store ? 2 * objectBytes : otherDataSetBytes;
    if (this.#droppedBytes > limit) throw invalidMessage('the data set of a refused request is too long');
  }

  /** Reads nothing more until the sink has taken what is queued. */
  async #hold(object: IncomingObject): Promise<void> {
    this.#isHeld = true;
    this.#association.pause('sink');
    await object.drained();
    this.#isHeld = false;
    this.#setQueued(0);
    this.#association.resume('sink');
  }

  #setQueued(bytes: number): void {
    this.#node.queuedBytes += bytes - this.#queued;
    this.#queued = bytes;
  }

  /** Forgets a request whose data set has not come to its end. */
  #dropCurrent(): void {
    this.#association.unwatch();
    this.#object?.discard();
    this.#object = null;
    this.#kept = null;
    if (this.#current !== null) this.#answers.drop(this.#current);
    this.#current = null;
  }

  #answer(pending: PendingAnswer, answer: StoreAnswer): void {
    this.#answers.answer(pending, answer, this.#current);
    this.#holdUnanswered();
    this.#releaseWhenAnswered();
  }

  #releaseWhenAnswered(): void {
    if (this.#answers.count === 0) this.#association.releaseRespond(); // without effect unless asked for
  }
}
