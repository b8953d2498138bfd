// The listeners, plain and TLS: admit associations within limits, drain, close.
import { type Server, type Socket, createServer } from 'node:net';
import { within } from '../../deadline.js';
import { LimpidError } from '../../errors.js';
import type { Log } from '../../observe/log.js';
import type { Metrics } from '../../observe/metrics.js';
import type { AcceptorNode, Admission, Origin } from './acceptor-node.js';
import { Acceptor } from './acceptor.js';
import type { AssociateRequest, UserIdentity } from './associate-pdu.js';
import { Association } from './association.js';
import type { CommitmentService } from './commitment.js';
import { type Limits, defaultLimits } from './limits.js';
import { rejections } from './negotiate.js';
import { AbortReason, AbortSource } from './pdu.js';
import { type Mismatch, type NegotiationPolicy, type PeerPolicy, takeEverything } from './policy.js';
import { ReadTarget, readBytes, readInto } from './read-buffer.js';
import type { AssociationInfo, StoreService } from './sink.js';
import { RefusalLog } from './refusal-log.js';
import { type Security, securityOf } from './tls.js';
import { type TlsListening, type TlsServer, openTlsServer } from './tls-listener.js';

export interface ScpOptions {
  readonly host: string;
  /** 0: any free one, see `Scp.port`; null: no plain listener. */
  readonly port: number | null;
  /** Beside the plain listener, or instead of it. */
  readonly tls?: TlsListening | null;
  readonly aeTitles: readonly string[];
  /** Who may associate, and under which name it is known in logs and metrics. */
  readonly admit: (request: {
    callingAe: string;
    calledAe: string;
    address: string;
    security: Security;
    identity: UserIdentity | null;
  }) =>
    | { kind: 'admit'; peer: string; policy?: PeerPolicy; identity?: 'checked' | 'ignored' }
    | { kind: 'reject'; result: 1 | 2; source: 1 | 2 | 3; reason: number; why: string };
  readonly store: StoreService;
  /** Storage commitment; without it its contexts are refused. */
  readonly commitment?: CommitmentService;
  readonly limits?: Partial<Limits>;
  readonly mismatch: Mismatch;
  readonly negotiation?: NegotiationPolicy;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly now: () => number;
}

export interface Scp {
  /** 0: no such listener. */
  readonly port: number;
  readonly tlsPort: number;
  /** Associations that are open now. */
  associations(): number;
  /** Refuses new associations (RJ 2/3/1), waits up to `ms` for the running ones, then aborts them. */
  drain(ms: number): Promise<void>;
  /** Ends everything; resolves when what had arrived whole is answered or discarded by the store. */
  close(): Promise<void>;
}

/** How many connections there may be for each association that is allowed: those before, refused, and closing count too. */
const connectionsOfAssociation = 4;
const tooMany = 'connection closed: too many at once';

interface Session {
  readonly acceptor: Acceptor;
  readonly association: Association;
  /** Its connection was closed to make room; it stands here until the stream has ended. */
  isLetGo: boolean;
}

class Listener implements Scp {
  readonly #options: ScpOptions;
  readonly #limits: Limits;
  readonly #mostConnections: number;
  readonly #plain: Server | null = null;
  readonly #tls: TlsServer | null = null;
  readonly #readBuffer = Buffer.allocUnsafeSlow(readBytes);
  readonly #node: AcceptorNode;
  readonly #refusals: RefusalLog;
  readonly #sessions = new Set<Session>();
  readonly #open = new Map<AssociationInfo, string>();
  #waitingForNone: (() => void)[] = [];
  #isDraining = false;
  #lastId = 0;

