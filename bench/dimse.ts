/**
 * The DIMSE layer against DCMTK, Orthanc and bare Node on the same machine: contenders take turns, who begins changes from round to
 * round, every time on fresh data, medians. 300 CT slices of 512 x 512 x 16 or one object of 500 MB, PDUs of 128 KB, everyone writes
 * to disk, TCP_NODELAY=1 for the peers. A receiver has received some series before (a node runs for weeks, and Node compiles what it
 * runs often), and has done with them; the memory that a large object takes is that of a receiver which has just started. Set TMPDIR to a
 * folder where nothing has been deleted for some minutes: see `steady.ts`.
 * `node build/bench/dimse.js [slices] [rounds]`.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { quickConfig } from '../demo/start-node.js';
import type { Outgoing } from '../src/io/dimse/outgoing.js';
import { send } from '../src/io/dimse/scu.js';
import { openLog } from '../src/observe/log.js';
import { findPeer, startRedis } from '../test/support/peer-processes.js';
import { sendBare, writeLargeObject, writeSlices } from './bodies.js';
import { peakOf, programOf, secondsOf, startProgram } from './processes.js';
import { startLimpid, startStorescp, startSyncedOrthanc } from './receivers.js';
import type { Receiver } from './receivers.js';
import { median, report } from './report.js';
import { emptyFiles, touchFileMemory } from './steady.js';
import type { Figure } from './report.js';

const [slices = 300, rounds = 5] = process.argv.slice(2).map(Number);
/**
 * Series that a receiver has received before its time is taken: after four Node still compiles. With fewer before the large object the
 * system does not write them while it comes.
 */
const seriesBefore = { slices: 8, large: 4 } as const;
/** Until limpid has closed and hashed the series that came before. */
const settledMs = 3000;
/** What a measurement writes, what is sent with it, and some more. */
const touchedMegabytes = { slices: 500, large: 1300 } as const;
process.setMaxListeners(0); // a peer a turn waits for the end
const log = openLog('warn');
const folder = await mkdtemp(join(tmpdir(), 'limpid-dimse-'));
const redis = await startRedis();
const seconds = new Map<string, number[]>();
const peaks = new Map<string, number>();
let seed = 0;

type Body = 'slices' | 'large';

/** Runs with fresh data in a folder of its own. */
async function withBody<T>(body: Body, use: (instances: readonly Outgoing[], at: string) => Promise<T>): Promise<T> {
  const at = join(folder, `body-${++seed}`);
  await mkdir(at);
  try {
    if (body === 'large') return await use(await writeLargeObject(at, seed), at);
    return await use(await writeSlices(at, slices, seed), at);
  } finally {
    await emptyFiles(at);
  }
}

function keep(row: string, taken: number): void {
  seconds.set(row, [...(seconds.get(row) ?? []), taken]);
}

/** Seconds from connecting to the last answer. */
function sendTo(receiver: Receiver, body: Body, associations: number): Promise<number> {
  return withBody(body, async (instances) => {
    const start = performance.now();
    const { outcomes } = await send(receiver.target, instances, { associations, log });
    if (outcomes.length !== instances.length || outcomes.some(({ status }) => status !== 0)) throw new Error('refused');
    return (performance.now() - start) / 1000;
  });
}

/** Peers that have had their turn: their files are emptied, and go with them at the end. */
const done: Receiver[] = [];

async function receiveOnce(
  row: string,
  receiver: Receiver,
  body: Body,
  associations: number,
  before: number = seriesBefore[body],
): Promise<void> {
  try {
    for (let series = 0; series < before; series++) await sendTo(receiver, 'slices', associations);
    await sleep(settledMs);
    await emptyFiles(receiver.files);
    await touchFileMemory(folder, touchedMegabytes[body]);
    keep(row, await sendTo(receiver, body, associations));
    if (receiver.pid !== 0) peaks.set(row, Math.max(peaks.get(row) ?? 0, await peakOf(receiver.pid)));
  } finally {
    if (receiver.pid === 0) done.push(receiver);
    else await receiver.stop();
    await emptyFiles(receiver.files);
  }
}

async function sinkOnce(row: string, connections: number): Promise<void> {
  const at = join(folder, `sink-${++seed}`);
  await mkdir(at);
  const sink = await startProgram('bare-sink', [at]);
  const sendAll = () =>
    withBody('slices', async (instances) => {
      const start = performance.now();
      await sendBare(
        sink.port,
        instances.map(({ file }) => file),
        connections,
      );
      return (performance.now() - start) / 1000;
    });
  try {
    for (let series = 0; series < seriesBefore.slices; series++) await sendAll();
    await sleep(settledMs);
    await emptyFiles(at);
    await touchFileMemory(folder, touchedMegabytes.slices);
    keep(row, await sendAll());
  } finally {
    await sink.stop();
    await emptyFiles(at);
  }
}

const main = fileURLToPath(new URL('../src/main.js', import.meta.url));

