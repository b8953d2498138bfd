// Withdrawing derived series from the peers that have them: one, all that a model made, those that late slices replace.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openReceivingPacs } from '../../demo/receiving-pacs.js';
import type { ReceivingPacs } from '../../demo/receiving-pacs.js';
import { eventually, quickConfig, startNode } from '../../demo/start-node.js';
import type { NodeUnderTest } from '../../demo/start-node.js';
import { readInstance } from '../../src/dicom/file.js';
import { sopClasses } from '../../src/dicom/uids.js';
import { items, text } from '../../src/dicom/values.js';
import { readOutgoing } from '../../src/io/dimse/outgoing.js';
import { send } from '../../src/io/dimse/scu.js';
import { openLog } from '../../src/observe/log.js';
import { openMetrics } from '../../src/observe/metrics.js';
import { keyOf } from '../../src/spool/key.js';
import { seriesView } from '../../src/spool/view.js';
import type { SeriesView } from '../../src/spool/view.js';
import { limpid } from '../support/limpid.js';
import { writeSyntheticSeries } from '../support/synthetic-series.js';
import type { SyntheticSeries } from '../support/synthetic-series.js';
import { openFolder } from '../support/temporary.js';

const log = openLog('silent');
let folder: Awaited<ReturnType<typeof openFolder>>;
let pacs: ReceivingPacs;
let node: NodeUnderTest;
let config: string;
/** The PACS takes no Key Object Selection documents. */
let isRefusing = false;

beforeAll(async () => {
  folder = await openFolder();
  pacs = await openReceivingPacs({
    folder: join(folder.path, 'pacs'),
    port: 0,
    aeTitle: 'PACS',
    log,
    metrics: openMetrics(),
    judge: ({ sopClassUid }) => (isRefusing && sopClassUid === sopClasses.keyObjectSelection ? 0x0122 : 0),
  });
  config = join(folder.path, 'node', 'limpid.yaml');
  const everywhere = { forward: ['pacs'], deliver: ['pacs'] };
  node = await startNode({
    folder: join(folder.path, 'node'),
    config: quickConfig({
      spool: { directory: './data', keep: { delivered: '1s' } },
      peers: { ct1: { aeTitle: 'CT1' }, pacs: { aeTitle: 'PACS', host: '127.0.0.1', port: pacs.port } },
      workers: { providers: ['cpu'] },
      assemble: { quiet: '2s', released: '200ms', gaps: '2s', longest: '60s' },
      rules: [
        {
          name: 'wide',
          when: { Columns: { above: 100 } },
          enhance: [{ with: 'median' }],
          late: 'withdraw',
          ...everywhere,
        },
        { name: 'rest', enhance: [{ with: 'gaussian' }], ...everywhere },
      ],
    }),
  });
}, 600_000);

afterAll(async () => {
  await node?.end('SIGKILL');
  await pacs?.close();
  await folder?.remove();
});

const withdraw = (...args: string[]) => limpid('series', 'withdraw', ...args, '--config', config);

const inState = (key: string, state: SeriesView['state'], revisions: number): Promise<SeriesView> =>
  eventually(`revision ${revisions} of ${key} ${state}`, async () => {
    const answer = await fetch(`http://127.0.0.1:${node.httpPort}/api/series/${key}`);
    if (!answer.ok) return false;
    const view = seriesView.parse(await answer.json());
    return view.state === state && view.revisions.length === revisions && view;
  });

const make = (seed: number, columns = 96): Promise<SyntheticSeries> =>
  writeSyntheticSeries(join(folder.path, 'in', String(seed)), {
    modality: 'CT',
    slices: 4,
    rows: 96,
    columns,
    noise: 30,
    seed,
  });

const keyFor = (one: SyntheticSeries): string => keyOf(one.studyInstanceUid, one.seriesInstanceUid);

async function store(files: readonly string[]): Promise<void> {
  const instances = await Promise.all(files.map((file) => readOutgoing(file)));
  const target = { aeTitle: 'LIMPID', host: '127.0.0.1', port: node.dicomPort, callingAe: 'CT1' };
  const { outcomes } = await send(target, instances, { associations: 1, log });
  expect(outcomes.map(({ status }) => status)).toEqual(files.map(() => 0));
}

