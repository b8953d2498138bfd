// Delivery jobs against a destination that does what a test tells it: what is recorded, what waits, and who is woken.
import { rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Deliverer } from '../../src/deliver/deliver.js';
import type { DeliveryWatch, PeerDelivery } from '../../src/deliver/deliver.js';
import type { Destination, DestinationFailure, Outcome, SendReport } from '../../src/deliver/destination.js';
import type { DeliveryJob } from '../../src/deliver/job.js';
import { writeFileMeta } from '../../src/dicom/part10.js';
import { openMetrics } from '../../src/observe/metrics.js';
import type { Metrics } from '../../src/observe/metrics.js';
import { instanceNameOf, keyOf } from '../../src/spool/key.js';
import type { Key } from '../../src/spool/key.js';
import type { ActionRecord, DeliveryRecord, Priority } from '../../src/spool/records.js';
import type { RevisionState, SeriesState } from '../../src/spool/state.js';
import { actionRecord, decisionRecord, seriesRecord } from '../support/records.js';
import { silentLog } from '../support/test-scp.js';
import { openFolder, withFolder } from '../support/temporary.js';

const keys = [1, 2, 3, 4].map((number) => keyOf('1.2.3', `1.2.3.${number}`));
/** A longer series. */
const long = keyOf('1.2.3', '1.2.3.9');
const uidsOf = (key: Key): string[] =>
  Array.from({ length: key === long ? 120 : 3 }, (_, index) => `1.2.3.${keys.indexOf(key) + 1}.${index + 1}`);
const jobOf = (key: Key): DeliveryJob => ({ key, revision: 1, task: 'originals', peer: 'pacs' });
const [one, two, three, four] = keys.map(jobOf);
if (!one || !two || !three || !four) throw new Error('no jobs');

const delivered = (uid: string): Outcome => ({ sopInstanceUid: uid, class: 'delivered', status: 0, comment: '' });
const away: DestinationFailure = { code: 'DIMSE_CONNECT', detail: 'no connection', pace: 'unreachable' };

/** A DICOM file as long as the records tell, for every instance whose file no test touches. */
const whole = Buffer.concat([
  writeFileMeta({
    sopClassUid: '1.2.840.10008.5.1.4.1.1.2',
    sopInstanceUid: '1.2.3.1.1',
    transferSyntaxUid: '1.2.840.10008.1.2.1',
    sendingAe: 'CT1',
  }),
  new Uint8Array(100),
]);
let shared: Awaited<ReturnType<typeof openFolder>>;
beforeAll(async () => {
  shared = await openFolder();
  await writeFile(join(shared.path, 'whole.dcm'), whole);
});
afterAll(() => shared.remove());

const toClose: (() => void)[] = [];
afterEach(() => {
  for (const close of toClose.splice(0)) close();
});

interface Bench {
  readonly deliverer: Deliverer;
  /** Batches of each series, in order. */
  readonly records: Map<Key, DeliveryRecord[]>;
  readonly woken: DeliveryJob[];
  readonly metrics: Metrics;
  /** Lets this much time pass, ms. */
  readonly pass: (ms: number) => void;
}

