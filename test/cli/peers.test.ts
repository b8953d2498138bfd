// echo, send and peers check as an operator calls them: DICOM nodes, DICOMweb servers and folders.
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type Socket, createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { quickConfig } from '../../demo/start-node.js';
import { readPart10 } from '../../src/dicom/part10.js';
import { encodeAbort } from '../../src/io/dimse/pdu.js';
import { freePort } from '../support/free-port.js';
import { limpid } from '../support/limpid.js';
import { type TestFiles, writeTestFiles } from '../support/part10-files.js';
import { type ScriptedScp, openScriptedScp } from '../support/scripted-scp.js';
import { openFolder } from '../support/temporary.js';

let folder: Awaited<ReturnType<typeof openFolder>>;
let config: string;
let files: TestFiles;
let pacs: ScriptedScp;
let silent: ScriptedScp;
/** Hangs up on the first two associations. */
let rude: ScriptedScp;
/** Reads, and neither answers nor closes. */
const frozen = createTcpServer({ allowHalfOpen: true });
const stored: Buffer[] = [];
let webStatus = 200;
/** Of requests to store; null: as of any other. */
let storeStatus: number | null = null;
const web = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => void chunks.push(chunk));
  request.on('end', () => {
    if (chunks.length > 0) stored.push(Buffer.concat(chunks));
    response.writeHead(request.method === 'POST' ? (storeStatus ?? webStatus) : webStatus).end();
  });
});

beforeAll(async () => {
  folder = await openFolder();
  files = await writeTestFiles([1, 2, 3].map((index) => ({ sopInstanceUid: `1.2.3.9.${index}` })));
  pacs = await openScriptedScp();
  silent = await openScriptedScp({ associate: () => null });
  rude = await openScriptedScp({
    message: ({ association, socket, respond }) => (association < 3 ? socket.destroy() : respond()),
  });
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
  await new Promise<void>((resolve) => frozen.listen(0, '127.0.0.1', resolve));
  const frozenAddress = frozen.address();
  const frozenPort = typeof frozenAddress === 'object' ? (frozenAddress?.port ?? 0) : 0;
  const address = web.address();
  const webPort = typeof address === 'object' ? (address?.port ?? 0) : 0;
  await mkdir(join(folder.path, 'export'));
  const at = (port: number) => ({ aeTitle: 'PACS', host: '127.0.0.1', port });
  config = join(folder.path, 'limpid.yaml');
  const peers = {
    pacs: at(pacs.port),
    silent: at(silent.port),
    frozen: at(frozenPort),
    rude: { ...at(rude.port), associations: 1 },
    away: at(await freePort()),
    modality: { aeTitle: 'CT1' },
    web: { kind: 'dicomweb', url: `http://127.0.0.1:${webPort}/dicom-web` },
    gone: { kind: 'dicomweb', url: `http://127.0.0.1:${await freePort()}` },
    files: { kind: 'folder', directory: './export' },
    nowhere: { kind: 'folder', directory: './nowhere' },
  };
  await writeFile(config, JSON.stringify(quickConfig({ peers })));
});
afterAll(async () => {
  await pacs.close();
  await silent.close();
  await rude.close();
  await new Promise((resolve) => web.close(resolve));
  await new Promise((resolve) => frozen.close(resolve));
  await files.remove();
  await folder.remove();
});

const run = (...args: string[]) => limpid(...args, '--config', config);
const paths = () => files.instances.map(({ file }) => file);

