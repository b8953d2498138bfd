// An association that limpid opens: asks for it, sends one request after the other, waits for each answer, releases.
import type { Socket } from 'node:net';
import { type FailureCode, LimpidError } from '../../errors.js';
import type { AssociateAccept, ProposedContext, RoleSelection } from './associate-pdu.js';
import { Association, type AssociationEnd, type AssociationUser } from './association.js';
import { AssociationFailure, failureOf } from './association-failure.js';
import { type Command, encodeCommand } from './command.js';
import { CommandField } from './constants.js';
import { type Limits, defaultLimits } from './limits.js';
import { MessageReader, type MessageUser } from './message.js';
import { type AcceptedContext, acceptedContexts, requestFor } from './negotiate.js';
import { AbortReason, AbortSource, encodeData, invalidMessage, valueRoom } from './pdu.js';
import { type PeerRequest, PeerRequests } from './peer-requests.js';
import type { StoreAnswer } from './sink.js';
import { claimsWhole } from './status.js';
import { type TransportTarget, openTransport } from './transport.js';

export interface ScuTarget extends TransportTarget {
  /** Called AE title. */
  readonly aeTitle: string;
  readonly callingAe: string;
  readonly limits?: Partial<Limits>;
  /** Told of every association that is asked for. */
  readonly watch?: AssociationWatch;
}

export interface AssociationWatch {
  /** The peer has accepted it. */
  accepted(): void;
  /** It has ended, or never came about. */
  ended(how: AssociationEnd['how'], wasAccepted: boolean): void;
}

/** What a peer has answered to the request for an association. */
export interface Negotiated {
  /** Longest P-DATA-TF the peer receives; 0: no limit. */
  readonly maximumLength: number;
  readonly implementationClassUid: string;
  readonly implementationVersionName: string;
  /** What was proposed, and the result of each (PS3.8 Table 9-18: 0 accepted). */
  readonly contexts: readonly {
    readonly id: number;
    readonly abstractSyntaxUid: string;
    readonly transferSyntaxUids: readonly string[];
    readonly result: number;
  }[];
}

export interface RequestorOptions {
  readonly roles?: readonly RoleSelection[];
  /** Answers the peer's own requests; without it they end the association. */
  readonly serve?: (request: PeerRequest) => Promise<StoreAnswer>;
  /** When the caller's signal comes, an association that is open has so long to be released, ms; absent: it is aborted. */
  readonly leaveMs?: number;
}

/** Responses that may bring an Action Reply or Event Reply (PS3.7 Sections 10.1.1.1.7, 10.1.4.1.9); storage commitment has none to read. */
const mayReply: ReadonlySet<number> = new Set(
  [CommandField.Action, CommandField.EventReport].map((field) => field | CommandField.Response),
);

interface Waiting {
  readonly resolve: (command: Command | null) => void;
  readonly reject: (failure: AssociationFailure) => void;
}