/** A deliverer over series of three originals each; what it wakes is run, as the queue would. */
function bench(
  destination: Partial<Destination>,
  settings: Partial<PeerDelivery> = {},
  records = new Map<Key, DeliveryRecord[]>(),
  actions: readonly ActionRecord[] = [],
  watch?: DeliveryWatch,
  folder: string | null = null,
  priorityOf: (job: DeliveryJob) => Priority = () => 'routine',
  record: () => Promise<void> = () => Promise.resolve(),
): Bench {
  let nowMs = Date.parse('2026-01-01T00:00:00Z');
  const metrics = openMetrics();
  const woken: DeliveryJob[] = [];
  const revisionOf = (key: Key): RevisionState => ({
    record: seriesRecord(1, uidsOf(key)),
    decision: decisionRecord(1, { forward: ['pacs'], tasks: [] }),
    tasks: new Map(),
    deliveries: new Map([['originals@pacs', records.get(key) ?? []]]),
    begun: new Set(),
    commitments: new Map(),
    swept: false,
  });
  const state = (key: Key): Promise<SeriesState> =>
    Promise.resolve({
      key,
      files: [],
      revisions: [revisionOf(key)],
      actions: actions.map((action, index) => ({ number: index + 1, file: `${index + 1}.json`, action })),
      promisedUntilMs: -Infinity,
    });
  const isOpen = ({ key }: DeliveryJob): boolean =>
    uidsOf(key).some((uid) =>
      (records.get(key) ?? []).every(
        ({ instances }) => !instances.some((entry) => entry.sopInstanceUid === uid && entry.class === 'delivered'),
      ),
    );
  const deliverer: Deliverer = new Deliverer({
    spool: {
      state,
      beginDelivery: () => Promise.reject(new Error('not of originals')),
      recordDelivery: async (key, _revision, _task, batch) => {
        await record();
        records.set(key, [...(records.get(key) ?? []), batch]);
      },
      objectFile: () => '',
      layout: { instance: (_key, file) => (folder === null ? join(shared.path, 'whole.dcm') : join(folder, file)) },
    },
    peer: () => ({
      destination: {
        send: () => Promise.reject(new Error('not asked for')),
        probe: () => Promise.resolve(null),
        ...destination,
      },
      retry: { firstMs: 30_000, longestMs: 900_000, giveUpMs: 604_800_000, window: null, treatAsTransient: [] },
      throttle: { instancesPerSecond: null, bytesPerSecond: null },
      window: null,
      ...settings,
    }),
    waiting: () =>
      Promise.resolve(
        [one, two, three, four]
          .filter((job) => job !== undefined)
          .filter(isOpen)
          .map((job) => ({ job, priority: priorityOf(job), batches: records.get(job.key) ?? [] })),
      ),
    isCurrent: () => Promise.resolve(true),
    runs: () => Promise.resolve(false),
    wake: async (job) => {
      woken.push(job);
      await deliverer.deliver(job, priorityOf(job), new AbortController().signal);
      return true;
    },
    watch,
    log: silentLog,
    metrics,
    now: () => nowMs,
    random: () => 0.1,
  });
  toClose.push(() => deliverer.close());
  return { deliverer, records, woken, metrics, pass: (ms) => void (nowMs += ms) };
}

const run = ({ deliverer }: Bench, job: DeliveryJob, priority: Priority = 'routine') =>
  deliverer.deliver(job, priority, new AbortController().signal);
const all = (instances: readonly { readonly sopInstanceUid: string }[]): SendReport => ({
  failure: null,
  outcomes: instances.map(({ sopInstanceUid }) => delivered(sopInstanceUid)),
});

describe('an original whose file is spoilt in the spool', () => {
  /** Delivers a series whose first file somebody has spoilt, as the last was sent. */
  const delivering = (spoil: (file: string) => Promise<void>) =>
    withFolder(async (folder) => {
      const [first = '', ...others] = uidsOf(one.key);
      for (const uid of uidsOf(one.key)) await writeFile(join(folder, instanceNameOf(uid)), whole);
      await spoil(join(folder, instanceNameOf(first)));
      const sent: string[] = [];
      const send: Destination['send'] = (instances) => {
        sent.push(...instances.map(({ sopInstanceUid }) => sopInstanceUid));
        return Promise.resolve(all(instances));
      };
      const at = bench({ send }, {}, new Map(), [], undefined, folder);
      await run(at, one);
      expect(sent).toEqual(others);
      const answers = (at.records.get(one.key) ?? []).flatMap(({ instances }) => instances);
      return {
        answer: answers.find(({ sopInstanceUid }) => sopInstanceUid === first),
        metrics: await at.metrics.text(),
      };
    });

  it('by a lost end: it does not go out, and waits for a person; the others go', async () => {
    const { answer, metrics } = await delivering((file) => truncate(file, 0));
    expect(answer).toMatchObject({ class: 'permanent', status: null, comment: expect.stringContaining('is cut') });
    expect(metrics).toContain('limpid_failures_total{code="DICOM_MALFORMED"} 1');
  });

  it('by its loss: it is looked for again later, and told; the others go', async () => {
    const { answer, metrics } = await delivering((file) => rm(file));
    const comment = expect.stringContaining('no longer in the spool');
    expect(answer).toMatchObject({ class: 'transient', status: null, comment });
    expect(metrics).toMatch(/limpid_failures_total\{code="SPOOL_INSTANCE_LOST"\} [1-9]/);
  });
});

