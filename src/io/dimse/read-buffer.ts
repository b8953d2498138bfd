/**
 * Accepted connections that read into memory that is there already. Node gives each 64 KB read a new buffer: the fresh pages and their
 * collection cost more than the reading (docs/benchmarks.md, receive). `onread` avoids that, but is for sockets that one makes oneself.
 * What a sink keeps is read straight into memory that the sink may keep, so that nobody copies it.
 */
import { Socket } from 'node:net';
import type { ReadMemory } from './sink.js';

/** Bytes that one read may take: what is read is copied on while a core's own cache holds it. One buffer serves all connections of a listener. */
export const readBytes = 64 * 1024;
/** A read into a sink's memory takes the next buffer where less than this is left of one: short reads cost more than what is left. */
const leastRoom = 32 * 1024;

/** Where the next bytes of one connection are read to. */
export class ReadTarget {
  readonly #common: Buffer;
  readonly #memory: ReadMemory | null;
  /** Whether what comes next goes to a sink that keeps it. */
  isKept: () => boolean = () => false;
  /** Of the sink's memory; held by this connection until it takes another one, or none. */
  #own: Buffer | null = null;
  #used = 0;

  /** @param common of all connections: what is read into it is valid until the next read of any */
  constructor(common: Buffer, memory: ReadMemory | null) {
    this.#common = common;
    this.#memory = memory;
  }

  /** Where to read to now: bytes that no other reader writes, and no holder of bytes read before has. */
  next(): Buffer {
    if (this.#memory === null || !this.isKept()) {
      this.leave();
      return this.#common;
    }
    if (this.#own !== null && !this.#memory.isShared(this.#own)) this.#used = 0; // nothing in it is kept
    if (this.#own !== null && this.#own.length - this.#used >= leastRoom) return this.#own.subarray(this.#used);
    this.leave();
    this.#own = this.#memory.take();
    return this.#own ?? this.#common;
  }

  /** So many bytes were read to where `next` said. */
  read(length: number): void {
    this.#used += length;
  }

  /** Gives back what it holds of a sink's memory. */
  leave(): void {
    if (this.#own !== null) this.#memory?.give(this.#own);
    this.#own = null;
    this.#used = 0;
  }
}

/**
 * Takes a connection over from a socket of a server with `pauseOnConnect`. Its `data` chunks are valid only while the event is
 * handled, but for those in a sink's memory that somebody holds then. Where Node's handle is not as expected the socket itself is given
 * back, and works as ever.
 */
export function readInto(accepted: Socket, target: ReadTarget): Socket {
  const handle: unknown = Reflect.get(accepted, '_handle');
  if (typeof handle !== 'object' || handle === null || !('useUserBuffer' in handle)) return accepted;
  const callback = (length: number, buffer: Uint8Array): boolean => {
    target.read(length);
    return socket.emit('data', buffer.subarray(0, length));
  };
  const options = { handle, onread: { buffer: () => target.next(), callback }, allowHalfOpen: false };
  const socket = new Socket(options);
  Reflect.set(accepted, '_handle', null);
  socket.once('close', () => {
    target.leave();
    accepted.destroy(); // the server counts its connections by the sockets that it made
  });
  return socket;
}
