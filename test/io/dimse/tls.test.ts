// DICOM over TLS: what is negotiated, who is believed, certificates that change, and DCMTK on both sides.
import { constants } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { type Socket, connect as connectPlain, createServer } from 'node:net';
import { join } from 'node:path';
import { type ConnectionOptions, type TLSSocket, connect, createServer as createTlsServer } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { peerTls } from '../../../src/config/tls-schema.js';
import { PduType } from '../../../src/io/dimse/pdu.js';
import type { ScpOptions } from '../../../src/io/dimse/scp.js';
import { echo, send } from '../../../src/io/dimse/scu.js';
import { type Security, TlsCredentials } from '../../../src/io/dimse/tls.js';
import type { TlsTarget } from '../../../src/io/dimse/tls-caller.js';
import type { Log } from '../../../src/observe/log.js';
import { admit } from '../../../src/receive/admission.js';
import { associateRequest } from '../../support/dimse-bytes.js';
import { freePort } from '../../support/free-port.js';
import {
  type Authority,
  type Identity,
  type IdentityFiles,
  makeAuthority,
  writeIdentity,
} from '../../support/certificates.js';
import { type TestFiles, writeTestFiles } from '../../support/part10-files.js';
import { describeWithPeers, runTool, startStoreScp } from '../../support/peers.js';
import { openFolder } from '../../support/temporary.js';
import { type TestScp, openTestScp, silentLog } from '../../support/test-scp.js';

let authority: Authority;
let stranger: Authority;
let node: Identity;
let ct1: Identity;
let ct2: Identity;
let unknown: Identity;
/** Known by its alternative names alone. */
let nameless: Identity;
beforeAll(async () => {
  authority = await makeAuthority();
  stranger = await makeAuthority('CN=Another Authority');
  node = await authority.issue({ name: 'CN=limpid, O=Test', altNames: [{ type: 'dns', value: 'limpid.test' }] });
  ct1 = await authority.issue({ name: 'CN=ct1, O=Test' });
  ct2 = await authority.issue({ name: 'CN=ct2, O=Test' });
  unknown = await stranger.issue({ name: 'CN=ct1, O=Test' });
  nameless = await authority.issue({ name: [], altNames: [{ type: 'dns', value: 'limpid.test' }] });
});

const credentialsOf = ({ certificate, key }: Identity, authorities = authority.certificate) =>
  new TlsCredentials({ certificate, key, authorities });
const anyCertificate = { fingerprints: [], subjects: [] };

let scp: TestScp | null = null;
let listenerCredentials: TlsCredentials;
afterEach(async () => {
  await scp?.scp.close();
  scp = null;
});

interface Wishes {
  readonly clientCertificate?: 'required' | 'optional';
  readonly admit?: ScpOptions['admit'];
  readonly log?: Log;
  readonly limits?: NonNullable<ScpOptions['limits']>;
}
async function open({ clientCertificate = 'required', ...rest }: Wishes = {}): Promise<TestScp> {
  listenerCredentials = credentialsOf(node);
  scp = await openTestScp({ ...rest, tls: { port: 0, credentials: listenerCredentials, clientCertificate } });
  return scp;
}

const targetOf = (port: number, tls: Partial<TlsTarget> & Pick<TlsTarget, 'credentials'>) => ({
  aeTitle: 'LIMPID',
  host: '127.0.0.1',
  port,
  callingAe: 'CT1',
  tls: { serverName: 'limpid.test', allowed: anyCertificate, ...tls },
  limits: { connectMs: 3000 },
});

/** A bare handshake with what the test wants to offer. @returns the protocol, or the error's code */
async function handshake(options: ConnectionOptions): Promise<string> {
  const socket: TLSSocket = connect({
    host: '127.0.0.1',
    port: scp?.scp.tlsPort ?? 0,
    ca: authority.certificate,
    cert: ct1.certificate,
    key: ct1.key,
    checkServerIdentity: () => undefined,
    ...options,
  });
  return new Promise((resolve) => {
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'failed'));
    socket.once('close', () => resolve('closed'));
    // by TLS 1.3 a refusal follows on the handshake: silence means that the acceptor waits for a request
    socket.once('secureConnect', () =>
      setTimeout(() => {
        if (!socket.destroyed) resolve(`${socket.getProtocol()} ${socket.getCipher().name}`);
        socket.destroy();
      }, 100),
    );
  });
}

