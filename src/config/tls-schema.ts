// TLS in the configuration: of the node's listener, and of a peer.
import { z } from 'zod';
import { port, scalar, text } from './scalars.js';

const file = text('a file');
export const listenerTls = z
  .strictObject({
    port: port
      .nullable()
      .default(2762)
      .describe('null: nobody is listened to over TLS; the files serve for peers that limpid calls.'),
    certificateFile: file.describe("PEM: the node's certificate, followed by its chain. Read again when it changes."),
    keyFile: file.describe('PEM: its private key, not encrypted.'),
    caFile: file.describe("PEM: who signs the peers' certificates; a self-signed peer's certificate itself."),
    clientCertificate: z
      .enum(['required', 'optional'])
      .default('required')
      .describe('optional: peers without a certificate are let in, and known by AE title and address only.'),
  })
  .describe('DICOM over TLS 1.2 and 1.3 on a port of its own.');

const fingerprint = scalar(
  'a SHA-256 fingerprint: 64 hex digits, colons between or not',
  (value) => {
    const digits = typeof value === 'string' ? value.replace(/^sha-?256[ :]?(fingerprint=)?/i, '') : '';
    const plain = digits.replaceAll(':', '').toLowerCase();
    return /^[0-9a-f]{64}$/.test(plain) ? plain : null;
  },
  { type: 'string' },
);
/** Before what no backslash makes a part of the value (RFC 4514 Section 2.4): a value that ends in a space is written `CN=ct1\ `. */
const unescaped = String.raw`(?<=(?<!\\)(?:\\\\)*)`;
const comma = new RegExp(`${unescaped},`);
const spacesAtEnd = new RegExp(`${unescaped}\\s+$`);
const subject = scalar(
  'the subject of a certificate as CN=ct1,O=Hospital',
  (value) => {
    const written = typeof value === 'string' ? value : '';
    const parts = written.split(comma).map((part) => part.trimStart().replace(spacesAtEnd, ''));
    // an attribute that OpenSSL has no name for goes by its object identifier
    return parts.every((part) => /^[A-Za-z0-9][A-Za-z0-9.]*=(?:\\.|[^\\])+$/.test(part)) ? parts.sort() : null;
  },
  { type: 'string' },
);
export const peerTls = z
  .strictObject({
    fingerprints: z
      .array(fingerprint, 'expected a list of fingerprints')
      .default([])
      .describe('SHA-256 fingerprints of the certificates that the peer may show.'),
    subjects: z
      .array(subject, 'expected a list of subjects')
      .default([])
      .describe(
        'Whole subjects that its certificate may have, written as the log does where it refuses one. Neither list: any certificate that an authority has signed.',
      ),
    plainCalls: z
      .enum(['refuse', 'accept'])
      .default('refuse')
      .describe('Whether the peer may call without TLS: then anybody at its address may take its AE title.'),
    serverName: text('a name')
      .nullable()
      .default(null)
      .describe(
        'Name that its certificate must hold when limpid calls; absent: host, or none where a list above names it.',
      ),
    certificateFile: file.nullable().default(null).describe("limpid's certificate for this peer; absent: the node's."),
    keyFile: file.nullable().default(null).describe('Its private key.'),
    caFile: file.nullable().default(null).describe("Who signs this peer's certificate; absent: as for the node."),
  })
  .describe('The peer is called over TLS, and must call over TLS.');
