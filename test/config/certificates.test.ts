// Certificate files: what is wrong with them is said at start, with the key that names them; what ends is told before.
import { X509Certificate } from 'node:crypto';
import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Certificates, readCertificates } from '../../src/config/certificates.js';
import { ConfigInvalidError, faultText } from '../../src/config/faults.js';
import { loadConfig } from '../../src/config/load.js';
import { dicomPeers } from '../../src/config/peers.js';
import { isFaults, tlsPlaces } from '../../src/config/tls-files.js';
import { echo } from '../../src/io/dimse/scu.js';
import { TlsCredentials } from '../../src/io/dimse/tls.js';
import { type Authority, makeAuthority, writeIdentity } from '../support/certificates.js';
import { openFolder } from '../support/temporary.js';
import { openTestScp, silentLog } from '../support/test-scp.js';

const dayMs = 86_400_000;
let folder: Awaited<ReturnType<typeof openFolder>>;
let authority: Authority;
const at = (name: string) => join(folder.path, name);

beforeAll(async () => {
  folder = await openFolder();
  authority = await makeAuthority();
  await writeFile(at('ca.crt'), authority.certificate);
  await writeFile(at('nothing.crt'), 'hello\n');
  await writeFile(at('spoilt.crt'), '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
  const node = await authority.issue({ name: 'CN=limpid' });
  await writeIdentity(folder.path, 'node', node);
  await writeFile(at('half.crt'), `${node.certificate}${authority.certificate.slice(0, 200)}`);
  await writeFile(at('glued.crt'), `${node.certificate.trimEnd()}${authority.certificate}`);
  await writeIdentity(folder.path, 'other', await authority.issue({ name: 'CN=other' }));
  await writeIdentity(folder.path, 'weak', await authority.issue({ name: 'CN=weak', rsaBits: 1024 }));
  await writeFile(
    at('locked.key'),
    '-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n',
  );
});
afterAll(() => folder.remove());

async function faultsOf(certificateFile: string | null, keyFile: string | null, caFile = 'ca.crt'): Promise<string[]> {
  const named = (name: string | null) => (name === null ? null : at(name));
  const read = await readCertificates({
    certificateFile: named(certificateFile),
    keyFile: named(keyFile),
    caFile: at(caFile),
  });
  return isFaults(read) ? read.map(({ key, message }) => `${key}: ${message.replace(`${folder.path}/`, '')}`) : [];
}

describe('files', () => {
  it('that fit are no fault', async () => {
    expect(await faultsOf('node.crt', 'node.key')).toEqual([]);
    expect(await faultsOf(null, null)).toEqual([]);
  });
  it.each([
    ['gone.crt', 'node.key', 'certificateFile: gone.crt cannot be read: ENOENT'],
    ['node.crt', 'gone.key', 'keyFile: gone.key cannot be read: ENOENT'],
    ['nothing.crt', 'node.key', 'certificateFile: nothing.crt holds no certificate in PEM, or one that is damaged'],
    ['spoilt.crt', 'node.key', 'certificateFile: spoilt.crt holds no certificate in PEM, or one that is damaged'],
    ['half.crt', 'node.key', 'certificateFile: half.crt holds no certificate in PEM, or one that is damaged'],
    ['node.crt', 'ca.crt', 'keyFile: ca.crt holds no private key in PEM'],
    ['node.crt', 'other.key', 'keyFile: other.key is not the key of the certificate'],
    ['weak.crt', 'weak.key', 'keyFile: weak.key is an RSA key of 1024 bits: at least 2048 are asked for'],
    [
      'node.crt',
      'locked.key',
      'keyFile: locked.key is encrypted: limpid has nobody to ask for its password; keep it plain, readable by limpid alone',
    ],
  ])('%s with %s', async (certificate, key, fault) => {
    expect(await faultsOf(certificate, key)).toEqual([fault]);
  });
  it('that OpenSSL serves nobody with: told before a node that starts ends by them', async () => {
    const weak = await makeAuthority('CN=Weak', undefined, 1024);
    const { certificate, key } = await weak.issue({ name: 'CN=limpid' });
    await writeFile(at('below.crt'), certificate + weak.certificate);
    await writeFile(at('below.key'), key);
    expect(await faultsOf('below.crt', 'below.key')).toEqual([
      'certificateFile: below.crt cannot be used: the key of an authority in it is too small: RSA of 2048 bits or P-256 are asked for; have another authority issue it',
    ]);
    const { certificate: old, key: oldKey } = await authority.issue({ name: 'CN=limpid', hash: 'SHA-1' });
    await writeFile(at('old.crt'), old);
    await writeFile(at('old.key'), oldKey);
    expect(await faultsOf('old.crt', 'old.key')).toEqual([expect.stringContaining('signed with SHA-1')]);
  });
  it('without an authority', async () => {
    expect(await faultsOf('node.crt', 'node.key', 'gone.crt')).toEqual(['caFile: gone.crt cannot be read: ENOENT']);
    expect(await faultsOf('node.crt', 'node.key', 'node.key')).toEqual([
      'caFile: node.key holds no certificate in PEM, or one that is damaged',
    ]);
  });
});

it('certificates that share a line, as of files put together without a line end, count each', async () => {
  await writeFile(
    at('two.crt'),
    `${(await makeAuthority('CN=Another')).certificate.trimEnd()}${authority.certificate}`,
  );
  const files = { certificateFile: at('glued.crt'), keyFile: at('node.key'), caFile: at('two.crt') };
  const read = await readCertificates(files);
  if (isFaults(read)) throw new Error('faults');
  // OpenSSL says nothing of authorities that it does not read: it just believes nobody, on either side
  const credentials = new TlsCredentials(read);
  const { scp } = await openTestScp({ tls: { port: 0, credentials, clientCertificate: 'required' } });
  try {
    const tls = { credentials, serverName: null, allowed: { fingerprints: [], subjects: [] } };
    const target = { aeTitle: 'LIMPID', callingAe: 'CT1', host: '127.0.0.1', port: scp.tlsPort, tls };
    expect((await echo(target, { log: silentLog })).status).toBe(0);
  } finally {
    await scp.close();
  }
});

it('what has ended or ends soon is told, and is no fault', async () => {
  const now = Date.now();
  const authorityEnds = Date.parse(new X509Certificate(authority.certificate).validTo);
  const noticesOf = async (from: number, to: number): Promise<readonly string[]> => {
    const span = { from: new Date(now + from * dayMs), to: new Date(now + to * dayMs) };
    const files = await writeIdentity(folder.path, 'timed', await authority.issue({ name: 'CN=t', ...span }));
    const read = await readCertificates({ ...files, caFile: at('ca.crt') });
    if (isFaults(read)) throw new Error('faults');
    // the authority is made for a day
    expect(read.endsAt).toBe(Math.min(Math.floor(span.to.getTime() / 1000) * 1000, authorityEnds));
    return read.notices(now).filter((text) => !text.includes('authorities'));
  };
  expect(await noticesOf(-1, 100)).toEqual([]);
  expect(await noticesOf(-1, 20)).toEqual([
    expect.stringMatching(/^the certificate ends on \d{4}-\d\d-\d\d, in (19|20) days$/),
  ]);
  expect(await noticesOf(-2, -1)).toEqual([expect.stringMatching(/^the certificate ended on/)]);
  expect(await noticesOf(1, 100)).toEqual([expect.stringMatching(/^the certificate is not valid before/)]);
  const own = await readCertificates({
    certificateFile: null,
    keyFile: null,
    caFile: at('ca.crt'),
  });
  // the authority is made for a day
  expect(isFaults(own) ? [] : own.notices(now)).toEqual([
    expect.stringMatching(/^a certificate of the authorities ends/),
  ]);
});

describe('what peers may stumble over is remarked, and is no fault', () => {
  const remarksOf = async (certificates: string, key: string, authorities: string) => {
    await writeFile(at('shown.crt'), certificates);
    await writeFile(at('shown.key'), key);
    await writeFile(at('known.crt'), authorities);
    const read = await readCertificates({
      certificateFile: at('shown.crt'),
      keyFile: at('shown.key'),
      caFile: at('known.crt'),
    });
    if (isFaults(read)) throw new Error('faults');
    return read;
  };
  /** Whether a peer that knows nothing but the root believes a node with these certificates. */
  const isBelieved = async (certificates: Certificates, root: string): Promise<boolean> => {
    const credentials = new TlsCredentials(certificates);
    const { scp } = await openTestScp({ tls: { port: 0, credentials, clientCertificate: 'optional' } });
    const material = { certificate: null, key: null, authorities: root };
    const tls = {
      credentials: new TlsCredentials(material),
      serverName: null,
      allowed: { fingerprints: [], subjects: [] },
    };
    const target = { aeTitle: 'LIMPID', callingAe: 'CT1', host: '127.0.0.1', port: scp.tlsPort, tls };
    try {
      return await echo(target, { log: silentLog }).then(
        ({ status }) => status === 0,
        () => false,
      );
    } finally {
      await scp.close();
    }
  };

  it('a chain that lacks the authority between, or has it in the wrong place; peers that know the root tell', async () => {
    const [root, another] = [await makeAuthority('CN=Root'), await makeAuthority('CN=Another')];
    const below = await root.authority('CN=Below, O=Test');
    const { certificate, key } = await below.issue({ name: 'CN=limpid' });
    const unshown = expect.stringMatching(/^CN=Below, O=Test has signed the certificate, and no file shows it/);
    const misplaced = expect.stringMatching(/^certificate 2 of the certificate file has not signed the one before it/);
    for (const [shown, known, remarks] of [
      [certificate, another.certificate, [unshown]],
      [certificate, root.certificate, [unshown]],
      [certificate + below.certificate, another.certificate + root.certificate, []],
      [certificate + below.certificate, another.certificate, []],
      [certificate, below.certificate + root.certificate, []],
      [certificate + another.certificate, below.certificate + root.certificate, [misplaced]],
    ] as const) {
      const read = await remarksOf(shown, key, known);
      expect([read.remarks, await isBelieved(read, root.certificate)]).toEqual([remarks, remarks.length === 0]);
    }
    const third = await below.authority('CN=Third');
    const far = await third.issue({ name: 'CN=limpid' });
    const gap = await remarksOf(far.certificate + third.certificate, far.key, below.certificate + root.certificate);
    expect([gap.remarks, await isBelieved(gap, root.certificate)]).toEqual([
      [expect.stringMatching(/^CN=Below, O=Test has signed the last of its chain/)],
      false,
    ]);
    const direct = await root.issue({ name: 'CN=limpid' });
    expect((await remarksOf(direct.certificate, direct.key, root.certificate)).remarks).toEqual([]);
  });
  it('a key of a kind that few know', async () => {
    const rare = await authority.issue({ name: 'CN=limpid', namedCurve: 'P-521' });
    expect((await remarksOf(rare.certificate, rare.key, authority.certificate)).remarks).toEqual([
      expect.stringMatching(/^the key of the certificate is secp521r1, which many peers cannot verify/),
    ]);
    const common = await authority.issue({ name: 'CN=limpid', rsaBits: 2048 });
    expect((await remarksOf(common.certificate, common.key, authority.certificate)).remarks).toEqual([]);
  });
});

describe('in the configuration', () => {
  const write = async (lines: readonly string[]): Promise<string> => {
    await writeFile(at('limpid.yaml'), `${lines.join('\n')}\n`);
    return at('limpid.yaml');
  };
  const sound = [
    'node:',
    '  aeTitle: LIMPID',
    '  dimse:',
    '    tls: { certificateFile: node.crt, keyFile: node.key, caFile: ca.crt }',
    'peers:',
    "  ct1: { aeTitle: CT1, tls: { fingerprints: ['sha256 Fingerprint=" +
      'Ab:'.repeat(31) +
      "cd'], subjects: ['O=Test, CN=ct1'] } }",
    '  pacs: { aeTitle: PACS, host: localhost, port: 104, tls: { caFile: other.crt } }',
  ];

  it('paths are relative to its file; peers without files of their own are called with those of the node', async () => {
    const config = await loadConfig(await write(sound), {}, { certificates: 'check' });
    expect(config.node.dimse.tls).toEqual({
      port: 2762,
      clientCertificate: 'required',
      certificateFile: at('node.crt'),
      keyFile: at('node.key'),
      caFile: at('ca.crt'),
    });
    const [[, ct1] = []] = dicomPeers(config.peers);
    expect(ct1?.tls?.fingerprints).toEqual([`${'ab'.repeat(31)}cd`]);
    expect(ct1?.tls?.subjects).toEqual([['CN=ct1', 'O=Test']]);
    expect(tlsPlaces(config).map(({ users, caFile, keyFile }) => ({ users, caFile, keyFile }))).toEqual([
      { users: [null, 'ct1'], caFile: at('ca.crt'), keyFile: at('node.key') },
      { users: ['pacs'], caFile: at('other.crt'), keyFile: at('node.key') },
    ]);
  });

  it('a subject that ends within an attribute is a fault: a space behind a backslash needs quotes in YAML', async () => {
    const subjects = async (text: string) => {
      const peers = ['peers:', '  ct1:', '    aeTitle: CT1', '    tls:', '      subjects:', `        - ${text}`];
      try {
        const [[, peer] = []] = dicomPeers((await loadConfig(await write([...sound.slice(0, 4), ...peers]), {})).peers);
        return peer?.tls?.subjects;
      } catch (error) {
        return error instanceof ConfigInvalidError ? error.message : error;
      }
    };
    expect(await subjects("'CN=ct1\\ '")).toEqual([['CN=ct1\\ ']]);
    expect(await subjects("' CN=ct1\\  , O=a\\, b '")).toEqual([['CN=ct1\\ ', 'O=a\\, b']]);
    expect(await subjects('CN=ct1\\ ')).toContain('expected the subject of a certificate');
    expect(await subjects('CN=ct1,,O=Test')).toContain('expected the subject of a certificate');
  });

  it('faults of files stand at the keys that name them, and are looked for only where they are used', async () => {
    await copyFile(at('other.key'), at('wrong.key'));
    const file = await write(
      sound.map((line) => line.replace('node.key', 'wrong.key').replace('other.crt', 'gone.crt')),
    );
    await expect(loadConfig(file, {})).resolves.toBeDefined();
    const error: unknown = await loadConfig(file, {}, { certificates: 'check' }).catch((thrown: unknown) => thrown);
    const faults = error instanceof ConfigInvalidError ? error.faults : [];
    expect(faults.map((fault) => faultText(fault).replaceAll(`${folder.path}/`, ''))).toEqual([
      'limpid.yaml:4:48 node.dimse.tls.keyFile: wrong.key is not the key of the certificate',
      'limpid.yaml:7:69 peers.pacs.tls.caFile: gone.crt cannot be read: ENOENT',
    ]);
  });
});
