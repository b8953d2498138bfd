// The connection below an association that limpid opens: TCP, with TLS where the peer is called over it.
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import type { FailureCode } from '../../errors.js';
import { lookupName } from '../lookup.js';
import { AssociationFailure, tlsFailure } from './association-failure.js';
import type { TlsTarget } from './tls-caller.js';
import { describeTlsFault } from './tls-fault.js';

export interface TransportTarget {
  readonly host: string;
  readonly port: number;
  /** Absent: plain. */
  readonly tls?: TlsTarget | undefined;
}

/** Opens a TCP connection. @throws AssociationFailure DIMSE_CONNECT, DIMSE_TIMEOUT */
function openSocket(
  { host, port }: TransportTarget,
  connectMs: number,
  signal: AbortSignal | undefined,
): Promise<Socket> {
  const details = { deliveryClass: 'transient', phase: 'connecting' } as const;
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true, keepAlive: true, lookup: lookupName });
    const fail = (code: FailureCode, why: string) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
      socket.destroy();
      reject(new AssociationFailure(code, why, details));
    };
    const stop = () => fail('DIMSE_ABORTED', 'stopped');
    const timer = setTimeout(() => fail('DIMSE_TIMEOUT', `no connection within ${connectMs} ms`), connectMs);
    socket.once('error', (error: NodeJS.ErrnoException) =>
      fail('DIMSE_CONNECT', notConnected(`${host}:${port}`, error.code ?? 'failed')),
    );
    signal?.addEventListener('abort', stop);
    socket.once('connect', () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
      socket.removeAllListeners('error');
      resolve(socket);
    });
  });
}

/** Why no connection came about, in words for the codes that are met most. */
function notConnected(place: string, code: string): string {
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return `no connection to ${place}: no name server knows it (${code})`;
  if (code === 'ECONNREFUSED') return `no connection to ${place}: nothing listens there (${code})`;
  return `no connection to ${place}: ${code}`;
}

/** Puts TLS on a connection. @throws AssociationFailure DIMSE_TLS, DIMSE_TIMEOUT, DIMSE_ABORTED */
async function secure(
  socket: Socket,
  start: (socket: Socket) => Promise<Socket>,
  limitMs: number,
  signal: AbortSignal | undefined,
): Promise<Socket> {
  const stopped = AbortSignal.any([AbortSignal.timeout(limitMs), ...(signal ? [signal] : [])]);
  const stop = () => socket.destroy();
  stopped.addEventListener('abort', stop);
  try {
    return await start(socket);
  } catch (error) {
    socket.destroy();
    const details = { deliveryClass: 'transient', phase: 'connecting' } as const;
    if (signal?.aborted) throw new AssociationFailure('DIMSE_ABORTED', 'stopped', details);
    if (stopped.aborted) throw new AssociationFailure('DIMSE_TIMEOUT', `no TLS within ${limitMs} ms`, details);
    const { code, why } = describeTlsFault(error);
    throw tlsFailure(code, why, 'connecting');
  } finally {
    stopped.removeEventListener('abort', stop);
  }
}

/**
 * A connection to the peer, secured where it is to be.
 *
 * @param limitMs of connecting, and of the handshake
 * @throws AssociationFailure DIMSE_CONNECT, DIMSE_TLS, DIMSE_TIMEOUT, DIMSE_ABORTED
 */
export async function openTransport(
  target: TransportTarget,
  limitMs: number,
  signal: AbortSignal | undefined,
): Promise<Socket> {
  const { host, tls } = target;
  if (!tls) return openSocket(target, limitMs, signal);
  // before there is a connection: nobody would hear of one that is reset while a module is being read
  const { startTls } = await import('./tls-caller.js');
  const socket = await openSocket(target, limitMs, signal);
  return secure(socket, (connected) => startTls(connected, host, tls), limitMs, signal);
}