async function enhanced(seed: number, columns = 96): Promise<{ one: SyntheticSeries; key: string; uid: string }> {
  const one = await make(seed, columns);
  await store(one.files);
  const view = await inState(keyFor(one), 'done', 1);
  return { one, key: keyFor(one), uid: view.revisions[0]?.tasks[0]?.seriesInstanceUid ?? '' };
}

/** Documents that the PACS got in a study: title, withdrawn series, instances. */
async function documentsIn({ studyInstanceUid }: SyntheticSeries): Promise<string[]> {
  const stored = pacs.stored.filter((instance) => instance.studyInstanceUid === studyInstanceUid);
  const documents: string[] = [];
  for (const { file } of stored) {
    const { dataSet } = readInstance(await readFile(file));
    if (text(dataSet, 'SOPClassUID') !== sopClasses.keyObjectSelection) continue;
    const [title] = items(dataSet, 'ConceptNameCodeSequence');
    const [study] = items(dataSet, 'CurrentRequestedProcedureEvidenceSequence');
    const [series] = study === undefined ? [] : items(study, 'ReferencedSeriesSequence');
    const count = series === undefined ? 0 : items(series, 'ReferencedSOPSequence').length;
    documents.push(`${title && text(title, 'CodeValue')} ${series && text(series, 'SeriesInstanceUID')} ${count}`);
  }
  return documents;
}

