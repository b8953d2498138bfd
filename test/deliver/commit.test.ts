// Storage commitment after a delivery: what is asked when, what a report changes, and that records alone carry it over a restart.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Committer } from '../../src/deliver/commit.js';
import { openMs } from '../../src/deliver/decide-window.js';
import type { CommitmentPeer, CommitterDeps } from '../../src/deliver/commit.js';
import { decideCommitment } from '../../src/deliver/decide-commitment.js';
import { LimpidError } from '../../src/errors.js';
import type { CommitmentReport, CommitmentRequest } from '../../src/io/dimse/commitment.js';
import { openLog } from '../../src/observe/log.js';
import { openMetrics } from '../../src/observe/metrics.js';
import type { Metrics } from '../../src/observe/metrics.js';
import { takeReport } from '../../src/spool/commitment-records.js';
import type { TakenReport } from '../../src/spool/commitment-records.js';
import type { CommitmentTransaction } from '../../src/spool/commitments.js';
import type { DeliveryClass } from '../../src/spool/records.js';
import { decideSweep } from '../../src/spool/decide-sweep.js';
import { sweep } from '../../src/spool/sweep.js';
import { openSpool } from '../../src/spool/open-spool.js';
import type { Spool } from '../../src/spool/spool.js';
import { nextSteps, remaining } from '../../src/spool/state.js';
import { viewOf } from '../../src/spool/view-of.js';
import { eventually } from '../../demo/start-node.js';
import { decisionRecord, key, seriesRecord } from '../support/records.js';
import { openFolder } from '../support/temporary.js';

const uids = ['1.2.3.4.1', '1.2.3.4.2', '1.2.3.4.3'];
const classUid = '1.2.840.10008.5.1.4.1.1.2';
const job = { key, revision: 1, task: 'originals', peer: 'pacs' };
const hourMs = 3_600_000;
const policy = { waitMs: 24 * hourMs, tries: 3 };
const never = new AbortController().signal;
const delivered = (): string => 'never given up';

let folder: Awaited<ReturnType<typeof openFolder>>;
let spool: Spool;
let metrics: Metrics;
let nowMs: number;
let requests: CommitmentRequest[];
/** Why no association comes about. */
let absent: LimpidError | null;
let released: number;
/** What the peer does with the next requests, the last for ever. */
let answers: ((request: CommitmentRequest) => { status: number } | Error)[];
let peer: CommitmentPeer | 'off' | undefined;

const asked = (): CommitmentPeer => ({
  by: 'pacs',
  policy,
  window: null,
  giveUpMs: 7 * 24 * hourMs,
  lingerMs: 0,
  open: () => {
    if (absent !== null) return Promise.reject(absent);
    return Promise.resolve({
      ask: (request) => {
        requests.push(request);
        const answer = (answers.length > 1 ? answers.shift() : answers[0])?.(request) ?? { status: 0 };
        return answer instanceof Error ? Promise.reject(answer) : Promise.resolve({ ...answer, comment: '' });
      },
      release: () => {
        released += 1;
        return Promise.resolve();
      },
    });
  },
});

beforeEach(async () => {
  folder = await openFolder();
  nowMs = Date.parse('2026-01-02T00:00:00Z');
  spool = await open();
  metrics = openMetrics();
  requests = [];
  absent = null;
  released = 0;
  answers = [() => ({ status: 0 })];
  peer = asked();
  await spool.publishRevision(seriesRecord(1, uids));
  await spool.publishDecision(decisionRecord(1, { tasks: [], forward: ['pacs'], commit: ['pacs'] }));
  await store(uids);
});
afterEach(async () => {
  await spool.close();
  await folder.remove();
});

const open = (): Promise<Spool> => openSpool({ directory: folder.path, sync: 'never', host: 'test', now: () => nowMs });

async function store(stored: readonly string[], outcome: DeliveryClass = 'delivered'): Promise<void> {
  const instances = stored.map((sopInstanceUid) => ({ sopInstanceUid, class: outcome, status: 0, comment: '' }));
  const at = new Date(nowMs).toISOString();
  await spool.recordDelivery(key, 1, 'originals', { version: 1, at, peer: 'pacs', association: null, instances });
}

const committerNow = (change: Partial<CommitterDeps> = {}) =>
  new Committer({
    spool,
    peer: () => peer,
    reported: () => Promise.resolve({ status: 0 }),
    newTransactionUid: () => `2.25.${requests.length + 1}`,
    log: openLog('silent'),
    metrics,
    now: () => nowMs,
    random: () => 1,
    ...change,
  });