describe('who watches deliveries', () => {
  const watched = () => {
    const told: string[] = [];
    const watch: DeliveryWatch = {
      began: async (peer, outgoing) => void told.push(`began ${peer} ${outgoing.length}`),
      ended: async (peer, tried, _, { failure }) =>
        void told.push(`ended ${peer} ${tried.length} ${failure?.code ?? 'well'}`),
    };
    return { told, watch };
  };

  it('hears of a sending once, however many associations go on with it, and of what was tried alone', async () => {
    const { told, watch } = watched();
    const send: Destination['send'] = async (instances, { pace }) => {
      await Promise.all(instances.map((instance) => pace(instance)));
      return all(instances.slice(0, 2));
    };
    const table = bench({ send }, {}, new Map(), [], watch);
    await run(table, one);
    expect(told[0]).toBe('began pacs 3');
    expect(told[1]).toBe('ended pacs 2 well');
  });

  it('hears nothing of a peer that is away, or of a pause', async () => {
    const { told, watch } = watched();
    await run(bench({ send: async () => ({ failure: away, outcomes: [] }) }, {}, new Map(), [], watch), one);
    await run(bench({ send: async () => ({ failure: null, outcomes: [] }) }, {}, new Map(), [], watch), one);
    expect(told).toEqual([]);
  });

  it('hears of a sending that was lost before anything was answered', async () => {
    const { told, watch } = watched();
    const lost: Destination['send'] = async (instances, { pace }) => {
      for (const instance of instances.slice(0, 1)) await pace(instance);
      return { failure: { ...away, code: 'DIMSE_ABORTED', pace: 'lost' }, outcomes: [] };
    };
    await run(bench({ send: lost }, {}, new Map(), [], watch), one);
    expect(told).toEqual(['began pacs 3', 'ended pacs 3 DIMSE_ABORTED']);
  });
});

describe('a destination that is away', () => {
  it('costs one attempt and one record a delivery, whatever waits for it', async () => {
    let attempts = 0;
    const table = bench({
      send: () => {
        attempts += 1;
        return Promise.resolve({ failure: away, outcomes: [] });
      },
      probe: () => Promise.resolve(away),
    });
    for (const job of [one, two, three, one, two, three]) expect((await run(table, job)).kind).toBe('later');
    expect(attempts).toBe(1);
    expect(table.deliverer.breaker('pacs')).toMatchObject({ state: 'open', failure: { code: 'DIMSE_CONNECT' } });
    for (const job of [one, two, three]) {
      expect(table.records.get(job.key)).toEqual([
        expect.objectContaining({
          association: { code: 'DIMSE_CONNECT', detail: 'no connection', class: 'transient' },
          instances: [],
        }),
      ]);
    }
  });

  it('gets everything that waits, oldest first, as soon as a probe is answered', async () => {
    let isBack = false;
    let answered = 0;
    const sent: string[] = [];
    const table = bench({
      send: (instances) => {
        if (!isBack) return Promise.resolve({ failure: away, outcomes: [] });
        sent.push(instances[0]?.sopInstanceUid ?? '');
        return Promise.resolve(all(instances));
      },
      probe: () => {
        if (isBack) answered += 1;
        return Promise.resolve(isBack ? null : away);
      },
    });
    for (const job of [one, two, three, four]) await run(table, job);
    isBack = true;
    const started = performance.now();
    while (table.deliverer.breaker('pacs').state !== 'closed' || sent.length < 4) {
      if (performance.now() - started > 20_000) throw new Error(`woken ${table.woken.length}, sent ${sent.join()}`);
      await delay(10);
    }
    // Two go at a time, and of these either may be the first whose files have been looked at.
    expect(table.woken).toEqual([one, two, three, four]);
    expect(sent.toSorted()).toEqual(['1.2.3.1.1', '1.2.3.2.1', '1.2.3.3.1', '1.2.3.4.1']);
    expect(answered).toBe(1);
  });

  it('gets what is urgent first when it is back, and what can wait last', async () => {
    let isBack = false;
    const classes = new Map<DeliveryJob, Priority>([
      [one, 'batch'],
      [four, 'urgent'],
    ]);
    const table = bench(
      {
        send: (instances) => Promise.resolve(isBack ? all(instances) : { failure: away, outcomes: [] }),
        probe: () => Promise.resolve(isBack ? null : away),
      },
      {},
      new Map(),
      [],
      undefined,
      null,
      (job) => classes.get(job) ?? 'routine',
    );
    for (const job of [one, two, three, four]) await run(table, job, classes.get(job));
    isBack = true;
    for (let tries = 0; tries < 2000 && table.woken.length < 4; tries++) await delay(10);
    expect(table.woken).toEqual([four, two, three, one]);
  });

  it('that a person has to mend is told to every delivery, once', async () => {
    const operator: DestinationFailure = { code: 'DIMSE_REJECTED', detail: 'rejected 1/1/2', pace: 'operator' };
    const table = bench({
      send: () => Promise.resolve({ failure: operator, outcomes: [] }),
      probe: () => Promise.resolve(operator),
    });
    await run(table, one);
    for (let tries = 0; tries < 1000 && table.records.size < 4; tries++) await delay(10);
    for (const key of keys) {
      const batches = table.records.get(key) ?? [];
      expect(batches.map(({ association }) => association?.class)).toEqual(['permanent']);
    }
  });
});