export class Requestor implements AssociationUser, MessageUser {
  readonly #association: Association;
  readonly #socket: Socket;
  readonly #limits: Limits;
  readonly #proposed: readonly ProposedContext[];
  readonly #messages: MessageReader;
  #contexts: ReadonlyMap<number, AcceptedContext> = new Map();
  #negotiated: Negotiated | null = null;
  #room = 0;
  /** The one answer that is waited for: to the association request, or to a command. */
  #waiting: Waiting | null = null;
  /** The response whose data set is being read and dropped. */
  #replied: { readonly command: Command; bytes: number } | null = null;
  #released: (() => void) | null = null;
  #failure: AssociationFailure | null = null;
  #lastMessageId = 0;
  /** The peer's own requests. */
  readonly #served: PeerRequests;
  readonly #roles: readonly RoleSelection[] | undefined;
  #watch: AssociationWatch | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #leaveMs: number;
  #leave: NodeJS.Timeout | undefined;
  readonly #stop = () => {
    const stop = (): void => this.#giveUp('DIMSE_ABORTED', 'stopped');
    if (this.#negotiated === null || this.#leaveMs === 0) stop();
    else if (this.#failure === null) this.#leave = setTimeout(stop, this.#leaveMs);
  };

  constructor(
    socket: Socket,
    proposed: readonly ProposedContext[],
    limits: Limits,
    signal: AbortSignal | undefined,
    options: RequestorOptions = {},
  ) {
    this.#socket = socket;
    this.#roles = options.roles;
    this.#leaveMs = options.leaveMs ?? 0;
    this.#signal = signal;
    signal?.addEventListener('abort', this.#stop);
    this.#limits = limits;
    this.#proposed = proposed;
    this.#messages = new MessageReader(this, limits.commandBytes);
    this.#association = new Association(socket, 'requestor', this, limits);
    this.#served = new PeerRequests(this.#association, limits, options.serve ?? null);
  }

  /** Resolves when the association is open. */
  async negotiate(target: ScuTarget): Promise<void> {
    this.#watch = target.watch;
    const answered = this.#wait();
    const titles = { calledAe: target.aeTitle, callingAe: target.callingAe };
    this.#association.request(requestFor(titles, this.#proposed, this.#limits.maximumLength, this.#roles));
    await answered;
  }

  get negotiated(): Negotiated {
    if (this.#negotiated === null) throw new LimpidError('INTERNAL', 'not negotiated');
    return this.#negotiated;
  }
  /** Accepted contexts, by id. */
  get contexts(): ReadonlyMap<number, AcceptedContext> {
    return this.#contexts;
  }
  /** What one PDV to the peer may carry. */
  get room(): number {
    return this.#room;
  }
  /** Set once the association has ended. */
  get failure(): AssociationFailure | null {
    return this.#failure;
  }

  /**
   * Sends a request and gives its response.
   *
   * @param sendData writes the data set by `write`, while the answer is already waited for; it says `isWritten` when the last of it has been
   * given to the socket, for a quick peer's answer is read before the socket says that it has left
   * @throws AssociationFailure, also of a peer that claims success before it can have everything (a failure may come as early as it likes);
   * what `sendData` throws, after an A-ABORT
   */
  async call(
    contextId: number,
    request: Omit<Command, 'hasDataSet' | 'messageId'>,
    sendData?: (isWritten: () => void) => Promise<void>,
  ): Promise<Command> {
    this.#lastMessageId = (this.#lastMessageId % 0xffff) + 1;
    const messageId = this.#lastMessageId;
    let isSending = sendData !== undefined;
    const answered = this.#wait().then((response) => {
      if (!isSending || !claimsWhole(response?.status)) return response;
      this.abort('a success came before the whole data set had been sent');
      throw this.#failure;
    });
    answered.catch(() => {}); // it is awaited below, after the data set
    const command = encodeCommand({ ...request, messageId, hasDataSet: sendData !== undefined });
    try {
      await this.#association.together(() => {
        this.#association.write(encodeData(contextId, 'command', command, this.#room));
        return sendData?.(() => {
          isSending = false;
        });
      });
      isSending = false;
    } catch (error) {
      if (this.#failure === null) this.abort('the data set could not be read to its end');
      throw error;
    }
    const { responseMs } = this.#limits;
    const timer = setTimeout(() => this.#giveUp('DIMSE_TIMEOUT', `no response within ${responseMs} ms`), responseMs);
    try {
      const response = await answered;
      if (response?.respondedTo === messageId && response.field === (request.field | CommandField.Response))
        return response;
      this.abort('the response is to another request');
      throw this.#failure ?? failureOf({ how: 'released' }, 'established');
    } finally {
      clearTimeout(timer);
    }
  }

  /** Writes P-DATA-TF PDUs; resolves when they have left. @throws AssociationFailure */
  async write(pdus: Uint8Array): Promise<void> {
    await new Promise<void>((resolve) => this.#association.write(pdus, resolve));
    if (this.#failure !== null) throw this.#failure;
  }

  /** Writes a whole data set. @throws AssociationFailure */
  writeData(contextId: number, dataSet: Uint8Array, isWritten: () => void): Promise<void> {
    const left = this.write(encodeData(contextId, 'data', dataSet, this.#room));
    isWritten();
    return left;
  }

  /**
   * Releases the association, once what the peer has asked over it is answered: nothing may be sent behind the release. Resolves when it
   * has ended, in whatever way: everything was answered before.
   */
  async release(): Promise<void> {
    await this.#served.answered();
    if (this.#failure !== null) return;
    const released = new Promise<void>((resolve) => (this.#released = resolve));
    this.#association.release();
    await released;
  }

  abort(why: string): void {
    this.#association.abort({ source: AbortSource.User, reason: AbortReason.NotSpecified }, why);
  }

  /** Ends the association for a reason of limpid's own. */
  #giveUp(code: FailureCode, why: string): void {
    const phase = this.#negotiated === null ? 'connecting' : 'established';
    this.#failure ??= new AssociationFailure(code, why, { deliveryClass: 'transient', phase });
    this.abort(why);
  }

  #wait(): Promise<Command | null> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => (this.#waiting = { resolve, reject }));
  }

  #deliver(answer: Command | null): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.resolve(answer);
  }

  // ---- association

  associateRequested(): void {}

  associateAccepted(accept: AssociateAccept): void {
    this.#contexts = acceptedContexts(this.#proposed, accept.contexts);
    this.#room = valueRoom(accept.maximumLength, this.#limits.maximumLength);
    this.#negotiated = {
      maximumLength: accept.maximumLength,
      implementationClassUid: accept.implementationClassUid,
      implementationVersionName: accept.implementationVersionName,
      contexts: this.#proposed.map((context) => ({
        ...context,
        result: accept.contexts.find(({ id }) => id === context.id)?.result ?? 2,
      })),
    };
    this.#watch?.accepted();
    if (this.#room < 2) {
      const { Provider } = AbortSource;
      const why = `the peer's maximum length ${accept.maximumLength} leaves no room for data`;
      this.#association.abort({ source: Provider, reason: AbortReason.InvalidParameterValue }, why);
    } else this.#deliver(null);
  }

  pdvStart(contextId: number, kind: 'command' | 'data', isLast: boolean): void {
    this.#messages.pdvStart(contextId, kind, isLast);
  }
  pdvValue(slice: Uint8Array): void {
    this.#messages.pdvValue(slice);
  }
  pdvEnd(): void {
    this.#messages.pdvEnd();
  }

  /** The peer lets go first: nothing waits for limpid's answer. */
  releaseRequested(): void {
    this.#association.releaseRespond();
  }

  isBusy(): boolean {
    return false;
  }

  ended(end: AssociationEnd): void {
    clearTimeout(this.#leave);
    this.#failure ??= failureOf(end, this.#negotiated === null ? 'connecting' : 'established');
    this.#watch?.ended(end.how, this.#negotiated !== null);
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.reject(this.#failure);
    this.#released?.();
    this.#socket.unref(); // what is still to be written is, but nobody waits for the peer to close
  }

  closed(): void {
    this.#signal?.removeEventListener('abort', this.#stop);
  }

  // ---- messages

  isAccepted(contextId: number): boolean {
    return this.#contexts.has(contextId);
  }

  commandBegins(): void {} // how long an answer may take is watched as a whole

  command(contextId: number, command: Command, isMistyped: boolean): void {
    const isRequest = (command.field & CommandField.Response) === 0;
    if (isRequest && !isMistyped && this.#served.begin(contextId, command)) {
      if (!command.hasDataSet) this.dataSetEnd();
      return;
    }
    if (isMistyped || isRequest || (command.hasDataSet && !mayReply.has(command.field))) {
      throw invalidMessage('not a response, or one that cannot be read');
    }
    if (this.#waiting === null) throw invalidMessage('a response that nobody asked for');
    if (command.hasDataSet) this.#replied = { command, bytes: 0 };
    else this.#deliver(command);
  }

  dataSetValue(slice: Uint8Array): void {
    if (this.#replied === null) this.#served.value(slice);
    else if ((this.#replied.bytes += slice.length) > this.#limits.otherDataSetBytes)
      throw invalidMessage('the data set of a response is too long');
  }

  dataSetEnd(): void {
    const replied = this.#replied;
    this.#replied = null;
    if (replied === null) this.#served.end(this.#contexts, this.#room);
    else this.#deliver(replied.command);
  }
}

/** Connects and negotiates. @throws AssociationFailure */
export async function openRequestor(
  target: ScuTarget,
  proposed: readonly ProposedContext[],
  signal: AbortSignal | undefined,
  options: RequestorOptions = {},
): Promise<Requestor> {
  const limits = { ...defaultLimits, ...target.limits };
  if (signal?.aborted) {
    throw new AssociationFailure('DIMSE_ABORTED', 'stopped', { deliveryClass: 'transient', phase: 'connecting' });
  }
  const socket = await openTransport(target, limits.connectMs, signal).catch((error: unknown) => {
    target.watch?.ended('lost', false);
    throw error;
  });
  const requestor = new Requestor(socket, proposed, limits, signal, options);
  await requestor.negotiate(target);
  return requestor;
}
