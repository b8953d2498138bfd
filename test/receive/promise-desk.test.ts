// Storage commitment as SCP over a real spool: what is decided, how reports are repeated, given up, and found again after a restart.
import { mkdir, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LimpidError } from '../../src/errors.js';
import type { CommitmentReport } from '../../src/io/dimse/commitment.js';
import { type Metrics, openMetrics } from '../../src/observe/metrics.js';
import { PromiseDesk } from '../../src/receive/promise-desk.js';
import { PromiseSurvey, RecentInstances } from '../../src/receive/promise-survey.js';
import { arrivalMeta } from '../../src/spool/arrival.js';
import { instanceNameOf, keyOf } from '../../src/spool/key.js';
import { promisesOf, readTransaction } from '../../src/spool/promises.js';
import { openSpool } from '../../src/spool/open-spool.js';
import type { Spool } from '../../src/spool/spool.js';
import { viewOf } from '../../src/spool/view-of.js';
import { ctClass, dataSet, explicitLittle } from '../support/dimse-bytes.js';
import { openFolder } from '../support/temporary.js';
import { silentLog } from '../support/test-scp.js';

const identity = { studyInstanceUid: '1.2.3.4', seriesInstanceUid: '1.2.3.5' };
const key = keyOf(identity.studyInstanceUid, identity.seriesInstanceUid);
const uids = ['1.2.1', '1.2.2'];
const reference = (sopInstanceUid: string) => ({ sopClassUid: ctClass, sopInstanceUid });
const transactionUid = '2.25.9';
const name = instanceNameOf(transactionUid);
const request = { transactionUid, references: uids.map(reference) };
const association = {
  id: 1,
  callingAe: 'CT1',
  calledAe: 'LIMPID',
  address: '127.0.0.1',
  port: 104,
  peer: 'ct1',
  openedAtMs: 0,
};
const gone = () => Promise.reject(new LimpidError('DIMSE_ABORTED', 'the association has ended'));

let folder: Awaited<ReturnType<typeof openFolder>>;
let spool: Spool;
let metrics: Metrics;
let desk: PromiseDesk;
let nowMs: number;
const told: CommitmentReport[] = [];
/** Answers of the peer in order, the last one for ever: a status, or a failure. */
let answers: (number | Error)[];

type Policy = ConstructorParameters<typeof PromiseDesk>[0]['policy'];
const openDesk = (policy: Partial<Policy> = {}, address: 'known' | 'unknown' = 'known'): PromiseDesk =>
  (desk = new PromiseDesk({
    spool,
    policy: { of: 'received', keepMs: 1e9, waitMs: 1e6, giveUpMs: 1e6, ...policy },
    reporter: () =>
      address === 'unknown'
        ? null
        : (report) => {
            told.push(report);
            const answer = answers.length > 1 ? answers.shift() : answers[0];
            return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer ?? 0);
          },
    recent: new RecentInstances(),
    log: silentLog,
    metrics,
    now: () => nowMs,
    random: () => 0,
  }));
const ended = async () => {
  for (;;) {
    const transaction = await readTransaction(spool, name);
    if (transaction?.end) return transaction;
    await delay(20);
  }
};
/** Waits until the metrics show a line: they do a moment after the record. */
const shows = async (line: string): Promise<void> => {
  while (!(await metrics.text()).includes(line)) await delay(10);
};

/** @param commanded the SOP Instance UID of its command */
async function store(sopInstanceUid: string, commanded = sopInstanceUid): Promise<void> {
  const stored = { ...reference(commanded), transferSyntaxUid: explicitLittle, messageId: 1, association };
  const incoming = spool.instances.begin(arrivalMeta(stored, association, nowMs));
  incoming.write(dataSet({ sopInstanceUid, ...identity, pixelBytes: 100 }));
  await spool.instances.publish(
    key,
    incoming,
    { sopClassUid: ctClass, sopInstanceUid, transferSyntaxUid: explicitLittle },
    new Map(),
    'keep',
  );
}

