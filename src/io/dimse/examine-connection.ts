// The first steps of the destination doctor, which every peer over the network has in common: its name, its port, its certificates.
import { lookup } from 'node:dns/promises';
import { connect, isIP } from 'node:net';
import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { type SecureContext, type TLSSocket, connect as connectTls } from 'node:tls';
import type { X509Certificate } from 'node:crypto';
import { failures } from '../../errors.js';
import { type TlsTarget, startTls } from './tls-caller.js';
import { subjectOf } from './tls.js';
import { describeTlsFault, unnamedCertificateFault } from './tls-fault.js';

export interface Finding {
  readonly step: 'name' | 'tcp' | 'tls' | 'association' | 'contexts' | 'echo' | 'commitment' | 'service' | 'folder';
  /** `skipped`: not asked for, or a step before it failed. */
  readonly state: 'ok' | 'warning' | 'failed' | 'skipped';
  readonly found: string;
  /** What a person does about it; null: nothing. */
  readonly advice: string | null;
}

/** Where a peer is called. */
export interface Place {
  readonly host: string;
  readonly port: number;
  /** undefined: without TLS. */
  readonly tls?: TlsTarget | undefined;
}

const connectMs = 10_000;
const soonMs = 30 * 86_400_000;
const dayMs = 86_400_000;

export const ok = (step: Finding['step'], found: string): Finding => ({ step, state: 'ok', found, advice: null });
export const skipped = (step: Finding['step'], found: string): Finding => ({
  step,
  state: 'skipped',
  found,
  advice: null,
});
export const failed = (step: Finding['step'], found: string, advice: string): Finding => ({
  step,
  state: 'failed',
  found,
  advice,
});

const codeOf = (error: unknown): string => describeTlsFault(error).code; // the code of any system error

/** Name, port and TLS of a peer in this order; behind one that fails the rest is left out. */
export async function examineConnection(place: Place, nowMs: number, signal: AbortSignal): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const step of [examineName, examineTcp, examineTls]) {
    const finding = await step(place, nowMs, signal);
    findings.push(finding);
    if (finding.state === 'failed') break;
  }
  return findings;
}

async function examineName({ host }: Place): Promise<Finding> {
  const started = performance.now();
  try {
    const addresses = (await lookup(host, { all: true })).map(({ address }) => address);
    return ok('name', `${host} is ${addresses.join(', ')} (${Math.round(performance.now() - started)} ms)`);
  } catch (error) {
    return failed(
      'name',
      `${host} is not known: ${codeOf(error)}`,
      'Mend host of the peer, or the name server of this machine.',
    );
  }
}

const timeOut = (): Error => Object.assign(new Error('time-out'), { code: 'ETIMEDOUT' });

function open({ host, port }: Place, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true, signal });
    socket.setTimeout(connectMs, () => socket.destroy(timeOut()));
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.setTimeout(0);
      socket.removeListener('error', reject);
      resolve(socket);
    });
  });
}

const tcpAdvice: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'The machine answers, nothing listens at this port: start the peer, or mend port.',
  ETIMEDOUT: 'Nothing answers: look for a firewall between, or a wrong address.',
  EHOSTUNREACH: 'There is no route to the address: look at the network.',
  ENETUNREACH: 'There is no route to the address: look at the network.',
};

async function examineTcp(place: Place, _nowMs: number, signal: AbortSignal): Promise<Finding> {
  const started = performance.now();
  try {
    (await open(place, signal)).destroy();
    return ok('tcp', `port ${place.port} answers in ${Math.round(performance.now() - started)} ms`);
  } catch (error) {
    const code = codeOf(error);
    return failed(
      'tcp',
      `no connection to port ${place.port}: ${code}`,
      tcpAdvice[code] ?? failures.DIMSE_CONNECT.hint,
    );
  }
}

/** By TLS 1.3 it shows only behind the handshake, when the peer's first answer is awaited. */
export const certificateRefusedAdvice =
  "The peer refuses limpid's own certificate: have it trust the authority that signed that, and compare its dates, its subject and what the peer lists; the peer's log tells which.";
const unknownAuthority = "Put the certificate of the authority that signed the peer's into caFile.";
const tlsAdvice: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED:
    "Have the peer's certificate renewed; where that has not ended, put the renewed one of its authority into caFile.",
  CERT_NOT_YET_VALID: "Compare the clocks of both machines, and the dates of the peer's certificate.",
  ERR_TLS_CERT_ALTNAME_INVALID:
    'The certificate is of another host: set tls.serverName to the name that it holds or list its fingerprint in tls.fingerprints, if it is the right one.',
  ERR_TLS_CERT_NOT_LISTED: 'If it is the right one, add it to tls.fingerprints or tls.subjects of the peer.',
  ETIMEDOUT:
    'The port does not answer the handshake: it may speak no TLS, or the peer hangs: compare port, or look at the peer.',
  SELF_SIGNED_CERT_IN_CHAIN: unknownAuthority,
  DEPTH_ZERO_SELF_SIGNED_CERT: "Put the peer's certificate, which nobody else has signed, into caFile.",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT:
    'An authority in caFile was itself signed by another one: put all of them into caFile, up to the one that has signed itself.',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownAuthority,
  INVALID_PURPOSE:
    "The peer's certificate is not made for a server: have one issued whose Extended Key Usage names server authentication.",
  [unnamedCertificateFault]:
    "Have the peer's certificate issued anew: RSA of 2048 bits or more, or P-256, signed with SHA-256, by an authority that is no weaker.",
};
/** For what the peer says in an alert, or the handshake stumbles over, by OpenSSL's code. */
const alertAdvice: readonly (readonly [RegExp, string])[] = [
  [/_ALERT_PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/, 'The peer offers neither TLS 1.2 nor 1.3; older ones are not used.'],
  [
    /_ALERT_HANDSHAKE_FAILURE|NO_SHARED_CIPHER/,
    'Have the peer offer TLS 1.3, or TLS 1.2 with ECDHE and AES-GCM: nothing weaker is used.',
  ],
  [
    /_ALERT_(?:UNKNOWN_CA|BAD_CERT|CERT|UNSUPPORTED_CERT|ACCESS_DENIED|DECRYPT)|_CERTIFICATE_/,
    certificateRefusedAdvice,
  ],
  [/WRONG_VERSION_NUMBER|PACKET_LENGTH|UNEXPECTED_MESSAGE/, 'The port speaks no TLS: mend port, or leave tls out.'],
];
const noTlsAdvice =
  'The port may speak no TLS, or the peer refuses the certificate of limpid: compare port, and both authorities.';

