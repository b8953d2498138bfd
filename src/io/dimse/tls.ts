/**
 * TLS for DIMSE by BCP 195 (PS3.15 Annex B.12; RFC 9325): what is offered, who is believed, and credentials that may be changed
 * while the node runs. Older profiles (B.9 with TLS 1.0, null ciphers) are refused.
 */
import { X509Certificate, constants } from 'node:crypto';
import { type SecureContext, type SecureContextOptions, type TLSSocket, createSecureContext } from 'node:tls';

/** PEM texts. A caller may have no certificate of its own; the listener must. */
export interface TlsMaterial {
  /** The node's certificate, followed by its chain. */
  readonly certificate: string | null;
  readonly key: string | null;
  /** Those who sign the peers' certificates; a self-signed peer's certificate stands here itself. */
  readonly authorities: string;
}

const ciphers = [
  // TLS 1.3
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  // TLS 1.2
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  '@SECLEVEL=2', // no RSA key below 2048 bits, no SHA-1
].join(':');

/** What both sides of limpid offer. */
function contextOptions({ certificate, key, authorities }: TlsMaterial): SecureContextOptions {
  return {
    ...(certificate === null || key === null ? {} : { cert: certificate, key }),
    ca: authorities,
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.3',
    ciphers,
    // by TLS 1.2 these are also the curves of the certificates that are believed: without P-521 a peer that has one gets no handshake
    ecdhCurve: 'X25519:P-256:P-384:P-521',
    honorCipherOrder: true,
    // without tickets no session outlives a change of certificates
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_COMPRESSION | constants.SSL_OP_NO_TICKET,
  };
}

/** Certificate, key and authorities in use. Connections that are open keep what they were opened with. */
export class TlsCredentials {
  #options: SecureContextOptions;
  #context: SecureContext;
  readonly #listeners: (() => void)[] = [];

  /** @throws what OpenSSL says of material that it cannot use */
  constructor(material: TlsMaterial) {
    this.#options = contextOptions(material);
    this.#context = createSecureContext(this.#options);
  }

  /** For a listener, which makes its own context. */
  get options(): SecureContextOptions {
    return this.#options;
  }
  /** For a caller. */
  get context(): SecureContext {
    return this.#context;
  }

  /** @throws as the constructor; what was in use then stays in use */
  replace(material: TlsMaterial): void {
    const options = contextOptions(material);
    this.#context = createSecureContext(options);
    this.#options = options;
    for (const listener of this.#listeners) listener();
  }

  onReplaced(listener: () => void): void {
    this.#listeners.push(listener);
  }
}

/** A certificate that a peer has shown, and whose signature was checked. */
export interface PeerCertificate {
  /** SHA-256 over the certificate: 64 lower case hex digits. */
  readonly fingerprint: string;
  /** Attributes of its subject as `CN=ct1`, sorted. */
  readonly subject: readonly string[];
}

/** How a connection is secured. `certificate` is null where the listener lets peers without one in. */
export type Security =
  | { readonly kind: 'plain' }
  | { readonly kind: 'tls'; readonly protocol: string; readonly certificate: PeerCertificate | null };

/**
 * The subject of a certificate, an attribute a line; empty where it has none: many name their node in the alternative names alone.
 * Node gives nothing then, which its types do not say.
 */
export function subjectOf(certificate: X509Certificate): string {
  const { subject }: { readonly subject?: string } = certificate;
  return subject ?? '';
}

function certificateFrom(certificate: X509Certificate): PeerCertificate {
  return {
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    subject: subjectOf(certificate)
      .split('\n')
      .filter((part) => part !== '')
      .sort(),
  };
}

/** The security of a connection after its handshake. */
export function securityOf(socket: TLSSocket): Security {
  const certificate = socket.getPeerX509Certificate();
  const protocol = socket.getProtocol() ?? 'TLS';
  return { kind: 'tls', protocol, certificate: certificate === undefined ? null : certificateFrom(certificate) };
}

/** Certificates that a peer may show; both empty: any that an authority has signed. */
export interface AllowedCertificates {
  readonly fingerprints: readonly string[];
  /** Whole subjects, each as in `PeerCertificate`. */
  readonly subjects: readonly (readonly string[])[];
}

export const isListed = ({ fingerprints, subjects }: AllowedCertificates): boolean =>
  fingerprints.length > 0 || subjects.length > 0;

export function isAllowed(certificate: PeerCertificate, allowed: AllowedCertificates): boolean {
  if (!isListed(allowed)) return true;
  const subject = certificate.subject.join('\n');
  return (
    allowed.fingerprints.includes(certificate.fingerprint) ||
    allowed.subjects.some((candidate) => candidate.join('\n') === subject)
  );
}

export const describeCertificate = ({ fingerprint, subject }: PeerCertificate): string =>
  `SHA-256 ${fingerprint}, ${subject.length === 0 ? 'no subject' : `subject ${subject.join(',')}`}`;

/** Reads a DER certificate. */
export const readCertificate = (der: Uint8Array): PeerCertificate => certificateFrom(new X509Certificate(der));