const refusals = async (reason: string): Promise<number> => {
  const text = (await scp?.metrics.text()) ?? '';
  return Number(new RegExp(`limpid_tls_refused_total{reason="${reason}"} (\\d+)`).exec(text)?.[1]);
};

describe('the listener', () => {
  it('is there beside the plain one, and serves both', async () => {
    const { scp: opened } = await open();
    const plain = { aeTitle: 'LIMPID', host: '127.0.0.1', port: opened.port, callingAe: 'CT1' };
    expect((await echo(plain, { log: silentLog })).status).toBe(0);
    const target = targetOf(opened.tlsPort, { credentials: credentialsOf(ct1) });
    expect((await echo(target, { log: silentLog })).status).toBe(0);
  });

  it('can be alone', async () => {
    const credentials = credentialsOf(node);
    const alone = await openTestScp({ port: null, tls: { port: 0, credentials, clientCertificate: 'required' } });
    scp = alone;
    expect(alone.scp.port).toBe(0);
    const target = targetOf(alone.scp.tlsPort, { credentials: credentialsOf(ct1) });
    expect((await echo(target, { log: silentLog })).status).toBe(0);
  });

  it('offers TLS 1.2 and 1.3 with the suites of BCP 195, and nothing else', async () => {
    await open();
    expect(await handshake({})).toBe('TLSv1.3 TLS_AES_128_GCM_SHA256');
    const old = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const;
    expect(await handshake(old)).toBe('TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256');
    const only = (ciphers: string) => handshake({ ...old, ciphers });
    expect(await only('ECDHE-ECDSA-AES256-GCM-SHA384')).toBe('TLSv1.2 ECDHE-ECDSA-AES256-GCM-SHA384');
    for (const refused of ['ECDHE-ECDSA-AES128-SHA256', 'ECDHE-ECDSA-AES128-SHA', 'AES128-GCM-SHA256', 'AES128-SHA']) {
      expect(await only(refused)).toMatch(/^ERR_SSL_.*HANDSHAKE_FAILURE/);
    }
    const ancient = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' } as const;
    expect(await handshake(ancient)).toMatch(/PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/);
    expect(await refusals('protocol')).toBe(5);
  });

  it('takes a certificate of P-521 by TLS 1.2 too, and one that has it is called', async () => {
    const large = await authority.issue({ name: 'CN=ct1, O=Test', namedCurve: 'P-521' });
    await open();
    const old = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const;
    expect(await handshake({ ...old, cert: large.certificate, key: large.key })).toMatch(/^TLSv1.2/);
    const peer = createTlsServer({ ...old, cert: large.certificate, key: large.key }, (socket) => socket.end());
    await new Promise<void>((resolve) => peer.listen(0, '127.0.0.1', resolve));
    const address = peer.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    const { context: secureContext } = credentialsOf(ct1);
    const socket = connect({ host: '127.0.0.1', port, secureContext });
    await once(socket, 'secureConnect'); // rejects with the error of a handshake that fails
    expect(socket.authorized).toBe(true);
    socket.destroy();
    peer.close();
  });

  it('gives no session that outlives a change of certificates, and does not renegotiate', async () => {
    await open();
    let tickets = 0;
    const socket = connect({
      port: scp?.scp.tlsPort ?? 0,
      ca: authority.certificate,
      cert: ct1.certificate,
      key: ct1.key,
      checkServerIdentity: () => undefined,
      secureOptions: constants.SSL_OP_ALL,
    });
    socket.on('session', () => tickets++);
    await new Promise((resolve) => socket.once('secureConnect', resolve));
    await new Promise((resolve) => setTimeout(resolve, 100));
    const session = socket.getSession();
    socket.destroy();
    const again = connect({
      port: scp?.scp.tlsPort ?? 0,
      ca: authority.certificate,
      cert: ct1.certificate,
      key: ct1.key,
      checkServerIdentity: () => undefined,
      ...(session === undefined ? {} : { session }),
    });
    await new Promise((resolve) => again.once('secureConnect', resolve));
    expect(again.isSessionReused()).toBe(false);
    again.destroy();
  });

  it('asks for a certificate, and takes none of another authority; the log tells whose, and why', async () => {
    const said: object[] = [];
    const log = { ...silentLog, warn: (event: string, fields?: object) => void said.push({ event, ...fields }) };
    await open({ log });
    expect(await handshake({ cert: '', key: '' })).toMatch(/CERTIFICATE_REQUIRED/);
    expect(await handshake({ cert: unknown.certificate, key: unknown.key })).toMatch(/^(ECONNRESET|closed)$/);
    const weak = await authority.issue({ name: 'CN=ct1, O=Test', rsaBits: 1024 });
    const weakly = { cert: weak.certificate, key: weak.key, ciphers: 'ALL:@SECLEVEL=0' };
    expect(await handshake(weakly)).toMatch(/^(ECONNRESET|closed)$/);
    expect(await refusals('certificate')).toBe(3);
    const refused = { event: 'TLS connection refused', address: '127.0.0.1', reason: 'certificate' };
    expect(said).toEqual([
      { ...refused, code: 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE' },
      { ...refused, code: 'CERT UNABLE_TO_VERIFY_LEAF_SIGNATURE' },
      { ...refused, code: expect.stringContaining('too weak') },
    ]);
  });

  it('takes no certificate that has ended', async () => {
    await open();
    const past = new Date(Date.now() - 1000);
    const ended = await authority.issue({ name: 'CN=ct1, O=Test', to: past });
    expect(await handshake({ cert: ended.certificate, key: ended.key })).toMatch(/^(ECONNRESET|closed)$/);
    expect(await refusals('certificate')).toBe(1);
  });

  it('lets in who has none where the site says so, but none that is wrong', async () => {
    await open({ clientCertificate: 'optional' });
    expect(await handshake({ cert: '', key: '' })).toMatch(/^TLSv1.3/);
    expect(await handshake({ cert: unknown.certificate, key: unknown.key })).toMatch(/^(ECONNRESET|closed)$/);
  });

  it('answers no plain PDU', async () => {
    const { scp: opened } = await open();
    const socket = connectPlain({ port: opened.tlsPort, host: '127.0.0.1' });
    socket.write(Buffer.from('0100000000f40001', 'hex'));
    const got = await new Promise<Buffer>((resolve) => {
      const parts: Buffer[] = [];
      socket.on('data', (chunk) => parts.push(chunk));
      socket.on('close', () => resolve(Buffer.concat(parts)));
      socket.on('error', () => {});
    });
    // a TLS alert at most (record type 21), no DICOM PDU
    expect([undefined, 21]).toContain(got[0]);
    expect(await refusals('plain')).toBe(1);
  });

  it('closes while somebody is still shaking hands', async () => {
    const { scp: opened } = await open();
    const silent = Array.from({ length: 3 }, () => connectPlain({ port: opened.tlsPort, host: '127.0.0.1' }));
    await Promise.all(silent.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
    for (const socket of silent) socket.on('error', () => {});
    const closed = Promise.all(silent.map((socket) => new Promise((resolve) => socket.once('close', resolve))));
    await opened.close();
    scp = null;
    await closed;
  });

  it('handshakes of many addresses that never go on keep nobody out', async () => {
    const { scp: opened } = await open({ limits: { associations: 4 } });
    const sockets: Socket[] = [];
    for (let count = 0; count < 40; count++) {
      const localAddress = `127.0.0.${2 + (count % 10)}`;
      const socket = connectPlain({ port: opened.tlsPort, host: '127.0.0.1', localAddress }).on('error', () => {});
      await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve));
      sockets.push(socket);
    }
    const target = targetOf(opened.tlsPort, { credentials: credentialsOf(ct1) });
    expect((await echo(target, { log: silentLog })).status).toBe(0);
    for (const socket of sockets) socket.destroy();
  });

  it('holds no more than eight handshakes of one address, and says so: it was not the caller who hung up', async () => {
    const said: object[] = [];
    const log = { ...silentLog, warn: (_: string, fields?: object) => void said.push({ ...fields }) };
    const { scp: opened } = await open({ log });
    const sockets = Array.from({ length: 12 }, () => connectPlain({ port: opened.tlsPort, host: '127.0.0.1' }));
    const closed = new Set<Socket>();
    for (const socket of sockets) socket.on('error', () => {}).on('close', () => closed.add(socket));
    while (closed.size < 4) await new Promise((resolve) => setTimeout(resolve, 20));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(closed.size).toBe(4);
    const refused = { address: '127.0.0.1', reason: 'other', code: 'too many handshakes at once' };
    expect(said).toEqual([refused, refused, refused, refused]);
    for (const socket of sockets) socket.destroy();
  });

  it('counts no handshake that is over: more than eight of one address may be through', async () => {
    const { scp: opened } = await open({ limits: { associationsOfPeer: 20 } });
    const sockets: TLSSocket[] = [];
    for (let count = 0; count < 12; count++) {
      const socket = connect({
        host: '127.0.0.1',
        port: opened.tlsPort,
        ca: authority.certificate,
        cert: ct1.certificate,
        key: ct1.key,
        checkServerIdentity: () => undefined,
      });
      sockets.push(socket);
      socket.write(associateRequest());
      const [answer]: unknown[] = await once(socket, 'data');
      expect(Buffer.isBuffer(answer) && answer[0]).toBe(PduType.AssociateAccept);
    }
    expect(opened.associations()).toBe(12);
    for (const socket of sockets) socket.destroy();
  });

  it('uses new certificates for new connections; those that are open stay', async () => {
    const { scp: opened } = await open();
    const fingerprintSeen = async (): Promise<string> => {
      const socket = connect({
        port: opened.tlsPort,
        ca: authority.certificate,
        cert: ct1.certificate,
        key: ct1.key,
        checkServerIdentity: () => undefined,
      });
      await new Promise((resolve) => socket.once('secureConnect', resolve));
      const { fingerprint256 } = socket.getPeerCertificate();
      socket.destroy();
      return fingerprint256.replaceAll(':', '').toLowerCase();
    };
    expect(await fingerprintSeen()).toBe(node.fingerprint);
    const early = connect({
      port: opened.tlsPort,
      ca: authority.certificate,
      cert: ct1.certificate,
      key: ct1.key,
      checkServerIdentity: () => undefined,
    });
    await new Promise((resolve) => early.once('secureConnect', resolve));
    const renewed = await authority.issue({ name: 'CN=limpid, O=Test' });
    listenerCredentials.replace({ ...renewed, authorities: authority.certificate });
    expect(await fingerprintSeen()).toBe(renewed.fingerprint);
    expect(() => listenerCredentials.replace({ certificate: 'x', key: 'y', authorities: '' })).toThrow();
    expect(await fingerprintSeen()).toBe(renewed.fingerprint);
    // the authority goes: its certificates are no longer taken
    listenerCredentials.replace({ ...renewed, authorities: stranger.certificate });
    expect(await handshake({})).toMatch(/^(ECONNRESET|closed)$/);
    early.write(associateRequest());
    const [answer]: Buffer[] = await once(early, 'data');
    expect(answer?.[0]).toBe(PduType.AssociateAccept);
    early.destroy();
  });
});

