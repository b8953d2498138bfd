// A node that others ask for storage commitment: Orthanc, dcmjs-dimse over a SIGKILL, and another node over TLS.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import dimse from 'dcmjs-dimse';
import { eventually, quickConfig, startNode } from '../../demo/start-node.js';
import type { NodeUnderTest } from '../../demo/start-node.js';
import { SopClass, storageCommitmentInstance } from '../../src/io/dimse/constants.js';
import { answerRequest } from '../../src/io/dimse/negotiate.js';
import { readOutgoing } from '../../src/io/dimse/outgoing.js';
import { send } from '../../src/io/dimse/scu.js';
import { openLog } from '../../src/observe/log.js';
import { keyOf } from '../../src/spool/key.js';
import { namesIn } from '../../src/spool/write-once.js';
import { makeAuthority, writeIdentity } from '../support/certificates.js';
import { freePort } from '../support/free-port.js';
import { limpid } from '../support/limpid.js';
import { describeWithPeers, startOrthanc } from '../support/peers.js';
import { openScriptedScp } from '../support/scripted-scp.js';
import { writeSyntheticSeries } from '../support/synthetic-series.js';
import { openClosers } from '../support/closers.js';

dimse.log.setLevel('error');

const closers = openClosers();

async function start(folder: string, config: Record<string, unknown>): Promise<NodeUnderTest> {
  const node = await startNode({ folder, config: quickConfig({ workers: { providers: ['cpu'] }, ...config }) });
  closers.push(() => node.end('SIGKILL'));
  return node;
}

const listening = (port: number) => ({
  aeTitle: 'LIMPID',
  dimse: { host: '127.0.0.1', port },
  http: { host: '127.0.0.1', port: 0 },
});

const series = (folder: string, slices: number) =>
  writeSyntheticSeries(join(folder, 'source'), { modality: 'CT', slices, rows: 32, columns: 32, noise: 20, seed: 3 });

async function metricsOf(node: NodeUnderTest): Promise<string> {
  return (await fetch(`http://127.0.0.1:${node.httpPort}/metrics`)).text();
}

describeWithPeers(['Orthanc'], 'Orthanc asks a node for storage commitment', () => {
  it('is told what the node holds, and what it has never seen', async () => {
    const folder = await closers.folder();
    const port = await freePort();
    const orthanc = await startOrthanc({ modalities: { LIMPID: { aeTitle: 'LIMPID', port } } });
    closers.push(() => orthanc.stop());
    const node = await start(folder, {
      node: { ...listening(port), commitment: { of: 'received' } },
      peers: { orthanc: { aeTitle: orthanc.aeTitle, host: '127.0.0.1', port: orthanc.dicomPort } },
    });
    const { files, sopClassUid } = await series(folder, 3);
    const post = async (path: string, body: string | Uint8Array): Promise<Record<string, unknown>> => {
      const answer = await fetch(`${orthanc.url}${path}`, { method: 'POST', body });
      if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
      return (await answer.json()) as Record<string, unknown>;
    };
    const ids: string[] = [];
    for (const file of files) ids.push(String((await post('/instances', await readFile(file)))['ID']));
    await post('/modalities/LIMPID/store', JSON.stringify(ids));
    const ask = async (body: object): Promise<Record<string, unknown>> => {
      const asked = await post('/modalities/LIMPID/storage-commitment', JSON.stringify(body));
      return eventually('the report', async () => {
        const answer = await fetch(`${orthanc.url}/storage-commitment/${String(asked['ID'])}`);
        const told = (await answer.json()) as Record<string, unknown>;
        return told['Status'] !== 'Pending' && told;
      });
    };
    expect(await ask({ Resources: ids })).toMatchObject({ Status: 'Success', Success: [{}, {}, {}], Failures: [] });
    const strange = { SOPClassUID: sopClassUid, SOPInstanceUID: '1.2.3.4.5.6' };
    expect(await ask({ Resources: ids, DicomInstances: [strange] })).toMatchObject({
      Status: 'Failure',
      Success: [{}, {}, {}],
      Failures: [{ ...strange, FailureReason: 0x0112 }],
    });
    // Orthanc has the report a moment before it is on the node's disk that it has
    const metrics = await eventually('the last report is recorded', async () => {
      const text = await metricsOf(node);
      return text.includes('limpid_promise_reports_total{peer="orthanc",outcome="reported"} 2') && text;
    });
    expect(metrics).toContain('limpid_promises_total{peer="orthanc",outcome="committed"} 6');
    expect(metrics).toContain('limpid_promises_total{peer="orthanc",outcome="failed"} 1');
    expect(metrics).toContain('limpid_promise_reports_waiting{peer="orthanc"} 0');
    const [key = ''] =
      /[a-z2-7]{26}/.exec(await (await fetch(`http://127.0.0.1:${node.httpPort}/api/series`)).text()) ?? [];
    const shown = await limpid('series', 'show', key, '--config', join(folder, 'limpid.yaml'));
    const said = 'this node has committed itself to 3 instances for orthanc; reported. Pixels stay until';
    expect(shown.out.split(said)).toHaveLength(3); // once for each request
  }, 600_000);
});