describe('what a person', () => {
  it.each(['hold', 'discard'] as const)(
    'has asked for (%s) after the job was added ends it, with nothing sent',
    async (kind) => {
      const asked = actionRecord({ kind });
      expect(await run(bench({}, {}, new Map(), [asked]), one)).toEqual({ kind: 'done' });
      const released = actionRecord({ kind: 'release' });
      const table = bench({ send: (instances) => Promise.resolve(all(instances)) }, {}, new Map(), [asked, released]);
      await run(table, one);
      expect(table.records.size).toBe(kind === 'hold' ? 1 : 0);
    },
  );
});

describe('a probe', () => {
  it('that fails counts for less than an instance that the peer has taken meanwhile', async () => {
    let attempts = 0;
    let taken: (report: SendReport) => void = () => undefined;
    let refuse: (failure: DestinationFailure) => void = () => undefined;
    let begin: () => void = () => undefined;
    const probing = new Promise<void>((resolve) => (begin = resolve));
    let send: () => void = () => undefined;
    const sending = new Promise<void>((resolve) => (send = resolve));
    const table = bench({
      send: (instances) => {
        attempts += 1;
        if (attempts > 1) return Promise.resolve({ failure: away, outcomes: [] });
        send();
        return new Promise((resolve) => (taken = () => resolve(all(instances))));
      },
      probe: () => {
        begin();
        return new Promise((resolve) => (refuse = resolve));
      },
    });
    const underWay = run(table, one);
    await sending; // its files have been looked at
    await run(table, two); // opens the breaker, whose probe goes out
    await probing;
    expect(table.deliverer.breaker('pacs').state).toBe('half-open');
    taken(all([]));
    await underWay;
    refuse(away);
    await delay(0);
    expect(table.deliverer.breaker('pacs')).toMatchObject({ state: 'closed' });
  });
});

describe('a peer that is busy with two series', () => {
  it('takes an urgent one next, and one that has been made urgent while it stood in line', async () => {
    const ends: (() => void)[] = [];
    const send: Destination['send'] = async (instances) => {
      await new Promise<void>((resolve) => ends.push(resolve));
      return all(instances);
    };
    const table = bench({ send });
    const [fifth, sixth] = [5, 6].map((number) => jobOf(keyOf('1.2.3', `1.2.3.${number}`)));
    if (!fifth || !sixth) throw new Error('no jobs');
    const under = [run(table, one), run(table, two)];
    while (ends.length < 2) await delay(1);
    for (const job of [three, four, fifth]) expect((await run(table, job)).kind).toBe('later');
    await run(table, sixth, 'urgent');
    await run(table, fifth, 'urgent'); // comes again as that
    for (let ended = 0; ended < 6; ended++) {
      while (ends.length <= ended) await delay(1);
      ends[ended]?.();
    }
    await Promise.all(under);
    while (table.woken.length < 4) await delay(1);
    expect(table.woken).toEqual([fifth, sixth, three, four]);
  });
});

