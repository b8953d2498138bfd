// What limpid does on an association that a peer has opened: negotiates, serves C-ECHO and C-STORE, answers in the order of the requests.
import type { AcceptorNode, Origin } from './acceptor-node.js';
import type { AssociateRequest } from './associate-pdu.js';
import type { Association, AssociationEnd, AssociationUser } from './association.js';
import { type Command, encodeCommand } from './command.js';
import { encodeCommitmentReport, eventReport } from './commitment.js';
import { CommandField } from './constants.js';
import { Gathered } from './gathered.js';
import { IncomingObject } from './incoming-object.js';
import { MessageReader, type MessageUser } from './message.js';
import {
  type AcceptedContext,
  type CommitmentOffer,
  acceptedContexts,
  answerRequest,
  refuseRequest,
} from './negotiate.js';
import { associationEnded, OwnRequests } from './own-requests.js';
import { encodeData, invalidMessage, valueRoom } from './pdu.js';
import { type PendingAnswer, PendingAnswers } from './pending-answers.js';
import type { PeerPolicy } from './policy.js';
import { refuseStore } from './refuse-store.js';
import { answerCommitment, refuseCommitment } from './serve-commitment.js';
import type { AssociationInfo, StoreAnswer } from './sink.js';
import { answers } from './status.js';

const noCommitment: CommitmentOffer = { requests: false, reports: false };

