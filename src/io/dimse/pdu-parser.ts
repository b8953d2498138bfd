// Incremental reader of PDUs. P-DATA values are handed on as slices of the chunks they came in: nothing of them is kept or joined.
import { AbortReason, AbortSource, PduType, ProtocolFault, headerLength, invalidPdu, isPduType } from './pdu.js';

export interface PduHandler {
  /** A header has come, before any byte behind it is kept. May throw ProtocolFault: a type that the state does not allow. */
  pduStart(type: PduType): void;
  /** A whole PDU other than P-DATA-TF, without its header. */
  pdu(type: PduType, body: Buffer): void;
  /** A PDV begins; its value follows in any number of slices, then `pdvEnd`. */
  pdvStart(contextId: number, kind: 'command' | 'data', isLast: boolean): void;
  /** The slice is valid only during the call. */
  pdvValue(slice: Uint8Array): void;
  pdvEnd(): void;
}

export interface ParserLimits {
  /** Longest P-DATA-TF: the Maximum Length Received that was announced. */
  readonly maximumLength: number;
  /** Longest A-ASSOCIATE-RQ or -AC. */
  readonly associateBytes: number;
}

type Expecting = 'pdu-header' | 'pdu-body' | 'pdv-header' | 'pdv-value' | 'nothing';

/**
 * Reads PDUs from chunks of any size. Limits are checked from headers alone, and nothing is allocated by a length field.
 * `push` throws ProtocolFault on a wrong PDU; the reader takes nothing more then.
 */
export class PduParser {
  readonly #handler: PduHandler;
  readonly #limits: ParserLimits;
  readonly #header = Buffer.alloc(headerLength);
  #headerFill = 0;
  #expecting: Expecting = 'pdu-header';
  #type: PduType = PduType.Data;
  /** Bytes of the PDU that are still to come. */
  #left = 0;
  /** Bytes of the PDV's value that are still to come. */
  #valueLeft = 0;
  #body = Buffer.alloc(0);
  #bodyFill = 0;
  #started = 0;
  #bytes = 0;

  constructor(handler: PduHandler, limits: ParserLimits) {
    this.#handler = handler;
    this.#limits = limits;
  }

  /** PDUs begun so far. */
  get started(): number {
    return this.#started;
  }
  /** Bytes read so far: where in the stream a fault lies. */
  get bytes(): number {
    return this.#bytes;
  }
  /** Whether a PDU has begun and not ended. */
  get isInsidePdu(): boolean {
    return this.#expecting !== 'nothing' && (this.#expecting !== 'pdu-header' || this.#headerFill > 0);
  }

  /** Reads no further; what is pushed from now on is dropped. */
  stop(): void {
    this.#expecting = 'nothing';
    this.#body = Buffer.alloc(0);
  }

  /**
   * @param isHeld asked between the handler's calls: whether to leave the rest of the chunk for later
   * @returns bytes read; the rest is to be pushed again
   * @throws ProtocolFault
   */
  push(chunk: Buffer, isHeld: () => boolean): number {
    const before = this.#bytes;
    let offset = 0;
    try {
      while (offset < chunk.length && !isHeld()) {
        offset = this.#step(chunk, offset);
        this.#bytes = before + offset;
      }
    } catch (error) {
      this.stop();
      throw error;
    }
    return offset;
  }

  #step(chunk: Buffer, offset: number): number {
    switch (this.#expecting) {
      case 'pdu-header':
      case 'pdv-header':
        return this.#readHeader(chunk, offset);
      case 'pdu-body':
        return this.#readBody(chunk, offset);
      case 'pdv-value':
        return this.#readValue(chunk, offset);
      case 'nothing':
        break;
    }
    return chunk.length;
  }

  #readHeader(chunk: Buffer, offset: number): number {
    const end = Math.min(chunk.length, offset + headerLength - this.#headerFill);
    this.#headerFill += chunk.copy(this.#header, this.#headerFill, offset, end);
    if (this.#expecting === 'pdu-header' && this.#headerFill > 0) this.#readType();
    if (this.#headerFill === headerLength) {
      this.#headerFill = 0;
      if (this.#expecting === 'pdu-header') this.#startPdu();
      else this.#startPdv();
    }
    return end;
  }

  /** The first byte tells a stranger (HTTP, TLS) at once, however short its first segment is. */
  #readType(): void {
    const type = this.#header.readUInt8(0);
    if (!isPduType(type)) {
      throw new ProtocolFault(AbortSource.Provider, AbortReason.UnrecognizedPdu, `PDU type 0x${type.toString(16)}`);
    }
    this.#type = type;
  }

  #startPdu(): void {
    this.#started++;
    this.#left = this.#header.readUInt32BE(2);
    this.#handler.pduStart(this.#type);
    if (this.#type === PduType.Data) {
      if (this.#left < headerLength || this.#left > this.#limits.maximumLength) {
        throw invalidPdu(`P-DATA-TF of ${this.#left} bytes`);
      }
      this.#expecting = 'pdv-header';
      return;
    }
    const isAssociate = this.#type === PduType.AssociateRequest || this.#type === PduType.AssociateAccept;
    if (isAssociate ? this.#left > this.#limits.associateBytes : this.#left !== 4) {
      throw invalidPdu(`PDU of type ${this.#type} of ${this.#left} bytes`);
    }
    this.#expecting = 'pdu-body';
    this.#bodyFill = 0;
    this.#body = Buffer.allocUnsafe(Math.min(this.#left, 4096));
    if (this.#left === 0) this.#endPdu();
  }

  #readBody(chunk: Buffer, offset: number): number {
    const end = Math.min(chunk.length, offset + this.#left);
    const fill = this.#bodyFill + end - offset;
    if (fill > this.#body.length) {
      const grown = Buffer.allocUnsafe(Math.max(fill, 2 * this.#body.length));
      this.#body.copy(grown, 0, 0, this.#bodyFill);
      this.#body = grown;
    }
    chunk.copy(this.#body, this.#bodyFill, offset, end);
    this.#bodyFill = fill;
    this.#left -= end - offset;
    if (this.#left === 0) this.#endPdu();
    return end;
  }

  #endPdu(): void {
    const body = this.#body.subarray(0, this.#bodyFill);
    this.#expecting = 'pdu-header';
    this.#body = Buffer.alloc(0);
    this.#handler.pdu(this.#type, body);
  }

  #startPdv(): void {
    const length = this.#header.readUInt32BE(0);
    const rest = this.#left - headerLength - (length - 2);
    // behind this PDV the PDU ends, or has room for another one's header
    if (length < 2 || rest < 0 || (rest > 0 && rest < headerLength)) throw invalidPdu(`PDV of ${length} bytes`);
    this.#left -= headerLength;
    this.#valueLeft = length - 2;
    const control = this.#header.readUInt8(5);
    this.#expecting = 'pdv-value';
    this.#handler.pdvStart(this.#header.readUInt8(4), (control & 1) === 1 ? 'command' : 'data', (control & 2) === 2);
    if (this.#valueLeft === 0) this.#endPdv();
  }

  #readValue(chunk: Buffer, offset: number): number {
    const end = Math.min(chunk.length, offset + this.#valueLeft);
    this.#valueLeft -= end - offset;
    this.#left -= end - offset;
    this.#handler.pdvValue(chunk.subarray(offset, end));
    if (this.#valueLeft === 0) this.#endPdv();
    return end;
  }

  #endPdv(): void {
    if (this.#expecting === 'nothing') return; // stopped by the handler
    this.#expecting = this.#left > 0 ? 'pdv-header' : 'pdu-header';
    this.#handler.pdvEnd();
  }
}
