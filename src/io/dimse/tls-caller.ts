// The calling side of TLS: a handshake over a connected socket, and what its failures mean for what was to be sent.
import { isIP } from 'node:net';
import type { Socket } from 'node:net';
import { type PeerCertificate as NodeCertificate, type TLSSocket, checkServerIdentity, connect } from 'node:tls';
import {
  type AllowedCertificates,
  type TlsCredentials,
  describeCertificate,
  isAllowed,
  isListed,
  readCertificate,
} from './tls.js';

/** How a peer is called over TLS. */
export interface TlsTarget {
  readonly credentials: Pick<TlsCredentials, 'context'>;
  /** The name that its certificate must hold; null: the host that is called, unless `allowed` says which certificate it is. */
  readonly serverName: string | null;
  readonly allowed: AllowedCertificates;
}

/** What is wrong with the peer's certificate, whose chain is right; undefined: nothing. */
export function checkPeer(host: string, target: TlsTarget, certificate: NodeCertificate): Error | undefined {
  const shown = readCertificate(certificate.raw);
  if (!isAllowed(shown, target.allowed)) {
    const why = `the certificate is none that the configuration lists for the peer: ${describeCertificate(shown)}`;
    return Object.assign(new Error(why), { code: 'ERR_TLS_CERT_NOT_LISTED' });
  }
  const name = target.serverName ?? (isListed(target.allowed) ? null : host);
  return name === null ? undefined : checkServerIdentity(name, certificate);
}

/**
 * Puts TLS on a connection. Rejects with the error of the handshake, its `code` set where there is one.
 *
 * @param socket connected; belongs to the TLS socket from now on
 */
export function startTls(socket: Socket, host: string, target: TlsTarget): Promise<TLSSocket> {
  const name = target.serverName ?? host;
  return new Promise((resolve, reject) => {
    const secured = connect({
      socket,
      secureContext: target.credentials.context,
      // an address is no name (RFC 6066 Section 3)
      ...(isIP(name) === 0 ? { servername: name } : {}),
      checkServerIdentity: (_, certificate) => checkPeer(host, target, certificate),
    });
    const closed = (): void =>
      reject(Object.assign(new Error('the peer closed the connection'), { code: 'ECONNRESET' }));
    secured.once('error', reject);
    secured.once('close', closed);
    secured.once('secureConnect', () => {
      secured.removeListener('error', reject);
      secured.removeListener('close', closed);
      resolve(secured);
    });
  });
}
