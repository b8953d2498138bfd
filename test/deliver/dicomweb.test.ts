// STOW-RS: against a server that says what a test tells it, and against Orthanc's DICOMweb.
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { peer as peerKind } from '../../src/config/peer-schema.js';
import { readPart10 } from '../../src/dicom/part10.js';
import { decideAnswer } from '../../src/deliver/decide-stow.js';
import type { Outgoing } from '../../src/deliver/destination.js';
import { dicomwebDestination } from '../../src/deliver/dicomweb-destination.js';
import type { DicomwebOptions } from '../../src/deliver/dicomweb-destination.js';
import { LimpidError } from '../../src/errors.js';
import { readStowAnswer } from '../../src/io/dicomweb/stow-answer.js';
import { TlsCredentials, type TlsMaterial } from '../../src/io/dimse/tls.js';
import { webTargetOf } from '../../src/node/destination-of.js';
import { noTls } from '../../src/node/open-tls.js';
import { makeAuthority } from '../support/certificates.js';
import { freePort } from '../support/free-port.js';
import { describeWithPeers, startOrthanc } from '../support/peers.js';
import { writeTestFiles } from '../support/part10-files.js';
import { writeSyntheticSeries } from '../support/synthetic-series.js';
import { readOutgoing } from '../../src/io/dimse/outgoing.js';
import { silentLog } from '../support/test-scp.js';
import { processorMs } from '../support/processor-time.js';

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}
type Script = (asked: Asked, response: ServerResponse, request: number) => void;

const toClose: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of toClose.splice(0)) await close();
});

