// A node behind the HTTP face, as small as can be: what it holds is given, what is done to it is kept.
import { LimpidError } from '../../src/errors.js';
import type { AdminPorts, PeerView, ReadyReport, SeriesAction } from '../../src/admin/ports.js';
import type { SeriesSummary, SeriesView } from '../../src/spool/view.js';
import { openLog } from '../../src/observe/log.js';
import { openMetrics } from '../../src/observe/metrics.js';
import type { HttpOptions } from '../../src/admin/server.js';

export const key = 'abcdefghijklmnopqrstuvwx23';
export const otherKey = 'zyxwvutsrqponmlkjihgfedc76';

export const series: SeriesView = {
  key,
  state: 'delivering',
  says: '1 enhanced; 12 of 300 instances wait for pacs.',
  modality: 'CT',
  priority: 'routine',
  studyInstanceUid: '2.25.1',
  seriesInstanceUid: '2.25.2',
  sources: [{ peer: 'ct1', callingAe: 'CT1', calledAe: 'LIMPID', address: '127.0.0.1' }],
  files: 300,
  unassembled: 0,
  openedAt: '2026-11-20T10:00:00.000Z',
  changedAt: '2026-11-20T10:04:00.000Z',
  revisions: [
    {
      revision: 1,
      cause: 'arrival',
      closed: 'quiet',
      openedAt: '2026-11-20T10:00:00.000Z',
      closedAt: '2026-11-20T10:01:30.000Z',
      instances: 300,
      bytes: 157_286_400,
      variants: 0,
      swept: false,
      warnings: [],
      decision: {
        decidedAt: '2026-11-20T10:01:31.000Z',
        config: 3,
        modality: 'CT',
        priority: 'routine',
        rules: [
          {
            name: 'low-dose-chest',
            matched: true,
            conditions: [
              { condition: 'all', holds: true, parts: [{ condition: 'Modality equals CT', holds: true, found: 'CT' }] },
            ],
          },
        ],
        forward: ['pacs'],
        held: [],
      },
      tasks: [
        {
          name: 'ct-low-dose-01234567',
          rule: 'low-dose-chest',
          model: { id: 'ct-low-dose', version: '1.0.0', kind: 'network' },
          state: 'enhanced',
          says: 'Enhanced: 40 % of the noise taken away, 40 % asked.',
          code: null,
          warnings: [],
          attempts: 1,
          deaths: 0,
          startedAt: '2026-11-20T10:01:32.000Z',
          endedAt: '2026-11-20T10:03:00.000Z',
          provider: 'cpu',
          modelSeconds: 81.5,
          strength: { asked: 0.4, effective: 0.4, reached: 0.4, blend: 0.703125 },
          noise: { before: 24.1, after: 14.5, unit: 'HU' },
          figures: {
            meanShift: { measured: true, before: null, after: 3.4, unit: 'PERMILLE' },
            periodicPattern: { measured: false, before: null, after: null, unit: '1' },
          },
          grade: { before: 'moderate', after: 'light' },
          neighbours: null,
          seriesInstanceUid: '2.25.3',
          sameAs: null,
          instances: 300,
        },
      ],
      deliveries: [],
    },
  ],
  promises: [],
  actions: [],
};

const summary: SeriesSummary = {
  key,
  state: series.state,
  says: series.says,
  modality: 'CT',
  priority: 'routine',
  sources: ['ct1'],
  instances: 300,
  revision: 1,
  openedAt: series.openedAt,
  changedAt: series.changedAt,
  tasks: [{ name: 'ct-low-dose-01234567', state: 'enhanced', code: null }],
  held: [],
};

export const list: readonly SeriesSummary[] = [
  summary,
  {
    ...summary,
    key: otherKey,
    state: 'held',
    says: 'Waits for a person. No rule matches the series.',
    modality: 'MR',
    sources: ['mr<1>'],
    instances: 96,
    tasks: [],
  },
];

const peers: readonly PeerView[] = [
  {
    name: 'pacs',
    kind: 'dicom',
    aeTitle: 'PACS',
    sends: false,
    receives: true,
    host: '127.0.0.1',
    port: 4242,
    breaker: 'open',
    waiting: 12,
    says: 'Refused the last association; tried again in 2 min.',
  },
  {
    name: 'ct1',
    kind: 'dicom',
    aeTitle: 'CT1',
    sends: true,
    receives: false,
    host: null,
    port: null,
    breaker: null,
    waiting: null,
    says: 'Sends from 127.0.0.1.',
  },
];

export interface FakeNode {
  readonly options: HttpOptions;
  readonly done: { key: string; action: SeriesAction; by: string }[];
  report: ReadyReport;
  failing: Error | null;
}

/** Options for the HTTP server over a node that holds `list`, and handles to make it fail. */
export function fakeNode(changes: Partial<HttpOptions> = {}): FakeNode {
  const done: FakeNode['done'] = [];
  const node = {
    done,
    report: { dependencies: [{ name: 'spool', state: 'ready', says: 'Writes.' }] },
    failing: null,
  } as {
    done: FakeNode['done'];
    report: ReadyReport;
    failing: Error | null;
  };
  const api: AdminPorts = {
    listSeries: async (filter) => {
      if (node.failing !== null) throw node.failing;
      const found = list.filter(({ state }) => filter.state === undefined || state === filter.state);
      return { series: found.slice(0, filter.limit), next: null };
    },
    showSeries: async (wanted) => {
      if (node.failing !== null) throw node.failing;
      return wanted === key ? series : null;
    },
    act: async (wanted, action, by) => {
      if (wanted !== key) throw new LimpidError('SPOOL_UNKNOWN_SERIES', `No series ${wanted} is kept here.`);
      done.push({ key: wanted, action, by });
      return { number: done.length, warning: null };
    },
    peers: async () => [...peers],
    models: async () => [
      {
        id: 'ct-low-dose',
        version: '1.0.0',
        kind: 'network',
        task: 'noise reduction',
        modality: 'CT',
        sha256: '0'.repeat(64),
        defaultStrength: 0.4,
        intendedUse: 'Low-dose CT of adults',
        state: 'usable',
        says: 'Verified at start.',
      },
    ],
    queues: async () => [
      { queue: 'series', waiting: 0, delayed: 0, active: 0, oldestSeconds: null },
      { queue: 'tasks', waiting: 3, delayed: 0, active: 1, oldestSeconds: 95 },
      { queue: 'deliveries', waiting: 1, delayed: 2, active: 0, oldestSeconds: 240 },
    ],
  };
  const options: HttpOptions = {
    host: '127.0.0.1',
    port: 0,
    metrics: openMetrics(),
    ready: async () => node.report,
    api,
    log: openLog('silent'),
    node: { name: 'LIMPID', roles: ['receiver', 'worker', 'sender', 'admin'] },
    now: () => Date.parse('2026-11-20T10:05:00.000Z'),
    ...changes,
  };
  return Object.assign(node, { options });
}
