/**
 * One association on one byte stream: the state machine of PS3.8 Section 9.2, its timers, back-pressure, both roles.
 * The stream is a Duplex, so that TLS is the business of who opens it. What the PDUs mean is the user's business.
 */
import type { Duplex } from 'node:stream';
import {
  type AssociateAccept,
  type AssociateRequest,
  decodeAssociateAccept,
  decodeAssociateRequest,
  encodeAssociateAccept,
  encodeAssociateRequest,
  repeatedFields,
} from './associate-pdu.js';
import type { Limits } from './limits.js';
import { type State, allowedPdus } from './states.js';
import { PduParser } from './pdu-parser.js';
import {
  type AbortCodes,
  AbortReason,
  AbortSource,
  PduType,
  ProtocolFault,
  type Rejection,
  decodeAbort,
  decodeReject,
  encodeAbort,
  encodeReject,
  encodeReleaseRequest,
  encodeReleaseResponse,
} from './pdu.js';

/** How an association ended; told once. */
export type AssociationEnd =
  | { readonly how: 'released' }
  | ({ readonly how: 'rejected'; readonly by: 'limpid' | 'peer'; readonly why: string } & Rejection)
  | ({ readonly how: 'aborted'; readonly by: 'limpid' | 'peer' | 'timer'; readonly why: string } & AbortCodes)
  | { readonly how: 'lost'; readonly why: string };

export interface AssociationUser {
  /** As acceptor: answer by `accept` or `reject`, at once. */
  associateRequested(request: AssociateRequest): void;
  /** As requestor. */
  associateAccepted(accept: AssociateAccept): void;
  pdvStart(contextId: number, kind: 'command' | 'data', isLast: boolean): void;
  /** The slice is valid only during the call. */
  pdvValue(slice: Uint8Array): void;
  pdvEnd(): void;
  /** As acceptor: call `releaseRespond` when every answer has been sent. */
  releaseRequested(): void;
  /** Whether the peer waits for us: then its silence is no idleness. */
  isBusy(): boolean;
  /** The association has ended; nothing further will come. Called once. */
  ended(end: AssociationEnd): void;
  /** The stream is closed. Called once, after `ended`. */
  closed(): void;
}

const { AssociateRequest, AssociateAccept, AssociateReject, Data, ReleaseRequest, ReleaseResponse, Abort } = PduType;

const nothing: Buffer = Buffer.alloc(0);

/** In which no PDU of the user's may be sent. */
const mute: ReadonlySet<State> = new Set(['Sta1', 'Sta7', 'Sta11', 'Sta13']);

type Role = 'acceptor' | 'requestor';
type Watched = 'command set' | 'data set';
/** Why reading from the stream is held up. */
export type PauseReason = 'sink' | 'unanswered' | 'unread';

export class Association {
  readonly #stream: Duplex;
  readonly #user: AssociationUser;
  readonly #limits: Limits;
  readonly #role: Role;
  readonly #parser: PduParser;
  readonly #pauses = new Set<PauseReason>();
  #state: State;
  #hasEnded = false;
  #artim: NodeJS.Timeout | undefined;
  #idle: NodeJS.Timeout | undefined;
  #pdu: NodeJS.Timeout | undefined;
  #timedPdu = 0;
  #stall: NodeJS.Timeout | undefined;
  #rate: NodeJS.Timeout | undefined;
  /** Bytes read from the stream and not parsed: a pause came between. */
  #rest = nothing;
  /** Of the request, for its answer. */
  #repeated: Uint8Array | undefined;
  #watched: Watched | null = null;
  #rateFrom = 0;
  #isClosed = false;

