// The life of a series behind its first delivery, by the commands that people use: enhanced on files too, requeued, held, late, discarded.
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openReceivingPacs } from '../../demo/receiving-pacs.js';
import type { ReceivingPacs } from '../../demo/receiving-pacs.js';
import { eventually, quickConfig, startNode } from '../../demo/start-node.js';
import type { NodeUnderTest } from '../../demo/start-node.js';
import { readInstance } from '../../src/dicom/file.js';
import { text } from '../../src/dicom/values.js';
import { readSlice } from '../../src/enhance/read-slice.js';
import { readOutgoing } from '../../src/io/dimse/outgoing.js';
import { send } from '../../src/io/dimse/scu.js';
import { openLog } from '../../src/observe/log.js';
import { openMetrics } from '../../src/observe/metrics.js';
import { keyOf } from '../../src/spool/key.js';
import { seriesView } from '../../src/spool/view.js';
import type { SeriesView } from '../../src/spool/view.js';
import { limpid } from '../support/limpid.js';
import type { Ran } from '../support/limpid.js';
import { itWithData, sharedData } from '../support/shared-data.js';
import { writeSyntheticSeries } from '../support/synthetic-series.js';
import type { SyntheticSeries } from '../support/synthetic-series.js';
import { openFolder } from '../support/temporary.js';

const log = openLog('silent');
const refused = new Set<string>();
let folder: Awaited<ReturnType<typeof openFolder>>;
let pacs: ReceivingPacs;
let node: NodeUnderTest;
let config: string;

beforeAll(async () => {
  folder = await openFolder();
  pacs = await openReceivingPacs({
    folder: join(folder.path, 'pacs'),
    port: 0,
    aeTitle: 'PACS',
    log,
    metrics: openMetrics(),
    judge: ({ sopInstanceUid }) => (refused.has(sopInstanceUid) ? 0xa900 : 0),
  });
  config = join(folder.path, 'node', 'limpid.yaml');
  node = await startNode({
    folder: join(folder.path, 'node'),
    config: quickConfig({
      peers: { ct1: { aeTitle: 'CT1' }, pacs: { aeTitle: 'PACS', host: '127.0.0.1', port: pacs.port } },
      workers: { providers: ['cpu'] },
      assemble: { quiet: '2s', released: '200ms', gaps: '2s', longest: '60s' },
      rules: [
        {
          name: 'small',
          when: { Rows: { below: 200 } },
          enhance: [{ with: 'gaussian' }],
          forward: ['pacs'],
          deliver: ['pacs'],
        },
        { name: 'ct', enhance: [{ with: 'ct-low-dose', strength: 'standard' }], forward: ['pacs'], deliver: ['pacs'] },
      ],
    }),
  });
}, 600_000);

afterAll(async () => {
  await node?.end('SIGKILL');
  await pacs?.close();
  await folder?.remove();
});

const series = (command: string, ...args: string[]): Promise<Ran> =>
  limpid('series', command, ...args, '--config', config);

async function shown(key: string): Promise<SeriesView> {
  const { out } = await series('show', key, '--json');
  return seriesView.parse(JSON.parse(out));
}

/** The view over HTTP: cheaper to ask again and again. */
async function viewOf(key: string): Promise<SeriesView | null> {
  const answer = await fetch(`http://127.0.0.1:${node.httpPort}/api/series/${key}`);
  return answer.ok ? seriesView.parse(await answer.json()) : null;
}

const inState = (key: string, state: SeriesView['state'], revision: number): Promise<SeriesView> =>
  eventually(`revision ${revision} of ${key} ${state}`, async () => {
    const view = await viewOf(key);
    return view?.state === state && view.revisions.length === revision && view;
  });