describe('who calls', () => {
  const admission = (fingerprints: readonly string[], subjects: readonly (readonly string[])[]) => ({
    aeTitles: ['LIMPID'],
    unknownCallers: 'refuse' as const,
    peers: [
      {
        name: 'ct1',
        aeTitle: 'CT1',
        from: null,
        tls: { allowed: { fingerprints, subjects }, plainCalls: 'refuse' as const },
        user: null,
        policy: { store: 'allow' as const, classes: null, mismatch: 'refuse' as const, associations: 8 },
      },
    ],
  });
  const call = (identity: Identity) => {
    const target = targetOf(scp?.scp.tlsPort ?? 0, { credentials: credentialsOf(identity) });
    return echo(target, { log: silentLog }).then(
      ({ status }) => status,
      (error: Error) => error.message,
    );
  };
  const refused = 'refused by the peer: calling AE title not recognized (1/1/3)';

  it.each([
    ['fingerprint', () => admission([ct1.fingerprint], [])],
    ['subject', () => admission([], [['CN=ct1', 'O=Test']])],
  ])('is its certificate, by %s, with its AE title', async (_, policy) => {
    await open({ admit: (request) => admit(request, policy(), null) });
    expect(await call(ct1)).toBe(0);
    expect(await call(ct2)).toContain('1/1/3');
    const plain = { aeTitle: 'LIMPID', host: '127.0.0.1', port: scp?.scp.port ?? 0, callingAe: 'CT1' };
    await expect(echo(plain, { log: silentLog })).rejects.toMatchObject({ code: 'DIMSE_REJECTED' });
    expect(refused).toContain('1/1/3');
  });

  it('may have a certificate without a subject: known by its fingerprint, and by no subject', async () => {
    await open({ admit: (request) => admit(request, admission([nameless.fingerprint], []), null) });
    expect(await call(nameless)).toBe(0);
    await scp?.scp.close();
    const whys: unknown[] = [];
    const log = {
      ...silentLog,
      warn: (_event: string, fields?: object) => void whys.push(Reflect.get(fields ?? {}, 'why')),
    };
    await open({ log, admit: (request) => admit(request, admission([], [['CN=ct1', 'O=Test']]), null) });
    expect(await call(nameless)).toContain('1/1/3');
    expect(whys.join()).toContain(`SHA-256 ${nameless.fingerprint}, no subject`);
  });

  it.each([
    ['ends in a space', { CN: ['ct1 '] }, 'CN=ct1\\ '],
    ['holds a comma', { CN: ['a,b'] }, 'CN=a\\,b'],
    ['ends in a backslash', { CN: ['a\\'] }, 'CN=a\\\\'],
    ['is no ASCII', { CN: ['Röntgen 2. Stock'] }, 'CN=Röntgen 2. Stock'],
    ['has two attributes in one', { CN: ['a'], OU: ['b'] }, 'CN=a + OU=b'],
    ['has an attribute without a name', { '1.2.276.0.76.4.17': ['1-abc'] }, '1.2.276.0.76.4.17=1-abc'],
  ])('may have a subject that %s, listed as the log writes it', async (_, name, written) => {
    const identity = await authority.issue({ name: [name, { O: ['Test'] }] });
    for (const text of [`${written},O=Test`, `O=Test, ${written}`]) {
      const { subjects } = peerTls.parse({ subjects: [text] });
      await open({ admit: (request) => admit(request, admission([], subjects), null) });
      expect(await call(identity)).toBe(0);
      expect(await call(ct1)).toContain('1/1/3');
      await scp?.scp.close();
    }
  });

  it('admission: every way in and out', () => {
    const shown: Security = {
      kind: 'tls',
      protocol: 'TLSv1.3',
      certificate: { fingerprint: 'ab', subject: ['CN=ct1', 'O=Test'] },
    };
    const none: Security = { kind: 'tls', protocol: 'TLSv1.2', certificate: null };
    const plain: Security = { kind: 'plain' };
    const answer = (
      tls: { fingerprints: string[]; subjects: string[][] } | null,
      plainCalls: 'refuse' | 'accept',
      security: Security,
    ) => {
      const policy = admission([], []);
      const peers = policy.peers.map((peer) => ({ ...peer, tls: tls && { allowed: tls, plainCalls } }));
      const request = { callingAe: 'CT1', calledAe: 'LIMPID', address: '10.0.0.1', security, identity: null };
      const decided = admit(request, { ...policy, peers }, null);
      return decided.kind === 'admit' ? decided.peer : decided.why;
    };
    const any = { fingerprints: [], subjects: [] };
    const listed = { fingerprints: ['ab'], subjects: [] };
    const other = { fingerprints: ['cd'], subjects: [['CN=ct1']] };
    expect(answer(null, 'refuse', plain)).toBe('ct1');
    expect(answer(null, 'refuse', shown)).toBe('ct1');
    expect(answer(any, 'refuse', plain)).toBe('the peer may call over TLS only');
    expect(answer(any, 'accept', plain)).toBe('ct1');
    expect(answer(any, 'refuse', none)).toBe('ct1');
    expect(answer(listed, 'refuse', none)).toBe('the peer shows no certificate');
    expect(answer(listed, 'refuse', shown)).toBe('ct1');
    expect(answer(other, 'accept', shown)).toContain('SHA-256 ab, subject CN=ct1,O=Test');
  });
});