/** Whole processes that send into the same receiver: storescu a process for each association. `running`: this process, as a node does. */
async function sendOnce(
  who: 'storescu' | 'limpid sends' | 'limpid send' | 'running',
  body: Body,
  associations: number,
  row: string,
): Promise<void> {
  const { aeTitle, port } = sentTo.target;
  await sleep(settledMs);
  await emptyFiles(sentTo.files);
  await withBody(body, async (instances, at) => {
    await touchFileMemory(folder, touchedMegabytes[body]);
    if (who === 'running') {
      const start = performance.now();
      await send(sentTo.target, instances, { associations, log });
      keep(`running, ${row}`, (performance.now() - start) / 1000);
      return;
    }
    if (who === 'limpid sends') {
      const args = [programOf('send-files'), String(port), aeTitle, String(associations), at];
      keep(`${who}, ${row}`, await secondsOf([[process.execPath, ...args]]));
      return;
    }
    if (who === 'limpid send') {
      const config = join(folder, `send-${associations}.yaml`);
      const peers = { pacs: { aeTitle, host: '127.0.0.1', port, associations } };
      await writeFile(config, JSON.stringify(quickConfig({ node: { aeTitle: 'CT1' }, peers, rules: [] })));
      keep(`the command, ${row}`, await secondsOf([[process.execPath, main, 'send', 'pacs', at, '--config', config]]));
      return;
    }
    const shares = Array.from({ length: associations }, (_, lane) =>
      instances.filter((_instance, index) => index % associations === lane).map(({ file }) => file),
    );
    const fixed = ['-aet', 'CT1', '-aec', aeTitle, '--max-pdu', '131072', '127.0.0.1', String(port)];
    const storescu = findPeer('storescu') ?? 'storescu';
    keep(`${who}, ${row}`, await secondsOf(shares.map((files) => [storescu, ...fixed, ...files] as const)));
  });
}

/** Contenders of a comparison, each for one turn. */
const comparisons: readonly (readonly (() => Promise<void>)[])[] = [
  ...[1, 4].map((associations) => [
    async () => receiveOnce(`storescp, ${associations}`, await startStorescp(associations), 'slices', associations),
    async () =>
      receiveOnce(`sync never, ${associations}`, await startLimpid(folder, redis.url, 'never'), 'slices', associations),
    () => sinkOnce(`bare sink, ${associations}`, associations),
  ]),
  [
    async () => receiveOnce('Orthanc, 4', await startSyncedOrthanc(), 'slices', 4),
    async () => receiveOnce('sync always, 4', await startLimpid(folder, redis.url, 'always'), 'slices', 4),
  ],
  [
    async () => receiveOnce('storescp, 500 MB', await startStorescp(1), 'large', 1),
    async () => receiveOnce('sync never, 500 MB', await startLimpid(folder, redis.url, 'never'), 'large', 1),
    async () => receiveOnce('just started, 500 MB', await startLimpid(folder, redis.url, 'never'), 'large', 1, 0),
  ],
  ...(
    [
      ['slices', 1, '1'],
      ['slices', 4, '4'],
      ['large', 1, '500 MB'],
    ] as const
  ).map(([body, associations, row]) =>
    (['storescu', 'limpid sends', 'limpid send', 'running'] as const).map(
      (who) => () => sendOnce(who, body, associations, row),
    ),
  ),
];

const of = (row: string): number => median(seconds.get(row) ?? []);
/** How many times as fast as the other. */
const speed = (what: string, own: string, other: string, atLeast: number): Figure => ({
  what,
  value: of(other) / of(own),
  unit: '',
  atLeast,
});

/** Who receives what is sent. */
const sentTo = await startLimpid(folder, redis.url, 'never');
try {
  for (let series = 0; series < seriesBefore.slices; series++) await sendTo(sentTo, 'slices', 4);
  for (let round = 0; round < rounds; round++) {
    for (const contenders of comparisons) {
      for (let turn = 0; turn < contenders.length; turn++) await contenders[(round + turn) % contenders.length]?.();
    }
  }
  report(
    'dimse',
    [
      speed('receive against storescp +B, 1 association', 'sync never, 1', 'storescp, 1', 0.8),
      speed('receive against storescp +B, 4 associations', 'sync never, 4', 'storescp, 4', 0.8),
      speed('receive, synced, against synced Orthanc, 4 associations', 'sync always, 4', 'Orthanc, 4', 2.5),
      speed('share of a bare sink of Node, 1 association', 'sync never, 1', 'bare sink, 1', 0.8),
      speed('share of a bare sink of Node, 4 associations', 'sync never, 4', 'bare sink, 4', 0.8),
      {
        what: 'time of a 500 MB object over storescp +B',
        value: of('sync never, 500 MB') / of('storescp, 500 MB'),
        unit: '',
        atMost: 1.4,
      },
      {
        what: 'peak memory with a 500 MB object',
        value: peaks.get('just started, 500 MB') ?? NaN,
        unit: 'MB',
        atMost: 150,
      },
      speed('send against storescu, 1 association', 'limpid sends, 1', 'storescu, 1', 0.85),
      speed('send against storescu, 4 associations', 'limpid sends, 4', 'storescu, 4', 1),
      speed('send against storescu, 500 MB', 'limpid sends, 500 MB', 'storescu, 500 MB', 1),
      // As a node does, which need not start for each series.
      ...['1', '4', '500 MB'].map((row) => ({
        what: `a process of limpid's that runs already against storescu, ${row}`,
        value: of(`storescu, ${row}`) / of(`running, ${row}`),
        unit: '',
      })),
      // With its configuration read and checked, and its report.
      ...['1', '4', '500 MB'].map((row) => ({
        what: `the command \`limpid send\` against storescu, ${row}`,
        value: of(`storescu, ${row}`) / of(`the command, ${row}`),
        unit: '',
      })),
      ...[...seconds.keys()].map((row) => ({ what: row, value: of(row), unit: 's' })),
    ],
    { slices, rounds, seconds: Object.fromEntries(seconds), peaks: Object.fromEntries(peaks) },
  );
} finally {
  await sentTo.stop();
  await Promise.all(done.map((receiver) => receiver.stop()));
  await redis.stop();
  await rm(folder, { recursive: true, force: true });
}
