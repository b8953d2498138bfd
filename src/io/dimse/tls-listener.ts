// The listening side of TLS: a server of its own beside the plain one. What does not get through the handshake is counted and closed.
import { Socket as PlainSocket } from 'node:net';
import type { Socket } from 'node:net';
import { type Server, type TLSSocket, createServer } from 'node:tls';
import type { Metrics } from '../../observe/metrics.js';
import type { RefusalLog } from './refusal-log.js';
import type { TlsCredentials } from './tls.js';
import { unnamedCertificateFault } from './tls-fault.js';

export interface TlsListening {
  /** 0: any free one. */
  readonly port: number;
  readonly credentials: TlsCredentials;
  /** Whether a peer must show a certificate; one that it shows must be right in both cases. */
  readonly clientCertificate: 'required' | 'optional';
  /** Told of connections whose certificate is missing or wrong. */
  readonly refused?: (address: string, why: string) => void;
}

const handshakeMs = 10_000;

type RefusalReason = 'certificate' | 'protocol' | 'plain' | 'timeout' | 'other';

const reasonByCode: readonly (readonly [RegExp, RefusalReason])[] = [
  [/HTTP_REQUEST|WRONG_VERSION_NUMBER|HTTPS_PROXY_REQUEST|UNEXPECTED_MESSAGE|BAD_RECORD/, 'plain'],
  [/CERT|UNKNOWN_CA|SIGNATURE/, 'certificate'],
  [/TIMEOUT/, 'timeout'],
  [/^ERR_SSL_/, 'protocol'],
];

export interface TlsServer {
  readonly server: Server;
  /** Drops connections that are still shaking hands. */
  destroyHandshakes(): void;
}

const placeOf = ({ remoteAddress = '', remotePort = 0 }: Socket) => `${remoteAddress} ${remotePort}`;

/** The socket below one of TLS. */
function belowOf(socket: TLSSocket): Socket {
  const below: unknown = Reflect.get(socket, '_parent');
  return below instanceof PlainSocket ? below : socket;
}

/** Why a certificate does not verify. Its declared type is Error; it is OpenSSL's code. */
function unverified({ authorizationError }: TLSSocket): string | null {
  const code: unknown = authorizationError;
  if (typeof code !== 'string') return null;
  // of a peer's that calls, Node keeps no more than the code
  const hint =
    code === unnamedCertificateFault ? ': a key or a digest (SHA-1) that is too weak, or an unknown extension' : '';
  return `CERT ${code}${hint}`;
}

/**
 * Opens the server, not yet listening. `connected` gets sockets whose handshake is done.
 *
 * @param atOnce handshakes at a time: of one address, beyond which further connections are closed; of all, beyond which the oldest is, as
 * silent ones of many addresses would else keep everybody out
 */
export function openTlsServer(
  { credentials, clientCertificate, refused: told }: TlsListening,
  atOnce: { readonly ofAddress: number; readonly ofAll: number },
  node: { readonly refusals: RefusalLog; readonly metrics: Metrics },
  connected: (socket: TLSSocket) => void,
): TlsServer {
  const handshakes = new Map<string, Socket>();
  /** Whom a handshake was with: a socket that is closed knows it no more. */
  const addresses = new WeakMap<Socket, string>();
  /** Closed by limpid: there were too many of its address. */
  const beyond = new WeakSet<Socket>();
  const refused = (socket: TLSSocket, code: string): void => {
    const reason = reasonByCode.find(([pattern]) => pattern.test(code))?.[1] ?? 'other';
    node.metrics.inc('tls_refused_total', { reason });
    const address = addresses.get(belowOf(socket)) ?? '';
    node.refusals.warn('TLS connection refused', { address, reason, code });
    if (reason === 'certificate') told?.(address, `TLS refused: ${code}`);
    socket.destroy();
  };
  const server = createServer({
    ...credentials.options,
    requestCert: true,
    rejectUnauthorized: clientCertificate === 'required',
    handshakeTimeout: handshakeMs,
    noDelay: true,
    keepAlive: true,
  });
  credentials.onReplaced(() => server.setSecureContext(credentials.options));
  server.on('connection', (socket: Socket) => {
    const place = placeOf(socket);
    addresses.set(socket, socket.remoteAddress ?? '');
    handshakes.set(place, socket);
    socket.once('close', () => handshakes.delete(place));
    const ofAddress = [...handshakes.values()].filter(({ remoteAddress }) => remoteAddress === socket.remoteAddress);
    const isOne = ofAddress.length > atOnce.ofAddress;
    const open = [...handshakes.values()].filter((other) => !beyond.has(other));
    const surplus = isOne ? socket : open.length > atOnce.ofAll ? open[0] : undefined;
    if (surplus === undefined) return;
    beyond.add(surplus);
    surplus.destroy();
  });
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
    // a certificate that does not verify ends as a hang-up; why stands at the socket
    const isBeyond = beyond.has(belowOf(socket));
    refused(socket, isBeyond ? 'too many handshakes at once' : (unverified(socket) ?? error.code ?? 'failed'));
  });
  server.on('secureConnection', (socket) => {
    handshakes.delete(placeOf(socket));
    const isWrong = !socket.authorized && socket.getPeerX509Certificate() !== undefined;
    if (isWrong) refused(socket, unverified(socket) ?? 'CERT');
    else connected(socket);
  });
  const destroyHandshakes = (): void => {
    for (const socket of handshakes.values()) socket.destroy();
  };
  return { server, destroyHandshakes };
}