async function server(script: Script): Promise<{ url: string; asked: Asked[] }> {
  const asked: Asked[] = [];
  const http = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => void chunks.push(chunk));
    request.on('error', () => undefined);
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const one = { method, path: url, headers, body: Buffer.concat(chunks) };
      asked.push(one);
      script(one, response, asked.length);
    });
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  toClose.push(
    () =>
      new Promise((resolve) => {
        http.closeAllConnections();
        http.close(() => resolve());
      }),
  );
  const address = http.address();
  return { url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/dicom-web`, asked };
}

async function instances(count: number, pixelBytes = 40_000): Promise<Outgoing[]> {
  const written = await writeTestFiles(
    Array.from({ length: count }, (_, index) => ({ sopInstanceUid: `1.2.3.${index + 1}`, pixelBytes })),
  );
  toClose.push(written.remove);
  return written.instances.map((one) => ({
    ...one,
    bytes: written.bytes(one.sopInstanceUid).length,
    origin: 'original',
  }));
}

const now = Date.UTC(2026, 10, 21, 12);
const options = (changes: Partial<DicomwebOptions> = {}): DicomwebOptions => ({
  connections: 1,
  batchBytes: 1e8,
  policy: { compress: 'none', decompressLossy: false },
  sourceAe: 'LIMPID',
  transcode: () => Promise.reject(new Error('not asked for')),
  log: silentLog,
  now: () => now,
  ...changes,
});
const control = () => ({ signal: new AbortController().signal, pace: () => Promise.resolve(true) });
const destination = (
  url: string,
  changes: Partial<DicomwebOptions> = {},
  timeoutMs = 5000,
  token: string | null = null,
) =>
  dicomwebDestination(
    { url, timeoutMs, bytesPerSecond: 8000, tls: undefined, authorization: () => Promise.resolve(token) },
    options(changes),
  );

/** UIDs of the instances of a request, by its parts' meta groups. */
function parts({ headers, body }: Asked): { uid: string; file: Buffer }[] {
  const boundary = /boundary=(\S+)/.exec(headers['content-type'] ?? '')?.[1] ?? '';
  const files: Buffer[] = [];
  let at = body.indexOf(`--${boundary}`);
  for (;;) {
    const next = body.indexOf(`\r\n--${boundary}`, at + 2);
    if (next < 0) break;
    files.push(body.subarray(body.indexOf('\r\n\r\n', at) + 4, next));
    at = next;
  }
  return files.map((file) => ({ uid: readPart10(file).meta.mediaStorageSopInstanceUid, file }));
}
const reference = (uid: string, tag?: string, value?: number) => ({
  '00081155': { vr: 'UI', Value: [uid] },
  ...(tag === undefined ? {} : { [tag]: { vr: 'US', Value: [value] } }),
});
const answerFor = (stored: readonly object[], failed: readonly object[]) =>
  JSON.stringify({
    '00081199': { vr: 'SQ', Value: stored },
    ...(failed.length > 0 ? { '00081198': { vr: 'SQ', Value: failed } } : {}),
  });
const accepts: Script = (asked, response) => {
  response.writeHead(200, { 'content-type': 'application/dicom+json' });
  response.end(
    answerFor(
      parts(asked).map(({ uid }) => reference(uid)),
      [],
    ),
  );
};

describe('a request', () => {
  it('holds every instance as a Part 10 file: limpid’s meta group, the data set byte by byte', async () => {
    const { url, asked } = await server(accepts);
    const sent = await instances(3);
    const report = await destination(url, {}, 5000, 'Bearer secret').send(sent, control());
    expect(report.failure).toBeNull();
    expect(report.outcomes.map((outcome) => [outcome.class, outcome.status])).toEqual(sent.map(() => ['delivered', 0]));
    expect(asked).toHaveLength(1);
    const [first] = asked;
    if (first === undefined) throw new Error('no request');
    expect(first).toMatchObject({ method: 'POST', path: '/dicom-web/studies' });
    expect(first.headers.authorization).toBe('Bearer secret');
    expect(first.headers['content-type']).toMatch(/^multipart\/related; type="application\/dicom"; boundary=/);
    const got = parts(first);
    expect(got.map(({ uid }) => uid)).toEqual(sent.map(({ sopInstanceUid }) => sopInstanceUid));
    for (const [index, { file }] of got.entries()) {
      const whole = await readFile(sent[index]?.file ?? '');
      const expected = whole.subarray(readPart10(whole).dataSetOffset);
      expect(file.subarray(readPart10(file).dataSetOffset).equals(expected)).toBe(true);
      expect(readPart10(file).meta.sourceAe).toBe('LIMPID');
    }
  });

  it('is bounded: batches by bytes, one at least', async () => {
    const { url, asked } = await server(accepts);
    const report = await destination(url, { batchBytes: 90_000 }).send(await instances(5), control());
    expect(asked.map((one) => parts(one).length)).toEqual([2, 2, 1]);
    expect(report.outcomes).toHaveLength(5);
    await destination(url, { batchBytes: 10 }).send(await instances(2), control());
    expect(asked.slice(3).map((one) => parts(one).length)).toEqual([1, 1]);
  });
});

describe('requests', () => {
  it('are no more at once than the server may have, however many series go to it', async () => {
    let [open, most] = [0, 0];
    const { url } = await server((asked, response, request) => {
      open += 1;
      most = Math.max(most, open);
      setTimeout(() => {
        open -= 1;
        accepts(asked, response, request);
      }, 30);
    });
    const to = destination(url, { connections: 2, batchBytes: 10 });
    const series = [await instances(5), await instances(4)];
    const reports = await Promise.all(series.map((one) => to.send(one, control())));
    expect(reports.map(({ outcomes }) => outcomes.length)).toEqual([5, 4]);
    expect(most).toBe(2);
  });
});

describe('the answer', () => {
  it('names what failed and what has a warning, by the table of DIMSE statuses', async () => {
    const { url } = await server((_, response) => {
      response.writeHead(202, { 'content-type': 'application/dicom+json' });
      const stored = [reference('1.2.3.1'), reference('1.2.3.2', '00081196', 0xb000)];
      const failed = [reference('1.2.3.3', '00081197', 0xa700), reference('1.2.3.4', '00081197', 0xa900)];
      response.end(answerFor(stored, failed));
    });
    const { outcomes, failure } = await destination(url).send(await instances(5), control());
    expect(failure).toBeNull();
    expect(outcomes.map(({ class: outcome, status }) => [outcome, status])).toEqual([
      ['delivered', 0],
      ['warned', 0xb000],
      ['transient', 0xa700],
      ['permanent', 0xa900],
      ['transient', null], // nobody has said anything of it
    ]);
  });

  it('that names an instance as failed means so, whatever reason it gives', async () => {
    const { url } = await server((_, response) => {
      response.writeHead(200, { 'content-type': 'application/dicom+json' });
      response.end(answerFor([], [reference('1.2.3.1', '00081197', 0), reference('1.2.3.2')]));
    });
    const { outcomes } = await destination(url).send(await instances(2), control());
    expect(outcomes.map(({ class: outcome, status }) => [outcome, status])).toEqual([
      ['permanent', null],
      ['permanent', null],
    ]);
  });

  it('of 409 is read as well, in XML too', async () => {
    const { url } = await server((_, response) => {
      response.writeHead(409, { 'content-type': 'application/dicom+xml' });
      response.end(`<?xml version="1.0" encoding="utf-8"?><NativeDicomModel xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM">
        <DicomAttribute tag="00081198" vr="SQ" keyword="FailedSOPSequence"><Item number="1">
          <DicomAttribute tag="00081155" vr="UI"><Value number="1">1.2.3.1</Value></DicomAttribute>
          <DicomAttribute tag="00081197" vr="US"><Value number="1">290</Value></DicomAttribute></Item>
        <Item number="2"><DicomAttribute tag="00081155" vr="UI"><Value number="1">1.2.3.2</Value></DicomAttribute>
          <DicomAttribute tag="00081197" vr="US"><Value number="1">273</Value></DicomAttribute></Item>
        </DicomAttribute></NativeDicomModel>`);
    });
    const { outcomes } = await destination(url).send(await instances(2), control());
    expect(outcomes.map(({ class: outcome, status }) => [outcome, status])).toEqual([
      ['permanent', 0x0122],
      ['delivered', 0x0111], // it has it already
    ]);
  });

  it('with nothing in it: 200 means all of them, 202 nobody knows', async () => {
    for (const [status, expected] of [
      [200, 'delivered'],
      [202, 'transient'],
    ] as const) {
      const { url } = await server((_, response) => void response.writeHead(status).end());
      const { outcomes } = await destination(url).send(await instances(2), control());
      expect(outcomes.map((outcome) => outcome.class)).toEqual([expected, expected]);
    }
  });

  it.each([
    ['text/html; charset=utf-8', '<!doctype html><html><body>Please log in</body></html>'],
    ['application/json', '{"message": "ok"}'],
    ['', 'OK'],
  ])('of 200 with %s that another service gives stores nothing: a person has to look', async (contentType, body) => {
    const { url } = await server((_, response) => {
      if (contentType !== '') response.setHeader('content-type', contentType);
      response.writeHead(200).end(body);
    });
    const { outcomes, failure } = await destination(url).send(await instances(2), control());
    expect(outcomes).toEqual([]);
    expect(failure).toMatchObject({ code: 'DICOMWEB_REFUSED', pace: 'operator' });
    expect(failure?.detail).toMatch(/^HTTP 200 with .* is no answer of STOW-RS/);
  });

  it('of 200 that names none of them, but is a data set, means all of them', async () => {
    const { url } = await server((_, response) => {
      response.writeHead(200, { 'content-type': 'application/dicom+json' });
      response.end('{"00081190":{"vr":"UR","Value":["http://127.0.0.1/studies/1.2.3"]}}');
    });
    const { outcomes } = await destination(url).send(await instances(2), control());
    expect(outcomes.map((outcome) => outcome.class)).toEqual(['delivered', 'delivered']);
  });

  it('comes as it is written: a server may compress it for whoever does not say which codings he takes', async () => {
    const { url } = await server((asked, response) => {
      const text = answerFor([reference('1.2.3.1')], []);
      const isPlain = asked.headers['accept-encoding'] === 'identity';
      const coding = isPlain ? {} : { 'content-encoding': 'gzip' };
      response.writeHead(200, { 'content-type': 'application/dicom+json', ...coding });
      response.end(isPlain ? text : gzipSync(text));
    });
    const { failure, outcomes } = await destination(url).send(await instances(1), control());
    expect(failure).toBeNull();
    expect(outcomes).toMatchObject([{ class: 'delivered' }]);
  });

  it('with UIDs padded as in a data set is understood', async () => {
    const { url } = await server((asked, response) => {
      response.writeHead(200, { 'content-type': 'application/dicom+json' });
      const padded = parts(asked).map(({ uid }) => reference(uid.length % 2 === 0 ? uid : `${uid}\0`));
      response.end(answerFor(padded, []));
    });
    const { outcomes } = await destination(url).send(await instances(2), control());
    expect(outcomes.map((outcome) => outcome.class)).toEqual(['delivered', 'delivered']);
  });

  it('that is no DICOM is none', () => {
    expect(readStowAnswer('text/html', '<html><body>proxy</body></html>')).toBeNull();
    expect(readStowAnswer('application/json', '{"a":')).toBeNull();
    expect(readStowAnswer('', '')).toBeNull();
    expect(readStowAnswer('application/dicom+xml', '<NativeDicomModel><DicomAttribute')).toBeNull();
    expect(
      readStowAnswer('application/json', '[{"00081199":{"Value":[{"00081155":{"Value":["1.2"]}}]}}]')?.stored.get(
        '1.2',
      ),
    ).toBe(0);
  });

  it.each([
    ['200 KB of brackets', 'xml', `<NativeDicomModel>${'<'.repeat(200_000)}`],
    [
      '5000 namespaces, one within the other',
      'xml',
      `<NativeDicomModel>${Array.from({ length: 5000 }, (_, index) => `<a xmlns:n${index}="u">`).join('')}</NativeDicomModel>`,
    ],
  ])('are read at once, with %s', (_name, type, body) => {
    const started = processorMs();
    expect(readStowAnswer(`application/dicom+${type}`, body)?.stored.size ?? 0).toBe(0);
    expect(processorMs() - started).toBeLessThan(2000);
  });
});

describe('a server that fails', () => {
  it.each<[number, string]>([
    [401, 'operator'],
    [403, 'operator'],
    [404, 'operator'],
    [301, 'operator'],
    [429, 'refused'],
    [503, 'refused'],
  ])('HTTP %d is one event for the destination: %s', async (status, pace) => {
    const { url, asked } = await server((_, response) => void response.writeHead(status).end('no'));
    const report = await destination(url, { batchBytes: 50_000 }).send(await instances(6), control());
    expect(report.failure).toMatchObject({ code: 'DICOMWEB_REFUSED', pace });
    expect(report.outcomes).toEqual([]);
    expect(asked.length).toBeLessThanOrEqual(2);
  });

  it.each<[number, string, number]>([
    [503, '120', 120_000],
    [429, 'Sat, 21 Nov 2026 12:01:30 GMT', 90_000],
    [413, '60', 60_000],
  ])('HTTP %d with Retry-After: %s is not asked again before', async (status, retryAfter, retryAfterMs) => {
    const { url } = await server((_, response) => {
      response.sendDate = false;
      response.writeHead(status, { 'retry-after': retryAfter }).end('no');
    });
    const failure = { code: 'DICOMWEB_REFUSED', pace: 'refused', retryAfterMs };
    expect(await destination(url).send(await instances(2), control())).toMatchObject({ failure, outcomes: [] });
    if (status !== 413) expect(await destination(url).probe(control().signal)).toMatchObject(failure);
  });

  it('is not asked where the file of its token is gone: one event for the destination, that a person mends', async () => {
    const { url, asked } = await server(accepts);
    const peer = peerKind.parse({ kind: 'dicomweb', url, bearerTokenFile: '/no/such/folder/token' });
    if (peer.kind !== 'dicomweb') throw new Error('another kind');
    const { authorization } = webTargetOf('web', peer, noTls);
    const target = { url, timeoutMs: 5000, bytesPerSecond: 8000, tls: undefined, authorization };
    const failure = { code: 'DICOMWEB_CONNECT', detail: expect.stringContaining('ENOENT'), pace: 'operator' };
    const web = dicomwebDestination(target, options());
    expect(await web.send(await instances(3), control())).toEqual({ failure, outcomes: [] });
    expect(await web.probe(control().signal)).toEqual(failure);
    expect(asked).toEqual([]);
  });

  it('is not asked with a token file of more than a token, or with none in it', async () => {
    const { url, asked } = await server(accepts);
    const folder = await mkdtemp(join(tmpdir(), 'limpid-token-'));
    toClose.push(() => rm(folder, { recursive: true }));
    const bearerTokenFile = join(folder, 'token');
    const peer = peerKind.parse({ kind: 'dicomweb', url, bearerTokenFile });
    if (peer.kind !== 'dicomweb') throw new Error('another kind');
    const { authorization } = webTargetOf('web', peer, noTls);
    const web = dicomwebDestination(
      { url, timeoutMs: 5000, bytesPerSecond: 8000, tls: undefined, authorization },
      options(),
    );
    const detail = expect.stringContaining('holds more than a token, or none');
    for (const text of ['# of the hospital\nabc\n', '\n', 'abc\u0007']) {
      await writeFile(bearerTokenFile, text);
      const failure = { code: 'DICOMWEB_CONNECT', detail, pace: 'operator' };
      expect(await web.send(await instances(2), control())).toEqual({ failure, outcomes: [] });
    }
    expect(asked).toEqual([]);
    await writeFile(bearerTokenFile, 'abc\n');
    expect((await web.send(await instances(1), control())).failure).toBeNull();
    expect(asked[0]?.headers.authorization).toBe('Bearer abc');
  });

  it('an answer whose sequences are none is none of STOW-RS, also while the throttle is waited for', async () => {
    const { url } = await server((_one, response) => {
      response.writeHead(200, { 'content-type': 'application/dicom+json' }).end('{"00081199":{"vr":"SQ","Value":5}}');
    });
    let turns = 0;
    const pace = async () => {
      if (turns++ > 0) await sleep(100);
      return true;
    };
    const report = await destination(url, { batchBytes: 1 }).send(await instances(3), { ...control(), pace });
    expect(report.outcomes).toEqual([]);
    expect(report.failure?.detail).toContain('is no answer of STOW-RS');
  });

  it('a failure leaves the rest where it is: nothing more is taken from the throttle', async () => {
    const { url, asked } = await server((_one, response) => void response.writeHead(503).end());
    const taken: string[] = [];
    const pace = (one: { readonly sopInstanceUid: string }) => Promise.resolve(taken.push(one.sopInstanceUid) > 0);
    const report = await destination(url, { batchBytes: 1 }).send(await instances(40), { ...control(), pace });
    expect(report.failure).toMatchObject({ code: 'DICOMWEB_REFUSED', pace: 'refused' });
    expect(asked.length).toBe(1);
    expect(taken.length).toBeLessThan(5);
  });

  it('nor behind requests that went well: nobody waits for his turn, or leaves within the hours, long before he goes out', async () => {
    const { url, asked } = await server((one, response, request) =>
      request < 3 ? accepts(one, response, request) : void response.writeHead(503).end(),
    );
    let taken = 0;
    const pace = () => Promise.resolve(++taken > 0);
    const report = await destination(url, { batchBytes: 1 }).send(await instances(40), { ...control(), pace });
    expect(report).toMatchObject({ failure: { pace: 'refused' }, outcomes: [{}, {}] });
    expect(asked.length).toBe(3);
    expect(taken).toBeLessThan(7);
  });

  it('what waits for its request to be full does not go out once the sending is to go no further', async () => {
    const { url, asked } = await server(accepts);
    const halt = new AbortController();
    let taken = 0;
    const pace = () => {
      if (++taken === 5) halt.abort();
      return Promise.resolve(taken < 5);
    };
    const report = await destination(url).send(await instances(10), { ...control(), halt: halt.signal, pace });
    expect(report).toEqual({ failure: null, outcomes: [] });
    expect(asked).toEqual([]);
  });

  it('too large: the halves, and what alone is too large for good', async () => {
    const { url, asked } = await server((one, response, request) =>
      parts(one).length > 1 || parts(one)[0]?.uid === '1.2.3.2'
        ? void response.writeHead(413).end()
        : accepts(one, response, request),
    );
    const { outcomes } = await destination(url).send(await instances(3), control());
    const byUid = Object.fromEntries(outcomes.map((outcome) => [outcome.sopInstanceUid, outcome.class]));
    expect(byUid).toEqual({ '1.2.3.1': 'delivered', '1.2.3.2': 'permanent', '1.2.3.3': 'delivered' });
    expect(asked.length).toBe(5);
  });

  it('an error of one instance does not keep the others back, and is tried as a processing failure', async () => {
    const { url } = await server((one, response, request) =>
      parts(one).some(({ uid }) => uid === '1.2.3.2')
        ? void response.writeHead(500).end()
        : accepts(one, response, request),
    );
    const { outcomes, failure } = await destination(url).send(await instances(4), control());
    expect(failure).toBeNull();
    expect(outcomes.filter((outcome) => outcome.class === 'delivered')).toHaveLength(3);
    expect(outcomes.find(({ sopInstanceUid }) => sopInstanceUid === '1.2.3.2')).toMatchObject({
      class: 'transient',
      status: 0x0110,
    });
  });

  it('a syntax it does not take goes once more decompressed, and only where that loses nothing', async () => {
    const { url, asked } = await server((one, response, request) => {
      const [part] = parts(one);
      if (part && readPart10(part.file).transferSyntaxUid === '1.2.840.10008.1.2.1')
        return accepts(one, response, request);
      response.writeHead(200, { 'content-type': 'application/dicom+json' });
      response.end(
        answerFor(
          [],
          parts(one).map(({ uid }) => reference(uid, '00081197', 0xc122)),
        ),
      );
    });
    const native = await instances(2);
    const compressed = await writeTestFiles([
      { sopInstanceUid: '1.2.3.1', transferSyntaxUid: '1.2.840.10008.1.2.4.70' },
      { sopInstanceUid: '1.2.3.2', transferSyntaxUid: '1.2.840.10008.1.2.4.50' },
    ]);
    toClose.push(compressed.remove);
    let discarded = 0;
    const transcode = (instance: { sopInstanceUid: string }) => {
      const file = native.find(({ sopInstanceUid }) => sopInstanceUid === instance.sopInstanceUid)?.file ?? '';
      return Promise.resolve({ file, discard: () => Promise.resolve(void discarded++) });
    };
    const sent = compressed.instances.map((one) => ({ ...one, bytes: 100, origin: 'original' as const }));
    const { outcomes } = await destination(url, { transcode }).send(sent, control());
    expect(outcomes.map((outcome) => outcome.class)).toEqual(['delivered', 'permanent']);
    expect([asked.length, discarded]).toEqual([2, 1]);
  });

  it('results go compressed where the configuration says so, as they are kept where the server refuses that; originals never', async () => {
    const jpegLs = '1.2.840.10008.1.2.4.80';
    const written = await writeTestFiles(
      [1, 2, 3].map((index) => ({ sopInstanceUid: `1.2.3.${index}`, transferSyntaxUid: jpegLs })),
    );
    toClose.push(written.remove);
    const [original, ...results] = await instances(3);
    if (original === undefined) throw new Error('no instance');
    const sent = [original, ...results.map((one) => ({ ...one, origin: 'result' as const }))];
    const asked: string[] = [];
    let discarded = 0;
    const transcode = ({ sopInstanceUid }: { sopInstanceUid: string }, syntax: string) => {
      asked.push(`${sopInstanceUid} ${syntax}`);
      const file = written.instances.find((one) => one.sopInstanceUid === sopInstanceUid)?.file ?? '';
      return Promise.resolve({ file, discard: () => Promise.resolve(void discarded++) });
    };
    const policy = { compress: 'jpeg-ls', decompressLossy: false } as const;
    const syntaxesOf = (one: Asked) => parts(one).map(({ file }) => readPart10(file).transferSyntaxUid);
    const taking = await server(accepts);
    const taken = await destination(taking.url, { transcode, policy }).send(sent, control());
    expect(taken.outcomes.map((outcome) => outcome.class)).toEqual(['delivered', 'delivered', 'delivered']);
    expect(taking.asked.map(syntaxesOf)).toEqual([['1.2.840.10008.1.2.1', jpegLs, jpegLs]]);
    expect([asked.length, discarded]).toEqual([2, 2]);
    // the first batch is refused; the second one is not compressed any more
    const refusing = await server((one, response, request) => {
      if (!syntaxesOf(one).includes(jpegLs)) return accepts(one, response, request);
      response.writeHead(415).end();
    });
    const refused = await destination(refusing.url, { transcode, policy, batchBytes: 10 }).send(sent, control());
    expect(refused.outcomes.map((outcome) => outcome.class)).toEqual(['delivered', 'delivered', 'delivered']);
    expect(refusing.asked.flatMap(syntaxesOf).filter((syntax) => syntax === jpegLs)).toHaveLength(1);
    expect([asked.length, discarded]).toEqual([3, 3]);
    // one that cannot be compressed goes as it is
    const unable = () => Promise.reject(new LimpidError('DICOM_UNDECODABLE', 'no'));
    const plain = await destination(refusing.url, { transcode: unable, policy }).send(sent, control());
    expect(plain.outcomes.map((outcome) => outcome.class)).toEqual(['delivered', 'delivered', 'delivered']);
  });

  it('nobody listens, silence, a reset in the middle', async () => {
    const away = await destination(`http://127.0.0.1:${await freePort()}`).send(await instances(2), control());
    expect(away).toMatchObject({ failure: { code: 'DICOMWEB_CONNECT', pace: 'unreachable' }, outcomes: [] });
    const silent = await server(() => undefined);
    const report = await destination(silent.url, {}, 300).send(await instances(2), control());
    expect(report.failure).toMatchObject({ code: 'DICOMWEB_TIMEOUT', pace: 'lost' });
    expect(report.outcomes.map((outcome) => [outcome.class, outcome.status])).toEqual([
      ['transient', null],
      ['transient', null],
    ]);
    const rude = await server((_, response) => void response.socket?.resetAndDestroy());
    expect((await destination(rude.url).send(await instances(1), control())).failure).toMatchObject({
      code: 'DICOMWEB_LOST',
      pace: 'lost',
    });
  });

  it('a request under way when the sending is stopped is waited for, for a while; none follows it', async () => {
    const stopWithin = async (answerMs: number | null) => {
      const stop = new AbortController();
      const { url, asked } = await server((one, response, request) => {
        stop.abort();
        if (answerMs !== null) setTimeout(() => accepts(one, response, request), answerMs);
      });
      const changed = { signal: stop.signal, leaveMs: 1_000, pace: () => Promise.resolve(true) };
      const report = await destination(url, { batchBytes: 10 }).send(await instances(3), changed);
      return { ...report, asked: asked.length };
    };
    expect(await stopWithin(300)).toMatchObject({ failure: null, asked: 1, outcomes: [{ class: 'delivered' }] });
    const cut = await stopWithin(null);
    expect(cut).toMatchObject({ asked: 1, outcomes: [{ class: 'transient', status: null }] });
  });

  it('over TLS only the server whose authority is known, with a certificate of limpid’s own', async () => {
    const authority = await makeAuthority();
    const [ofServer, ofNode] = [
      await authority.issue({ name: 'CN=web' }),
      await authority.issue({ name: 'CN=limpid' }),
    ];
    const https = createTlsServer(
      {
        cert: ofServer.certificate,
        key: ofServer.key,
        ca: authority.certificate,
        requestCert: true,
        rejectUnauthorized: true,
      },
      (request, response) => void request.resume().on('end', () => response.writeHead(200).end()),
    );
    await new Promise<void>((resolve) => https.listen(0, '127.0.0.1', resolve));
    toClose.push(() => new Promise((resolve) => void https.close(() => resolve())));
    const address = https.address();
    const url = `https://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/dicom-web`;
    const over = async (material: TlsMaterial) => {
      const tls = {
        credentials: new TlsCredentials(material),
        serverName: null,
        allowed: { fingerprints: [], subjects: [] },
      };
      const web = { url, timeoutMs: 5000, bytesPerSecond: 8000, tls, authorization: () => Promise.resolve(null) };
      return dicomwebDestination(web, options()).send(await instances(1), control());
    };
    const own = { certificate: ofNode.certificate, key: ofNode.key };
    const good = await over({ ...own, authorities: authority.certificate });
    expect(good.outcomes.map((outcome) => outcome.class)).toEqual(['delivered']);
    const other = await makeAuthority('CN=Other');
    const stranger = await over({ ...own, authorities: other.certificate });
    expect(stranger).toMatchObject({ failure: { code: 'DICOMWEB_TLS', pace: 'operator' }, outcomes: [] });
    const nameless = await over({ certificate: null, key: null, authorities: authority.certificate });
    expect(nameless.failure?.pace).not.toBe('unreachable');
    expect(nameless.outcomes.filter((outcome) => outcome.class === 'delivered')).toEqual([]);
  });

  const hasIpv6 = Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(({ address }) => address === '::1'),
  );
  (hasIpv6 ? it : it.skip)('over TLS at an IPv6 address the one whose certificate holds that', async () => {
    const authority = await makeAuthority();
    const ofServer = await authority.issue({ name: 'CN=web', altNames: [{ type: 'ip', value: '::1' }] });
    const https = createTlsServer({ cert: ofServer.certificate, key: ofServer.key }, (request, response) => {
      request.resume().on('end', () => response.writeHead(200).end());
    });
    await new Promise<void>((resolve) => https.listen(0, '::1', resolve));
    toClose.push(() => new Promise((resolve) => void https.close(() => resolve())));
    const address = https.address();
    const tls = {
      credentials: new TlsCredentials({ certificate: null, key: null, authorities: authority.certificate }),
      serverName: null,
      allowed: { fingerprints: [], subjects: [] },
    };
    const url = `https://[::1]:${typeof address === 'object' ? address?.port : 0}`;
    const web = { url, timeoutMs: 5000, bytesPerSecond: 8000, tls, authorization: () => Promise.resolve(null) };
    expect(await dicomwebDestination(web, options()).probe(control().signal)).toBeNull();
  });

  it('a probe tells whether it is there', async () => {
    const there = await server((_, response) => void response.writeHead(405).end());
    const { signal } = new AbortController();
    expect(await destination(there.url).probe(signal)).toBeNull();
    expect(there.asked[0]).toMatchObject({ method: 'OPTIONS', path: '/dicom-web/studies' });
    const locked = await server((_, response) => void response.writeHead(401).end());
    expect(await destination(locked.url).probe(signal)).toMatchObject({ pace: 'operator' });
    const busy = await server((_, response) => void response.writeHead(503).end());
    expect(await destination(busy.url).probe(signal)).toMatchObject({ pace: 'refused' });
    expect(await destination(`http://127.0.0.1:${await freePort()}`).probe(signal)).toMatchObject({
      pace: 'unreachable',
    });
  });

  it('every status means something for one instance, and never success by mistake', () => {
    for (let status = 100; status < 600; status++) {
      const decision = decideAnswer(status, 1);
      expect(decision.kind).not.toBe('split');
      if (decision.kind === 'instance') expect(['transient', 'permanent']).toContain(decision.class);
      if (decision.kind === 'read') expect([200, 201, 202, 204, 409]).toContain(status);
    }
  });
});

