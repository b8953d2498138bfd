/**
 * The DIMSE layer against DCMTK, Orthanc and bare Node on the same machine: contenders take turns, every time on fresh data, medians.
 * 300 CT slices of 512 x 512 x 16 or one object of 500 MB, PDUs of 128 KB, everyone writes to disk, TCP_NODELAY=1 for the peers.
 * `node build/bench/dimse.js [slices] [rounds]`.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Outgoing } from '../src/io/dimse/outgoing.js';
import { send } from '../src/io/dimse/scu.js';
import { openLog } from '../src/observe/log.js';
import { findPeer, startRedis } from '../test/support/peer-processes.js';
import { sendBare, writeLargeObject, writeSlices } from './bodies.js';
import { peakOf, programOf, secondsOf, startProgram } from './processes.js';
import { startLimpid, startStorescp, startSyncedOrthanc } from './receivers.js';
import type { Receiver } from './receivers.js';
import { median, report } from './report.js';
import type { Figure } from './report.js';

const [slices = 300, rounds = 5] = process.argv.slice(2).map(Number);
const warmUp = 20;
const log = openLog('warn');
const folder = await mkdtemp(join(tmpdir(), 'limpid-dimse-'));
const redis = await startRedis();
const seconds = new Map<string, number[]>();
const peaks = new Map<string, number>();
let seed = 0;

type Body = 'slices' | 'warm-up' | 'large';

/** Runs with fresh data in a folder of its own. */
async function withBody<T>(body: Body, use: (instances: readonly Outgoing[], at: string) => Promise<T>): Promise<T> {
  const at = join(folder, `body-${++seed}`);
  await mkdir(at);
  try {
    if (body === 'large') return await use(await writeLargeObject(at, seed), at);
    return await use(await writeSlices(at, body === 'slices' ? slices : warmUp, seed), at);
  } finally {
    await rm(at, { recursive: true });
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

async function receiveOnce(row: string, receiver: Receiver, body: Body, associations: number): Promise<void> {
  try {
    await sendTo(receiver, 'warm-up', associations);
    keep(row, await sendTo(receiver, body, associations));
    if (receiver.pid !== 0) peaks.set(row, Math.max(peaks.get(row) ?? 0, await peakOf(receiver.pid)));
  } finally {
    await receiver.stop();
  }
}

async function sinkOnce(row: string, connections: number): Promise<void> {
  const at = join(folder, `sink-${++seed}`);
  await mkdir(at);
  const sink = await startProgram('bare-sink', [at]);
  try {
    for (const body of ['warm-up', 'slices'] as const) {
      const taken = await withBody(body, async (instances) => {
        const start = performance.now();
        await sendBare(
          sink.port,
          instances.map(({ file }) => file),
          connections,
        );
        return (performance.now() - start) / 1000;
      });
      if (body === 'slices') keep(row, taken);
    }
  } finally {
    await sink.stop();
    await rm(at, { recursive: true });
  }
}

/** Whole processes that send into the same receiver: storescu a process for each association. */
async function sendOnce(receiver: Receiver, body: Body, associations: number, row: string): Promise<void> {
  const { aeTitle, port } = receiver.target;
  const storescu = findPeer('storescu') ?? 'storescu';
  await withBody(body, async (instances) => {
    const shares = Array.from({ length: associations }, (_, lane) =>
      instances.filter((_instance, index) => index % associations === lane).map(({ file }) => file),
    );
    const fixed = ['-aet', 'CT1', '-aec', aeTitle, '--max-pdu', '131072', '127.0.0.1', String(port)];
    keep(`storescu, ${row}`, await secondsOf(shares.map((files) => [storescu, ...fixed, ...files] as const)));
  });
  await withBody(body, async (_, at) => {
    const args = [programOf('send-files'), String(port), aeTitle, String(associations), at];
    keep(`limpid sends, ${row}`, await secondsOf([[process.execPath, ...args]]));
  });
}

async function round(): Promise<void> {
  for (const associations of [1, 4]) {
    const never = `sync never, ${associations}`;
    await receiveOnce(`storescp, ${associations}`, await startStorescp(associations), 'slices', associations);
    await receiveOnce(never, await startLimpid(folder, redis.url, 'never'), 'slices', associations);
    await sinkOnce(`bare sink, ${associations}`, associations);
  }
  await receiveOnce('Orthanc, 4', await startSyncedOrthanc(), 'slices', 4);
  await receiveOnce('sync always, 4', await startLimpid(folder, redis.url, 'always'), 'slices', 4);
  await receiveOnce('storescp, 500 MB', await startStorescp(1), 'large', 1);
  await receiveOnce('sync never, 500 MB', await startLimpid(folder, redis.url, 'never'), 'large', 1);
  const receiver = await startLimpid(folder, redis.url, 'never');
  try {
    await sendTo(receiver, 'warm-up', 4);
    await sendOnce(receiver, 'slices', 1, '1');
    await sendOnce(receiver, 'slices', 4, '4');
    await sendOnce(receiver, 'large', 1, '500 MB');
  } finally {
    await receiver.stop();
  }
}

const of = (row: string): number => median(seconds.get(row) ?? []);
/** How many times as fast as the other. */
const speed = (what: string, own: string, other: string, atLeast: number): Figure => ({
  what,
  value: of(other) / of(own),
  unit: '',
  atLeast,
});

try {
  for (let done = 0; done < rounds; done++) await round();
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
        value: peaks.get('sync never, 500 MB') ?? NaN,
        unit: 'MB',
        atMost: 150,
      },
      speed('send against storescu, 1 association', 'limpid sends, 1', 'storescu, 1', 0.85),
      speed('send against storescu, 4 associations', 'limpid sends, 4', 'storescu, 4', 1),
      speed('send against storescu, 500 MB', 'limpid sends, 500 MB', 'storescu, 500 MB', 1),
      ...[...seconds.keys()].map((row) => ({ what: row, value: of(row), unit: 's' })),
    ],
    { slices, rounds, seconds: Object.fromEntries(seconds), peaks: Object.fromEntries(peaks) },
  );
} finally {
  await redis.stop();
  await rm(folder, { recursive: true, force: true });
}
