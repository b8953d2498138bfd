// Faults of TLS by their codes: what they mean for what was to be sent. Apart from TLS itself, which who calls without it need not load.

/** What Node calls every outcome of OpenSSL's verification that it has no name for: a weak key or digest, an extension that nobody knows. */
export const unnamedCertificateFault = 'UNSPECIFIED';

/** Faults that stay until somebody changes certificates or configuration: by OpenSSL's verification, and by alerts of the peer. */
const lasting =
  /^(?:UNSPECIFIED$|ERROR_IN_CERT_|CERT_|CRL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|INVALID_(?:CA|PURPOSE)|PATH_LENGTH_|HOSTNAME_|ERR_TLS_CERT_|ERR_SSL_)/;

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
  const isTold = code === unnamedCertificateFault || code.startsWith('ERR_TLS_CERT_');
  return { code, why: isTold ? part('message') : code };
}
