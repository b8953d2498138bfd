/**
 * A receiver under load for long: memory over 20,000 slices in 100 associations; then 100 associations at once, half of which stop in
 * the middle of a PDV. `node build/bench/load.js [slices] [associations]`. Linux only.
 */
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { send } from '../src/io/dimse/scu.js';
import type { ScuTarget } from '../src/io/dimse/requestor.js';
import { openLog } from '../src/observe/log.js';
import { associateRequest, commandPdu, dataPdu, storeRequest } from '../test/support/dimse-bytes.js';
import { startRedis } from '../test/support/peer-processes.js';
import { scriptedPeer } from '../test/support/scripted-peer.js';
import type { ScriptedPeer } from '../test/support/scripted-peer.js';
import { eventually } from '../demo/start-node.js';
import { PassingCopies, templateOf } from './copies.js';
import { descriptorsOf, peakOf, residentOf } from './processes.js';
import { startLimpid } from './receivers.js';
import type { Receiver } from './receivers.js';
import { median, report } from './report.js';

const [slices = 20_000, associations = 100] = process.argv.slice(2).map(Number);
const atOnce = 4;
const log = openLog('warn');
const folder = await mkdtemp(join(tmpdir(), 'limpid-load-'));
const redis = await startRedis();
let seed = 0;

/** Sends a series of its own over one association. @returns seconds from connecting to the last answer */
async function sendSeries(target: ScuTarget, count: number): Promise<number> {
  const at = join(folder, `series-${++seed}`);
  await mkdir(at);
  const template = await templateOf(join(at, 'template'), seed, 'load');
  const copies = new PassingCopies(at, [template], count, 8);
  const files = new Map(copies.outgoing.map(({ sopInstanceUid, file }) => [sopInstanceUid, file]));
  const start = performance.now();
  const { outcomes } = await send(target, copies.outgoing, {
    associations: 1,
    log,
    onOutcome: ({ sopInstanceUid }) => {
      copies.writeNext();
      void rm(files.get(sopInstanceUid) ?? '', { force: true });
    },
  });
  const seconds = (performance.now() - start) / 1000;
  if (outcomes.length !== count || outcomes.some(({ status }) => status !== 0)) throw new Error('refused');
  await rm(at, { recursive: true });
  return seconds;
}

/** Temporary files of arriving instances. */
async function temporaryFiles({ files }: Receiver): Promise<number> {
  const names = await readdir(join(files, '..', 'tmp'), { recursive: true });
  return names.filter((name) => name.includes('incoming')).length;
}

async function longRun(): Promise<{ peak: number; quarter: number; end: number; seconds: number; left: number }> {
  const receiver = await startLimpid(folder, redis.url, 'never');
  try {
    const resident: number[] = [];
    const start = performance.now();
    let begun = 0;
    const lane = async (): Promise<void> => {
      while (begun++ < associations) {
        await sendSeries(receiver.target, Math.round(slices / associations));
        resident.push(await residentOf(receiver.pid));
      }
    };
    await Promise.all(Array.from({ length: atOnce }, lane));
    const quarter = Math.floor(resident.length / 4);
    return {
      peak: await peakOf(receiver.pid),
      quarter: median(resident.slice(quarter - 5, quarter + 5)),
      end: median(resident.slice(-10)),
      seconds: (performance.now() - start) / 1000,
      left: await temporaryFiles(receiver),
    };
  } finally {
    await receiver.stop();
  }
}

/** An association that stops in the middle of a PDV. */
async function stall(target: ScuTarget, index: number): Promise<ScriptedPeer> {
  const peer = await scriptedPeer(target.port);
  peer.send(associateRequest({ callingAe: target.callingAe }));
  await peer.until(1);
  const pdu = dataPdu(1, Buffer.alloc(100_000), false);
  peer.send(commandPdu(1, storeRequest(`2.25.7000${index}`)), pdu.subarray(0, 50_000));
  return peer;
}

async function stalled(): Promise<{ over: number; ended: number; files: number; descriptors: number; peak: number }> {
  const room = { associations: 128, associationsOfPeer: 128, associationsOfAddress: 128 };
  const receiver = await startLimpid(folder, redis.url, 'never', room);
  try {
    // what starts when it is needed first: a second thread for the disk
    await Promise.all(Array.from({ length: atOnce }, () => sendSeries(receiver.target, 20)));
    const half = associations / 2;
    const others = async (): Promise<number> => {
      const start = performance.now();
      await Promise.all(Array.from({ length: half }, () => sendSeries(receiver.target, 20)));
      return performance.now() - start;
    };
    await sleep(5_000); // until their revisions are closed and announced: that opens connections to the queue
    const descriptors = await descriptorsOf(receiver.pid);
    const alone = [await others(), await others(), await others()];
    const peers = await Promise.all(Array.from({ length: half }, (_, index) => stall(receiver.target, index)));
    const since = performance.now();
    const beside: number[] = [];
    while (beside.length < 3) beside.push(await others());
    await sleep(Math.max(0, 60_000 - (performance.now() - since)));
    const ended = peers.filter((peer) => peer.log.at(-1) === 'ABORT 2/0' && peer.isClosed()).length;
    const leaked = await eventually('no temporary file', async () =>
      (await temporaryFiles(receiver)) === 0 ? [0] : null,
    )
      .then(() => 0)
      .catch(() => temporaryFiles(receiver));
    return {
      over: median(beside) / median(alone),
      ended: ended / half,
      files: leaked,
      descriptors: (await descriptorsOf(receiver.pid)) - descriptors,
      peak: await peakOf(receiver.pid),
    };
  } finally {
    await receiver.stop();
  }
}

try {
  const long = await longRun();
  const some = await stalled();
  report(
    'load',
    [
      {
        what: `peak memory, ${slices} slices in ${associations} associations`,
        value: long.peak,
        unit: 'MB',
        atMost: 200,
      },
      { what: 'memory at their end over that after a quarter', value: long.end / long.quarter, unit: '', atMost: 1.05 },
      { what: 'temporary files left by them', value: long.left, unit: '', atMost: 0 },
      { what: 'time of 50 associations beside 50 stalled ones, over alone', value: some.over, unit: '', atMost: 1.15 },
      { what: 'share of the stalled associations that were ended', value: some.ended, unit: '', atLeast: 1 },
      { what: 'temporary files left by the stalled ones', value: some.files, unit: '', atMost: 0 },
      { what: 'descriptors left by the stalled ones', value: some.descriptors, unit: '', atMost: 0 },
      { what: 'peak memory with 100 associations at once', value: some.peak, unit: 'MB', atMost: 200 },
    ],
    { slices, associations, long, stalled: some },
  );
} finally {
  await redis.stop();
  await rm(folder, { recursive: true, force: true });
}