beforeEach(async () => {
  nowMs = Date.now();
  told.length = 0;
  answers = [0];
  metrics = openMetrics();
  folder = await openFolder();
  spool = await openSpool({ directory: folder.path, sync: 'never', host: hostname(), now: Date.now });
  for (const sopInstanceUid of uids) await store(sopInstanceUid);
});
afterEach(async () => {
  await desk.close();
  await spool.close();
  await folder.remove();
});
const yearMs = 365 * 86_400_000;

describe('a promise', () => {
  it('holds from when it is looked at, as long as that may take and the time of keeping', async () => {
    openDesk();
    expect((await desk.requested(association, request, () => Promise.resolve(0))).status).toBe(0);
    await ended();
    expect((await spool.state(key)).promisedUntilMs).toBe(nowMs + 1e6 + 1e9);
  });
  it('is given for what was kept though its command named another UID', async () => {
    await store('1.2.3', '1.2.30');
    const references = [reference('1.2.3')];
    await openDesk().requested(association, { transactionUid, references }, () => Promise.resolve(0));
    expect((await ended()).outcome).toMatchObject({ committed: references, failed: [] });
  });
});

describe('what this node cannot read or write', () => {
  it('is a failure of the instances of that series alone', async () => {
    const other = { studyInstanceUid: '1.2.3.4', seriesInstanceUid: '1.2.3.6' };
    const sick = keyOf(other.studyInstanceUid, other.seriesInstanceUid);
    await mkdir(join(spool.layout.instances(sick)), { recursive: true });
    await writeFile(spool.layout.instance(sick, instanceNameOf('1.2.9')), 'an instance');
    await mkdir(spool.layout.revision(sick, 1));
    await writeFile(join(spool.layout.revision(sick, 1), 'series.json'), '{');
    const references = [...uids, '1.2.9'].map(reference);
    await openDesk().requested(association, { transactionUid, references }, () => Promise.resolve(0));
    const { outcome } = await ended();
    expect(outcome).toMatchObject({
      committed: request.references,
      failed: [{ sopInstanceUid: '1.2.9', reason: 0x0110 }],
    });
  });
  it('is gone on with when there is room again', async () => {
    const publish = spool.publish.bind(spool);
    let refused = 0;
    spool.publish = (file, record) => {
      if (!file.endsWith('outcome.json') || refused++ > 0) return publish(file, record);
      return Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' }));
    };
    await openDesk().requested(association, request, () => Promise.resolve(0));
    expect((await ended()).end).toMatchObject({ how: 'reported' });
    expect(refused).toBeGreaterThan(1);
  });
});

