// A node in a process of its own whose PACS is asked to commit itself: Orthanc, and a scripted archive that fails in every way.
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { eventually, quickConfig, startNode } from '../../demo/start-node.js';
import type { NodeUnderTest } from '../../demo/start-node.js';
import { type CommitmentRequest, decodeCommitmentRequest } from '../../src/io/dimse/commitment.js';
import { reportCommitment } from '../../src/io/dimse/commitment-scu.js';
import { answerRequest } from '../../src/io/dimse/negotiate.js';
import { readOutgoing } from '../../src/io/dimse/outgoing.js';
import { send } from '../../src/io/dimse/scu.js';
import { openLog } from '../../src/observe/log.js';
import { keyOf } from '../../src/spool/key.js';
import { seriesView } from '../../src/spool/view.js';
import type { SeriesView } from '../../src/spool/view.js';
import { freePort } from '../support/free-port.js';
import { limpid } from '../support/limpid.js';
import { describeWithPeers, startOrthanc } from '../support/peers.js';
import { type Exchange, openScriptedScp } from '../support/scripted-scp.js';
import { writeSyntheticSeries } from '../support/synthetic-series.js';
import { openClosers } from '../support/closers.js';

const closers = openClosers();

/** @param others peers that stand before the PACS in the configuration */
async function nodeFor(
  folder: string,
  dicomPort: number,
  pacs: Record<string, unknown>,
  others: Record<string, unknown> = {},
): Promise<NodeUnderTest> {
  const change = quickConfig({
    peers: { ct1: { aeTitle: 'CT1' }, ...others, pacs: { host: '127.0.0.1', commitment: true, ...pacs } },
    workers: { providers: ['cpu'] },
    rules: [{ name: 'all', forward: ['pacs'] }],
  });
  const node = {
    aeTitle: 'LIMPID',
    dimse: { host: '127.0.0.1', port: dicomPort },
    http: { host: '127.0.0.1', port: 0 },
  };
  const started = await startNode({ folder, config: { ...change, node } });
  closers.push(() => started.end('SIGKILL'));
  return started;
}

async function sendSeries(folder: string, port: number, slices: number): Promise<string> {
  const series = await writeSyntheticSeries(folder, {
    modality: 'CT',
    slices,
    rows: 32,
    columns: 32,
    noise: 20,
    seed: 7,
  });
  const outgoing = await Promise.all(series.files.map((file) => readOutgoing(file)));
  const target = { aeTitle: 'LIMPID', host: '127.0.0.1', port, callingAe: 'CT1' };
  const { outcomes } = await send(target, outgoing, { associations: 1, log: openLog('silent') });
  expect(outcomes.map(({ status }) => status)).toEqual(outgoing.map(() => 0));
  return keyOf(series.studyInstanceUid, series.seriesInstanceUid);
}

async function viewOf(node: NodeUnderTest, key: string): Promise<SeriesView | null> {
  const answer = await fetch(`http://127.0.0.1:${node.httpPort}/api/series/${key}`);
  return answer.ok ? seriesView.parse(await answer.json()) : null;
}

const inState = (node: NodeUnderTest, key: string, state: SeriesView['state']): Promise<SeriesView> =>
  eventually(`${key} ${state}; the log ends: ${node.log().slice(-1500)}`, async () => {
    const view = await viewOf(node, key);
    return view?.state === state && view;
  });

/** An archive that keeps what it is asked, and reports only when it is told to. */
async function archive(lost: Set<string> = new Set()) {
  const requests: CommitmentRequest[] = [];
  const stored: string[] = [];
  const scp = await openScriptedScp({
    associate: (asked) => answerRequest(asked, 16_384, { requests: true, reports: true }),
    message: ({ command, dataSet, respond }: Exchange) => {
      if (command.field === 0x0001) stored.push(command.affectedSopInstanceUid ?? '');
      // context 1 of commitment was accepted in Explicit VR Little Endian
      if (command.field === 0x0130) requests.push(decodeCommitmentRequest(dataSet, '1.2.840.10008.1.2.1'));
      respond();
    },
  });
  closers.push(() => scp.close());
  const report = (port: number, request: CommitmentRequest, callingAe = 'ARCHIVE') =>
    reportCommitment(
      { aeTitle: 'LIMPID', host: '127.0.0.1', port, callingAe },
      {
        transactionUid: request.transactionUid,
        committed: request.references.filter(({ sopInstanceUid }) => !lost.has(sopInstanceUid)),
        failed: request.references
          .filter(({ sopInstanceUid }) => lost.has(sopInstanceUid))
          .map((reference) => ({ ...reference, reason: 0x0112 })),
      },
    );
  return { port: scp.port, requests, stored, report };
}

const first = <T>(list: readonly T[]): T => {
  const [value] = list;
  if (value === undefined) throw new Error('none');
  return value;
};

