import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { z } from 'zod';
import { openHttp } from '../../src/admin/server.js';
import type { HttpServer } from '../../src/admin/server.js';
import { labelValues, metrics, metricValues } from '../../src/observe/metrics-table.js';
import type { MetricDefinition } from '../../src/observe/metrics-table.js';
import { openMetrics } from '../../src/observe/metrics.js';
import type { Metrics } from '../../src/observe/metrics.js';
import { watchEventLoop } from '../../src/observe/event-loop.js';
import { fakeNode } from '../admin/node.js';
import { describeWithPeers, startPrometheus } from '../support/peers.js';
import type { PrometheusPeer } from '../support/peers.js';
import { faultsOf, metricsIn } from './promql.js';

const root = new URL('../../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');

const place = z.object({ x: z.int(), y: z.int(), w: z.int(), h: z.int() });
const board = z.object({
  uid: z.string(),
  templating: z.object({ list: z.array(z.object({ name: z.string(), query: z.unknown() })) }),
  panels: z.array(
    z.object({
      id: z.int(),
      type: z.string(),
      title: z.string(),
      description: z.string().optional(),
      gridPos: place,
      fieldConfig: z.object({ defaults: z.object({ unit: z.string() }) }).optional(),
      targets: z.array(z.object({ refId: z.string(), expr: z.string(), legendFormat: z.string() })).optional(),
    }),
  ),
});
const { panels, templating } = board.parse(JSON.parse(read('deploy/grafana/dashboards/limpid-overview.json')));
const queries = panels.flatMap(({ title, targets }) => (targets ?? []).map(({ expr }) => [title, expr] as const));

describe('the dashboard', () => {
  it.each(queries)('%s: %s uses metrics and labels that are there', (_title, expr) => {
    expect(faultsOf(expr)).toEqual([]);
  });

  it('shows every metric of the table but the one that only the alerts use', () => {
    const shown = queries
      .flatMap(([, expr]) => metricsIn(expr))
      .map((name) => name.replace(/_(bucket|sum|count)$/, ''));
    const hidden = Object.keys(metrics).filter((name) => !shown.includes(`limpid_${name}`));
    expect(hidden).toEqual(['scrape_faults_total']);
  });

  it('has titles, words, units and legends, and panels that do not lie upon each other', () => {
    const taken = new Set<string>();
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const { type, title, description, fieldConfig, targets, gridPos } of panels) {
      expect(title).not.toBe('');
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(x).toBeLessThan(24);
          expect(taken).not.toContain(`${x},${y}`);
          taken.add(`${x},${y}`);
        }
      }
      if (type === 'row') continue;
      expect(description).toMatch(/\.$/);
      expect(fieldConfig?.defaults.unit).toMatch(/^\w+$/);
      for (const { legendFormat } of targets ?? []) expect(legendFormat).not.toBe('');
    }
  });

  it('asks for the variables that it has', () => {
    const names = new Set([...templating.list.map(({ name }) => name), '__rate_interval']);
    for (const [, expr] of queries) {
      for (const [, name] of expr.matchAll(/\$(\w+)/g)) expect(names).toContain(name);
    }
  });

  it('is provisioned by files that name the same data source and folder as compose mounts', () => {
    const sources = parse(read('deploy/grafana/provisioning/datasources/prometheus.yml'));
    const providers = parse(read('deploy/grafana/provisioning/dashboards/limpid.yml'));
    const compose = read('docker-compose.yml');
    expect(sources).toMatchObject({
      apiVersion: 1,
      datasources: [{ type: 'prometheus', url: 'http://prometheus:9090' }],
    });
    expect(providers).toMatchObject({ apiVersion: 1, providers: [{ type: 'file' }] });
    expect(compose).toContain(`:${String(providers.providers[0].options.path)}:ro`);
  });
});