interface Told {
  readonly eventType: number;
  readonly transactionUid: string;
  readonly committed: number;
  readonly reasons: readonly number[];
}

/** A modality of dcmjs-dimse: asks by one association each, hears reports at its own port. */
async function modality() {
  const { NActionRequest, NEventReportRequest } = dimse.requests;
  const { NEventReportResponse } = dimse.responses;
  const reports: Told[] = [];
  class Modality extends dimse.Scp {
    override associationRequested(association: InstanceType<typeof dimse.association.Association>): void {
      for (const { context } of association.getPresentationContexts())
        context.setResult(0, context.getTransferSyntaxUids()[0]);
      this.sendAssociationAccept();
    }
    override nEventReportRequest(
      told: InstanceType<typeof NEventReportRequest>,
      callback: (response: InstanceType<typeof NEventReportResponse>) => void,
    ): void {
      const elements = told.getDataset()?.getElements() as Record<string, unknown>;
      const list = (name: string): Record<string, unknown>[] => {
        const value = elements[name];
        return Array.isArray(value)
          ? (value as Record<string, unknown>[])
          : value === undefined
            ? []
            : [value as Record<string, unknown>];
      };
      reports.push({
        eventType: told.getEventTypeId() ?? 0,
        transactionUid: String(elements['TransactionUID']),
        committed: list('ReferencedSOPSequence').length,
        reasons: list('FailedSOPSequence').map((item) => Number(item['FailureReason'])),
      });
      const response = NEventReportResponse.fromRequest(told);
      response.setStatus(0);
      callback(response);
    }
    override associationReleaseRequested(): void {
      this.sendAssociationReleaseResponse();
    }
  }
  const port = await freePort();
  const server = new dimse.Server(Modality);
  server.listen(port);
  closers.push(() => Promise.resolve(server.close()));
  const ask = (
    nodePort: number,
    transactionUid: string,
    uids: readonly string[],
    classUid = '1.2.840.10008.5.1.4.1.1.2',
  ) =>
    new Promise<number>((resolve, reject) => {
      let status = -1;
      const client = new dimse.Client();
      const action = new NActionRequest(SopClass.StorageCommitment, storageCommitmentInstance, 1);
      const ReferencedSOPSequence = uids.map((uid) => ({
        ReferencedSOPClassUID: classUid,
        ReferencedSOPInstanceUID: uid,
      }));
      action.setDataset(new dimse.Dataset({ TransactionUID: transactionUid, ReferencedSOPSequence }));
      action.on('response', (response) => (status = response.getStatus()));
      client.addRequest(action);
      client.on('closed', () => resolve(status));
      client.on('networkError', reject);
      client.on('associationRejected', reject);
      client.send('127.0.0.1', nodePort, 'CT1', 'LIMPID');
    });
  return { port, reports, ask };
}

async function sendSeries(made: Awaited<ReturnType<typeof series>>, port: number, aeTitle = 'LIMPID'): Promise<void> {
  const outgoing = await Promise.all(made.files.map((file) => readOutgoing(file)));
  const target = { aeTitle, host: '127.0.0.1', port, callingAe: 'CT1' };
  const { outcomes } = await send(target, outgoing, { associations: 1, log: openLog('silent') });
  expect(outcomes.map(({ status }) => status)).toEqual(outgoing.map(() => 0));
}

