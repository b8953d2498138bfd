/**
 * The side that gathers syslog messages, as limpid calls it: over TLS (RFC 5425), TCP (RFC 6587, octet counting) or UDP (RFC 5426).
 * Syslog has no answer: a message counts as taken when all of it has been handed to the connection and the collector has not
 * closed that for a moment after.
 */
import { createSocket } from 'node:dgram';
import type { Socket as DatagramSocket } from 'node:dgram';
import { connect, isIP } from 'node:net';
import type { Socket } from 'node:net';
import { setImmediate as endOfTurn, setTimeout as sleep } from 'node:timers/promises';
import { within } from '../../deadline.js';
import { LimpidError } from '../../errors.js';
import { startTls } from '../dimse/tls-caller.js';
import type { TlsTarget } from '../dimse/tls-caller.js';
import { lookupName } from '../lookup.js';
import { framed } from './message.js';

export interface CollectorTarget {
  readonly transport: 'tls' | 'tcp' | 'udp';
  readonly host: string;
  readonly port: number;
  /** Of transport tls. */
  readonly tls: TlsTarget | null;
  /** Connecting, and writing what was given, end after this long. */
  readonly timeoutMs: number;
}

export interface Collector {
  /**
   * Sends messages in their order over one connection, which stays open for the next call.
   *
   * @throws LimpidError AUDIT_UNREACHABLE: any number of them may have been taken; they are sent again
   */
  send(messages: readonly Uint8Array[]): Promise<void>;
  close(): void;
}

/** A collector that is ending closes a connection this soon after it was written to. */
const settleMs = 200;
/** Longest datagram of IPv4. */
const longestDatagram = 65_507;

/** Opens nothing yet: the connection is made by the first message. */
export function openCollector(target: CollectorTarget): Collector {
  return target.transport === 'udp' ? new DatagramCollector(target) : new StreamCollector(target);
}

const unreachable = (why: string, cause?: unknown): LimpidError => new LimpidError('AUDIT_UNREACHABLE', why, { cause });
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

class StreamCollector implements Collector {
  readonly #target: CollectorTarget;
  #socket: Socket | null = null;

  constructor(target: CollectorTarget) {
    this.#target = target;
  }

  async send(messages: readonly Uint8Array[]): Promise<void> {
    const { timeoutMs } = this.#target;
    try {
      const socket = await this.#connected();
      const written = write(socket, Buffer.concat(messages.map(framed)));
      await within(timeoutMs, written, () => {
        throw new Error(`nothing was taken for ${timeoutMs} ms`);
      });
      await sleep(settleMs);
      // A thread that was held up for so long sees its timers before its sockets; before the end of the next turn it has looked at these.
      await endOfTurn();
      await endOfTurn();
      if (this.#socket !== socket) throw new Error('the connection was closed');
    } catch (error) {
      this.close();
      throw error instanceof LimpidError ? error : unreachable(messageOf(error), error);
    }
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = null;
  }

  async #connected(): Promise<Socket> {
    if (this.#socket !== null) return this.#socket;
    const { host, port, tls, timeoutMs } = this.#target;
    const socket = connect({ host, port, noDelay: true, keepAlive: true, lookup: lookupName });
    const opened = open(socket).then((): Socket | Promise<Socket> =>
      tls === null ? socket : startTls(socket, host, tls),
    );
    const ready = await within(timeoutMs, opened, () => {
      socket.destroy();
      throw new Error(`no connection within ${timeoutMs} ms`);
    });
    const gone = (): void => {
      if (this.#socket === ready) this.#socket = null;
      ready.destroy();
    };
    ready.on('error', gone).once('end', gone).once('close', gone);
    ready.resume(); // whatever it says: syslog has no answers
    this.#socket = ready;
    return ready;
  }
}

function open(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('connect', () => {
      socket.removeListener('error', reject);
      resolve();
    });
    socket.once('error', reject);
  });
}

function write(socket: Socket, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const closed = (): void => reject(new Error('the connection was closed'));
    socket.once('close', closed);
    socket.write(bytes, (error) => {
      socket.removeListener('close', closed);
      if (error) reject(error);
      else resolve();
    });
  });
}

class DatagramCollector implements Collector {
  readonly #target: CollectorTarget;

  constructor(target: CollectorTarget) {
    this.#target = target;
  }

  async send(messages: readonly Uint8Array[]): Promise<void> {
    const { host, port } = this.#target;
    const socket = createSocket(isIP(host) === 6 ? 'udp6' : 'udp4');
    try {
      for (const message of messages) {
        // A datagram that is cut is no audit message any more; one that is too long is told as what it is.
        if (message.length > longestDatagram)
          throw unreachable(`a message of ${message.length} bytes fits no datagram`);
        await datagram(socket, message, port, host);
      }
    } catch (error) {
      throw error instanceof LimpidError ? error : unreachable(messageOf(error), error);
    } finally {
      socket.close();
    }
  }

  close(): void {}
}

function datagram(socket: DatagramSocket, message: Uint8Array, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.send(message, port, host, (error) => {
      socket.removeListener('error', reject);
      if (error) reject(error);
      else resolve();
    });
  });
}
