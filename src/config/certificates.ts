// Certificates and keys that the configuration names: read, and checked against each other before OpenSSL meets them.
import { type KeyObject, X509Certificate, createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { errorCode } from '../conditions/plain.js';

/** Paths of PEM files. Without certificate and key limpid calls a peer without showing one. */
export interface CertificateFiles {
  readonly certificateFile: string | null;
  readonly keyFile: string | null;
  readonly caFile: string;
}

export interface Certificates {
  /** PEM: of certificates what was read of the files, of the key its file. */
  readonly certificate: string | null;
  readonly key: string | null;
  readonly authorities: string;
  /**
   * When connections begin to fail, in ms since epoch: a certificate of the own chain ends, or the last of the authorities. One of
   * several authorities may end before, with none of their certificates in use any more.
   */
  readonly endsAt: number;
  /** From when connections succeed, in ms since epoch: the own chain is valid, and one of the authorities. */
  readonly startsAt: number;
  /** What an operator should know, though it works: certificates that have ended or end soon. */
  notices(now: number): readonly string[];
  /** What peers may stumble over in the own certificate, though nothing is wrong with it here. */
  readonly remarks: readonly string[];
}

export interface CertificateFault {
  readonly key: keyof CertificateFiles;
  readonly message: string;
}

const shortestRsaBits = 2048;
const dayMs = 86_400_000;
/** Renewing takes people and their time; most authorities give 90 days or a year. */
const soonDays = 30;

const pemBegin = /-----BEGIN CERTIFICATE-----/g;
const pemBlock = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

function readBlocks(text: string): X509Certificate[] | null {
  const blocks = text.match(pemBlock) ?? [];
  // one that is cut: said by the caller, who knows the file, as is a block that is no certificate
  if (blocks.length === 0 || blocks.length < (text.match(pemBegin) ?? []).length) return null;
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    return null;
  }
}

/** For OpenSSL, which without a word passes over all authorities of a text in which two of them share a line: files that were put together by `cat`. */
const toPem = (blocks: readonly X509Certificate[]): string => blocks.map(String).join('');

function readKey(text: string): KeyObject | string {
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED/.test(text)) {
    return 'is encrypted: limpid has nobody to ask for its password; keep it plain, readable by limpid alone';
  }
  try {
    return createPrivateKey(text);
  } catch {
    return 'holds no private key in PEM';
  }
}

function weakness(key: KeyObject): string | null {
  const bits = key.asymmetricKeyDetails?.modulusLength;
  const isWeak = key.asymmetricKeyType === 'rsa' && bits !== undefined && bits < shortestRsaBits;
  return isWeak ? `is an RSA key of ${bits} bits: at least ${shortestRsaBits} are asked for` : null;
}

/** What OpenSSL refuses of a chain at the level that limpid asks of everybody (io/dimse: tls.ts), by its codes. */
const refusals: Readonly<Record<string, string>> = {
  ERR_SSL_EE_KEY_TOO_SMALL: 'its key is too small: RSA of 2048 bits or P-256 are asked for',
  ERR_SSL_CA_KEY_TOO_SMALL:
    'the key of an authority in it is too small: RSA of 2048 bits or P-256 are asked for; have another authority issue it',
  ERR_SSL_CA_MD_TOO_WEAK: 'it, or an authority in it, is signed with SHA-1 or weaker: have it issued anew with SHA-256',
};

/** Why a chain and its key serve nobody: it would end a node that starts, though each file by itself is sound. */
async function refusalOf(cert: string, key: string): Promise<string | null> {
  const { createSecureContext } = await import('node:tls'); // a configuration without certificates need not load it
  try {
    createSecureContext({ cert, key, ciphers: 'DEFAULT:@SECLEVEL=2' });
    return null;
  } catch (error) {
    const code = errorCode(error);
    return refusals[code] ?? code;
  }
}

/** Curves that every stack verifies (BCP 195); others, and Ed25519, are what older OpenSSL, Java and hardware refuse. */
const commonCurves: ReadonlySet<string | undefined> = new Set(['prime256v1', 'secp384r1']);

function rareKey({ publicKey }: X509Certificate): string | null {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = publicKey;
  if (type === 'rsa' || (type === 'ec' && commonCurves.has(details?.namedCurve))) return null;
  return `the key of the certificate is ${details?.namedCurve ?? type}, which many peers cannot verify: RSA, P-256 or P-384 are known to all`;
}

/**
 * Peers know the authority that has signed itself, and are shown what lies between by the certificate file (or, where that holds but
 * one certificate, by the authorities: OpenSSL looks there). Behind a chain of two, whoever is in no file is taken for one that they know.
 */
