// The destination doctor: each step against a peer that is right, and against one that is wrong in that step.
import { createServer as createPlainServer } from 'node:net';
import { createServer } from 'node:tls';
import { describe, expect, it } from '@jest/globals';
import type { Finding } from '../../../src/io/dimse/examine-connection.js';
import { type Command, encodeCommand } from '../../../src/io/dimse/command.js';
import { examinePeer } from '../../../src/io/dimse/examine.js';
import { acceptsCommitment } from '../../../src/io/dimse/commitment-scu.js';
import { ask } from '../../../src/io/dicomweb/http.js';
import { answerRequest } from '../../../src/io/dimse/negotiate.js';
import { encodeData, encodeReject } from '../../../src/io/dimse/pdu.js';
import type { ScuTarget } from '../../../src/io/dimse/requestor.js';
import { ctClass } from '../../support/dimse-bytes.js';
import { freePort } from '../../support/free-port.js';
import { TlsCredentials } from '../../../src/io/dimse/tls.js';
import type { TlsTarget } from '../../../src/io/dimse/tls-caller.js';
import { type Identity, makeAuthority } from '../../support/certificates.js';
import { openTestScp } from '../../support/test-scp.js';
import { describeWithPeers, startOrthanc } from '../../support/peers.js';
import { type ScriptedScpOptions, openScriptedScp } from '../../support/scripted-scp.js';
import { openClosers } from '../../support/closers.js';

const closers = openClosers();

const at = (port: number, change: Partial<ScuTarget> = {}): ScuTarget => ({
  aeTitle: 'PACS',
  host: '127.0.0.1',
  port,
  callingAe: 'LIMPID',
  ...change,
});

async function peer(options: ScriptedScpOptions = {}): Promise<number> {
  const scp = await openScriptedScp(options);
  closers.push(() => scp.close());
  return scp.port;
}

const check = (target: ScuTarget, commitment: ScuTarget | null = null): Promise<Finding[]> =>
  examinePeer(target, { commitment, nowMs: 0, signal: AbortSignal.timeout(20_000) });

const words = (findings: readonly Finding[]): string =>
  findings.map(({ step, state }) => `${step} ${state}`).join(', ');
const of = (findings: readonly Finding[], step: Finding['step']): Finding => {
  const found = findings.find((finding) => finding.step === step);
  if (found === undefined) throw new Error(`no ${step}`);
  return found;
};