describe('the hours of a peer', () => {
  it('hold a probe back until they begin', async () => {
    let probes = 0;
    const table = bench(
      {
        send: () => Promise.resolve({ failure: away, outcomes: [] }),
        probe: () => {
          probes += 1;
          return Promise.resolve(away);
        },
      },
      { window: { fromMinute: 0, toMinute: 30, timeZone: 'UTC' } },
    );
    await run(table, one);
    table.pass(1_800_000); // 00:30; the probe is due after a tenth of a second
    await delay(300);
    expect([probes, table.deliverer.breaker('pacs').state]).toEqual([0, 'open']);
    expect(new Date(table.deliverer.breaker('pacs').untilMs).toISOString()).toBe('2026-01-02T00:00:00.000Z');
  });
});

describe('a delivery past its time', () => {
  it('is kept and not sent by itself any more, though the peer is there', async () => {
    let attempts = 0;
    const send = () => {
      attempts += 1;
      return Promise.resolve({ failure: away, outcomes: [] });
    };
    const before = bench({ send });
    await run(before, one);
    before.deliverer.close();
    const after = bench({ send }, {}, before.records);
    after.pass(604_800_000);
    await run(after, one);
    expect(attempts).toBe(2); // not a moment too early
    after.deliverer.close();
    const later = bench({ send }, {}, before.records);
    later.pass(604_800_001);
    expect(await run(later, one)).toEqual({ kind: 'later', atMs: Date.parse('2026-01-08T00:05:00.001Z') });
    expect(attempts).toBe(2);
  });
});

describe('a server that says when to come back', () => {
  const busy: DestinationFailure = {
    code: 'DICOMWEB_REFUSED',
    detail: 'HTTP 503',
    pace: 'refused',
    retryAfterMs: 120_000,
  };

  it('is not asked before, though it has taken something in the same breath, and what was under way ends well', async () => {
    let attempts = 0;
    let probes = 0;
    let slow: (report: SendReport) => void = () => undefined;
    let begin: () => void = () => undefined;
    const begun = new Promise<void>((resolve) => (begin = resolve));
    const table = bench({
      send: (instances) => {
        attempts += 1;
        begin();
        if (attempts === 1) return new Promise((resolve) => (slow = () => resolve(all(instances))));
        return Promise.resolve({
          failure: busy,
          outcomes: instances.slice(0, 1).map((first) => delivered(first.sopInstanceUid)),
        });
      },
      probe: () => Promise.resolve(probes++ === 0 ? busy : null),
    });
    const underWay = run(table, one);
    await begun;
    await run(table, two);
    slow(all([]));
    await underWay;
    expect(table.deliverer.breaker('pacs')).toMatchObject({
      state: 'open',
      untilMs: Date.parse('2026-01-01T00:02:00Z'),
      failure: { retryAfterMs: 120_000 },
    });
    table.pass(119_999);
    for (const job of [two, three]) await run(table, job);
    expect([attempts, probes]).toEqual([2, 0]);
  });
});

describe('a node that ends', () => {
  it('asks a peer behind an open breaker no more', async () => {
    let probes = 0;
    const table = bench({
      send: () => Promise.resolve({ failure: away, outcomes: [] }),
      probe: () => {
        probes += 1;
        return Promise.resolve(away);
      },
    });
    await run(table, one);
    table.deliverer.close();
    await delay(400); // its wait is a tenth of a second
    expect([probes, table.deliverer.breaker('pacs').state]).toEqual([0, 'open']);
  });
});