describe('a report', () => {
  it('that is not taken is repeated until it is, and shown meanwhile', async () => {
    answers = [new LimpidError('DIMSE_CONNECT', 'nobody listens')];
    expect(await openDesk().requested(association, request, gone)).toEqual({ status: 0 });
    while (told.length === 0) await delay(10);
    await shows('limpid_promise_reports_waiting{peer="ct1"} 1');
    const [promise] = viewOf(
      await spool.state(key),
      { givenUp: () => false, wait: () => null },
      await promisesOf(spool, key),
    ).promises;
    expect(promise).toMatchObject({ by: 'ct1', state: 'telling', committed: 2, failed: 0 });
    const before = told.length;
    answers = [0x0110, 0];
    const { outcome, end } = await ended();
    expect(outcome).toMatchObject({ committed: request.references, failed: [] });
    expect(end).toMatchObject({ how: 'reported' });
    expect(told).toHaveLength(before + 2);
    expect(new Set(told.map((report) => JSON.stringify(report))).size).toBe(1); // the same each time
    await shows('limpid_promise_reports_total{peer="ct1",outcome="reported"} 1');
    await shows('limpid_promise_reports_waiting{peer="ct1"} 0');
  });
  it('is given up after its time, counted, and told anew when the peer asks again', async () => {
    answers = [new LimpidError('DIMSE_CONNECT', 'nobody listens')];
    openDesk({ giveUpMs: 1000 });
    await desk.requested(association, request, gone);
    while (told.length === 0) await delay(10);
    nowMs += 2000;
    expect((await ended()).end).toMatchObject({ how: 'unreported', detail: expect.stringContaining('nobody listens') });
    await shows('limpid_promise_reports_total{peer="ct1",outcome="unreported"} 1');
    await shows('limpid_failures_total{code="RECEIVE_UNREPORTED"} 1');
    const before = told.length;
    answers = [0];
    await desk.requested(association, request, gone);
    while (told.length === before) await delay(10);
    expect(told.at(-1)).toEqual(told[0]);
  });
  it('is not told anew when the promise is over: the pixels may be gone', async () => {
    openDesk({ waitMs: 60_000, keepMs: 60_000 });
    await desk.requested(association, request, gone);
    await ended();
    nowMs += 130_000;
    expect((await desk.requested(association, request, gone)).status).toBe(0x0131);
    await delay(100);
    expect(told).toHaveLength(1);
  });
  it('is not told any more when the promise is over before it was taken', async () => {
    answers = [new LimpidError('DIMSE_CONNECT', 'nobody listens')];
    await openDesk({ keepMs: 60_000, giveUpMs: 600_000 }).requested(association, request, gone);
    while (told.length === 0) await delay(10);
    answers = [0];
    nowMs += 61_000;
    expect((await ended()).end).toMatchObject({ how: 'unreported', detail: expect.stringContaining('over') });
    expect(told).toHaveLength(1);
  });
  it('is told anew to a peer that asks again while the end of the first is being written', async () => {
    const publish = spool.publish.bind(spool);
    let again: Promise<unknown> | null = null;
    spool.publish = async (file, record) => {
      const isNew = await publish(file, record);
      if (file.endsWith('end.json')) await (again ??= desk.requested(association, request, gone));
      return isNew;
    };
    await openDesk().requested(association, request, gone);
    while (told.length < 2) await delay(10);
    expect(told[1]).toEqual(told[0]);
    await shows('limpid_promise_reports_waiting{peer="ct1"} 0');
    expect(told).toHaveLength(2);
  });
  it('is given up where the clock that has dated it was a year ahead', async () => {
    answers = [new LimpidError('DIMSE_CONNECT', 'nobody listens')];
    await openDesk({ giveUpMs: 60_000 }).requested(association, request, gone);
    while (told.length === 0) await delay(10);
    nowMs -= yearMs;
    expect((await ended()).end).toMatchObject({ how: 'unreported' });
  });
  it('that the peer refuses for good is not repeated', async () => {
    answers = [0x0124];
    await openDesk().requested(association, request, gone);
    expect((await ended()).end).toMatchObject({ how: 'unreported', detail: 'the peer answered 0124' });
    expect(told).toHaveLength(1);
  });
  it('goes over the association of the request, to a peer without an address only there', async () => {
    const here: CommitmentReport[] = [];
    await openDesk({}, 'unknown').requested(association, request, (report) => {
      here.push(report);
      return Promise.resolve(0);
    });
    expect((await ended()).end).toMatchObject({ how: 'reported' });
    expect([here.length, told.length]).toEqual([1, 0]);
  });
  it('is repeated by the next process', async () => {
    answers = [new LimpidError('DIMSE_CONNECT', 'nobody listens')];
    await openDesk().requested(association, request, gone);
    while (told.length === 0) await delay(10);
    await desk.close();
    expect((await readTransaction(spool, name))?.end).toBeNull();
    answers = [0];
    await openDesk().start();
    expect((await ended()).end).toMatchObject({ how: 'reported' });
  });
});