describe('calling', () => {
  const failure = async (tls: Partial<TlsTarget> & Pick<TlsTarget, 'credentials'>, port?: number) => {
    const target = targetOf(port ?? scp?.scp.tlsPort ?? 0, tls);
    return echo(target, { log: silentLog }).then(
      () => 'answered',
      (error: { code: string; message: string; deliveryClass: string }) =>
        `${error.code} ${error.deliveryClass} ${error.message}`,
    );
  };

  it('believes who has the name, or is listed', async () => {
    await open();
    const credentials = credentialsOf(ct1);
    expect(await failure({ credentials })).toBe('answered');
    expect(await failure({ credentials, serverName: 'other.test' })).toContain('DIMSE_TLS permanent');
    expect(await failure({ credentials, serverName: null })).toContain('DIMSE_TLS permanent'); // it does not hold 127.0.0.1
    const listed = { fingerprints: [node.fingerprint], subjects: [] };
    expect(await failure({ credentials, serverName: null, allowed: listed })).toBe('answered');
    const another = { fingerprints: [ct2.fingerprint], subjects: [['CN=other']] };
    expect(await failure({ credentials, allowed: another })).toContain(node.fingerprint);
  });

  it('believes a certificate without a subject by the names that it holds', async () => {
    await open();
    listenerCredentials.replace({ ...nameless, authorities: authority.certificate });
    const credentials = credentialsOf(ct1);
    expect(await failure({ credentials })).toBe('answered');
    expect(await failure({ credentials, serverName: 'other.test' })).toContain('DIMSE_TLS permanent');
    const listed = { fingerprints: [node.fingerprint], subjects: [] };
    expect(await failure({ credentials, allowed: listed })).toContain(`${nameless.fingerprint}, no subject`);
  });

  it('a fault that stays is permanent, one that passes is transient', async () => {
    const { scp: opened } = await open();
    const untrusting = credentialsOf(ct1, stranger.certificate);
    expect(await failure({ credentials: untrusting })).toContain('DIMSE_TLS permanent');
    expect(await failure({ credentials: credentialsOf(unknown) })).toMatch(/^DIMSE_(TLS|CONNECT)/);
    const without = new TlsCredentials({ certificate: null, key: null, authorities: authority.certificate });
    expect(await failure({ credentials: without })).toMatch(/^DIMSE_TLS permanent .*CERTIFICATE_REQUIRED/);
    // the peer speaks no TLS
    expect(await failure({ credentials: credentialsOf(ct1) }, opened.port)).toMatch(/^DIMSE_TLS permanent/);
    const nobody = await freePort();
    expect(await failure({ credentials: credentialsOf(ct1) }, nobody)).toContain('DIMSE_CONNECT transient');
  });

  it('is given up when the peer does not shake hands, or when told to stop', async () => {
    const silent = createServer((socket) => socket.resume());
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const address = silent.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const target = { ...targetOf(port, { credentials: credentialsOf(ct1) }), limits: { connectMs: 200 } };
    await expect(echo(target, { log: silentLog })).rejects.toMatchObject({
      code: 'DIMSE_TIMEOUT',
      deliveryClass: 'transient',
    });
    const signal = AbortSignal.timeout(100);
    const patient = { ...target, limits: { connectMs: 5000 } };
    await expect(echo(patient, { log: silentLog, signal })).rejects.toMatchObject({ code: 'DIMSE_ABORTED' });
    await new Promise<void>((resolve) => silent.close(() => resolve()));
  });
});

