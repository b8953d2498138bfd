// An association that a peer has opened: admitted and negotiated, or refused; its end told. What comes over it: served-messages.ts.
import { LimpidError } from '../../errors.js';
import type { AcceptorNode, Origin } from './acceptor-node.js';
import type { AssociateRequest } from './associate-pdu.js';
import type { Association, AssociationEnd, AssociationUser } from './association.js';
import { MessageReader } from './message.js';
import {
  type CommitmentOffer,
  acceptedContexts,
  answerRequest,
  refuseRequest,
  whyCommitmentIsRefused,
} from './negotiate.js';
import { valueRoom } from './pdu.js';
import { ServedMessages } from './served-messages.js';
import type { AssociationInfo } from './sink.js';

const noCommitment: CommitmentOffer = { requests: false, reports: false };

export class Acceptor implements AssociationUser {
  readonly #node: AcceptorNode;
  readonly #id: number;
  readonly #origin: Origin;
  /** Resolves when the stream is closed and everything that came over it is answered or discarded. */
  readonly done: Promise<void>;
  #resolveDone: () => void = () => {};
  #association: Association | null = null;
  /** `ended`: the peer has still to close the connection. */
  #stage: 'waiting' | 'asked' | 'ended' | 'closed' = 'waiting';
  /** Who has asked for the association: of one that is refused the log tells it too. */
  #titles: Pick<AssociationInfo, 'callingAe' | 'calledAe'> | null = null;
  /** null: not accepted. */
  #accepted: {
    readonly info: AssociationInfo;
    readonly served: ServedMessages;
    readonly messages: MessageReader;
  } | null = null;

  constructor(node: AcceptorNode, id: number, origin: Origin) {
    this.#node = node;
    this.#id = id;
    this.#origin = origin;
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

  /** Whether it has not asked for an association yet, or has none any more. */
  get isWithoutAssociation(): boolean {
    return this.#stage === 'waiting' || this.#stage === 'ended';
  }

  get address(): string {
    return this.#origin.address;
  }

  /** Whether the next bytes go to a sink. */
  get isKeeping(): boolean {
    return this.#accepted?.served.isKeeping ?? false;
  }

  associateRequested(request: AssociateRequest): void {
    const association = this.#association;
    if (association === null) throw new LimpidError('INTERNAL', 'not attached');
    this.#stage = 'asked';
    const { callingAe, calledAe } = request;
    this.#titles = { callingAe, calledAe };
    const refused = refuseRequest(request, this.#node.aeTitles);
    if (refused) {
      association.reject(refused.rejection, refused.why);
      return;
    }
    const admission = this.#node.admit(request, this.#origin);
    if (admission.kind === 'reject') {
      association.reject(admission.rejection, admission.why);
      return;
    }
    const { peer, policy, identity } = admission;
    const { limits, commitment, negotiation, metrics, now } = this.#node;
    const offer = commitment?.offers(peer) ?? noCommitment;
    const answered = answerRequest(request, limits.maximumLength, offer, negotiation);
    const contexts = acceptedContexts(request.contexts, answered.contexts);
    const room = valueRoom(request.maximumLength, limits.maximumLength);
    const { address, port } = this.#origin;
    const info = { id: this.#id, callingAe, calledAe, address, port, peer, openedAtMs: now() };
    const served = new ServedMessages(this.#node, association, { info, contexts, room, offer, policy });
    this.#accepted = { info, served, messages: new MessageReader(served, limits.commandBytes) };
    this.#node.opened(info);
    // a peer that cannot report tells nobody, and what it was asked for goes on waiting
    const why = whyCommitmentIsRefused(request, answered, offer);
    if (why !== null) this.#node.log.info('storage commitment refused', { peer, address, ...this.#titles, why });
    metrics.add('associations_open', { direction: 'in', peer }, 1);
    const identityAnswered = identity === 'checked' && request.identity?.positiveResponse === true;
    association.accept({ ...answered, identityAnswered });
  }

  associateAccepted(): void {}

  pdvStart(contextId: number, kind: 'command' | 'data', isLast: boolean): void {
    this.#accepted?.messages.pdvStart(contextId, kind, isLast);
  }
  pdvValue(slice: Uint8Array): void {
    this.#accepted?.messages.pdvValue(slice);
  }
  pdvEnd(): void {
    this.#accepted?.messages.pdvEnd();
  }

  releaseRequested(): void {
    this.#accepted?.served.releaseRequested();
  }

  isBusy(): boolean {
    return this.#accepted?.served.isBusy ?? false;
  }

  ended(end: AssociationEnd): void {
    this.#stage = 'ended';
    this.#accepted?.served.end();
    this.#logEnd(end);
    const info = this.#accepted?.info;
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
    await this.#accepted?.served.settled();
  }

  #logEnd(end: AssociationEnd): void {
    const { security, address } = this.#origin;
    const { info, served } = this.#accepted ?? {};
    const fields = {
      association: this.#id,
      address,
      ...(security.kind === 'tls' ? { tls: security.protocol } : {}),
      ...(info ? { peer: info.peer } : {}),
      ...this.#titles,
      ...(served ? { objects: served.received } : {}),
      ...(served && served.refusals > 0 ? { refused: served.refusals } : {}),
      bytes: this.#association?.bytesRead,
    };
    const { how, ...details } = end;
    if (how === 'released') this.#node.log.info('association released', fields);
    else if (info) this.#node.log.warn(`association ${how}`, { ...fields, ...details });
    else if (how !== 'lost') this.#node.refusals.warn(`association ${how}`, { ...fields, ...details });
    else this.#node.log.debug('connection closed without an association', { ...fields, ...details });
  }
}