describe('limpid echo', () => {
  it('a DICOM node, with what was negotiated as a table, or all of it as JSON', async () => {
    const plain = await run('echo', 'pacs', '-v');
    expect(plain).toMatchObject({ status: 0, err: '' });
    expect(plain.out).toMatch(/^pacs: answered in \d+ ms, status 0000\nimplementation  LIMPID_\S+, 2\.25\.\d+\n/);
    expect(plain.out).toMatch(/\nmaximum PDU     \d+ bytes\ncontext {2}SOP class {5}transfer syntax .* answer\n/);
    expect(plain.out).toMatch(
      /\n +1 {2}Verification {2}Implicit VR Little Endian, Explicit VR Little Endian {2}accepted\n$/,
    );
    const json = z
      .object({ status: z.literal(0), negotiated: z.object({ contexts: z.array(z.object({ result: z.literal(0) })) }) })
      .safeParse(JSON.parse((await run('echo', 'pacs', '--json')).out));
    expect(json.success).toBe(true);
  });
  it('a DICOMweb server and a folder', async () => {
    webStatus = 200;
    expect(await run('echo', 'web')).toMatchObject({
      status: 0,
      out: expect.stringMatching(/^web: answered in \d+ ms\n/),
    });
    expect(await run('echo', 'files')).toMatchObject({ status: 0 });
    expect(await readdir(join(folder.path, 'export'))).toEqual([]);
    expect(await run('echo', 'gone')).toMatchObject({ status: 1, err: expect.stringContaining('DICOMWEB_CONNECT') });
    expect(await run('echo', 'nowhere')).toMatchObject({ status: 1, err: expect.stringContaining('DELIVER_FOLDER') });
  });
  it('a server that answers, but has no DICOMweb at this path', async () => {
    webStatus = 404;
    const { status, out, err } = await run('echo', 'web');
    expect({ status, out }).toEqual({ status: 1, out: '' });
    expect(err).toMatch(
      /^DICOMWEB_REFUSED: http:\S+\/dicom-web\/studies answers HTTP 404 in \d+ ms\. The server is there, but no STOW-RS at this path/,
    );
    storeStatus = 415;
    expect(await run('echo', 'web')).toMatchObject({ status: 0 });
    storeStatus = null;
  });
  it('gives up at its deadline, and says so', async () => {
    const started = performance.now();
    const { status, err } = await run('echo', 'silent', '--deadline', '500ms');
    expect({ status, err }).toEqual({ status: 1, err: expect.stringMatching(/^DIMSE_TIMEOUT: given up after 0\.5 s/) });
    expect(performance.now() - started).toBeLessThan(60_000); // the program's own start included
  });
  it.each(['constructor', 'toString'])('there is no peer %s', async (name) => {
    expect(await run('echo', name)).toMatchObject({ status: 2, err: expect.stringContaining(`has no peer ${name}`) });
  });
  it('waits no longer for a peer that is frozen and does not close', async () => {
    const got: Buffer[] = [];
    const connected = new Promise<Socket>((resolve) => {
      frozen.once('connection', (socket) => {
        socket.on('data', (chunk: Buffer) => void got.push(chunk)).on('error', () => {});
        resolve(socket);
      });
    });
    const ran = run('echo', 'frozen', '--deadline', '500ms');
    await connected;
    const started = performance.now();
    expect(await ran).toMatchObject({ status: 1 });
    expect(performance.now() - started).toBeLessThan(25_000); // ARTIM is 30 s
    (await connected).destroy();
    expect(Buffer.concat(got).subarray(-10)).toEqual(encodeAbort({ source: 0, reason: 0 }));
  });
  it.each(['30d', '0s'])('takes no deadline that a timer cannot keep: %s', async (deadline) => {
    expect(await run('echo', 'silent', '--deadline', deadline)).toMatchObject({
      status: 2,
      err: expect.stringContaining('from 1ms to 24d'),
    });
  });
  it('one that is not called, or is not there', async () => {
    expect(await run('echo', 'modality')).toMatchObject({
      status: 2,
      err: expect.stringContaining('no host and port'),
    });
    expect(await run('echo', 'stranger')).toMatchObject({ status: 2, err: expect.stringContaining('has no peer') });
    expect(await run('echo', 'away')).toMatchObject({ status: 1, err: expect.stringContaining('DIMSE_CONNECT') });
  });
});