describe('a peer with hours of its own', () => {
  it('gets no more when they end in the middle of a series, and the rest when they begin', async () => {
    const sent: number[] = [];
    const table = bench(
      {
        // one a second
        send: async (instances, { pace }) => {
          const outcomes: Outcome[] = [];
          for (const { sopInstanceUid } of instances) {
            if (!(await pace({ sopInstanceUid }))) break;
            table.pass(1000);
            outcomes.push(delivered(sopInstanceUid));
          }
          sent.push(outcomes.length);
          return { failure: null, outcomes };
        },
      },
      { window: { fromMinute: 0, toMinute: 1, timeZone: 'UTC' } },
    );
    expect(await run(table, jobOf(long))).toEqual({ kind: 'later', atMs: Date.parse('2026-01-02T00:00:00Z') });
    expect(sent).toEqual([60]);
    table.pass(86_400_000 - 60_000);
    expect(await run(table, jobOf(long))).toEqual({ kind: 'done' });
    expect(sent).toEqual([60, 60]);
  });
});

describe('a restart while a server wants to be left alone', () => {
  const busy: DestinationFailure = {
    code: 'DICOMWEB_REFUSED',
    detail: 'HTTP 503',
    pace: 'refused',
    retryAfterMs: 1_800_000,
  };
  /** A first process that is told to come back in half an hour, and what its successor does so long after that. */
  const restarted = async (passedMs: number) => {
    const before = bench({ send: () => Promise.resolve({ failure: busy, outcomes: [] }) });
    await run(before, one);
    before.deliverer.close();
    const asked: string[] = [];
    const after = bench(
      {
        send: (instances) => {
          asked.push('sent');
          return Promise.resolve(all(instances));
        },
        probe: () => {
          asked.push('probed');
          return Promise.resolve(null);
        },
      },
      {},
      before.records,
    );
    after.pass(passedMs);
    return { after, asked };
  };

  it('does not have it asked before: neither for what it had refused, nor for anything else', async () => {
    const { after, asked } = await restarted(60_000);
    await run(after, two); // before anybody has resumed
    await after.deliverer.resume('pacs');
    for (const job of [one, two, three]) await run(after, job);
    expect(asked).toEqual([]);
    expect(after.woken).toEqual([]);
    expect(after.deliverer.breaker('pacs')).toMatchObject({
      state: 'open',
      untilMs: Date.parse('2026-01-01T00:30:00Z'),
      failure: { detail: 'HTTP 503', class: 'transient' },
    });
    expect(after.records.get(three.key)?.[0]?.association?.until).toBe('2026-01-01T00:30:00.000Z');
  });

  it('has it asked as before once that time is over', async () => {
    const { after, asked } = await restarted(1_800_000);
    await run(after, two);
    expect(asked).toEqual(['sent']);
  });

  it('after the clock was set back holds it up for no longer than a server may ask', async () => {
    const { after, asked } = await restarted(-86_400_000);
    await run(after, two);
    expect(asked).toEqual([]);
    expect(after.deliverer.breaker('pacs').untilMs).toBe(Date.parse('2025-12-31T01:00:00Z'));
  });

  it('knows what a probe was told last, which one delivery writes down', async () => {
    let isProbed = (): void => undefined;
    const probed = new Promise<void>((resolve) => (isProbed = resolve));
    const { code, detail } = busy;
    const table = bench({
      send: () => Promise.resolve({ failure: { code, detail, pace: 'unreachable' }, outcomes: [] }),
      probe: () => {
        isProbed();
        return Promise.resolve(busy);
      },
    });
    const untils = () =>
      [one, two].map(({ key }) => (table.records.get(key) ?? []).map(({ association }) => association?.until));
    for (const job of [one, two]) await run(table, job);
    expect(untils()).toEqual([[undefined], [undefined]]);
    await probed;
    await delay(0);
    for (const job of [one, two, one]) await run(table, job);
    expect(untils()).toEqual([[undefined, '2026-01-01T00:30:00.000Z'], [undefined]]);
  });
});

describe('a clock that is set back', () => {
  it('does not hold a peer back beyond the pause that was meant', async () => {
    const reset: DestinationFailure = { code: 'DIMSE_ABORTED', detail: 'aborted', pace: 'lost' };
    let attempts = 0;
    const again = new Promise<void>((resolve, reject) => {
      const table = bench({
        send: (instances) => {
          attempts += 1;
          if (attempts === 1) return Promise.resolve({ failure: reset, outcomes: [] });
          resolve();
          return Promise.resolve(all(instances));
        },
      });
      run(table, one).then(() => table.pass(-3_600_000), reject);
    });
    await again;
    expect(attempts).toBeGreaterThan(1);
  });
});

