// What a person does while a series goes out: it takes hold within a second or two, and no older copy arrives behind the newer one.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Deliverer } from '../../src/deliver/deliver.js';
import type { Destination, Outgoing, SendControl, SendReport } from '../../src/deliver/destination.js';
import type { DeliveryJob } from '../../src/deliver/job.js';
import { writeFileMeta } from '../../src/dicom/part10.js';
import { openLog } from '../../src/observe/log.js';
import { openMetrics } from '../../src/observe/metrics.js';
import { isCurrent } from '../../src/spool/is-current.js';
import { openSpool } from '../../src/spool/open-spool.js';
import type { ActionRecord } from '../../src/spool/records.js';
import type { Spool } from '../../src/spool/spool.js';
import { actionRecord, decisionRecord, instanceRecord, key, outcomeRecord, seriesRecord } from '../support/records.js';
import { openFolder } from '../support/temporary.js';

const uids = Array.from({ length: 20 }, (_, index) => `1.2.3.4.${index + 1}`);
const task = 'ct-low-dose-12345678';
const never = new AbortController().signal;
const resultJob: DeliveryJob = { key, revision: 1, task, peer: 'pacs' };
const originalsJob: DeliveryJob = { key, revision: 1, task: 'originals', peer: 'pacs' };

let folder: Awaited<ReturnType<typeof openFolder>>;
let spool: Spool;
/** Jobs that run now, in whichever process. */
let running: Set<string>;
/** Files that the peer has got, in order. */
let arrived: string[];

beforeEach(async () => {
  folder = await openFolder();
  running = new Set();
  arrived = [];
  spool = await openSpool({ directory: folder.path, sync: 'never', host: 'test', now: Date.now });
  await spool.publishRevision(seriesRecord(1, uids));
  await spool.publishDecision(decisionRecord(1, { forward: ['pacs'] }));
  const made = await spool.freshFolder('result');
  await mkdir(join(made, 'objects'));
  const outcome = outcomeRecord(uids);
  for (const { file, bytes } of outcome.instances) await writeFile(join(made, 'objects', file), Buffer.alloc(bytes));
  await spool.publishOutcome(key, 1, outcome, made);
  await mkdir(spool.layout.instances(key), { recursive: true });
  for (const uid of uids) await writeOriginal(instanceRecord(uid).file);
});
afterEach(async () => {
  await spool.close();
  await folder.remove();
});

const writeOriginal = (file: string): Promise<void> => {
  const meta = writeFileMeta({
    sopClassUid: '1.2.840.10008.5.1.4.1.1.2',
    sopInstanceUid: '1.2.3.4.1',
    transferSyntaxUid: '1.2.840.10008.1.2.1',
    sendingAe: 'CT1',
  });
  return writeFile(spool.layout.instance(key, file), Buffer.concat([meta, new Uint8Array(100)]));
};

const nameOf = ({ revision, task: name, peer }: DeliveryJob): string => `${revision}/${name}@${peer}`;

/** The sender of one process, with a peer that takes an instance for so long. */
function sender(takes: (instance: Outgoing) => Promise<unknown>) {
  const send: Destination['send'] = async (instances: readonly Outgoing[], control: SendControl) => {
    const outcomes: SendReport['outcomes'][number][] = [];
    for (const instance of instances) {
      if (!(await control.pace(instance))) break;
      await takes(instance);
      arrived.push(instance.file);
      outcomes.push({ sopInstanceUid: instance.sopInstanceUid, class: 'delivered', status: 0, comment: '' });
    }
    return { failure: null, outcomes };
  };
  const deliverer = new Deliverer({
    spool,
    peer: () => ({
      destination: { send, probe: () => Promise.resolve(null) },
      retry: { firstMs: 30_000, longestMs: 900_000, giveUpMs: 604_800_000, window: null, treatAsTransient: [] },
      throttle: { instancesPerSecond: null, bytesPerSecond: null },
      window: null,
    }),
    waiting: () => Promise.resolve([]),
    isCurrent: (state) => isCurrent(spool.layout, state),
    runs: (job) => Promise.resolve(running.has(nameOf(job))),
    wake: () => Promise.resolve(true),
    log: openLog('silent'),
    metrics: openMetrics(),
    now: Date.now,
    random: () => 0,
  });
  return async (job: DeliveryJob) => {
    running.add(nameOf(job));
    try {
      return await deliverer.deliver(job, 'routine', never);
    } finally {
      running.delete(nameOf(job));
    }
  };
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await delay(5);
}