  constructor(options: ScpOptions) {
    this.#options = options;
    this.#limits = { ...defaultLimits, ...options.limits };
    const { aeTitles, mismatch, store, commitment, log, metrics, now } = options;
    this.#refusals = new RefusalLog(log);
    this.#node = {
      aeTitles,
      mismatch,
      negotiation: options.negotiation ?? takeEverything,
      store,
      commitment,
      log,
      refusals: this.#refusals,
      metrics,
      now,
      limits: this.#limits,
      admit: (request, origin) => this.#admit(request, origin),
      opened: (info) => void this.#open.set(info, this.#quotaKey(info)),
      ended: (info) => this.#associationEnded(info),
      queuedBytes: 0,
    };
    this.#mostConnections = connectionsOfAssociation * this.#limits.associations;
    // reached by those alone that come faster than others are closed for them
    const maxConnections = 2 * this.#mostConnections;
    if (options.port !== null) {
      // without TCP_NODELAY each answer waits for the peer's delayed acknowledgement: 40 ms an object
      this.#plain = createServer({ noDelay: true, keepAlive: true, pauseOnConnect: true }, (socket) => {
        const target = new ReadTarget(this.#readBuffer, options.store.memory ?? null);
        const acceptor = this.#connected(readInto(socket, target), { kind: 'plain' });
        if (acceptor !== null) target.isKept = () => acceptor.isKeeping;
      });
      this.#plain.maxConnections = maxConnections;
    }
    if (options.tls) {
      const atOnce = { ofAddress: this.#limits.waitingOfAddress, ofAll: this.#mostConnections };
      this.#tls = openTlsServer(options.tls, atOnce, { metrics, refusals: this.#refusals }, (socket) =>
        this.#connected(socket, securityOf(socket)),
      );
      this.#tls.server.maxConnections = maxConnections;
    }
  }

  async listen(): Promise<void> {
    const { host, port, tls } = this.#options;
    try {
      if (this.#plain) await this.#listenOn(this.#plain, host, port ?? 0);
      if (this.#tls) await this.#listenOn(this.#tls.server, host, tls?.port ?? 0);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  #listenOn(server: Server, host: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const refused = (cause: Error): void => {
        reject(new LimpidError('DIMSE_LISTEN', `cannot listen on ${host}:${port}`, { cause }));
      };
      server.once('error', refused);
      server.on('drop', (dropped) => {
        const address = (dropped?.remoteAddress ?? '').replace(/^::ffff:/, '');
        this.#refusals.warn(tooMany, { address });
      });
      server.listen(port, host, () => {
        server.removeListener('error', refused);
        server.on('error', (error) => this.#options.log.error('accepting connections failed', { error }));
        resolve();
      });
    });
  }

  get port(): number {
    return portOf(this.#plain);
  }
  get tlsPort(): number {
    return portOf(this.#tls?.server ?? null);
  }

  associations(): number {
    return this.#open.size;
  }

  async drain(ms: number): Promise<void> {
    this.#isDraining = true;
    if (this.#open.size === 0) return;
    const none = new Promise<void>((resolve) => this.#waitingForNone.push(resolve));
    await within(ms, none, () => undefined);
    for (const { association } of this.#sessions) {
      association.abort({ source: AbortSource.User, reason: AbortReason.NotSpecified }, 'the node is shutting down');
    }
  }

  async close(): Promise<void> {
    this.#isDraining = true;
    const closed = [this.#plain, this.#tls?.server].map(
      (server) => new Promise<void>((resolve) => (server?.listening ? server.close(() => resolve()) : resolve())),
    );
    this.#tls?.destroyHandshakes();
    const sessions = [...this.#sessions];
    for (const { association } of sessions) association.destroy('the node is shutting down');
    await Promise.all([...closed, ...sessions.map(({ acceptor }) => acceptor.done)]);
  }

  /** @returns null: it is closed */
  #connected(socket: Socket, security: Security): Acceptor | null {
    const address = (socket.remoteAddress ?? '').replace(/^::ffff:/, '');
    const waiting = [...this.#sessions].filter(({ acceptor }) => acceptor.isWaitingAt(address));
    if (waiting.length >= this.#limits.waitingOfAddress) {
      this.#refusals.warn('connection closed: too many without an association request', { address });
      socket.destroy();
      return null;
    }
    // the last PDU of the oldest was read long ago: one address must not have all connections wait for ARTIM
    const left = [...this.#sessions].filter(({ acceptor }) => acceptor.isLeftAt(address));
    if (left.length >= this.#limits.waitingOfAddress) left[0]?.association.destroy('the peer does not close');
    if (!this.#hasRoom()) {
      this.#refusals.warn(tooMany, { address });
      socket.destroy();
      return null;
    }
    this.#lastId++;
    const acceptor = new Acceptor(this.#node, this.#lastId, { address, port: socket.remotePort ?? 0, security });
    const association = new Association(socket, 'acceptor', acceptor, this.#limits);
    socket.resume(); // it was accepted paused
    acceptor.attach(association);
    const session: Session = { acceptor, association, isLetGo: false };
    this.#sessions.add(session);
    void acceptor.done.then(() => this.#sessions.delete(session));
    return acceptor;
  }

  /**
   * Whether one more connection may be. Where there are as many as may be, the oldest that has no association is closed for it: who means
   * to ask for one does so at once, and silent ones of many addresses would else keep every modality out for as long as they go on.
   */
  #hasRoom(): boolean {
    const held = [...this.#sessions].filter(({ isLetGo }) => !isLetGo);
    if (held.length < this.#mostConnections) return true;
    const oldest = held.find(({ acceptor }) => acceptor.isWithoutAssociation);
    if (oldest === undefined) return false;
    oldest.isLetGo = true;
    this.#refusals.warn(tooMany, { address: oldest.acceptor.address });
    oldest.association.destroy('the room is needed for another connection');
    return true;
  }

  #admit(request: AssociateRequest, { address, security }: Origin): Admission {
    if (this.#isDraining) return { kind: 'reject', rejection: rejections.congestion, why: 'draining' };
    const { callingAe, calledAe, identity } = request;
    const answer = this.#options.admit({ callingAe, calledAe, address, security, identity });
    if (answer.kind === 'reject') {
      const { result, source, reason, why } = answer;
      return { kind: 'reject', rejection: { result, source, reason }, why };
    }
    const full = this.#fullOf(answer, address);
    if (full !== null)
      return { kind: 'reject', rejection: rejections.localLimit, why: `too many associations ${full}` };
    return answer;
  }

  /** Whose room is taken: the node's, the address's, or the peer's; null: there is room. */
  #fullOf({ peer, policy }: { peer: string; policy?: PeerPolicy }, address: string): string | null {
    const { associations, associationsOfAddress, associationsOfPeer } = this.#limits;
    const open = [...this.#open];
    if (open.length >= associations) return 'at once';
    if (open.filter(([info]) => info.address === address).length >= associationsOfAddress) return 'of this address';
    const key = this.#quotaKey({ peer, address });
    const ofPeer = open.filter(([, other]) => other === key).length;
    return ofPeer >= (policy?.associations ?? associationsOfPeer) ? 'of this peer' : null;
  }

  /** Peers without a name of their own share none of their room: each address counts by itself. */
  #quotaKey({ peer, address }: { peer: string; address: string }): string {
    return peer === 'unknown' ? `unknown ${address}` : peer;
  }

  #associationEnded(info: AssociationInfo): void {
    this.#open.delete(info);
    if (this.#open.size > 0) return;
    for (const resolve of this.#waitingForNone) resolve();
    this.#waitingForNone = [];
  }
}

function portOf(server: Server | null): number {
  const address = server?.address() ?? null;
  return address === null || typeof address === 'string' ? 0 : address.port;
}

/** Listens for associations. @throws LimpidError DIMSE_LISTEN: a port cannot be had (EADDRINUSE, EACCES) */
export async function openScp(options: ScpOptions): Promise<Scp> {
  const listener = new Listener(options);
  await listener.listen();
  return listener;
}