describe('a peer that does not know this node', () => {
  const refused: DestinationFailure = { code: 'DIMSE_REJECTED', detail: 'rejected 1/1/3', pace: 'unrecognized' };
  const destination = {
    send: () => Promise.resolve({ failure: refused, outcomes: [] }),
    probe: () => Promise.resolve(refused),
  };
  const classes = ({ records }: Bench) => (records.get(one.key) ?? []).map(({ association }) => association?.class);

  it('needs a person after an hour, counted over a restart of this process', async () => {
    const before = bench(destination);
    await run(before, one);
    before.deliverer.close();
    const soon = bench(destination, {}, before.records);
    soon.pass(3_599_000);
    await run(soon, one);
    expect(classes(soon)).toEqual(['transient', 'transient']);
    soon.deliverer.close();
    const after = bench(destination, {}, before.records);
    after.pass(3_600_000);
    await run(after, one);
    expect(classes(after)).toEqual(['transient', 'transient', 'permanent']);
    expect(after.deliverer.breaker('pacs').sinceMs).toBe(Date.parse('2026-01-01T00:00:00Z'));
  });

  it('begins its hour anew where another failure, or an answer, came in between', async () => {
    const before = bench(destination);
    await run(before, one);
    before.deliverer.close();
    const between = bench({ send: () => Promise.resolve({ failure: away, outcomes: [] }) }, {}, before.records);
    between.pass(1_800_000);
    await run(between, one);
    between.deliverer.close();
    const after = bench(destination, {}, before.records);
    after.pass(4_000_000);
    await run(after, one);
    expect(classes(after)).toEqual(['transient', 'transient', 'transient']);
  });
});

describe('outcomes', () => {
  it('one instance that the peer cannot bear neither opens the breaker nor keeps the others back', async () => {
    const bad = uidsOf(one.key)[1] ?? '';
    const table = bench({
      send: (instances) => {
        const report = all(instances.filter(({ sopInstanceUid }) => sopInstanceUid !== bad));
        if (!instances.some(({ sopInstanceUid }) => sopInstanceUid === bad)) return Promise.resolve(report);
        const lost: Outcome = { sopInstanceUid: bad, class: 'transient', status: null, comment: 'no answer' };
        const failure: DestinationFailure = { code: 'DIMSE_ABORTED', detail: 'aborted', pace: 'lost' };
        return Promise.resolve({ failure, outcomes: [...report.outcomes, lost] });
      },
    });
    for (let round = 0; round < 20; round++) {
      await run(table, one);
      table.pass(1_000_000);
    }
    expect(table.deliverer.breaker('pacs').state).toBe('closed');
    expect((await run(table, two)).kind).toBe('done');
    expect(table.records.get(one.key)?.length).toBeGreaterThan(10);
  });

  it('A700 is permanent after ten tries while others get through, and waited for while none does', async () => {
    const bad = uidsOf(one.key)[0] ?? '';
    const refuse = (uid: string): Outcome => ({ sopInstanceUid: uid, class: 'transient', status: 0xa700, comment: '' });
    let othersPass = false;
    const table = bench({
      send: (instances) =>
        Promise.resolve({
          failure: null,
          outcomes: instances.map(({ sopInstanceUid }) =>
            sopInstanceUid !== bad && othersPass ? delivered(sopInstanceUid) : refuse(sopInstanceUid),
          ),
        }),
    });
    const classes = () =>
      (table.records.get(one.key) ?? []).flatMap(({ instances }) =>
        instances.filter(({ sopInstanceUid }) => sopInstanceUid === bad).map((entry) => entry.class),
      );
    for (let round = 0; round < 15; round++) {
      await run(table, one);
      table.pass(1_000_000);
    }
    expect(classes()).toEqual(Array.from({ length: 15 }, () => 'transient'));
    othersPass = true;
    await run(table, one);
    table.pass(1_000_000);
    await run(table, one);
    expect(classes().at(-1)).toBe('permanent');
  });

  it('what a drain cuts off is no failure of the peer', async () => {
    const controller = new AbortController();
    const table = bench({
      send: ([first]) => {
        controller.abort();
        const failure: DestinationFailure = { code: 'DIMSE_ABORTED', detail: 'stopped', pace: 'lost' };
        return Promise.resolve({ failure, outcomes: first ? [delivered(first.sopInstanceUid)] : [] });
      },
    });
    expect((await table.deliverer.deliver(one, 'routine', controller.signal)).kind).toBe('later');
    expect(table.records.get(one.key)).toEqual([expect.objectContaining({ association: null })]);
    expect(table.deliverer.breaker('pacs').state).toBe('closed');
  });
});