describe('a node whose PACS is asked for storage commitment', () => {
  it('waits through a SIGKILL, takes the report on a new association, and is done', async () => {
    const folder = await closers.folder();
    const port = await freePort();
    const pacs = await archive();
    const peer = { aeTitle: 'ARCHIVE', port: pacs.port };
    let node = await nodeFor(folder, port, peer);
    const key = await sendSeries(join(folder, 'source'), port, 3);
    await inState(node, key, 'committing');
    // killed before it has written the answer down, it would ask again: nobody could tell whether it had asked
    await eventually('a request and its answer', async () => {
      const says = (await viewOf(node, key))?.revisions[0]?.deliveries[0]?.commitment?.says ?? '';
      return pacs.requests.length === 1 && says.includes('is awaited');
    });
    await node.end('SIGKILL');
    node = await nodeFor(folder, port, peer);
    expect((await inState(node, key, 'committing')).revisions[0]?.deliveries[0]).toMatchObject({
      state: 'delivered',
      commitment: { state: 'open', uncommitted: 3, requests: 1 },
    });
    const request = first(pacs.requests);
    expect(request.references.map(({ sopInstanceUid }) => sopInstanceUid).sort()).toEqual([...pacs.stored].sort());
    // a report of nobody's transaction, and one from a peer that was not asked: answered, and nothing changes
    expect(await pacs.report(port, { ...request, transactionUid: '2.25.42' })).toBe(0);
    await expect(pacs.report(port, request, 'CT1')).rejects.toMatchObject({ code: 'DIMSE_NO_CONTEXT' });
    expect((await viewOf(node, key))?.state).toBe('committing');
    expect(await pacs.report(port, request)).toBe(0);
    expect(await pacs.report(port, request)).toBe(0);
    await inState(node, key, 'done');
    expect(pacs.requests).toHaveLength(1);
    const shown = await limpid('series', 'show', key, '--config', join(folder, 'limpid.yaml'));
    expect(shown.out).toContain('commitment committed: 3 instances committed by pacs.');
    const metrics = await (await fetch(`http://127.0.0.1:${node.httpPort}/metrics`)).text();
    expect(metrics).toContain('limpid_commitments_total{peer="pacs",outcome="committed"} 3');
    expect(metrics).toContain('limpid_peer_uncommitted_instances{peer="pacs"} 0');
  }, 600_000);

  it('takes the report of one that the configuration has under another name too', async () => {
    const folder = await closers.folder();
    const port = await freePort();
    const pacs = await archive();
    // a call of this AE title is admitted as the first of both
    const others = { 'pacs-originals': { aeTitle: 'ARCHIVE', host: '127.0.0.1', port: pacs.port } };
    const node = await nodeFor(folder, port, { aeTitle: 'ARCHIVE', port: pacs.port }, others);
    const key = await sendSeries(join(folder, 'source'), port, 2);
    await eventually('a request', () => Promise.resolve(pacs.requests.length === 1));
    expect(await pacs.report(port, first(pacs.requests))).toBe(0);
    await inState(node, key, 'done');
  }, 600_000);

  it('sends again what the PACS has lost, and asks for it anew', async () => {
    const folder = await closers.folder();
    const port = await freePort();
    const lost = new Set<string>();
    const pacs = await archive(lost);
    const node = await nodeFor(folder, port, { aeTitle: 'ARCHIVE', port: pacs.port });
    const key = await sendSeries(join(folder, 'source'), port, 3);
    await eventually('a request', () => Promise.resolve(pacs.requests.length === 1));
    lost.add(first(pacs.stored));
    expect(await pacs.report(port, first(pacs.requests))).toBe(0);
    await eventually('sent again, and asked for', () => Promise.resolve(pacs.requests.length === 2));
    expect(pacs.stored).toHaveLength(4);
    expect(pacs.requests[1]?.references.map(({ sopInstanceUid }) => sopInstanceUid)).toEqual([pacs.stored[3]]);
    lost.clear();
    expect(await pacs.report(port, pacs.requests[1] ?? first(pacs.requests))).toBe(0);
    const view = await inState(node, key, 'done');
    expect(view.revisions[0]?.deliveries[0]?.commitment).toMatchObject({
      state: 'committed',
      committed: 3,
      requests: 2,
    });
  }, 600_000);

  it('asks again when no report comes, then says so until a person acts', async () => {
    const folder = await closers.folder();
    const port = await freePort();
    const pacs = await archive();
    const commitment = { wait: '1s', tries: 2, linger: '100ms' };
    const node = await nodeFor(folder, port, { aeTitle: 'ARCHIVE', port: pacs.port, commitment });
    const key = await sendSeries(join(folder, 'source'), port, 2);
    const view = await inState(node, key, 'uncommitted');
    expect(view.says).toContain('no report, asked 2 times');
    expect(pacs.requests).toHaveLength(2);
    const config = join(folder, 'limpid.yaml');
    expect(await limpid('series', 'discard', key, '--peer', 'pacs', '--config', config)).toMatchObject({ status: 0 });
    await inState(node, key, 'done');
  }, 600_000);
});

describeWithPeers(['Orthanc'], 'Orthanc as the peer that commits itself', () => {
  it('is stored to, asked, and reports by an association of its own', async () => {
    const folder = await closers.folder();
    const port = await freePort();
    const orthanc = await startOrthanc({ modalities: { LIMPID: { aeTitle: 'LIMPID', port } } });
    closers.push(() => orthanc.stop());
    const node = await nodeFor(folder, port, { aeTitle: orthanc.aeTitle, port: orthanc.dicomPort });
    const key = await sendSeries(join(folder, 'source'), port, 5);
    const view = await inState(node, key, 'done');
    expect(view.revisions[0]?.deliveries[0]).toMatchObject({
      state: 'delivered',
      commitment: { state: 'committed', committed: 5, uncommitted: 0, requests: 1 },
    });
  }, 600_000);
});