async function examineTls(place: Place, nowMs: number, signal: AbortSignal): Promise<Finding> {
  const { tls, host } = place;
  if (!tls) return skipped('tls', 'the peer is called without TLS, by its configuration');
  try {
    const secured = await handshake(place, signal, (socket) => startTls(socket, host, tls));
    const chain = chainOf(secured);
    const protocol = `${secured.getProtocol() ?? 'TLS'}, ${secured.getCipher().name}`;
    secured.destroy();
    if (chain.length === 0) return failed('tls', `${protocol}, no certificate`, 'Give the peer a certificate.');
    const found = `${protocol}; ${describeChain(chain, nowMs)}`;
    const ends = chain.map(({ validTo }) => Date.parse(validTo) - nowMs);
    return Math.min(...ends) > soonMs
      ? ok('tls', found)
      : { step: 'tls', state: 'warning', found, advice: "Have the peer's certificates renewed before they end." };
  } catch (error) {
    const { code, why } = describeTlsFault(error);
    const isNoTls = ['ECONNRESET', 'EPROTO', 'ETIMEDOUT'].includes(code) || code.startsWith('ERR_SSL_');
    const shown = isNoTls ? '' : await shownBy(place, nowMs, signal);
    const alert = alertAdvice.find(([pattern]) => pattern.test(code))?.[1];
    const advice = tlsAdvice[code] ?? alert ?? (isNoTls ? noTlsAdvice : failures.DIMSE_TLS.hint);
    return failed('tls', `no TLS: ${why}${shown}`, advice);
  }
}

async function handshake(
  place: Place,
  signal: AbortSignal,
  secure: (socket: Socket) => Promise<TLSSocket>,
): Promise<TLSSocket> {
  const socket = await open(place, signal);
  socket.on('error', () => {}); // the handshake tells it
  let isLate = false;
  const late = setTimeout(() => {
    isLate = true;
    socket.destroy();
  }, connectMs);
  try {
    return await secure(socket);
  } catch (error) {
    socket.destroy();
    throw isLate ? timeOut() : error;
  } finally {
    clearTimeout(late);
  }
}

/** What a peer shows that is not believed: nothing but its certificates is asked for. */
async function shownBy(place: Place, nowMs: number, signal: AbortSignal): Promise<string> {
  const { tls, host } = place;
  if (!tls) return '';
  try {
    const name = tls.serverName ?? host;
    const secured = await handshake(place, signal, (socket) => showing(socket, name, tls.credentials.context));
    const chain = chainOf(secured);
    secured.destroy();
    return chain.length === 0 ? '' : `; it shows ${describeChain(chain, nowMs)}`;
  } catch {
    return ''; // the fault itself is told
  }
}

function showing(socket: Socket, name: string, secureContext: SecureContext): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const servername = isIP(name) === 0 ? { servername: name } : {};
    const secured = connectTls({ socket, secureContext, rejectUnauthorized: false, ...servername });
    secured.once('error', reject);
    secured.once('close', () => reject(new Error('closed')));
    secured.once('secureConnect', () => resolve(secured));
  });
}

/** The peer's certificate, then those that have signed it, as far as they are known. */
function chainOf(secured: TLSSocket): X509Certificate[] {
  const chain: X509Certificate[] = [];
  for (let next = secured.getPeerX509Certificate(); next !== undefined; next = next.issuerCertificate) {
    const { fingerprint256 } = next;
    if (chain.some((one) => one.fingerprint256 === fingerprint256)) break;
    chain.push(next);
  }
  return chain;
}

function describeChain(chain: readonly X509Certificate[], nowMs: number): string {
  const links = chain.map((certificate, index) => {
    const { subjectAltName, validFrom, validTo } = certificate;
    const days = Math.floor((Date.parse(validTo) - nowMs) / dayMs);
    const ahead = Math.ceil((Date.parse(validFrom) - nowMs) / dayMs);
    const lasts = days >= 0 ? `valid for ${counted(days, 'more day')}` : `ended ${counted(-days, 'day')} ago`;
    const valid = ahead > 0 ? `begins in ${counted(ahead, 'day')}` : lasts;
    const names = index === 0 && subjectAltName !== undefined ? `${subjectAltName}; ` : '';
    return `${oneLine(subjectOf(certificate))} (${names}${valid})`;
  });
  const last = chain.at(-1);
  if (last !== undefined && last.issuer !== subjectOf(last)) links.push(oneLine(last.issuer));
  return links.join(', issued by ');
}

const counted = (days: number, word: string): string => `${days} ${word}${days === 1 ? '' : 's'}`;
const oneLine = (name: string): string => (name === '' ? 'no subject' : name.split('\n').join(', '));