it('what a folder has when a drain ends the sending is kept, though a folder gives no status', async () => {
  const controller = new AbortController();
  const table = bench({
    send: ([first]) => {
      controller.abort();
      return Promise.resolve({
        failure: null,
        outcomes: first ? [{ ...delivered(first.sopInstanceUid), status: null }] : [],
      });
    },
  });
  expect((await table.deliverer.deliver(one, 'routine', controller.signal)).kind).toBe('later');
  expect(table.records.get(one.key)?.flatMap(({ instances }) => instances)).toMatchObject([{ class: 'delivered' }]);
});

it('what a peer has answered is written down once the volume has room again, and nothing goes out twice meanwhile', async () => {
  let [sendings, faults] = [0, 2];
  const send: Destination['send'] = (instances) => {
    sendings += 1;
    return Promise.resolve(all(instances));
  };
  const record = (): Promise<void> => (faults-- > 0 ? Promise.reject(new Error('ENOSPC')) : Promise.resolve());
  const table = bench({ send }, {}, new Map(), [], undefined, null, undefined, record);
  for (let tries = 0; tries < 2; tries++) await expect(run(table, one)).rejects.toThrow('ENOSPC');
  expect(await run(table, one)).toEqual({ kind: 'done' });
  expect(sendings).toBe(1);
  expect(table.records.get(one.key)).toHaveLength(1);
});

it('what another process has written down meanwhile counts for more than what could not be', async () => {
  let faults = 1;
  const send: Destination['send'] = (instances) => Promise.resolve(all(instances));
  const record = (): Promise<void> => (faults-- > 0 ? Promise.reject(new Error('ENOSPC')) : Promise.resolve());
  const table = bench({ send }, {}, new Map(), [], undefined, null, undefined, record);
  await expect(run(table, one)).rejects.toThrow('ENOSPC');
  const others = uidsOf(one.key).map((uid) => ({ ...delivered(uid), sopInstanceUid: uid }));
  table.records.set(one.key, [
    { version: 1, at: '2026-01-01T00:00:00.000Z', peer: 'pacs', association: null, instances: others },
  ]);
  expect(await run(table, one)).toEqual({ kind: 'done' });
  expect(table.records.get(one.key)).toHaveLength(1);
});

describe('hours and pace', () => {
  it('outside its hours nothing is tried', async () => {
    const window = { fromMinute: 20 * 60, toMinute: 6 * 60, timeZone: 'UTC' };
    const table = bench({ send: (instances) => Promise.resolve(all(instances)) }, { window });
    table.pass(12 * 3_600_000);
    expect(await run(table, one)).toEqual({ kind: 'later', atMs: Date.parse('2026-01-01T20:00:00Z') });
    table.pass(8 * 3_600_000);
    expect((await run(table, one)).kind).toBe('done');
  });

  it('a throttle that asks for a long pause ends the association, and the job comes back then', async () => {
    const table = bench(
      {
        send: async (instances, { pace }) => {
          const outcomes: Outcome[] = [];
          for (const instance of instances) {
            if (!(await pace(instance))) break;
            outcomes.push(delivered(instance.sopInstanceUid));
          }
          return { failure: null, outcomes };
        },
      },
      { throttle: { instancesPerSecond: null, bytesPerSecond: 10 } },
    );
    const result = await run(table, one); // 100 bytes an instance: ten seconds each
    expect(result).toEqual({ kind: 'later', atMs: Date.parse('2026-01-01T00:00:10Z') });
    expect(table.records.get(one.key)?.[0]?.instances).toHaveLength(1);
  });
});
