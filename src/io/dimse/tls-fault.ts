// Faults of TLS by their codes: what they mean for what was to be sent. Apart from TLS itself, which who calls without it need not load.

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
