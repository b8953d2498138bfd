// Certificates made while a test runs: an authority and what it signs. PEM texts; nothing is kept.
import 'reflect-metadata'; // asked for by @peculiar/x509
import { X509Certificate, type webcrypto as WebCrypto, webcrypto } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  BasicConstraintsExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
  cryptoProvider,
} from '@peculiar/x509';
import type { JsonGeneralNames, JsonName } from '@peculiar/x509';

// Jest's realm has no crypto of its own
cryptoProvider.set(webcrypto);

export interface Identity {
  readonly certificate: string;
  readonly key: string;
  /** SHA-256, lower case hex. */
  readonly fingerprint: string;
}

export interface IdentityOptions {
  /** Distinguished name as `CN=ct1, O=Test`, or attribute by attribute; an empty one has no subject. */
  readonly name: string | JsonName;
  readonly altNames?: JsonGeneralNames;
  readonly from?: Date;
  readonly to?: Date;
  /** Bits of an RSA key; absent: an elliptic curve key (P-256). */
  readonly rsaBits?: number;
  /** Of an elliptic curve key; absent: P-256. */
  readonly namedCurve?: 'P-521';
  /** Digest of the signature; absent: SHA-256. */
  readonly hash?: 'SHA-1';
}

export interface Authority {
  readonly certificate: string;
  issue(options: IdentityOptions): Promise<Identity>;
  /** An intermediate one, which this one has signed. */
  authority(name: string): Promise<Authority>;
}

type Keys = WebCrypto.CryptoKeyPair;
const curve = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const algorithmOf = (rsaBits: number | undefined, hash = 'SHA-256') =>
  rsaBits === undefined ? { ...curve, hash } : { name: 'RSASSA-PKCS1-v1_5', hash };
const dayMs = 86_400_000;
const inDays = (days: number) => new Date(Date.now() + days * dayMs);

function makeKeys(rsaBits: number | undefined, namedCurve = curve.namedCurve): Promise<Keys> {
  if (rsaBits === undefined) return webcrypto.subtle.generateKey({ ...curve, namedCurve }, true, ['sign', 'verify']);
  const rsa = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: rsaBits };
  const publicExponent = Uint8Array.of(1, 0, 1);
  return webcrypto.subtle.generateKey({ ...rsa, publicExponent }, true, ['sign', 'verify']);
}

async function privatePem(keys: Keys): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`;
}

let serial = 0;
const nextSerial = () => (++serial).toString(16).padStart(8, '0');

/** An authority that has signed itself, valid for a day. @param rsaBits as of an identity */
export const makeAuthority = (name = 'CN=Test Authority', to = inDays(1), rsaBits?: number): Promise<Authority> =>
  authorityBy(name, null, to, rsaBits);

interface Signer {
  readonly subject: string;
  readonly keys: Keys;
  readonly rsaBits: number | undefined;
}

async function authorityBy(name: string, signer: Signer | null, to: Date, rsaBits?: number): Promise<Authority> {
  const keys = await makeKeys(rsaBits);
  const own = await X509CertificateGenerator.create({
    serialNumber: nextSerial(),
    subject: name,
    issuer: signer?.subject ?? name,
    notBefore: inDays(-1),
    notAfter: to,
    publicKey: keys.publicKey,
    signingKey: (signer?.keys ?? keys).privateKey,
    signingAlgorithm: algorithmOf(signer?.rsaBits ?? rsaBits),
    extensions: [new BasicConstraintsExtension(true, 2, true)],
  });
  return {
    certificate: `${own.toString('pem')}\n`,
    authority: (below) => authorityBy(below, { subject: own.subject, keys, rsaBits }, inDays(1)),
    async issue(options) {
      const ofPeer = await makeKeys(options.rsaBits, options.namedCurve);
      const made = await X509CertificateGenerator.create({
        serialNumber: nextSerial(),
        subject: options.name,
        issuer: own.subject,
        notBefore: options.from ?? inDays(-1),
        notAfter: options.to ?? inDays(1),
        publicKey: ofPeer.publicKey,
        signingKey: keys.privateKey,
        signingAlgorithm: algorithmOf(rsaBits, options.hash),
        extensions: [
          new BasicConstraintsExtension(false),
          new SubjectAlternativeNameExtension(options.altNames ?? [{ type: 'ip', value: '127.0.0.1' }]),
        ],
      });
      const certificate = `${made.toString('pem')}\n`;
      const fingerprint = new X509Certificate(certificate).fingerprint256.replaceAll(':', '').toLowerCase();
      return { certificate, key: await privatePem(ofPeer), fingerprint };
    },
  };
}

export interface IdentityFiles {
  readonly certificateFile: string;
  readonly keyFile: string;
}

/** Writes an identity as NAME.crt and NAME.key. */
export async function writeIdentity(folder: string, name: string, identity: Identity): Promise<IdentityFiles> {
  const [certificateFile, keyFile] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)];
  await writeFile(certificateFile, identity.certificate);
  await writeFile(keyFile, identity.key, { mode: 0o600 });
  return { certificateFile, keyFile };
}