describe('limpid send', () => {
  it('to a DICOM node', async () => {
    const { status, out } = await run('send', 'pacs', ...paths(), '-v');
    expect(status).toBe(0);
    expect(out).toContain('1.2.840.10008.5.1.4.1.1.2  Explicit VR Little Endian  accepted');
    expect(out).toMatch(/instances {2}outcome\n +3 {2}delivered 0000\n$/);
  });
  it('to a folder: the data sets, byte by byte', async () => {
    expect(await run('send', 'files', ...paths())).toMatchObject({
      status: 0,
      out: expect.stringMatching(/\n +3 {2}delivered\n$/),
    });
    const written = (await readdir(join(folder.path, 'export'), { recursive: true })).filter((name) =>
      name.endsWith('.dcm'),
    );
    expect(written).toHaveLength(3);
    for (const name of written) {
      const bytes = await readFile(join(folder.path, 'export', name));
      const { meta, dataSetOffset } = readPart10(bytes);
      expect(bytes.subarray(dataSetOffset).equals(files.bytes(meta.mediaStorageSopInstanceUid))).toBe(true);
    }
  });
  it('to a DICOMweb server; one that refuses is told, and the exit status says so', async () => {
    webStatus = 200;
    expect(await run('send', 'web', ...paths())).toMatchObject({
      status: 0,
      out: expect.stringMatching(/\n +3 {2}delivered 0000\n$/),
    });
    for (const { sopInstanceUid } of files.instances) {
      expect(stored[0]?.includes(files.bytes(sopInstanceUid))).toBe(true);
    }
    webStatus = 403;
    const refused = await run('send', 'web', ...paths());
    expect(refused).toMatchObject({ status: 1, err: expect.stringContaining('DICOMWEB_REFUSED: HTTP 403') });
    expect(refused.out).toMatch(/\n +3 {2}not sent\n$/);
  });
  it('says in words, once, what it meets on the way', async () => {
    const { status, err, out } = await run('send', 'rude', ...paths());
    expect(err.split('\n').filter((line) => line.startsWith('note'))).toEqual([
      'note association lost while sending; opening another (DIMSE_CONNECT)',
    ]);
    expect(err).not.toContain('{');
    expect(out).toMatch(/\n +1 {2}delivered 0000/);
    expect(status).toBe(1);
  });
  it('gives up at its deadline', async () => {
    const { status, err, out } = await run('send', 'silent', ...paths(), '--deadline', '500ms');
    expect({ status, err }).toEqual({ status: 1, err: expect.stringMatching(/^DIMSE_TIMEOUT: given up after 0\.5 s/) });
    expect(out).toMatch(/ 3 {2}transient/);
  });
});

describe('limpid peers check', () => {
  const statesOf = (out: string) =>
    out.split('\n').flatMap((line) => /^(\w+) {2,}(\w+)/.exec(line)?.slice(1).join(' ') ?? []);
  it('a DICOM node', async () => {
    const { status, out } = await run('peers', 'check', 'pacs');
    expect(status).toBe(0);
    expect(statesOf(out)).toEqual([
      'ok name',
      'ok tcp',
      'skipped tls',
      'ok association',
      'ok contexts',
      'ok echo',
      'skipped commitment',
    ]);
  });
  it('a DICOMweb server: there, locked, without a service, away', async () => {
    const checked = async (status: number, name = 'web', toStore: number | null = null) => {
      [webStatus, storeStatus] = [status, toStore];
      const ran = await run('peers', 'check', name);
      storeStatus = null;
      return [ran.status, ...statesOf(ran.out)];
    };
    expect(await checked(405)).toEqual([0, 'ok name', 'ok tcp', 'skipped tls', 'ok service']);
    expect(await checked(401)).toEqual([1, 'ok name', 'ok tcp', 'skipped tls', 'failed service']);
    expect(await checked(404)).toEqual([1, 'ok name', 'ok tcp', 'skipped tls', 'failed service']);
    // Orthanc: 404 to OPTIONS everywhere; to a request to store 405 outside its DICOMweb, 415 within, as nothing is in it
    expect(await checked(404, 'web', 405)).toEqual([1, 'ok name', 'ok tcp', 'skipped tls', 'failed service']);
    expect(await checked(404, 'web', 415)).toEqual([0, 'ok name', 'ok tcp', 'skipped tls', 'ok service']);
    expect(await checked(200, 'gone')).toEqual([1, 'ok name', 'failed tcp', 'skipped tls', 'skipped service']);
  });
  it('a folder, as JSON', async () => {
    const findings = z.object({ kind: z.literal('folder'), usable: z.boolean() });
    const there = await run('peers', 'check', 'files', '--json');
    expect(findings.parse(JSON.parse(there.out)).usable).toBe(true);
    const nowhere = await run('peers', 'check', 'nowhere', '--json');
    expect(nowhere.status).toBe(1);
    expect(findings.parse(JSON.parse(nowhere.out)).usable).toBe(false);
  });
});