describeWithPeers(['echoscu', 'storescu', 'storescp'], 'DCMTK over TLS', () => {
  let folder: Awaited<ReturnType<typeof openFolder>>;
  let files: TestFiles;
  let scuFiles: IdentityFiles;
  let caFile: string;
  beforeAll(async () => {
    folder = await openFolder();
    files = await writeTestFiles(
      [1, 2, 3].map((index) => ({ sopInstanceUid: `1.2.3.7.${index}`, pixelBytes: 200_000 })),
    );
    scuFiles = await writeIdentity(folder.path, 'ct1', ct1);
    caFile = join(folder.path, 'ca.crt');
    await writeFile(caFile, authority.certificate);
  });
  afterAll(async () => {
    await files.remove();
    await folder.remove();
  });
  const tlsArgs = (identity: IdentityFiles) => ['+tls', identity.keyFile, identity.certificateFile, '+cf', caFile];

  it('echoscu and storescu come in, byte by byte', async () => {
    const { scp: opened, store } = await open();
    const at = ['-aec', 'LIMPID', '127.0.0.1', `${opened.tlsPort}`];
    expect(await runTool('echoscu', [...tlsArgs(scuFiles), ...at])).toMatchObject({ code: 0 });
    const paths = files.instances.map(({ file }) => file);
    expect(await runTool('storescu', [...tlsArgs(scuFiles), ...at, ...paths])).toMatchObject({ code: 0 });
    expect(store.objects).toHaveLength(3);
    for (const { facts, bytes } of store.objects) {
      expect(files.bytes(facts.sopInstanceUid).equals(bytes)).toBe(true);
    }
  });

  it('a plain echoscu does not, nor one with an anonymous TLS', async () => {
    const { scp: opened } = await open();
    const at = ['-aec', 'LIMPID', '127.0.0.1', `${opened.tlsPort}`];
    expect((await runTool('echoscu', ['-to', '3', '-ta', '3', ...at])).code).not.toBe(0);
    expect((await runTool('echoscu', ['-to', '3', '-ta', '3', '+tla', '-ic', ...at])).code).not.toBe(0);
    expect(await refusals('certificate')).toBe(1);
  });

  it.each([
    ['TLS 1.2 by its non-downgrading profile', ['+py']],
    ['its default', []],
  ])('storescp takes what limpid sends: %s', async (_, options) => {
    const identity = await writeIdentity(folder.path, 'storescp', ct2);
    const archive = await startStoreScp({ args: [...tlsArgs(identity), ...options] });
    const target = {
      ...targetOf(archive.port, { credentials: credentialsOf(node), serverName: null }),
      aeTitle: 'STORESCP',
    };
    const report = await send(target, files.instances, { associations: 1, log: silentLog });
    expect(report.outcomes.map(({ status }) => status)).toEqual([0, 0, 0]);
    expect(await archive.files()).toHaveLength(3);
    const stopped = await send({ ...target, tls: undefined }, files.instances, { associations: 1, log: silentLog });
    expect(stopped.outcomes.map((outcome) => outcome.class)).toEqual(['transient', 'transient', 'transient']);
    await archive.stop();
  });
});