describe('many requests', () => {
  const other = { ...association, callingAe: 'CT2', peer: 'ct2' };
  const asked = (number: number) => ({ transactionUid: `2.25.${number}`, references: [reference('1.2.1')] });

  it('of a peer that cannot be reported to are refused beyond its share, and leave the others theirs, after a restart too', async () => {
    answers = [new LimpidError('DIMSE_CONNECT', 'nobody listens')];
    const warnings: Error[] = [];
    const warned = (warning: Error) => void warnings.push(warning);
    process.on('warning', warned);
    openDesk();
    const statuses: number[] = [];
    for (let number = 1; number <= 260; number++) {
      statuses.push((await desk.requested(association, asked(number), gone)).status);
      await delay(0);
    }
    expect(statuses.indexOf(0x0213)).toBeGreaterThanOrEqual(250);
    expect(statuses.at(-1)).toBe(0x0213);
    expect((await desk.requested(other, asked(1000), gone)).status).toBe(0);
    await desk.close();
    await openDesk().start();
    // until it has read whose they are
    for (let number = 2000; (await desk.requested(association, asked(number), gone)).status === 0; number++)
      await delay(50);
    expect((await desk.requested(other, asked(3000), gone)).status).toBe(0);
    process.removeListener('warning', warned);
    expect(warnings).toEqual([]);
  });
});

describe('requests of many instances', () => {
  const many = (number: number, count: number) => ({
    transactionUid: `2.25.${number}`,
    references: Array.from({ length: count }, (_, index) => reference(`1.2.${number}.${index}`)),
  });
  const other = { ...association, callingAe: 'CT2', peer: 'ct2' };

  it('are refused beyond what one peer may have open, those that come together too, and leave the others theirs', async () => {
    openDesk({ of: 'forwarded' });
    await store('1.2.1.0'); // on its way to others: the first request stays open
    const ask = (number: number) => desk.requested(association, many(number, 30_000), gone);
    const statuses = await Promise.all([1, 2, 3, 4, 5].map(ask));
    expect(statuses.map(({ status }) => status)).toEqual([0, 0, 0, 0x0213, 0x0213]);
    expect((await desk.requested(other, many(6, 30_000), gone)).status).toBe(0);
    expect((await desk.requested(association, many(7, 1), gone)).status).toBe(0);
  });
  it('leave others their turns while they are looked at', async () => {
    const at = new Date(nowMs).toISOString();
    const requested = { name, request: { version: 1 as const, at, by: 'ct1', ...many(1, 30_000) } };
    const policy = { of: 'received' as const, keepMs: 1e9, waitMs: 1e6 };
    const survey = new PromiseSurvey(
      { spool, policy, recent: new RecentInstances(), log: silentLog, now: () => nowMs },
      { ...requested, outcome: null, end: null },
    );
    openDesk();
    await survey.look(); // nothing is read from the disk any more: a wait for that would be a turn too
    let turns = 0;
    let isLooking = true;
    const turn = (): void => {
      turns++;
      if (isLooking) setImmediate(turn);
    };
    turn();
    expect((await survey.look())?.failed).toHaveLength(30_000);
    isLooking = false;
    expect(turns).toBeGreaterThan(100);
  });
});

describe('the wait for others', () => {
  it('ends: what is not forwarded by then is reported as failed, 0110', async () => {
    openDesk({ of: 'forwarded', waitMs: 60_000 });
    await desk.requested(association, request, gone);
    await delay(300);
    expect(await readTransaction(spool, name)).toMatchObject({ outcome: null });
    nowMs += 61_000;
    const { outcome } = await ended();
    expect(outcome?.committed).toEqual([]);
    expect(outcome?.failed.map(({ reason }) => reason)).toEqual([0x0110, 0x0110]);
  });
  it('ends where the clock of the request was a year ahead', async () => {
    openDesk({ of: 'forwarded', waitMs: 60_000 });
    await desk.requested(association, request, gone);
    nowMs -= yearMs;
    expect((await ended()).outcome?.failed).toHaveLength(2);
  });
});