  /** @param stream connected; the acceptor's ARTIM starts now */
  constructor(stream: Duplex, role: Role, user: AssociationUser, limits: Limits) {
    this.#stream = stream;
    this.#role = role;
    this.#user = user;
    this.#limits = limits;
    this.#state = role === 'acceptor' ? 'Sta2' : 'Sta1';
    this.#parser = new PduParser(
      {
        pduStart: (type) => this.#checkState(type),
        pdu: (type, body) => this.#takePdu(type, body),
        pdvStart: (contextId, kind, isLast) => user.pdvStart(contextId, kind, isLast),
        pdvValue: (slice) => user.pdvValue(slice),
        pdvEnd: () => user.pdvEnd(),
      },
      limits,
    );
    if (role === 'acceptor') this.#startArtim();
    stream.on('data', (chunk: Buffer) => this.#read(chunk));
    stream.on('error', (error: NodeJS.ErrnoException) => this.#close(error.code ?? 'connection error'));
    stream.on('end', () => this.#close('the peer closed the connection'));
    stream.on('close', () => this.#close('connection closed'));
  }

  get isOpen(): boolean {
    return this.#state === 'Sta6';
  }
  /** Bytes read so far. */
  get bytesRead(): number {
    return this.#parser.bytes;
  }

  // ---- what the user does

  /** As requestor: asks for the association (AE-2). */
  request(request: AssociateRequest): void {
    this.#state = 'Sta5';
    this.#startArtim();
    this.write(encodeAssociateRequest(request));
  }

  /** As acceptor (AE-7). */
  accept(accept: AssociateAccept): void {
    this.#open();
    this.write(encodeAssociateAccept(accept, this.#repeated));
  }

  /** As acceptor (AE-8). */
  reject(rejection: Rejection, why: string): void {
    this.#finish(encodeReject(rejection), { how: 'rejected', by: 'limpid', why, ...rejection });
  }

  /** As requestor (AR-1): asks for release; `ended` tells when it is done. */
  release(): void {
    if (this.#state !== 'Sta6') return;
    this.write(encodeReleaseRequest());
    this.#state = 'Sta7';
    this.#startArtim();
  }

  /** As acceptor, once `releaseRequested` (AR-4). */
  releaseRespond(): void {
    if (this.#state === 'Sta8') this.#finish(encodeReleaseResponse(), { how: 'released' });
  }

  /** Ends the association by A-ABORT (AA-1). Without effect once it has ended. */
  abort(codes: AbortCodes, why: string): void {
    this.#abort(codes, why, 'limpid');
  }

  /** Closes the stream without a PDU. */
  destroy(why: string): void {
    this.#close(why);
  }

  /**
   * Writes whole PDUs; none behind limpid's own A-RELEASE-RQ. A peer that does not take them is not read from any more, and lost when it stalls.
   *
   * @param taken called when the bytes have left, or the association has ended
   */
  write(pdus: Uint8Array, taken?: () => void): void {
    if (mute.has(this.#state)) {
      taken?.();
      return;
    }
    this.#stream.write(pdus, () => {
      this.#written();
      taken?.();
    });
    const { writableLength } = this.#stream;
    // as requestor every write counts: nothing else watches a peer that takes no data
    if (writableLength > (this.#role === 'requestor' ? 0 : this.#limits.unreadBytes)) this.#startStall();
    if (this.#role === 'acceptor' && writableLength > this.#limits.unreadBytes) this.pause('unread');
  }

  /** What `write` is called with meanwhile goes out by one call. */
  together<T>(write: () => T): T {
    this.#stream.cork();
    try {
      return write();
    } finally {
      this.#stream.uncork();
    }
  }

  /** Stops reading until `resume` with the same reason. */
  pause(reason: PauseReason): void {
    this.#pauses.add(reason);
    if (this.#hasEnded) return;
    this.#stream.pause();
    this.#clearPeerTimers();
  }

  resume(reason: PauseReason): void {
    if (!this.#pauses.delete(reason) || this.#pauses.size > 0 || this.#hasEnded) return;
    if (this.#role === 'acceptor' && this.#state === 'Sta6') this.#startIdle();
    if (this.#watched !== null) this.#startRate(this.#watched);
    this.#timedPdu = 0;
    this.#parseRest();
    if (this.#pauses.size === 0) this.#stream.resume();
  }

  /**
   * Watches, from now on, that the peer sends a data set at the least rate, a command set to its end: that is so short that fragments without
   * bytes would have any rate. `unwatch` ends it.
   */
  watch(what: Watched): void {
    this.#watched = what;
    if (this.#pauses.size === 0) this.#startRate(what);
  }

  unwatch(): void {
    this.#watched = null;
    clearTimeout(this.#rate);
  }

  // ---- what the peer does

  #read(chunk: Buffer): void {
    if (this.#hasEnded) return; // Sta13
    this.#idle?.refresh();
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#parseRest();
  }

  /** Parses what has been read until a pause. */
  #parseRest(): void {
    const rest = this.#rest;
    try {
      const read = this.#parser.push(rest, () => this.#pauses.size > 0);
      // a copy: the chunk is the reader's again when this returns
      this.#rest = read === rest.length ? nothing : Buffer.from(rest.subarray(read));
    } catch (error) {
      if (error instanceof ProtocolFault) this.abort(error, error.message);
      else
        this.abort({ source: AbortSource.User, reason: AbortReason.NotSpecified }, `fault of limpid: ${String(error)}`);
      return;
    }
    if (this.#hasEnded || this.#pauses.size > 0) return;
    if (!this.#parser.isInsidePdu) this.#clearPduTimer();
    else if (this.#timedPdu !== this.#parser.started) this.#startPduTimer();
  }

  #checkState(type: PduType): void {
    if (allowedPdus[this.#state].has(type)) return;
    throw new ProtocolFault(AbortSource.Provider, AbortReason.UnexpectedPdu, `PDU of type ${type} in ${this.#state}`);
  }

  #takePdu(type: PduType, body: Buffer): void {
    switch (type) {
      case AssociateRequest: {
        const request = decodeAssociateRequest(body, this.#limits.syntaxesOfContext);
        this.#repeated = repeatedFields(body);
        return this.#user.associateRequested(request);
      }
      case AssociateAccept: {
        const accept = decodeAssociateAccept(body);
        this.#open();
        return this.#user.associateAccepted(accept);
      }
      case AssociateReject:
        return this.#endByPeer({ how: 'rejected', by: 'peer', why: 'refused by the peer', ...decodeReject(body) });
      case ReleaseRequest:
        return this.#releaseRequested();
      case ReleaseResponse:
        return this.#endByPeer({ how: 'released' });
      case Abort:
        return this.#endByPeer({ how: 'aborted', by: 'peer', why: 'aborted by the peer', ...decodeAbort(body) });
      case Data:
        return;
    }
  }

  #releaseRequested(): void {
    if (this.#state === 'Sta7') {
      // collision, as requestor: AR-8, AR-9
      this.#state = 'Sta11';
      this.#stream.write(encodeReleaseResponse());
      return;
    }
    this.#state = 'Sta8';
    this.#clearPeerTimers();
    this.#user.releaseRequested();
  }

  #open(): void {
    this.#state = 'Sta6';
    clearTimeout(this.#artim);
    if (this.#role === 'acceptor') this.#startIdle();
  }

  #written(): void {
    if (this.#hasEnded) return;
    if (this.#stream.writableLength > 0) {
      this.#stall?.refresh();
      return;
    }
    clearTimeout(this.#stall);
    this.#stall = undefined;
    this.resume('unread');
  }

  // ---- ends: by limpid's last PDU, by the peer's, or by the stream

  #abort(codes: AbortCodes, why: string, by: 'limpid' | 'timer'): void {
    const { source, reason } = codes;
    this.#finish(encodeAbort(codes), { how: 'aborted', by, why, source, reason });
  }

  /** Sends the last PDU and waits, reading and dropping, for the peer to close (Sta13). */
  #finish(lastPdu: Buffer, end: AssociationEnd): void {
    if (this.#hasEnded) return;
    this.#stream.end(lastPdu);
    this.#end(end, 'Sta13');
    this.#stream.resume(); // unread bytes would turn the close into a reset, and the last PDU would be lost
    this.#startArtim();
  }

  #endByPeer(end: AssociationEnd): void {
    this.#end(end, 'Sta1');
    this.#stream.destroy();
  }

  #close(why: string): void {
    this.#end({ how: 'lost', why }, 'Sta1');
    this.#state = 'Sta1';
    clearTimeout(this.#artim);
    if (!this.#stream.destroyed) this.#stream.destroy();
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#user.closed();
  }

  #end(end: AssociationEnd, state: 'Sta1' | 'Sta13'): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#state = state;
    this.#parser.stop();
    this.#rest = nothing;
    this.#clearPeerTimers();
    clearTimeout(this.#artim);
    clearTimeout(this.#stall);
    this.#user.ended(end);
  }

  // ---- timers

  #startArtim(): void {
    clearTimeout(this.#artim);
    this.#artim = setTimeout(() => this.#artimExpired(), this.#limits.artimMs);
    // a program that is done need not wait for a peer that does not close
    if (this.#state === 'Sta13' && this.#role === 'requestor') this.#artim.unref();
  }

  #artimExpired(): void {
    if (this.#state === 'Sta5' || this.#state === 'Sta7' || this.#state === 'Sta11') {
      this.#abortByTimer(this.#state === 'Sta5' ? 'no answer to the association request' : 'no answer to the release');
    } else this.#close('ARTIM expired'); // AA-2
  }

  #abortByTimer(why: string): void {
    this.#abort({ source: AbortSource.Provider, reason: AbortReason.NotSpecified }, why, 'timer');
  }

  #startStall(): void {
    // A window that goes out to a slow line shows no progress until the system has room for it: 165 s at 64 kbit/s, because Linux buffers 4 MB
    // and tells of room only when a third of that is free. Nor would a shorter limit find a peer that is frozen any sooner in most cases: its
    // system takes whole slices (18 MB were seen), so that only the answer is missing.
    const { stallMs, responseMs } = this.#limits;
    const patienceMs = this.#role === 'requestor' ? responseMs : stallMs;
    this.#stall ??= setTimeout(() => this.#close('the peer takes no data'), patienceMs);
  }

  #startIdle(): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => {
      if (this.#user.isBusy()) this.#startIdle();
      else this.#abortByTimer('idle');
    }, this.#limits.idleMs);
  }

  #startPduTimer(): void {
    clearTimeout(this.#pdu);
    this.#timedPdu = this.#parser.started;
    this.#pdu = setTimeout(() => this.#abortByTimer('a PDU has not ended in time'), this.#limits.pduMs);
  }

  #clearPduTimer(): void {
    clearTimeout(this.#pdu);
    this.#timedPdu = 0;
  }

  #startRate(what: Watched): void {
    clearTimeout(this.#rate);
    const { rateMs, bytesPerSecond } = this.#limits;
    this.#rateFrom = this.#parser.bytes;
    this.#rate = setTimeout(() => {
      const isFast = this.#parser.bytes - this.#rateFrom >= (bytesPerSecond * rateMs) / 1000;
      if (isFast && what === 'data set') this.#startRate(what);
      else this.#abortByTimer(`a ${what} comes too slowly`);
    }, rateMs);
  }

  /** The timers that blame the peer; not while limpid itself does not read. */
  #clearPeerTimers(): void {
    this.#clearPduTimer();
    clearTimeout(this.#idle);
    this.#idle = undefined;
    clearTimeout(this.#rate);
  }
}