const make = (seed: number, slices = 5, pixels = 96): Promise<SyntheticSeries> =>
  writeSyntheticSeries(join(folder.path, 'in', String(seed)), {
    modality: 'CT',
    slices,
    rows: pixels,
    columns: pixels,
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

const inStudy = (study: string): typeof pacs.stored =>
  pacs.stored.filter(({ studyInstanceUid }) => studyInstanceUid === study);

/** SOP Instance UIDs by series, each as often as it came. */
function arrivedOf({ studyInstanceUid }: SyntheticSeries): Map<string, string[]> {
  const bySeries = new Map<string, string[]>();
  for (const { seriesInstanceUid, sopInstanceUid } of inStudy(studyInstanceUid)) {
    bySeries.set(seriesInstanceUid, [...(bySeries.get(seriesInstanceUid) ?? []), sopInstanceUid]);
  }
  return bySeries;
}

const derivedOf = (one: SyntheticSeries): [string, string[]][] =>
  [...arrivedOf(one)].filter(([uid]) => uid !== one.seriesInstanceUid);

/** What the node delivered is what `limpid enhance` writes: the same UIDs, the same pixels. */
async function expectEqual(input: string, key: string, study: string): Promise<void> {
  const out = join(folder.path, 'out', key);
  const ran = await limpid('enhance', input, '--with', 'ct-low-dose', '--strength', 'standard', '--out', out);
  expect(ran).toMatchObject({ status: 0 });
  const [task = ''] = await readdir(join(out, key));
  const objects = join(out, key, task, 'objects');
  const delivered = new Map(
    inStudy(study)
      .filter(({ seriesInstanceUid }) => seriesInstanceUid.startsWith('2.25.'))
      .map((instance) => [instance.sopInstanceUid, instance.file]),
  );
  const names = await readdir(objects);
  expect(names.length).toBeGreaterThan(0);
  for (const name of names) {
    const { dataSet } = readInstance(await readFile(join(objects, name)));
    const twin = delivered.get(text(dataSet, 'SOPInstanceUID') ?? '') ?? 'none';
    const other = readInstance(await readFile(twin)).dataSet;
    expect(text(other, 'SeriesInstanceUID')).toBe(text(dataSet, 'SeriesInstanceUID'));
    const [here, there] = await Promise.all([readSlice(join(objects, name)), readSlice(twin)]);
    expect(Buffer.from(here.values.buffer).equals(Buffer.from(there.values.buffer))).toBe(true);
  }
}

describe('the same on files and through a node', () => {
  it('a simulated series: equal UIDs and pixels', async () => {
    const one = await make(1, 5, 256);
    await store(one.files);
    await inState(keyFor(one), 'done', 1);
    expect(derivedOf(one)).toHaveLength(1);
    await expectEqual(join(folder.path, 'in', '1'), keyFor(one), one.studyInstanceUid);
  });

  it('a node names itself in the file meta group of what it makes', async () => {
    const spool = join(folder.path, 'node', 'data', 'series');
    const made = (await readdir(spool, { recursive: true })).filter((name) => /results.*objects.*\.dcm$/.test(name));
    const sources = await Promise.all(
      made.map(async (name) => readInstance(await readFile(join(spool, name))).part10.meta.sourceAe),
    );
    expect(new Set(sources)).toEqual(new Set(['LIMPID']));
  });

  itWithData(
    'a real series: equal UIDs and pixels',
    async () => {
      const input = sharedData('ct/chest-1.25mm-ge-ricord') ?? '';
      const files = (await readdir(input)).filter((name) => name.endsWith('.dcm')).map((name) => join(input, name));
      const { dataSet } = readInstance(await readFile(files[0] ?? ''));
      const study = text(dataSet, 'StudyInstanceUID') ?? '';
      const key = keyOf(study, text(dataSet, 'SeriesInstanceUID') ?? '');
      await store(files);
      await inState(key, 'done', 1);
      await expectEqual(input, key, study);
    },
    180_000,
  );
});

describe('a series that is asked for again', () => {
  it('gets a revision that points to the first result; nothing is sent; new UIDs make a second derived series', async () => {
    const one = await make(2);
    const key = keyFor(one);
    await store(one.files);
    await inState(key, 'done', 1);
    const before = pacs.stored.length;
    const ran = await series('requeue', key.slice(0, 8), '--why', 'asked by radiology');
    expect(ran).toMatchObject({ status: 0, out: expect.stringContaining(`requeue recorded for ${key} (001.json)`) });
    const second = await inState(key, 'done', 2);
    expect(second.revisions[1]).toMatchObject({ cause: 'requeue', tasks: [{ state: 'enhanced', sameAs: 1 }] });
    expect(pacs.stored).toHaveLength(before);

    expect(await series('requeue', key, '--new-uids')).toMatchObject({ status: 0 });
    const third = await inState(key, 'done', 3);
    expect(third.revisions[2]?.tasks[0]).toMatchObject({ state: 'enhanced', sameAs: null });
    const derived = derivedOf(one);
    expect(derived).toHaveLength(2);
    expect(derived.map(([, instances]) => new Set(instances).size)).toEqual([5, 5]);
    expect(new Set(derived.flatMap(([, instances]) => instances)).size).toBe(10);
    expect(arrivedOf(one).get(one.seriesInstanceUid)).toHaveLength(5);
  });
});

describe('a late slice', () => {
  it('makes a revision over all slices with a derived series of its own; of the originals only it is sent', async () => {
    const one = await make(3);
    const key = keyFor(one);
    await store(one.files.slice(0, 4));
    await inState(key, 'done', 1);
    await store(one.files.slice(4));
    const view = await inState(key, 'done', 2);
    expect(view.revisions.map(({ cause, instances }) => [cause, instances])).toEqual([
      ['arrival', 4],
      ['late', 5],
    ]);
    expect([...(arrivedOf(one).get(one.seriesInstanceUid) ?? [])].sort()).toEqual([...one.sopInstanceUids].sort());
    expect(derivedOf(one).map(([, instances]) => instances.length)).toEqual([4, 5]);
  });
});

describe('what a person decides', () => {
  it('hold stops what comes, release lets it go', async () => {
    const one = await make(4);
    const key = keyFor(one);
    await store(one.files.slice(0, 1));
    await inState(key, 'done', 1);
    expect(await series('hold', key, '--why', 'wrong patient?')).toMatchObject({ status: 0 });
    await store(one.files.slice(1));
    const held = await inState(key, 'held', 2);
    expect(held.revisions[1]?.tasks[0]?.state).toBe('held');
    expect(inStudy(one.studyInstanceUid)).toHaveLength(2); // the first slice, and what was made of it
    expect((await series('show', key)).out).toContain('hold (wrong patient?)');
    expect(await series('release', key)).toMatchObject({ status: 0 });
    await inState(key, 'done', 2);
    expect(arrivedOf(one).get(one.seriesInstanceUid)).toHaveLength(5);
    expect(derivedOf(one).map(([, instances]) => instances.length)).toEqual([1, 5]);
  });

  it('a delivery that is refused in part stays until its rest is discarded', async () => {
    const one = await make(5);
    const key = keyFor(one);
    refused.add(one.sopInstanceUids[2] ?? '');
    await store(one.files);
    // What was made of it comes by itself, before or after; a person decides when nothing moves any more.
    const partial = await eventually('the originals refused in part, the derived series delivered', async () => {
      const view = await viewOf(key);
      const states = view?.revisions[0]?.deliveries.map(({ state }) => state).join();
      return states === 'partial,delivered' && view;
    });
    expect(partial.state).toBe('partial');
    expect(partial.revisions[0]?.deliveries.find(({ task }) => task === 'originals')).toMatchObject({
      delivered: 4,
      refused: 1,
      fault: { code: 'A900' },
    });
    expect(await series('discard', key, '--peer', 'pacs', '--why', 'known')).toMatchObject({ status: 0 });
    const done = await inState(key, 'done', 1);
    expect(done.revisions[0]?.deliveries.map(({ state }) => state)).toEqual(['discarded', 'delivered']);
  });

  it('prioritise is recorded; a wrong key is told with what to do', async () => {
    const [key = ''] = (await series('list', '--json')).out.match(/[a-z2-7]{26}/) ?? [];
    expect(await series('prioritise', key, '--to', 'batch')).toMatchObject({ status: 0 });
    expect((await shown(key)).priority).toBe('batch');
    for (const wrong of ['zzzzzz', 'a'.repeat(26), key.slice(0, 3)]) {
      const { status, err } = await series('show', wrong);
      expect(status).toBe(1);
      expect(err).toMatch(/^SPOOL_UNKNOWN_SERIES: .*\nLook the series up with `limpid series list`\.\n$/);
    }
  });
});

describe('the tools of the network', () => {
  it('echo and send reach the PACS', async () => {
    const echo = await limpid('echo', 'pacs', '--config', config, '-v');
    expect(echo).toMatchObject({
      status: 0,
      out: expect.stringMatching(/^pacs: answered in \d+ ms, status 0000\nimplementation /),
    });
    const one = await make(6, 3);
    const sent = await limpid('send', 'pacs', join(folder.path, 'in', '6'), '--config', config);
    expect(sent).toMatchObject({ status: 0, out: expect.stringMatching(/^ +3 {2}delivered 0000$/m) });
    expect(arrivedOf(one).get(one.seriesInstanceUid)).toHaveLength(3);
    expect(await limpid('send', 'pacs', config, '--config', config)).toMatchObject({
      status: 2,
      err: expect.stringMatching(/left out .*\nUSAGE: there is no DICOM file to send/),
    });
  });
});

describe('behind the node', () => {
  it('commands on the spool work without it, and network tools say what to do about a closed port', async () => {
    expect(await node.end('SIGTERM')).toBe(0);
    await pacs.close();
    const list = await series('list');
    expect(list.status).toBe(0);
    expect(list.out).toMatch(/^key +state +modality/);
    const [key = ''] = list.out.match(/^[a-z2-7]{26}/m) ?? [];
    expect((await series('show', key)).out).toContain('revision 1: ');
    expect(await series('hold', key)).toMatchObject({ status: 0 });
    expect((await shown(key)).actions.at(-1)).toMatchObject({ kind: 'hold' });
    const verified = await limpid('spool', 'verify', '--hashes', '--config', config);
    expect(verified).toMatchObject({ status: 0, out: expect.stringMatching(/ok \d+ series, \d+ files, every byte/) });
    const swept = await limpid('spool', 'sweep', '--config', config);
    expect(swept).toMatchObject({ status: 0, out: expect.stringMatching(/pixels of 0 taken away/) });
    for (const args of [
      ['echo', 'pacs'],
      ['send', 'pacs', join(folder.path, 'in', '6')],
    ]) {
      const { status, err } = await limpid(...args, '--config', config);
      expect(status).toBe(1);
      expect(err).toMatch(/DIMSE_CONNECT: .*ECONNREFUSED.*\nCheck host and port of the peer/);
      expect(err).not.toMatch(/^\s+at /m);
    }
  });
});