export class Acceptor implements AssociationUser, MessageUser {
  readonly #node: AcceptorNode;
  readonly #id: number;
  readonly #origin: Origin;
  readonly #messages: MessageReader;
  /** Resolves when the stream is closed and everything that came over it is answered or discarded. */
  readonly done: Promise<void>;
  #resolveDone: () => void = () => {};
  #association: Association | null = null;
  /** `ended`: the peer has still to close the connection. */
  #stage: 'waiting' | 'asked' | 'ended' | 'closed' = 'waiting';
  #info: AssociationInfo | null = null;
  /** Who has asked for the association: of one that is refused the log tells it too. */
  #titles: Pick<AssociationInfo, 'callingAe' | 'calledAe'> | null = null;
  #contexts: ReadonlyMap<number, AcceptedContext> = new Map();
  /** What one PDV to the peer may carry. */
  #room = 0;
  #object: IncomingObject | null = null;
  /** The data set of N-ACTION or N-EVENT-REPORT while it is read. */
  #kept: Gathered | null = null;
  #current: PendingAnswer | null = null;
  #offer: CommitmentOffer = noCommitment;
  #policy: PeerPolicy | undefined;
  readonly #own = new OwnRequests();
  #droppedBytes = 0;
  #queued = 0;
  /** Bytes that were queued when the data sets ended that are being finished. */
  #finishingBytes = 0;
  #isHeld = false;
  readonly #answers = new PendingAnswers((contextId, response) => {
    this.#association?.write(encodeData(contextId, 'command', response, this.#room));
  });
  readonly #finishing = new Set<Promise<void>>();
  #received = 0;

  constructor(node: AcceptorNode, id: number, origin: Origin) {
    this.#node = node;
    this.#id = id;
    this.#origin = origin;
    this.#messages = new MessageReader(this, node.limits.commandBytes);
    this.done = new Promise((resolve) => (this.#resolveDone = resolve));
  }

  /** Ties it to its association; at once after both are made. */
  attach(association: Association): void {
    this.#association = association;
  }

  /** Whether this is a connection from `address` that has not asked for an association yet. */
  isWaitingAt(address: string): boolean {
    return this.#stage === 'waiting' && this.#origin.address === address;
  }

  /** Whether this is a connection from `address` whose association has ended, or was refused, and that the peer has not closed yet. */
  isLeftAt(address: string): boolean {
    return this.#stage === 'ended' && this.#origin.address === address;
  }

  /** Whether the next bytes go to a sink. */
  get isKeeping(): boolean {
    return this.#object?.isKept ?? false;
  }

  // ---- association

  associateRequested(request: AssociateRequest): void {
    this.#stage = 'asked';
    const { callingAe, calledAe } = request;
    this.#titles = { callingAe, calledAe };
    const refused = refuseRequest(request, this.#node.aeTitles);
    if (refused) {
      this.#association?.reject(refused.rejection, refused.why);
      return;
    }
    const admission = this.#node.admit(request, this.#origin);
    if (admission.kind === 'reject') {
      this.#association?.reject(admission.rejection, admission.why);
      return;
    }
    const { limits } = this.#node;
    this.#offer = this.#node.commitment?.offers(admission.peer) ?? noCommitment;
    const answered = answerRequest(request, limits.maximumLength, this.#offer, this.#node.negotiation);
    const isChecked = admission.identity === 'checked' && request.identity?.positiveResponse === true;
    const accept = { ...answered, identityAnswered: isChecked };
    this.#policy = admission.policy;
    this.#contexts = acceptedContexts(request.contexts, accept.contexts);
    this.#room = valueRoom(request.maximumLength, limits.maximumLength);
    this.#info = {
      id: this.#id,
      callingAe,
      calledAe,
      address: this.#origin.address,
      peer: admission.peer,
      openedAtMs: this.#node.now(),
    };
    this.#node.opened(this.#info);
    this.#node.metrics.add('associations_open', { direction: 'in', peer: admission.peer }, 1);
    this.#association?.accept(accept);
  }

  associateAccepted(): void {}

  pdvStart(contextId: number, kind: 'command' | 'data', isLast: boolean): void {
    this.#messages.pdvStart(contextId, kind, isLast);
  }
  pdvValue(slice: Uint8Array): void {
    this.#messages.pdvValue(slice);
  }
  pdvEnd(): void {
    this.#messages.pdvEnd();
  }

  releaseRequested(): void {
    this.#dropCurrent();
    this.#releaseWhenAnswered();
  }

  isBusy(): boolean {
    return this.#answers.count > 0 || this.#isHeld;
  }

  ended(end: AssociationEnd): void {
    this.#stage = 'ended';
    this.#dropCurrent();
    this.#setQueued(0);
    this.#logEnd(end);
    this.#own.end();
    const info = this.#info;
    const peer = info?.peer ?? 'unknown';
    if (info || end.how !== 'lost') {
      this.#node.metrics.inc('associations_total', { direction: 'in', peer, outcome: end.how });
    }
    if (!info) return;
    this.#node.metrics.add('associations_open', { direction: 'in', peer }, -1);
    this.#node.ended(info);
    const how = end.how === 'rejected' ? 'aborted' : end.how;
    void this.#settled().then(() => this.#node.store.associationEnded(info, how));
  }

  closed(): void {
    this.#stage = 'closed';
    void this.#settled().then(() => this.#resolveDone());
  }

  async #settled(): Promise<void> {
    await Promise.all(this.#finishing);
  }

  #logEnd(end: AssociationEnd): void {
    const fields = {
      association: this.#id,
      address: this.#origin.address,
      ...(this.#origin.security.kind === 'tls' ? { tls: this.#origin.security.protocol } : {}),
      ...(this.#info ? { peer: this.#info.peer } : {}),
      ...this.#titles,
      ...(this.#info ? { objects: this.#received } : {}),
      ...(this.#answers.refusals > 0 ? { refused: this.#answers.refusals } : {}),
      bytes: this.#association?.bytesRead,
    };
    const { how, ...details } = end;
    if (how === 'released') this.#node.log.info('association released', fields);
    else if (this.#info || how !== 'lost') this.#node.log.warn(`association ${how}`, { ...fields, ...details });
    else this.#node.log.debug('connection closed without an association', { ...fields, ...details });
  }

  // ---- messages

  isAccepted(contextId: number): boolean {
    return this.#contexts.has(contextId);
  }

  command(contextId: number, command: Command, isMistyped: boolean): void {
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
      this.#association?.watchRate();
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
    const context = this.#contexts.get(contextId);
    if (command.field === CommandField.Echo) return command.hasDataSet ? answers.mistyped : answers.success;
    if (command.field === CommandField.Action || command.field === CommandField.EventReport) {
      return refuseCommitment(command, context, this.#offer) ?? new Gathered();
    }
    if (command.field !== CommandField.Store || !context || !this.#info) return answers.unrecognized;
    const refusal = refuseStore(command, context, this.#policy);
    if (refusal !== null) {
      this.#refused(refusal);
      return refusal;
    }
    const { messageId = 0, affectedSopClassUid = '', affectedSopInstanceUid = '' } = command;
    const { limits, store } = this.#node;
    const mismatch = this.#policy?.mismatch ?? this.#node.mismatch;
    const request = {
      association: this.#info,
      sopClassUid: affectedSopClassUid,
      sopInstanceUid: affectedSopInstanceUid,
      transferSyntaxUid: context.transferSyntaxUid,
      messageId,
    };
    const failed = (event: string, error: unknown) =>
      this.#node.log.error(event, { association: this.#id, peer: this.#info?.peer, error });
    const noted = (event: string) => this.#node.log.warn(event, { association: this.#id, peer: this.#info?.peer });
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
    const peer = this.#info?.peer ?? 'unknown';
    const hex = status.toString(16).toUpperCase().padStart(4, '0');
    this.#node.log.warn('object refused', { association: this.#id, peer, status: hex, comment });
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
    this.#association?.unwatchRate();
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
    if (isTooMuch) this.#association?.pause('unanswered');
    else this.#association?.resume('unanswered');
  }

  /** Whether this association, with so many bytes queued, may bring no more for now. */
  #isTooMuch(bytes: number): boolean {
    const { queuedBytes, queuedBytesOfAll } = this.#node.limits;
    return bytes > queuedBytes || (bytes > 0 && this.#node.queuedBytes > queuedBytesOfAll);
  }

  /** N-ACTION or N-EVENT-REPORT with its data set. Never rejects. */
  async #serve({ contextId, request }: PendingAnswer, dataSet: Buffer): Promise<StoreAnswer> {
    const { commitment, log } = this.#node;
    const context = this.#contexts.get(contextId);
    const info = this.#info;
    if (commitment === undefined || context === undefined || info === null) return answers.unrecognized;
    try {
      return await answerCommitment(commitment, info, { request, dataSet, ...context }, (report) =>
        this.#ask(contextId, eventReport(report), encodeCommitmentReport(report, context.transferSyntaxUid)),
      );
    } catch (error) {
      log.error('storage commitment failed', { association: this.#id, peer: info.peer, error });
      return answers.failure;
    }
  }

  /** Sends a request of limpid's own. @returns the peer's status; rejects where the association, or the time for an answer, ends before */
  #ask(contextId: number, request: Omit<Command, 'hasDataSet' | 'messageId'>, dataSet: Uint8Array): Promise<number> {
    const association = this.#association;
    if (!association?.isOpen) return Promise.reject(associationEnded());
    return this.#own.ask(this.#node.limits.responseMs, (messageId) => {
      const command = encodeCommand({ ...request, messageId, hasDataSet: true });
      association.write(encodeData(contextId, 'command', command, this.#room));
      association.write(encodeData(contextId, 'data', dataSet, this.#room));
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
    this.#association?.pause('sink');
    await object.drained();
    this.#isHeld = false;
    this.#setQueued(0);
    this.#association?.resume('sink');
  }

  #setQueued(bytes: number): void {
    this.#node.queuedBytes += bytes - this.#queued;
    this.#queued = bytes;
  }

  /** Forgets a request whose data set has not come to its end. */
  #dropCurrent(): void {
    this.#association?.unwatchRate();
    this.#object?.discard();
    this.#object = null;
    this.#kept = null;
    if (this.#current !== null) this.#answers.drop(this.#current);
    this.#current = null;
  }

  // ---- answers

  #answer(pending: PendingAnswer, answer: StoreAnswer): void {
    this.#answers.answer(pending, answer, this.#current);
    this.#holdUnanswered();
    this.#releaseWhenAnswered();
  }

  #releaseWhenAnswered(): void {
    if (this.#answers.count === 0) this.#association?.releaseRespond(); // without effect unless asked for
  }
}