const run = () => committerNow().commit(job, never);

function report(change: Partial<CommitmentReport> & { by?: string } = {}): Promise<TakenReport> {
  const { by = 'pacs', transactionUid = requests.at(-1)?.transactionUid ?? '', committed, failed = [] } = change;
  const failing = failed.map(({ sopInstanceUid }) => sopInstanceUid);
  const good = committed?.map(({ sopInstanceUid }) => sopInstanceUid) ?? uids.filter((uid) => !failing.includes(uid));
  return takeReport(spool, { transactionUid, by: [by], at: new Date(nowMs).toISOString(), committed: good, failed });
}

const failing = (reason: number, ...of: string[]) =>
  of.map((sopInstanceUid) => ({ sopClassUid: classUid, sopInstanceUid, reason }));
const steps = async () => nextSteps(await spool.state(key));
const view = async () => viewOf(await spool.state(key), { givenUp: () => delivered() === '', wait: () => null });
const commitment = async () => (await view()).revisions[0]?.deliveries[0]?.commitment;

describe('a delivery to a peer that is asked for commitment', () => {
  it('is not done when it is stored: it is asked for, and done when all is committed', async () => {
    expect(await steps()).toEqual({ steps: [{ kind: 'commit', ...pick(job) }], waits: [], done: false });
    expect(await run()).toEqual({ kind: 'later', atMs: nowMs + policy.waitMs });
    expect(requests).toEqual([
      {
        transactionUid: '2.25.1',
        references: uids.map((sopInstanceUid) => ({ sopClassUid: classUid, sopInstanceUid })),
      },
    ]);
    expect(await view()).toMatchObject({ state: 'committing' });
    expect(await commitment()).toMatchObject({ state: 'open', uncommitted: 3, requests: 1 });
    expect(await report()).toMatchObject({ kind: 'taken', committed: 3, failed: 0, delivery: job });
    expect((await steps()).done).toBe(true);
    expect(await commitment()).toMatchObject({
      state: 'committed',
      committed: 3,
      says: '3 instances committed by pacs.',
    });
    expect(await run()).toEqual({ kind: 'done' });
    expect(requests).toHaveLength(1);
  });

  it('tells why a report could not be taken that came over its own association, and answers 0110', async () => {
    const taken: unknown[] = [];
    peer = {
      ...asked(),
      open: async (reported, signal) => {
        taken.push(await reported({ transactionUid: '2.25.1', committed: [], failed: [] }));
        return asked().open(reported, signal);
      },
    };
    const cause = new Error('the volume is gone');
    const errors: unknown[] = [];
    const log = { ...openLog('silent'), error: (...line: readonly unknown[]) => void errors.push(line) };
    await committerNow({ log, reported: () => Promise.reject(cause) }).commit(job, never);
    expect(taken).toMatchObject([{ status: 0x0110 }]);
    expect(errors).toEqual([['storage commitment failed', { by: 'pacs', error: cause }]]);
  });

  it('is asked for within the hours of who commits itself', async () => {
    peer = { ...asked(), window: { fromMinute: 20 * 60, toMinute: 6 * 60, timeZone: 'Europe/Vienna' } };
    nowMs = Date.parse('2026-01-02T12:00:00Z');
    expect(await run()).toEqual({ kind: 'later', atMs: Date.parse('2026-01-02T19:00:00Z') });
    expect(requests).toHaveLength(0);
    nowMs = Date.parse('2026-01-02T19:00:00Z');
    await run();
    expect(requests).toHaveLength(1);
  });

  it('keeps its pixels until then, however old it is', async () => {
    const retention = { deliveredMs: hourMs, recordsMs: 400 * hourMs };
    await run();
    nowMs += 100 * hourMs;
    expect(decideSweep(await spool.state(key), 'quiet', retention, nowMs).kind).toBe('keep');
    await report();
    expect(decideSweep(await spool.state(key), 'quiet', retention, nowMs).kind).toBe('keep');
    nowMs += 2 * hourMs;
    expect(decideSweep(await spool.state(key), 'quiet', retention, nowMs).kind).toBe('pixels');
  });

  it('leaves nothing behind once its records are over; a report that comes then is unknown', async () => {
    await run();
    await report();
    const transactions = () => readdir(join(folder.path, 'commitments'));
    expect(await transactions()).toHaveLength(1);
    expect(await spool.finishIfDone(key)).toBe(true);
    nowMs += 401 * 24 * hourMs;
    const policyOfSweep = { deliveredMs: hourMs, recordsMs: 400 * 24 * hourMs };
    const swept = await sweep(
      { spool, policy: policyOfSweep, log: openLog('silent'), now: () => nowMs },
      new AbortController().signal,
    );
    expect(swept.forgotten).toBe(1);
    expect(await transactions()).toEqual([]);
    expect(await report()).toEqual({ kind: 'unknown' });
  });

  it('sends again what the peer does not have (0112), then asks for that alone', async () => {
    await run();
    await report({ failed: failing(0x0112, uids[1] ?? '') });
    const state = await spool.state(key);
    const [revision] = state.revisions;
    if (revision === undefined) throw new Error('no revision');
    expect(remaining(state, revision, 'originals', 'pacs').open).toEqual([uids[1]]);
    expect(nextSteps(state).steps).toEqual([{ kind: 'deliver', ...pick(job) }]);
    await store([uids[1] ?? '']);
    expect((await steps()).steps).toEqual([{ kind: 'commit', ...pick(job) }]);
    await run();
    expect(requests[1]?.references.map(({ sopInstanceUid }) => sopInstanceUid)).toEqual([uids[1]]);
    await report({ committed: [{ sopClassUid: classUid, sopInstanceUid: uids[1] ?? '' }] });
    expect((await steps()).done).toBe(true);
  });

  it.each([
    ['0110', 0x0110, 30_000],
    ['0213', 0x0213, 30_000],
    ['0131', 0x0131, 0],
  ])('asks again after %s with a new transaction, behind a share of %d ms', async (_, reason, longestMs) => {
    await run();
    await report({ failed: failing(reason, ...uids) });
    if (longestMs > 0) {
      const later = await run();
      const waitMs = later.kind === 'later' ? later.atMs - nowMs : NaN;
      expect(waitMs).toBeGreaterThanOrEqual(longestMs / 10);
      expect(waitMs).toBeLessThanOrEqual(longestMs);
      expect(await run()).toEqual(later); // asked again, the same time
      expect(requests).toHaveLength(1);
      nowMs += waitMs;
    }
    await run();
    expect(requests.map(({ transactionUid }) => transactionUid)).toEqual(['2.25.1', '2.25.2']);
  });

  it.each([0x0119, 0x0122])('does not ask again after %d: uncommitted, kept until a person acts', async (reason) => {
    await run();
    await report({ failed: failing(reason, uids[0] ?? '') });
    expect(await run()).toEqual({ kind: 'done' });
    expect(requests).toHaveLength(1);
    expect(await steps()).toMatchObject({ steps: [], done: false });
    expect(await view()).toMatchObject({ state: 'uncommitted' });
    expect(await commitment()).toMatchObject({ state: 'uncommitted', committed: 2, uncommitted: 1 });
    expect(await metrics.text()).toContain('limpid_commitments_total{peer="pacs",outcome="uncommitted"} 1');
    const action = {
      at: new Date(nowMs).toISOString(),
      by: 'me',
      why: '',
      revision: null,
      task: null,
      priority: null,
      reason: null,
      because: null,
      results: null,
    };
    await spool.recordAction(key, { version: 1, kind: 'discard', peer: 'pacs', newUids: false, ...action });
    expect((await steps()).done).toBe(true);
  });

  it('asks again when no report comes in time, and gives up after its tries', async () => {
    for (let tries = 1; tries <= policy.tries; tries++) {
      expect(await run()).toEqual({ kind: 'later', atMs: nowMs + policy.waitMs });
      expect(requests).toHaveLength(tries);
      nowMs += policy.waitMs;
    }
    expect(await run()).toEqual({ kind: 'done' });
    expect(await commitment()).toMatchObject({ state: 'uncommitted', requests: 3 });
    expect((await commitment())?.says).toContain('no report, asked 3 times');
  });

  it('a report that comes late, for a transaction that was asked anew, counts', async () => {
    await run();
    nowMs += policy.waitMs;
    await run();
    expect(await report({ transactionUid: '2.25.1' })).toMatchObject({ kind: 'taken' });
    expect((await steps()).done).toBe(true);
  });

  it.each(['DIMSE_CONNECT', 'DIMSE_REJECTED', 'DIMSE_NO_CONTEXT'] as const)(
    'a peer to which no association comes about (%s) is asked again for ever, which is no try and leaves no record',
    async (code) => {
      absent = new LimpidError(code, 'away');
      const committer = committerNow();
      const waits: number[] = [];
      for (let calls = 0; calls < 50; calls++) {
        const result = await committer.commit(job, never);
        if (result.kind === 'done') throw new Error('done');
        waits.push((result.atMs - nowMs) / 1000);
        nowMs = result.atMs;
      }
      expect(waits.slice(0, 7)).toEqual([30, 60, 120, 240, 480, 900, 900]);
      expect(await commitment()).toMatchObject({ state: 'open', requests: 0 });
      absent = null;
      expect(await committer.commit(job, never)).toEqual({ kind: 'later', atMs: nowMs + policy.waitMs });
      expect(requests).toHaveLength(1);
    },
  );

  it('nor is one given up for the time between its hours', async () => {
    absent = new LimpidError('DIMSE_CONNECT', 'away');
    const hours = { fromMinute: 22 * 60, toMinute: 6 * 60, timeZone: 'UTC' };
    peer = { ...asked(), window: hours, giveUpMs: 8 * hourMs };
    const began = nowMs;
    const committer = committerNow();
    for (let result = await committer.commit(job, never); result.kind === 'later';) {
      nowMs = result.atMs;
      result = await committer.commit(job, never);
    }
    const hoursOpen = openMs(hours, began, nowMs) / hourMs;
    expect(hoursOpen).toBeGreaterThan(8);
    expect(hoursOpen).toBeLessThan(9);
  });

  it('one that never takes the request is given up, with the reason, once it has been asked as often and as long as it says', async () => {
    absent = new LimpidError('DIMSE_NO_CONTEXT', 'the peer accepts no Storage Commitment Push Model');
    const began = new Date(nowMs).toISOString();
    const committer = committerNow();
    const { giveUpMs } = asked();
    for (let result = await committer.commit(job, never); result.kind === 'later';) {
      nowMs = result.atMs;
      result = await committer.commit(job, never);
    }
    expect((nowMs - Date.parse(began)) / giveUpMs).toBeCloseTo(1, 2);
    expect((await steps()).steps).toEqual([]);
    const detail = `not to be asked since ${began}: DIMSE_NO_CONTEXT (the peer accepts no Storage Commitment Push Model)`;
    expect((await spool.state(key)).revisions[0]?.commitments.get('originals@pacs')?.end).toMatchObject({
      how: 'uncommitted',
      detail,
    });
    expect((await view()).state).toBe('uncommitted');
    expect(await metrics.text()).toContain('limpid_commitments_total{peer="pacs",outcome="uncommitted"} 3\n');
  });

  it('a node that was away itself asks as often as ever before it gives up', async () => {
    absent = new LimpidError('DIMSE_CONNECT', 'away');
    nowMs += 10 * asked().giveUpMs;
    const committer = committerNow();
    for (let calls = 1; calls < policy.tries; calls++) {
      const result = await committer.commit(job, never);
      nowMs = result.kind === 'later' ? result.atMs : Infinity;
    }
    absent = null;
    expect(await committer.commit(job, never)).toEqual({ kind: 'later', atMs: nowMs + policy.waitMs });
  });

  it('a clock that is set back does not hold one back that is away: it is asked as if its wait were over', async () => {
    absent = new LimpidError('DIMSE_CONNECT', 'away');
    const committer = committerNow();
    await committer.commit(job, never);
    nowMs -= 86_400_000;
    absent = null;
    expect(await committer.commit(job, never)).toEqual({ kind: 'later', atMs: nowMs + policy.waitMs });
    expect(requests).toHaveLength(1);
  });

  it.each([
    ['a report that was awaited', undefined],
    ['a try that failed', () => new LimpidError('DIMSE_ABORTED', 'lost')],
  ])('%s by a clock that stood years ahead is not waited for until then', async (_what, answer) => {
    if (answer !== undefined) answers = [answer];
    await run();
    expect(requests).toHaveLength(1);
    nowMs -= 3 * 365 * 86_400_000;
    await run();
    expect(requests).toHaveLength(2);
    // and those that are asked now have their time
    expect(await run()).toMatchObject({ kind: 'later' });
    expect(requests).toHaveLength(2);
  });

  it('one that is lost behind its request counts as a try', async () => {
    answers = [() => new LimpidError('DIMSE_ABORTED', 'lost')];
    for (let tries = 0; tries < policy.tries; tries++) {
      const result = await run();
      nowMs = result.kind === 'later' ? result.atMs : nowMs;
    }
    expect(requests).toHaveLength(policy.tries);
    expect((await commitment())?.says).toContain('DIMSE_ABORTED, asked 3 times');
  });

  it('one that a drain cuts off is no try: it is asked anew as often as ever', async () => {
    for (let drains = 0; drains < policy.tries; drains++) {
      const stop = new AbortController();
      answers = [
        () => {
          stop.abort();
          return new LimpidError('DIMSE_ABORTED', 'stopped');
        },
      ];
      expect(await committerNow().commit(job, stop.signal)).toEqual({ kind: 'later', atMs: nowMs });
    }
    expect(await metrics.text()).not.toMatch(/DIMSE_ABORTED"\} [1-9]/);
    answers = [() => ({ status: 0 })];
    expect(await run()).toEqual({ kind: 'later', atMs: nowMs + policy.waitMs });
  });

  it('releases its association once the report has come, by whatever way', async () => {
    peer = { ...asked(), lingerMs: 60_000 };
    const committer = committerNow();
    await committer.commit(job, never);
    expect(released).toBe(0);
    await report();
    await eventually('released', () => Promise.resolve(released === 1));
    await committer.close();
  });

  it('releases it at a drain', async () => {
    peer = { ...asked(), lingerMs: 60_000 };
    const committer = committerNow();
    await committer.commit(job, never);
    await committer.close();
    expect(released).toBe(1);
    // at once when the node is told to stop: its last jobs may take longer than the association is left open
    const stop = new AbortController();
    nowMs += policy.waitMs;
    const stopped = committerNow();
    await stopped.commit(job, stop.signal);
    stop.abort();
    await eventually('released', () => Promise.resolve(released === 2), 5_000);
  });

  it.each(['asked', 'answered'])(
    'releases it where the disk is full and what was %s cannot be recorded',
    async (what) => {
      const publish = spool.publish.bind(spool);
      let published = 0;
      spool.publish = (...record) => {
        published += 1;
        // A request is two records: itself, and where it is found.
        if (what === 'answered' && published <= 2) return publish(...record);
        return Promise.reject(Object.assign(new Error('no space left on device'), { code: 'ENOSPC' }));
      };
      await expect(run()).rejects.toMatchObject({ code: 'ENOSPC' });
      expect([requests.length, released]).toEqual([what === 'asked' ? 0 : 1, 1]);
    },
  );

  it('a request whose answer was never recorded (the process was killed) is asked again by the next process', async () => {
    answers = [
      () => {
        throw new Error('killed');
      },
      () => ({ status: 0 }),
    ];
    await expect(run()).rejects.toThrow('killed');
    await spool.close();
    spool = await open();
    expect(await run()).toMatchObject({ kind: 'later' });
    expect(requests).toHaveLength(2);
    // both transactions are known: a report on either counts
    expect(await report({ transactionUid: '2.25.1' })).toMatchObject({ kind: 'taken', committed: 3 });
    expect((await steps()).done).toBe(true);
  });

  it('a report that comes before the answer to its request is taken', async () => {
    answers = [
      (request) => {
        void report({ transactionUid: request.transactionUid });
        return { status: 0 };
      },
    ];
    await run();
    await eventually('done', async () => (await steps()).done);
  });

  it('waived where the configuration does not ask any more', async () => {
    peer = 'off';
    expect(await run()).toEqual({ kind: 'done' });
    expect((await steps()).done).toBe(true);
    expect(await commitment()).toMatchObject({ state: 'waived' });
    expect(requests).toHaveLength(0);
  });

  it('instances that the peer refused are not asked for', async () => {
    const other = ['1.2.3.4.8', '1.2.3.4.9'];
    await spool.publishRevision(seriesRecord(2, [...uids, ...other]));
    await spool.publishDecision(decisionRecord(2, { tasks: [], forward: ['pacs'], commit: ['pacs'] }));
    const instances = other.map((sopInstanceUid, index) => ({
      sopInstanceUid,
      class: index === 0 ? ('delivered' as const) : ('permanent' as const),
      status: 0,
      comment: '',
    }));
    const at = new Date(nowMs).toISOString();
    await spool.recordDelivery(key, 2, 'originals', { version: 1, at, peer: 'pacs', association: null, instances });
    const committer = committerNow();
    await run();
    await committer.commit({ ...job, revision: 2 }, never);
    // what revision 1 has asked for, and waits for, is not asked for again
    expect(requests[1]?.references.map(({ sopInstanceUid }) => sopInstanceUid)).toEqual(['1.2.3.4.8']);
  });
});

describe('a report', () => {
  it('of an unknown transaction, or from a peer that was not asked, changes nothing', async () => {
    await run();
    expect(await report({ transactionUid: '2.25.999' })).toEqual({ kind: 'unknown' });
    expect(await report({ by: 'other' })).toEqual({ kind: 'unknown' });
    expect(await commitment()).toMatchObject({ state: 'open', uncommitted: 3 });
  });

  it('that comes twice counts once, whatever the second says', async () => {
    await run();
    expect(await report()).toMatchObject({ kind: 'taken' });
    expect(await report({ failed: failing(0x0112, ...uids), committed: [] })).toEqual({ kind: 'repeated' });
    expect((await steps()).done).toBe(true);
  });

  it('commits only what was asked for, and nothing that it also names as failed', async () => {
    await run();
    const named = [...uids, '9.9.9'].map((sopInstanceUid) => ({ sopClassUid: classUid, sopInstanceUid }));
    const taken = await report({ committed: named, failed: failing(0x0110, uids[2] ?? '') });
    expect(taken).toMatchObject({ committed: 2, failed: 1 });
  });
});

describe('what is decided', () => {
  const reference = (sopInstanceUid: string) => ({ sopClassUid: classUid, sopInstanceUid });
  const at = (ms: number): string => new Date(ms).toISOString();

  it('asks for at most 500 instances at once', () => {
    const many = Array.from({ length: 1200 }, (_, index) => reference(`1.2.${index}`));
    const decision = decideCommitment(many, { own: [], others: [] }, policy, 0);
    expect(decision.kind === 'ask' && decision.instances).toHaveLength(500);
  });

  it('whatever has happened, it ends: asking, waiting as told, and asking again never goes on for ever', () => {
    const outcome = fc.oneof(
      fc.constantFrom(0x0110, 0x0112, 0x0131, 0x0213, 0x0999).map((reason) => ({ kind: 'report' as const, reason })),
      fc.constant({ kind: 'silence' as const }),
      fc.constantFrom('DIMSE_CONNECT', 'DIMSE_TIMEOUT').map((code) => ({ kind: 'unreachable' as const, code })),
      fc.constantFrom(0x0110, 0x0213).map((status) => ({ kind: 'refused' as const, status })),
      fc.constant({ kind: 'killed' as const }),
    );
    fc.assert(
      fc.property(fc.array(outcome, { minLength: 1, maxLength: 6 }), (outcomes) => {
        const own: CommitmentTransaction[] = [];
        let clockMs = 0;
        for (let step = 0; step < 500; step++) {
          const decision = decideCommitment([reference('1.2')], { own, others: [] }, policy, clockMs);
          if (decision.kind === 'end') {
            expect(decision.detail).not.toBe('');
            return;
          }
          if (decision.kind === 'wait') {
            expect(decision.untilMs).toBeGreaterThan(clockMs);
            clockMs = decision.untilMs;
            continue;
          }
          const next = outcomes[own.length % outcomes.length];
          // a process is not killed at every request for ever
          const kind = next?.kind === 'killed' && own.length > 20 ? 'silence' : next?.kind;
          const answer = { version: 1, at: at(clockMs), status: 0, code: null, detail: '' } as const;
          own.push({
            number: own.length + 1,
            asked: {
              version: 1,
              at: at(clockMs),
              by: 'pacs',
              transactionUid: '1',
              batches: 1,
              instances: [...decision.instances],
            },
            answer:
              kind === 'killed'
                ? null
                : next?.kind === 'unreachable'
                  ? { ...answer, status: null, code: next.code }
                  : next?.kind === 'refused'
                    ? { ...answer, status: next.status }
                    : answer,
            report:
              next?.kind === 'report'
                ? {
                    version: 1,
                    at: at(clockMs),
                    committed: [],
                    failed: [{ sopInstanceUid: '1.2', reason: next.reason }],
                  }
                : null,
          });
        }
        throw new Error('never ends');
      }),
      { numRuns: 60 },
    );
  });
});

function pick({ revision, task, peer: to }: typeof job): { revision: number; task: string; peer: string } {
  return { revision, task, peer: to };
}
