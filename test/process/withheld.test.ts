// A result that its checks hold back: the originals are on their way all the same. What its figures forbid a person may let go; what its
// objects' own checks forbid never goes.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { openReceivingPacs } from '../../demo/receiving-pacs.js';
import type { ReceivingPacs } from '../../demo/receiving-pacs.js';
import { eventually, quickConfig, startNode } from '../../demo/start-node.js';
import type { NodeUnderTest } from '../../demo/start-node.js';
import { readOutgoing } from '../../src/io/dimse/outgoing.js';
import { send } from '../../src/io/dimse/scu.js';
import { openLog } from '../../src/observe/log.js';
import { openMetrics } from '../../src/observe/metrics.js';
import { keyOf } from '../../src/spool/key.js';
import { seriesView } from '../../src/spool/view.js';
import { limpid } from '../support/limpid.js';
import { whiteNoise } from '../support/phantom.js';
import { writeSyntheticSeries } from '../support/synthetic-series.js';
import type { SyntheticSeries } from '../support/synthetic-series.js';
import { openFolder } from '../support/temporary.js';

const log = openLog('silent');
const size = 128;
let folder: Awaited<ReturnType<typeof openFolder>>;
let pacs: ReceivingPacs;
let node: NodeUnderTest;

beforeAll(async () => {
  folder = await openFolder();
  const pacsFolder = join(folder.path, 'pacs');
  pacs = await openReceivingPacs({ folder: pacsFolder, port: 0, aeTitle: 'PACS', log, metrics: openMetrics() });
  node = await startNode({
    folder: join(folder.path, 'node'),
    config: quickConfig({
      peers: { ct1: { aeTitle: 'CT1' }, pacs: { aeTitle: 'PACS', host: '127.0.0.1', port: pacs.port } },
      workers: { providers: ['cpu'] },
      rules: [{ name: 'all', enhance: [{ with: 'median', strength: 0.75 }], forward: ['pacs'], deliver: ['pacs'] }],
    }),
  });
}, 600_000);

afterAll(async () => {
  await node?.end('SIGKILL');
  await pacs?.close();
  await folder?.remove();
});

/** Stripes of one pixel: the median takes them all away, which no noise explains. */
function striped(slice: number): Uint8Array {
  const values = Uint16Array.from({ length: size * size }, (_, index) => {
    const [row, column] = [Math.floor(index / size), index % size];
    if ((row - 64) ** 2 + (column - 64) ** 2 >= 55 ** 2) return 24;
    return 1064 + ((index * 7919 + slice) % 13) + (Math.floor(column / 16) % 2 === 0 && row % 3 === 0 ? 90 : 0);
  });
  return new Uint8Array(values.buffer);
}

/** Nothing but noise: what takes it away leaves an image that is not like its source. */
function noiseAlone(slice: number): Uint8Array {
  const noise = whiteNoise(size * size, 100 + slice);
  return new Uint8Array(Uint16Array.from(noise, (value) => Math.max(0, Math.round(1064 + 30 * value))).buffer);
}

async function sent(seed: number, pixels: (slice: number) => Uint8Array): Promise<SyntheticSeries & { key: string }> {
  const one = await writeSyntheticSeries(join(folder.path, `in-${seed}`), {
    modality: 'CT',
    slices: 3,
    rows: size,
    columns: size,
    noise: 10,
    seed,
    change: (slice) => [[0x7fe00010, 'OW', pixels(slice)]],
  });
  const target = { aeTitle: 'LIMPID', host: '127.0.0.1', port: node.dicomPort, callingAe: 'CT1' };
  const instances = await Promise.all(one.files.map((file) => readOutgoing(file)));
  await send(target, instances, { associations: 1, log });
  return { ...one, key: keyOf(one.studyInstanceUid, one.seriesInstanceUid) };
}

const ended = (key: string, state: string) =>
  eventually(`the task ${state}`, async () => {
    const answer = await fetch(`http://127.0.0.1:${node.httpPort}/api/series/${key}`);
    const view = answer.ok ? seriesView.parse(await answer.json()) : null;
    return view?.state === 'done' && view.revisions[0]?.tasks[0]?.state === state && view;
  });
/** Series of the objects that came from a study. */
const inPacs = (study: string): string[] =>
  pacs.stored.flatMap((stored) => (stored.studyInstanceUid === study ? [stored.seriesInstanceUid] : []));

it('leaves the originals on their way, keeps the result, and delivers it once it is released', async () => {
  const one = await sent(1, striped);
  const { key } = one;
  const view = await ended(key, 'withheld');
  expect(view.revisions[0]?.tasks[0]?.code).toMatchObject({ code: 'WITHHELD' });
  expect(inPacs(one.studyInstanceUid)).toEqual(one.files.map(() => one.seriesInstanceUid));

  const config = join(folder.path, 'node', 'limpid.yaml');
  expect(await limpid('series', 'release', key, '--config', config)).toMatchObject({ status: 0 });
  const derived = view.revisions[0]?.tasks[0]?.seriesInstanceUid ?? '';
  await eventually('the result in the PACS', () =>
    Promise.resolve(inPacs(one.studyInstanceUid).filter((uid) => uid === derived).length === one.files.length),
  );
  expect((await ended(key, 'released')).says).toMatch(/^1 released \(WITHHELD\)/);
});

it('leaves the originals on their way where the objects of the result fail their own checks', async () => {
  const one = await sent(2, noiseAlone);
  const view = await ended(one.key, 'failed');
  expect(view.revisions[0]?.tasks[0]?.code).toMatchObject({ code: 'DERIVE_CHECK_FAILED' });
  expect(inPacs(one.studyInstanceUid)).toEqual(one.files.map(() => one.seriesInstanceUid));

  // There is nothing to deliver: a release says so, and records nothing.
  const config = join(folder.path, 'node', 'limpid.yaml');
  expect(await limpid('series', 'release', one.key, '--config', config)).toMatchObject({
    status: 1,
    err: expect.stringMatching(/^SPOOL_NOTHING_HELD: nothing of \w{26} waits for a release\n.*series requeue/),
  });
  const { actions } = await ended(one.key, 'failed');
  expect(actions).toEqual([]);
  expect(inPacs(one.studyInstanceUid)).toEqual(one.files.map(() => one.seriesInstanceUid));
});