describe('dcmjs-dimse asks a node that forwards', () => {
  it('is told once the destination has everything, through a SIGKILL between request and report', async () => {
    const folder = await closers.folder();
    const port = await freePort();
    let isOpen = false;
    const archive = await openScriptedScp({
      associate(asked, socket) {
        if (isOpen) return answerRequest(asked, 16_384);
        socket.destroy();
        return null;
      },
    });
    closers.push(() => archive.close());
    const ct1 = await modality();
    const config = {
      node: { ...listening(port), commitment: true },
      peers: {
        ct1: { aeTitle: 'CT1', host: '127.0.0.1', port: ct1.port },
        pacs: { aeTitle: 'ARCHIVE', host: '127.0.0.1', port: archive.port },
      },
      rules: [{ name: 'all', forward: ['pacs'] }],
    };
    let node = await start(folder, config);
    const made = await series(folder, 3);
    await sendSeries(made, port);
    const key = keyOf(made.studyInstanceUid, made.seriesInstanceUid);
    expect(await ct1.ask(port, '2.25.77', made.sopInstanceUids)).toBe(0);
    await eventually('a promise', () =>
      namesIn(join(folder, 'data', 'series', key.slice(0, 2), key, 'promises')).then(({ length }) => length === 1),
    );
    await node.end('SIGKILL');
    expect(ct1.reports).toEqual([]);
    node = await start(folder, config);
    // the same again is taken, another one of the same UID is not
    expect(await ct1.ask(port, '2.25.77', made.sopInstanceUids)).toBe(0);
    expect(await ct1.ask(port, '2.25.77', ['1.2.3'])).toBe(0x0131);
    expect(ct1.reports).toEqual([]);
    isOpen = true;
    await eventually('the report', () => Promise.resolve(ct1.reports.length > 0), 90_000);
    const told = { eventType: 1, transactionUid: '2.25.77', committed: 3, reasons: [] };
    expect(ct1.reports).toEqual([told]);
    // asked again when it is over: the same again
    expect(await ct1.ask(port, '2.25.77', made.sopInstanceUids)).toBe(0);
    await eventually('the report again', () => Promise.resolve(ct1.reports.length > 1));
    expect(ct1.reports).toEqual([told, told]);
  }, 600_000);

  it('is told of damaged, unknown and wrongly named instances by reason', async () => {
    const folder = await closers.folder();
    const port = await freePort();
    const ct1 = await modality();
    const node = await start(folder, {
      node: { ...listening(port), commitment: { of: 'received' } },
      peers: { ct1: { aeTitle: 'CT1', host: '127.0.0.1', port: ct1.port } },
      rules: [{ name: 'all', ignore: true }],
    });
    const made = await series(folder, 2);
    await sendSeries(made, port);
    const [first = '', second = ''] = made.sopInstanceUids;
    expect(await ct1.ask(port, '2.25.1', [first, second])).toBe(0);
    await eventually('a report', () => Promise.resolve(ct1.reports.length === 1));
    expect(await ct1.ask(port, '2.25.2', [first, '1.2.3.4'])).toBe(0);
    await eventually('a second report', () => Promise.resolve(ct1.reports.length === 2));
    expect(await ct1.ask(port, '2.25.3', [second], '1.2.840.10008.5.1.4.1.1.4')).toBe(0);
    await eventually('a third report', () => Promise.resolve(ct1.reports.length === 3));
    expect(ct1.reports.map(({ eventType, committed, reasons }) => [eventType, committed, ...reasons])).toEqual([
      [1, 2],
      [2, 1, 0x0112],
      [2, 0, 0x0119],
    ]);
    expect(await metricsOf(node)).toContain('limpid_promises_total{peer="ct1",outcome="failed"} 2');
  }, 600_000);
});

describe('two nodes over TLS', () => {
  it('one stores and asks, the other commits itself and reports', async () => {
    const folder = await closers.folder();
    const authority = await makeAuthority();
    const caFile = join(folder, 'ca.crt');
    await writeFile(caFile, authority.certificate);
    const ports = { first: await freePort(), second: await freePort(), plain: await freePort() };
    const nodeOf = async (name: string, plain: number | null, port: number, more: object = {}) => {
      const files = await writeIdentity(folder, name, await authority.issue({ name: `CN=${name}` }));
      return {
        aeTitle: name.toUpperCase(),
        dimse: { host: '127.0.0.1', port: plain, tls: { ...files, caFile, port } },
        http: { host: '127.0.0.1', port: 0 },
        ...more,
      };
    };
    const peer = (name: string, port: number) => ({
      aeTitle: name.toUpperCase(),
      host: '127.0.0.1',
      port,
      tls: { subjects: [`CN=${name}`] },
    });
    const second = await start(join(folder, 'second'), {
      node: await nodeOf('second', null, ports.second, { commitment: { of: 'received' } }),
      peers: { first: peer('first', ports.first) },
      rules: [{ name: 'all', ignore: true }],
    });
    const first = await start(join(folder, 'first'), {
      node: await nodeOf('first', ports.plain, ports.first),
      peers: { ct1: { aeTitle: 'CT1' }, second: { ...peer('second', ports.second), commitment: { linger: '100ms' } } },
      rules: [{ name: 'all', forward: ['second'] }],
    });
    await sendSeries(await series(folder, 3), ports.plain, 'FIRST');
    await eventually(
      `done; the logs end: ${first.log().slice(-1500)} ${second.log().slice(-1500)}`,
      async () => (await metricsOf(first)).includes('limpid_commitments_total{peer="second",outcome="committed"} 3'),
      60_000,
    );
    await eventually('the report is recorded', async () =>
      (await metricsOf(second)).includes('limpid_promise_reports_total{peer="first",outcome="reported"} 1'),
    );
    expect(second.dicomPort).toBe(0); // there is no other way in
  }, 600_000);
});