describe('examining a peer', () => {
  it('that takes everything', async () => {
    const port = await peer({
      associate: (asked) => answerRequest(asked, 16_384, { requests: true, reports: false }),
    });
    const findings = await check(at(port), at(port));
    expect(words(findings)).toBe('name ok, tcp ok, tls skipped, association ok, contexts ok, echo ok, commitment ok');
    expect(of(findings, 'contexts').found).toContain('CT, MR');
    expect(of(findings, 'association').found).toContain('as LIMPID to PACS');
    expect(of(findings, 'echo').found).toMatch(/^5 answered, median \d+\.\d ms$/);
  });

  it('whose name nobody knows', async () => {
    const findings = await check(at(104, { host: 'no-such-host.invalid' }));
    expect(words(findings)).toMatch(/^name failed, tcp skipped, .*commitment skipped$/);
    expect(of(findings, 'name').advice).toContain('name server');
  });

  it('that does not listen', async () => {
    const findings = await check(at(await freePort()));
    expect(words(findings)).toContain('tcp failed, tls skipped, association skipped');
    expect(of(findings, 'tcp')).toMatchObject({ found: expect.stringContaining('ECONNREFUSED') });
    expect(of(findings, 'tcp').advice).toContain('nothing listens at this port');
  });

  it('that does not know the calling AE title', async () => {
    const port = await peer({
      associate: (_, socket) => {
        socket.end(encodeReject({ result: 1, source: 1, reason: 3 }));
        return null;
      },
    });
    const findings = await check(at(port));
    expect(words(findings)).toContain('tcp ok, tls skipped, association failed, contexts skipped');
    expect(of(findings, 'association').found).toContain('calling AE title not recognized');
    expect(of(findings, 'association').advice).toContain('AE titles');
  });

  it('that takes no CT', async () => {
    const port = await peer({
      associate: (asked) => {
        const answer = answerRequest(asked, 16_384);
        const isCt = (id: number) => asked.contexts.find((one) => one.id === id)?.abstractSyntaxUid === ctClass;
        return { ...answer, contexts: answer.contexts.map((one) => (isCt(one.id) ? { ...one, result: 3 } : one)) };
      },
    });
    const findings = await check(at(port));
    expect(of(findings, 'contexts')).toMatchObject({
      state: 'failed',
      found: expect.stringContaining('not accepted: CT'),
    });
    expect(of(findings, 'contexts').advice).toBe('Have the peer accept CT Image Storage from this AE title.');
    expect(of(findings, 'echo').state).toBe('ok');
  });

  it('that breaks the association it has accepted, or answers without a status', async () => {
    const hungUp = await check(at(await peer({ message: ({ socket }) => void socket.destroy() })));
    expect(words(hungUp)).toContain('association ok, contexts ok, echo failed');
    expect(of(hungUp, 'echo').found).toMatch(/^0 answered, then: connection lost/);
    expect(of(hungUp, 'echo').advice).toContain('C-ECHO');
    const bare = (request: Command): Uint8Array => {
      const response = encodeCommand({ field: 0x8030, hasDataSet: false, respondedTo: request.messageId ?? 0 });
      return encodeData(1, 'command', response, 16_384);
    };
    const port = await peer({ message: ({ socket, command }) => void socket.write(bare(command)) });
    expect(of(await check(at(port)), 'echo')).toMatchObject({ state: 'failed', found: 'an answer without a status' });
  });

  it('that is no DICOM node', async () => {
    const port = await peer({ associate: (_, socket) => (socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'), null) });
    expect(of(await check(at(port)), 'association').advice).toContain('no DICOM port');
  });

  it('whose every answer is held up for 40 ms', async () => {
    const port = await peer({ message: ({ respond }) => void setTimeout(respond, 42) });
    const finding = of(await check(at(port)), 'echo');
    expect(finding.state).toBe('warning');
    expect(finding.advice).toContain('TCP_NODELAY');
  });

  it('that is asked for commitment and gives none', async () => {
    const port = await peer();
    const finding = of(await check(at(port), at(port)), 'commitment');
    expect(finding).toMatchObject({ state: 'failed', found: 'PACS does not accept the Storage Commitment Push Model' });
  });
});

describe('the TLS of a peer', () => {
  const dayMs = 86_400_000;
  const at1 = (days: number) => new Date(Date.now() + days * dayMs);
  async function secured(identity: Identity, authorities: string, change: Partial<TlsTarget> = {}) {
    const material = { certificate: identity.certificate, key: identity.key, authorities };
    const credentials = new TlsCredentials(material);
    const tls = { port: 0, credentials, clientCertificate: 'optional' } as const;
    const node = await openTestScp({ port: null, tls });
    closers.push(() => node.scp.close());
    const allowed = { fingerprints: [], subjects: [] };
    const target = at(node.scp.tlsPort, {
      aeTitle: 'LIMPID',
      tls: { credentials: new TlsCredentials({ ...material, ...own }), serverName: null, allowed, ...change },
    });
    const options = { commitment: null, nowMs: Date.now(), signal: AbortSignal.timeout(20_000) };
    const findings = await examinePeer(target, options);
    return { tls: of(findings, 'tls'), words: words(findings) };
  }
  const own = { certificate: null, key: null };

  it('is shown with its chain and its dates, and warned of where one ends soon', async () => {
    const authority = await makeAuthority();
    const { tls, words: all } = await secured(await authority.issue({ name: 'CN=pacs' }), authority.certificate);
    expect(all).toMatch(/^name ok, tcp ok, tls warning, association ok, contexts ok, echo ok/);
    expect(tls.found).toMatch(
      /^TLSv1\.3, TLS_\w+; CN=pacs \(IP Address:127\.0\.0\.1; valid for \d more days\), issued by CN=Test Authority \(valid for \d more days\)$/,
    );
    expect(tls.advice).toContain('renewed before they end');
  });
  it('has ended', async () => {
    const authority = await makeAuthority();
    const ended = await authority.issue({ name: 'CN=pacs', from: at1(-10), to: at1(-2.5) });
    const { tls, words: all } = await secured(ended, authority.certificate);
    expect(all).toContain('tls failed, association skipped');
    expect(tls.found).toMatch(
      /^no TLS: CERT_HAS_EXPIRED; it shows CN=pacs \(IP Address:127\.0\.0\.1; ended 3 days ago\)/,
    );
    expect(tls.advice).toMatch(/^Have the peer's certificate renewed;/);
  });
  it('ended, begins or lasts for a day: in words of one day', async () => {
    const authority = await makeAuthority('CN=Lasting', at1(1.5));
    const shown = async (from: number, to: number) =>
      (await secured(await authority.issue({ name: 'CN=pacs', from: at1(from), to: at1(to) }), authority.certificate))
        .tls.found;
    expect(await shown(-10, -0.5)).toContain('; ended 1 day ago)');
    expect(await shown(0.5, 2)).toContain('; begins in 1 day)');
    expect(await shown(-1, 1.5)).toContain('; valid for 1 more day), issued by CN=Lasting (valid for 1 more day)');
  });
  it('has not ended, but that of its authority', async () => {
    const authority = await makeAuthority('CN=Ended', at1(-0.1));
    const { tls } = await secured(await authority.issue({ name: 'CN=pacs' }), authority.certificate);
    expect(tls.found).toMatch(/^no TLS: CERT_HAS_EXPIRED; it shows CN=pacs \(.*valid for/);
    expect(tls.advice).toContain('into caFile');
  });
  it('is of another host', async () => {
    const authority = await makeAuthority();
    const other = await authority.issue({ name: 'CN=pacs', altNames: [{ type: 'dns', value: 'other.example' }] });
    const { tls } = await secured(other, authority.certificate);
    expect(tls.found).toMatch(/^no TLS: Hostname\/IP does not match .*; it shows CN=pacs \(DNS:other\.example; valid/);
    expect(tls.advice).toContain('tls.serverName');
    // by its name, or by its fingerprint, it is the right one
    const named = await secured(other, authority.certificate, { serverName: 'other.example' });
    expect(named.tls.state).toBe('warning');
    const listed = await secured(other, authority.certificate, {
      allowed: { fingerprints: [other.fingerprint], subjects: [] },
    });
    expect(listed.tls.state).toBe('warning');
  });
  it('is signed by nobody who is known, or is not the one that is listed', async () => {
    const [authority, stranger] = [await makeAuthority(), await makeAuthority('CN=Another')];
    const { tls } = await secured(await stranger.issue({ name: 'CN=pacs' }), authority.certificate);
    expect(tls.state).toBe('failed');
    expect(tls.advice).toContain('caFile');
    const allowed = { fingerprints: [], subjects: [['CN=archive']] };
    const unlisted = await secured(await authority.issue({ name: 'CN=pacs' }), authority.certificate, { allowed });
    expect(unlisted.tls).toMatchObject({ state: 'failed', advice: expect.stringContaining('tls.fingerprints') });
  });
  it('is signed by an authority that another one has signed, and only the first is known', async () => {
    const root = await makeAuthority();
    const below = await root.authority('CN=Below');
    const pacs = await below.issue({ name: 'CN=pacs' });
    const { tls } = await secured(pacs, below.certificate);
    expect(tls.found).toContain('UNABLE_TO_GET_ISSUER_CERT');
    expect(tls.advice).toContain('up to the one that has signed itself');
    expect((await secured(pacs, below.certificate + root.certificate)).tls.state).toBe('warning'); // ends soon
  });
  it('has not begun', async () => {
    const authority = await makeAuthority();
    const ahead = await authority.issue({ name: 'CN=pacs', from: at1(1.5), to: at1(10) });
    const { tls } = await secured(ahead, authority.certificate);
    expect(tls.found).toMatch(
      /^no TLS: CERT_NOT_YET_VALID; it shows CN=pacs \(IP Address:127\.0\.0\.1; begins in 2 days\)/,
    );
    expect(tls.advice).toContain('clocks');
  });
  it('has a certificate that is too weak: told in words, and for a person to mend', async () => {
    const authority = await makeAuthority();
    const { certificate: cert, key } = await authority.issue({ name: 'CN=pacs', rsaBits: 1024 });
    const server = createServer({ cert, key, ciphers: 'ALL:@SECLEVEL=0' });
    server.on('tlsClientError', () => {});
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closers.push(async () => void server.close());
    const address = server.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    const credentials = new TlsCredentials({ ...own, authorities: authority.certificate });
    const target = at(port, { tls: { credentials, serverName: null, allowed: { fingerprints: [], subjects: [] } } });
    expect(of(await check(target), 'tls')).toMatchObject({
      found: expect.stringMatching(/^no TLS: EE certificate key too weak; it shows CN=pacs/),
      advice: expect.stringContaining('2048 bits'),
    });
    // tried now and then, a person told at once
    await expect(acceptsCommitment(target)).rejects.toMatchObject({ code: 'DIMSE_TLS', deliveryClass: 'permanent' });
    const web = {
      url: `https://127.0.0.1:${port}`,
      authorization: () => Promise.resolve(null),
      tls: target.tls,
      timeoutMs: 5000,
      bytesPerSecond: 1000,
    };
    const question = { method: 'OPTIONS', path: 'studies', headers: {}, body: null } as const;
    await expect(ask(web, question, AbortSignal.timeout(20_000))).rejects.toMatchObject({
      code: 'DICOMWEB_TLS',
      deliveryClass: 'permanent',
    });
  });
  it('is too old, or too weak', async () => {
    const authority = await makeAuthority();
    const { certificate: cert, key } = await authority.issue({ name: 'CN=pacs' });
    for (const [options, advice] of [
      [{ minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' }, 'neither TLS 1.2 nor 1.3'],
      [{ maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA' }, 'AES-GCM'],
    ] as const) {
      const server = createServer({ cert, key, ...options });
      server.on('tlsClientError', () => undefined);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      closers.push(() => new Promise<void>((resolve) => void server.close(() => resolve())));
      const address = server.address();
      const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
      const credentials = new TlsCredentials({ ...own, authorities: authority.certificate });
      const tls = { credentials, serverName: null, allowed: { fingerprints: [], subjects: [] } };
      const findings = await check(at(port, { tls }));
      expect(of(findings, 'tls')).toMatchObject({ state: 'failed', advice: expect.stringContaining(advice) });
    }
  });
  it('is right, and the peer does not believe limpid', async () => {
    const [authority, stranger] = [await makeAuthority(), await makeAuthority('CN=Another')];
    const { certificate, key } = await authority.issue({ name: 'CN=pacs' });
    const material = { certificate, key, authorities: authority.certificate };
    const listening = { port: 0, credentials: new TlsCredentials(material), clientCertificate: 'required' } as const;
    const node = await openTestScp({ port: null, tls: listening });
    closers.push(() => node.scp.close());
    const other = await stranger.issue({ name: 'CN=limpid' });
    for (const [shown, of1] of [
      [other, other.key],
      [{ certificate: null }, null],
    ] as const) {
      const credentials = new TlsCredentials({ ...material, certificate: shown.certificate, key: of1 });
      const tls = { credentials, serverName: null, allowed: { fingerprints: [], subjects: [] } };
      const findings = await check(at(node.scp.tlsPort, { aeTitle: 'LIMPID', tls }));
      expect(of(findings, 'tls').state).not.toBe('failed');
      expect(of(findings, 'association').advice).toMatch(/refuses? limpid's own certificate/);
    }
  });
  it('is wanted where limpid calls plainly', async () => {
    const authority = await makeAuthority();
    const { certificate, key } = await authority.issue({ name: 'CN=pacs' });
    const credentials = new TlsCredentials({ certificate, key, authorities: authority.certificate });
    const node = await openTestScp({ port: null, tls: { port: 0, credentials, clientCertificate: 'required' } });
    closers.push(() => node.scp.close());
    const findings = await check(at(node.scp.tlsPort, { aeTitle: 'LIMPID' }));
    expect(of(findings, 'association').advice).toContain('may want TLS');
  });
  it('does not come: the port is silent', async () => {
    const authority = await makeAuthority();
    const credentials = new TlsCredentials({ ...own, authorities: authority.certificate });
    const tls = { credentials, serverName: null, allowed: { fingerprints: [], subjects: [] } };
    const mute = createPlainServer((socket) => void socket.on('error', () => {}).resume());
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    closers.push(() => new Promise<void>((resolve) => void mute.close(() => resolve())));
    const address = mute.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    const findings = await check(at(port, { tls }));
    expect(of(findings, 'tls')).toMatchObject({ state: 'failed', found: 'no TLS: ETIMEDOUT' });
    expect(of(findings, 'tls').advice).toContain('does not answer the handshake');
  });
  it('is none: the port speaks plainly', async () => {
    const authority = await makeAuthority();
    const credentials = new TlsCredentials({ ...own, authorities: authority.certificate });
    const tls = { credentials, serverName: null, allowed: { fingerprints: [], subjects: [] } };
    const plain = await openTestScp();
    closers.push(() => plain.scp.close());
    const findings = await check(at(plain.scp.port, { tls }));
    expect(of(findings, 'tls')).toMatchObject({ state: 'failed', advice: expect.stringMatching(/speaks? no TLS/) });
  });
});

describeWithPeers(['Orthanc'], 'examining Orthanc', () => {
  it('finds it usable, commitment included', async () => {
    const orthanc = await startOrthanc({ modalities: { LIMPID: { aeTitle: 'LIMPID', port: 11_112 } } });
    closers.push(() => orthanc.stop());
    const target = at(orthanc.dicomPort, { aeTitle: orthanc.aeTitle });
    const findings = await check(target, target);
    expect(findings.filter(({ state }) => state === 'failed')).toEqual([]);
    expect(of(findings, 'commitment').state).toBe('ok');
  });
});