const own: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = metricValues;
const configured: Readonly<Record<string, readonly string[]>> = {
  peer: ['pacs'],
  model: ['ct-low-dose'],
  provider: ['cpu', 'cuda'],
  status: ['0000', 'A700'],
  version: ['0.1.0'],
  roles: ['admin,receiver,sender,worker'],
  code: ['DIMSE_CONNECT', 'INTERNAL'],
  reason: ['ALREADY_CLEAN', 'DERIVED'],
  certificate: ['node'],
};

/** Moves every metric of the table on by one step, as a busy node would. */
function work(to: Metrics): void {
  for (const [name, { kind, labels, buckets }] of Object.entries<MetricDefinition>(metrics)) {
    if (name === 'event_loop_delay_seconds' || name === 'scrape_faults_total') continue;
    let combinations: Record<string, string>[] = [{}];
    for (const label of labels) {
      const values = own[name]?.[label] ?? configured[label] ?? labelValues[label] ?? [];
      combinations = combinations.flatMap((base) => values.map((value) => ({ ...base, [label]: value })));
    }
    for (const values of combinations) {
      const [method, value] = (
        { counter: ['inc', 3], gauge: ['set', 2], histogram: ['observe', buckets?.[3] ?? 1] } as const
      )[kind];
      // The table drives the test, so names and labels are not known to the compiler here.
      Reflect.apply(Reflect.get(to, method), to, [name, values, value]);
    }
  }
}

const answer = z.object({
  status: z.string(),
  data: z.object({ result: z.array(z.object({ value: z.tuple([z.number(), z.string()]) })) }),
});

describeWithPeers(['prometheus'], 'the dashboard on a Prometheus that scrapes a node', () => {
  let server: HttpServer;
  let prometheus: PrometheusPeer;
  let stopWatching = (): void => undefined;

  const ask = async (expr: string) => {
    const response = await fetch(`${prometheus.url}/api/v1/query?${new URLSearchParams({ query: expr }).toString()}`);
    return answer.parse(await response.json()).data.result;
  };

  beforeAll(async () => {
    const busy = openMetrics();
    busy.onScrape(() => work(busy));
    stopWatching = watchEventLoop(busy);
    server = await openHttp(fakeNode({ metrics: busy }).options);
    const config = parse(read('deploy/prometheus/prometheus.yml'));
    config.global = { scrape_interval: '1s', evaluation_interval: '1s' };
    config.scrape_configs[0].static_configs[0].targets = [`127.0.0.1:${server.port}`];
    prometheus = await startPrometheus({
      config: JSON.stringify(config),
      files: {
        'alerts.yml': read('deploy/prometheus/alerts.yml'),
        'recording-rules.yml': read('deploy/prometheus/recording-rules.yml'),
      },
    });
    for (let i = 0; i < 200 && (await ask('rate(limpid_tasks_total[30s]) > 0')).length === 0; i++) await delay(200);
  });
  afterAll(async () => {
    stopWatching();
    await prometheus?.stop();
    await server?.close();
  });

  it('answers every query of every panel with data', async () => {
    const empty: string[] = [];
    for (const [title, expr] of queries) {
      const filled = expr.replaceAll('$__rate_interval', '30s').replaceAll(/\$(node|peer)\b/g, '.*');
      const result = await ask(filled);
      const finite = result.filter(({ value }) => Number.isFinite(Number(value[1])));
      if (finite.length === 0) empty.push(`${title}: ${filled}`);
    }
    expect(empty).toEqual([]);
  });

  it('records what the rules record', async () => {
    const names = [...read('deploy/prometheus/recording-rules.yml').matchAll(/record: (\S+)/g)].map(
      ([, name]) => name ?? '',
    );
    expect(names.length).toBeGreaterThan(4);
    for (const name of names) {
      for (let i = 0; i < 200 && (await ask(name)).length === 0; i++) await delay(200);
      expect([name, (await ask(name)).length > 0]).toEqual([name, true]);
    }
  });
});