const act = (change: Partial<ActionRecord>): Promise<string> => spool.recordAction(key, actionRecord(change));

describe('a series that a person acts on while it goes out', () => {
  it.each([
    { kind: 'hold' as const },
    { kind: 'discard' as const },
    { kind: 'discard' as const, peer: 'pacs' },
    { kind: 'withdraw' as const, revision: 1, task, reason: 'quality' as const, because: 'processing' as const },
  ])('goes out no further: $kind', async (action) => {
    const going = sender(() => delay(200))(resultJob);
    await until(() => arrived.length > 0);
    await act(action);
    expect(await going).toEqual({ kind: 'done' });
    expect(arrived.length).toBeLessThan(uids.length / 2);
    const [batch] = (await spool.state(key)).revisions[0]?.deliveries.get(`${task}@pacs`) ?? [];
    expect(batch?.instances).toHaveLength(arrived.length);
  });

  it('goes out no further to a peer that the rules do not name any more by which a person has asked for it again', async () => {
    const going = sender(() => delay(200))(resultJob);
    await until(() => arrived.length > 0);
    await act({ kind: 'requeue' });
    await spool.publishRevision(seriesRecord(2, uids, { cause: 'requeue', action: '001.json' }));
    await delay(1_300); // it has looked, and goes on: nobody has decided yet
    await spool.publishDecision(decisionRecord(2, { forward: ['archive'], tasks: [] }));
    expect(await going).toEqual({ kind: 'done' });
    expect(arrived.length).toBeLessThan(uids.length - 5);
  });

  it('goes on to its end, each instance once, where it is only put forward', async () => {
    const going = sender(() => delay(100))(resultJob);
    await until(() => arrived.length > 0);
    await act({ kind: 'prioritise', priority: 'urgent' });
    expect(await going).toEqual({ kind: 'done' });
    expect(arrived).toHaveLength(uids.length);
    expect(new Set(arrived).size).toBe(uids.length);
  });
});

describe('a copy that a person has corrected', () => {
  it('arrives behind the one it replaces, though another process still sends that one', async () => {
    const [first = ''] = uids;
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const earlier = sender(() => held)(originalsJob);
    await until(() => running.size > 0);
    await delay(100); // its first instance is on its way
    const corrected = { ...instanceRecord(first), file: `${instanceRecord(first).file}-corrected` };
    await writeOriginal(corrected.file);
    const instances = [corrected, ...uids.slice(1).map(instanceRecord)];
    await spool.publishRevision(seriesRecord(2, uids, { cause: 'requeue', instances }));
    await spool.publishDecision(decisionRecord(2, { forward: ['pacs'] }));
    const other = sender(() => Promise.resolve());
    const later: DeliveryJob = { ...originalsJob, revision: 2 };
    expect(await other(later)).toMatchObject({ kind: 'later' });
    expect(arrived).toEqual([]);
    await delay(1_200);
    release();
    await earlier;
    expect(await other(later)).toEqual({ kind: 'done' });
    const copies = arrived.filter((file) => file.includes(instanceRecord(first).file));
    expect(copies.at(-1)).toContain('-corrected');
    expect(arrived).toHaveLength(uids.length + 1); // only the one that was on its way twice
  });
});

describe('the document of a withdrawal', () => {
  it('waits for the last image of its series that another process has on its way', async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const images = sender(() => held)(resultJob);
    await until(() => running.size > 0);
    await delay(100);
    await act({ kind: 'withdraw', revision: 1, task, reason: 'quality', because: 'processing' });
    const document: DeliveryJob = { ...resultJob, task: 'withdrawal-01' };
    const made = await spool.freshFolder('result');
    await mkdir(join(made, 'objects'));
    const outcome = outcomeRecord(['1.9'], { task: 'withdrawal-01', seriesInstanceUid: '2.25.9' });
    for (const { file, bytes } of outcome.instances) await writeFile(join(made, 'objects', file), Buffer.alloc(bytes));
    await spool.publishOutcome(key, 1, outcome, made);
    const other = sender(() => Promise.resolve());
    expect(await other(document)).toMatchObject({ kind: 'later' });
    await delay(1_200);
    release();
    expect(await images).toEqual({ kind: 'done' });
    expect(arrived).toHaveLength(1);
    expect(await other(document)).toEqual({ kind: 'done' });
    expect(arrived.at(-1)).toContain('withdrawal-01');
  });
});