describe('withdrawing one derived series', () => {
  it('brings the document to the PACS once; what is made anew has UIDs of its own', async () => {
    const { one, key, uid } = await enhanced(1);
    expect(await withdraw(uid, '--reason', 'quality', '--because', 'artifact', '--why', 'rings')).toMatchObject({
      status: 0,
      out: expect.stringMatching(/1 withdrawal recorded/),
    });
    await eventually('the document in the PACS', async () => (await documentsIn(one)).length > 0);
    const view = await inState(key, 'done', 1);
    expect(await documentsIn(one)).toEqual([`113001 ${uid} 4`]);
    expect(view.revisions[0]?.tasks[0]).toMatchObject({ state: 'withdrawn' });
    expect(view.revisions[0]?.deliveries.map(({ task, state }) => `${task.split('-')[0]} ${state}`)).toEqual([
      'originals delivered',
      'gaussian delivered',
      'withdrawal delivered',
    ]);
    expect(view.actions[0]).toMatchObject({ kind: 'withdraw', why: 'rings' });
    const again = await withdraw(uid, '--reason', 'safety');
    expect(again).toMatchObject({ status: 1, err: expect.stringMatching(/^SPOOL_NOTHING_MADE/) });

    expect(await limpid('series', 'requeue', key, '--config', config)).toMatchObject({ status: 0 });
    const second = await inState(key, 'done', 2);
    const made = second.revisions[1]?.tasks[0];
    expect([made?.state, made?.sameAs, made?.seriesInstanceUid === uid]).toEqual(['enhanced', null, false]);
    const metrics = await (await fetch(`http://127.0.0.1:${node.httpPort}/metrics`)).text();
    expect(metrics).toContain('limpid_withdrawals_total{model="gaussian",reason="quality"} 1');
  });

  it('tells a PACS that has refused the document again, once it is mended and a person asks for it', async () => {
    const { one, key, uid } = await enhanced(15);
    isRefusing = true;
    expect(await withdraw(uid, '--reason', 'safety')).toMatchObject({ status: 0 });
    const refused = await inState(key, 'given-up', 1);
    expect(refused.says).toMatch(
      /pacs does not take 1 instance; kept until a person withdraws the series again or discards/,
    );
    isRefusing = false;
    expect(await limpid('series', 'requeue', key, '--config', config)).toMatchObject({ status: 0 });
    const done = await inState(key, 'done', 2);
    expect(await documentsIn(one)).toEqual([`113037 ${uid} 4`]);
    const told = done.revisions.flatMap(({ revision, deliveries }) =>
      deliveries.map(({ task, state }) => `${revision} ${task.split('-')[0]} ${state}`),
    );
    expect(told).toContain('2 withdrawal delivered');
  });

  it('over HTTP, and when retention has taken the objects away', async () => {
    const { one, key, uid } = await enhanced(2);
    const swept = await eventually('swept', async () => {
      const { out } = await limpid('spool', 'sweep', '--json', '--config', config);
      return (await inState(key, 'done', 1)).revisions[0]?.swept === true && out;
    });
    expect(swept).toContain('swept');
    const answer = await fetch(`http://127.0.0.1:${node.httpPort}/api/series/${key}/actions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ kind: 'withdraw', reason: 'safety', why: 'wrong patient' }),
    });
    expect([answer.status, await answer.json()]).toEqual([expect.any(Number), { number: 1, warning: null }]);
    await eventually('the document in the PACS', async () => (await documentsIn(one)).length > 0);
    expect(await documentsIn(one)).toEqual([`113037 ${uid} 4`]);
    await inState(key, 'done', 1);
  });
});

describe('late slices by a rule with late: withdraw', () => {
  it('withdraw the earlier derived series once the new one is delivered', async () => {
    const one = await make(3, 128);
    const key = keyFor(one);
    await store(one.files.slice(0, 3));
    const first = await inState(key, 'done', 1);
    await store(one.files.slice(3));
    await eventually('the document in the PACS', async () => (await documentsIn(one)).length > 0);
    const view = await inState(key, 'done', 2);
    expect(view.revisions.map(({ tasks }) => tasks[0]?.state)).toEqual(['withdrawn', 'enhanced']);
    expect(await documentsIn(one)).toEqual([`113001 ${first.revisions[0]?.tasks[0]?.seriesInstanceUid} 3`]);
    // The replacement was there first.
    const order = pacs.stored.filter(({ studyInstanceUid }) => studyInstanceUid === one.studyInstanceUid);
    const newer = view.revisions[1]?.tasks[0]?.seriesInstanceUid;
    expect(order.map(({ seriesInstanceUid }) => seriesInstanceUid).lastIndexOf(newer ?? '')).toBe(order.length - 2);
    expect(view.actions[0]).toMatchObject({ kind: 'withdraw', by: 'limpid' });
  });
});

describe('a recall', () => {
  it('lists what a model made in a time, and withdraws it with --yes only', async () => {
    const today = (): string => {
      const now = new Date();
      return `${now.getFullYear()}-${String(now.getMonth() + 1).padStart(2, '0')}-${String(now.getDate()).padStart(2, '0')}`;
    };
    const from = today();
    const [a, b] = [await enhanced(4), await enhanced(5)];
    const other = await enhanced(6, 128);
    const recall = ['--model', 'gaussian', '--from', from, '--to', today(), '--reason', 'safety'];
    const listed = await withdraw(...recall, '--json');
    const rows = JSON.parse(listed.out) as {
      key: string;
      seriesInstanceUid: string;
      peers: string[];
      withdrawn: boolean;
    }[];
    expect(rows.map(({ key }) => key)).toEqual(expect.arrayContaining([a.key, b.key]));
    expect(rows.map(({ key }) => key)).not.toContain(other.key);
    expect(rows.every(({ peers, withdrawn }) => peers.join() === 'pacs' && !withdrawn)).toBe(true);
    expect((await withdraw(...recall)).out).toContain('--yes does it');
    expect([...(await documentsIn(a.one)), ...(await documentsIn(b.one))]).toEqual([]);
    const none = await withdraw(...recall, '--version', '9.9.9', '--json');
    expect(JSON.parse(none.out)).toEqual([]);
    const early = await withdraw(
      '--model',
      'gaussian',
      '--from',
      '2020-01-01',
      '--to',
      '2020-12-31',
      '--reason',
      'safety',
      '--json',
    );
    expect(JSON.parse(early.out)).toEqual([]);

    expect(await withdraw(...recall, '--yes')).toMatchObject({ status: 0 });
    for (const { one, uid } of [a, b]) {
      await eventually('the document in the PACS', async () => (await documentsIn(one)).length > 0);
      expect(await documentsIn(one)).toEqual([`113037 ${uid} 4`]);
    }
    expect(await documentsIn(other.one)).toEqual([]);
    expect(JSON.parse((await withdraw(...recall, '--json')).out)).toEqual([]);
  });

  it.each([
    [['--reason', 'safety'], 'name one series'],
    [['x', '--model', 'gaussian', '--reason', 'safety'], 'name one series'],
    [['--model', 'gaussian', '--reason', 'safety'], 'needs --from and --to'],
    [['x', '--reason', 'taste'], 'quality, safety'],
    [['x'], 'required option'],
  ])('%j is told to be wrong', async (args, words) => {
    const { status, err } = await withdraw(...args);
    expect([status, err]).toEqual([2, expect.stringContaining(words)]);
  });
});
