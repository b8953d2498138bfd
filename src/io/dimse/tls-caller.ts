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

/** Faults that stay until somebody changes certificates or configuration: by OpenSSL's verification, and by alerts of the peer. */
const lasting =
  /^(?:CERT_|CRL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|INVALID_(?:CA|PURPOSE)|PATH_LENGTH_|HOSTNAME_|ERR_TLS_CERT_|ERR_SSL_)/;

/** Whether a fault of TLS, by its code, goes away by itself. */
export const tlsFaultClass = (code: string): 'transient' | 'permanent' =>
  lasting.test(code) ? 'permanent' : 'transient';

export const isTlsFault = (code: string): boolean => lasting.test(code) || code.startsWith('ERR_TLS_');

/** Code and words of a handshake's error. The message of a certificate's fault tells what is wrong; others have nothing but their code. */
export function describeTlsFault(error: unknown): { readonly code: string; readonly why: string } {
  const part = (name: string): string => {
    const value: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, name) : undefined;
    return typeof value === 'string' ? value : 'failed';
  };
  const code = part('code');
  return { code, why: code.startsWith('ERR_TLS_CERT_') ? part('message') : code };
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