const plugin = '/usr/share/orthanc/plugins/libOrthancDicomWeb.so';

describeWithPeers(['Orthanc'], 'Orthanc’s DICOMweb', () => {
  const itWithPlugin = existsSync(plugin) || process.env['CI'] === 'true' ? it : it.skip;
  itWithPlugin(
    'stores a series, and says so of each; a second time it has them already',
    async () => {
      const orthanc = await startOrthanc({
        modalities: {},
        settings: { Plugins: [plugin], DicomWeb: { Enable: true, Root: '/dicom-web/' }, OverwriteInstances: false },
      });
      const folder = await mkdtemp(join(tmpdir(), 'limpid-stow-'));
      try {
        const { files } = await writeSyntheticSeries(folder, {
          modality: 'CT',
          slices: 6,
          rows: 64,
          columns: 64,
          noise: 20,
          seed: 1,
        });
        const sent: Outgoing[] = [];
        for (const file of files) sent.push({ ...(await readOutgoing(file)), bytes: 10_000, origin: 'original' });
        const to = destination(`${orthanc.url}/dicom-web`, { batchBytes: 25_000, connections: 2 });
        expect(await to.probe(new AbortController().signal)).toBeNull();
        for (const round of [1, 2]) {
          const report = await to.send(sent, control());
          expect({ round, failure: report.failure }).toEqual({ round, failure: null });
          expect(report.outcomes.map((outcome) => outcome.class)).toEqual(sent.map(() => 'delivered'));
        }
        const held = z.array(z.string()).parse(await (await fetch(`${orthanc.url}/instances`)).json());
        expect(held).toHaveLength(6);
        const first = Buffer.from(await (await fetch(`${orthanc.url}/instances/${held[0]}/file`)).arrayBuffer());
        const dataSets = await Promise.all(files.map(async (file) => readFile(file)));
        const own = first.subarray(readPart10(first).dataSetOffset);
        expect(dataSets.some((bytes) => bytes.subarray(readPart10(bytes).dataSetOffset).equals(own))).toBe(true);
      } finally {
        await orthanc.stop();
        await rm(folder, { recursive: true, force: true });
      }
    },
    60_000,
  );
});
