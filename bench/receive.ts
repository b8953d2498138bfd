/**
 * Receiving 300 CT slices over one and four associations, against DCMTK's storescp (+B: it writes the bytes as they come, as limpid
 * does). Each time with a fresh process, in turns; medians. `node build/bench/receive.js [slices] [rounds]`.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { quickConfig, startNode } from '../demo/start-node.js';
import { send } from '../src/io/dimse/scu.js';
import { openLog } from '../src/observe/log.js';
import { startRedis, startStoreScp } from '../test/support/peer-processes.js';
import { PassingCopies, templateOf } from './copies.js';
import { median, report } from './report.js';
import type { Figure } from './report.js';

const [slices = 300, rounds = 5] = process.argv.slice(2).map(Number);
const warmUp = 20;
const log = openLog('warn');

interface Receiver {
  readonly aeTitle: string;
  readonly port: number;
  stop(): Promise<unknown>;
}

const folder = await mkdtemp(join(tmpdir(), 'limpid-receive-'));
const redis = await startRedis();
let started = 0;

async function limpid(sync: 'always' | 'never'): Promise<Receiver> {
  const at = join(folder, `node-${++started}`);
  const config = quickConfig({
    queue: redis.url,
    peers: { ct1: { aeTitle: 'CT1' } },
    spool: { directory: './data', low: '100MB', critical: '50MB', sync },
    rules: [],
  });
  const node = await startNode({ folder: at, config, roles: 'receiver,admin' });
  return {
    aeTitle: 'LIMPID',
    port: node.dicomPort,
    stop: async () => {
      await node.end('SIGTERM');
      await rm(at, { recursive: true });
    },
  };
}

const receivers: Readonly<Record<string, (associations: number) => Promise<Receiver>>> = {
  storescp: (associations) => startStoreScp({ args: associations > 1 ? ['--fork'] : [] }),
  'limpid, sync never': () => limpid('never'),
  'limpid, sync always': () => limpid('always'),
};

/** Seconds from connecting to the last answer. */
async function measure(receiver: Receiver, associations: number, seed: number): Promise<number> {
  const target = { aeTitle: receiver.aeTitle, host: '127.0.0.1', port: receiver.port, callingAe: 'CT1' };
  const passing = join(folder, 'passing');
  let seconds = Number.NaN;
  for (const count of [warmUp, slices]) {
    await mkdir(passing);
    const template = await templateOf(join(folder, 'template'), 2 * seed + Number(count === slices), 'bench');
    const { outgoing } = new PassingCopies(passing, [template], count, count);
    const start = performance.now();
    const { outcomes } = await send(target, outgoing, { associations, log });
    seconds = (performance.now() - start) / 1000;
    if (outcomes.length !== count || outcomes.some(({ status }) => status !== 0)) throw new Error('refused');
    await rm(passing, { recursive: true });
  }
  return seconds;
}

try {
  const seconds = new Map<string, number[]>();
  for (let round = 0; round < rounds; round++) {
    for (const associations of [1, 4]) {
      for (const [name, start] of Object.entries(receivers)) {
        const receiver = await start(associations);
        const taken = await measure(receiver, associations, 100 * round + associations);
        await receiver.stop();
        const row = `${name}, ${associations}`;
        seconds.set(row, [...(seconds.get(row) ?? []), taken]);
      }
    }
  }
  const figures: Figure[] = [];
  for (const associations of [1, 4]) {
    const reference = median(seconds.get(`storescp, ${associations}`) ?? []);
    figures.push({ what: `storescp, ${associations} associations`, value: reference, unit: 's' });
    for (const sync of ['never', 'always']) {
      const own = median(seconds.get(`limpid, sync ${sync}, ${associations}`) ?? []);
      figures.push({ what: `limpid, sync ${sync}, ${associations} associations`, value: own, unit: 's' });
      figures.push({
        what: `speed against storescp, sync ${sync}, ${associations} associations`,
        value: reference / own,
        unit: '',
      });
    }
  }
  report('receive', figures, { slices, rounds, seconds: Object.fromEntries(seconds) });
} finally {
  await redis.stop();
  await rm(folder, { recursive: true, force: true });
}