function brokenChain(own: readonly X509Certificate[], signers: readonly X509Certificate[]): string | null {
  for (const [index, one] of own.entries()) {
    const next = own[index + 1];
    if (next !== undefined && !one.checkIssued(next)) {
      return `certificate ${index + 2} of the certificate file has not signed the one before it: peers read them in that order`;
    }
  }
  const last = own.at(-1);
  if (last === undefined || isRoot(last)) return null;
  const signer = signers.find((other) => last.checkIssued(other));
  if (signer === undefined ? own.length > 1 : own.length === 1 || isRoot(signer)) return null;
  const name = last.issuer.replaceAll('\n', ', ');
  return `${name} has signed ${own.length === 1 ? 'the certificate' : 'the last of its chain'}, and no file shows it to peers: unless they know it themselves, put its certificate at the end of the certificate file`;
}

const isRoot = (one: X509Certificate): boolean => one.checkIssued(one);

const day = (ms: number) => new Date(ms).toISOString().slice(0, 10);

const endOf = ({ validTo }: X509Certificate): number => Date.parse(validTo);
const startOf = ({ validFrom }: X509Certificate): number => Date.parse(validFrom);

/** What there is to say about the time of one certificate. */
function notice(name: string, certificate: X509Certificate, now: number): string | null {
  const from = Date.parse(certificate.validFrom);
  const to = Date.parse(certificate.validTo);
  if (now > to) return `${name} ended on ${day(to)}`;
  if (now < from) return `${name} is not valid before ${day(from)}`;
  const days = Math.floor((to - now) / dayMs);
  return days < soonDays ? `${name} ends on ${day(to)}, in ${days} ${days === 1 ? 'day' : 'days'}` : null;
}

/** Reads and checks the files. A certificate that has ended is no fault: its node must still start for everybody else. */
export async function readCertificates(files: CertificateFiles): Promise<Certificates | readonly CertificateFault[]> {
  const faults: CertificateFault[] = [];
  const read = async (key: keyof CertificateFiles): Promise<string | null> => {
    const path = files[key];
    if (path === null) return null;
    try {
      return await readFile(path, 'utf8');
    } catch (error) {
      faults.push({ key, message: `${path} cannot be read: ${errorCode(error)}` });
      return null;
    }
  };
  const [certificate, key, authorities] = [await read('certificateFile'), await read('keyFile'), await read('caFile')];
  const own = certificate === null ? null : readBlocks(certificate);
  const signers = authorities === null ? null : readBlocks(authorities);
  const holdsNone = (name: keyof CertificateFiles) =>
    faults.push({ key: name, message: `${files[name]} holds no certificate in PEM, or one that is damaged` });
  if (certificate !== null && own === null) holdsNone('certificateFile');
  if (authorities !== null && signers === null) holdsNone('caFile');
  const keyObject = key === null ? null : readKey(key);
  if (typeof keyObject === 'string') faults.push({ key: 'keyFile', message: `${files.keyFile} ${keyObject}` });
  else if (keyObject !== null) {
    const weak = weakness(keyObject);
    if (weak !== null) faults.push({ key: 'keyFile', message: `${files.keyFile} ${weak}` });
    if (own?.[0] && !own[0].checkPrivateKey(keyObject)) {
      faults.push({ key: 'keyFile', message: `${files.keyFile} is not the key of the certificate` });
    }
  }
  const refusal = faults.length === 0 && own !== null && key !== null ? await refusalOf(toPem(own), key) : null;
  if (refusal !== null) {
    faults.push({ key: 'certificateFile', message: `${files.certificateFile} cannot be used: ${refusal}` });
  }
  if (faults.length > 0 || signers === null || authorities === null) return faults;
  const remarks = own?.[0] === undefined ? [] : [rareKey(own[0]), brokenChain(own, signers)];
  return {
    certificate: own && toPem(own),
    key,
    remarks: remarks.filter((text) => text !== null),
    authorities: toPem(signers),
    endsAt: Math.min(...(own ?? []).map(endOf), Math.max(...signers.map(endOf))),
    startsAt: Math.max(...(own ?? []).map(startOf), Math.min(...signers.map(startOf))),
    notices: (now) =>
      [
        ...(own ?? []).map((block, index) =>
          notice(index === 0 ? 'the certificate' : 'a certificate of its chain', block, now),
        ),
        ...signers.map((block) => notice('a certificate of the authorities', block, now)),
      ].filter((text) => text !== null),
  };
}
