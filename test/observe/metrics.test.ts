import { describe, expect, it } from '@jest/globals';
import { failures, reasons } from '../../src/errors.js';
import { answers, identityInvalid, identityMissing } from '../../src/io/dimse/status.js';
import { declareModels, declarePeers, declareRoles } from '../../src/observe/declare.js';
import { watchEventLoop } from '../../src/observe/event-loop.js';
import { labelValues, metrics, metricValues } from '../../src/observe/metrics-table.js';
import type { MetricDefinition } from '../../src/observe/metrics-table.js';
import { openMetrics } from '../../src/observe/metrics.js';
import { describeWithPeers, findPeer } from '../support/peers.js';
import { spawnSync } from 'node:child_process';

const table = Object.entries<MetricDefinition>(metrics);

/** Lines of one metric in Prometheus text, without comments. */
const linesOf = (text: string, name: string): string[] => text.split('\n').filter((line) => line.startsWith(name));

describe('the table of metrics', () => {
  it('names counters _total, units at the end, and gives every histogram rising buckets', () => {
    for (const [name, { kind, buckets, help }] of table) {
      expect([name, name.endsWith('_total')]).toEqual([name, kind === 'counter']);
      expect([name, buckets !== undefined]).toEqual([name, kind === 'histogram']);
      expect(help).toMatch(/^[A-Z0-9].*\.$/);
      const bounds = [...(buckets ?? [])];
      expect(bounds).toEqual([...new Set(bounds)].sort((a, b) => a - b));
    }
  });

  it('stays below 2500 time series with 20 peers, 10 models and 3 providers', () => {
    const free: Record<string, number> = {
      peer: 20,
      model: 10,
      provider: 3,
      status: 3,
      version: 1,
      roles: 1,
      certificate: 3,
    };
    let total = 0;
    for (const [name, { kind, labels, buckets }] of table) {
      if (name === 'slice_seconds') continue; // counted below: a model runs on one provider, seldom two
      const own: Readonly<Record<string, readonly string[]>> =
        Object.entries(metricValues).find(([metric]) => metric === name)?.[1] ?? {};
      const widths = labels.map(
        (label) => own[label]?.length ?? labelValues[label]?.length ?? free[label] ?? Number.NaN,
      );
      const combinations = widths.reduce((product, width) => product * width, 1);
      expect([name, combinations]).toEqual([name, expect.any(Number)]);
      expect(combinations).not.toBeNaN();
      // A source sends one or two modalities, a rule has one priority: a fifth of what the product says.
      const used = labels.includes('modality') ? Math.ceil(combinations / 5) : combinations;
      total += kind === 'histogram' ? used * ((buckets?.length ?? 0) + 3) : used;
    }
    expect(total).toBeLessThan(2500);
  });
});

describe('the registry', () => {
  it('has each metric of the table under the prefix, with its help', async () => {
    const text = await openMetrics().text();
    for (const [name, { help, kind }] of table) {
      expect(text).toContain(`# HELP limpid_${name} ${help}\n# TYPE limpid_${name} ${kind}\n`);
    }
  });

  it('starts counters with fixed labels at 0, so that the first failure is an increase', async () => {
    const text = await openMetrics().text();
    expect(linesOf(text, 'limpid_failures_total{')).toHaveLength(Object.keys(failures).length);
    expect(linesOf(text, 'limpid_tasks_skipped_total{')).toHaveLength(Object.keys(reasons).length);
    expect(text).toContain('\nlimpid_tasks_total{modality="CT",outcome="failed"} 0\n');
  });

  it('counts, sets, adds and observes', async () => {
    const metricsOfNode = openMetrics();
    metricsOfNode.inc('received_bytes_total', { peer: 'ct1' }, 512);
    metricsOfNode.inc('received_bytes_total', { peer: 'ct1' });
    metricsOfNode.add('associations_open', { direction: 'in', peer: 'ct1' }, 1);
    metricsOfNode.add('associations_open', { direction: 'in', peer: 'ct1' }, 1);
    metricsOfNode.add('associations_open', { direction: 'in', peer: 'ct1' }, -1);
    metricsOfNode.observe('receive_seconds', { peer: 'ct1' }, 0.02);
    const text = await metricsOfNode.text();
    expect(text).toContain('limpid_received_bytes_total{peer="ct1"} 513');
    expect(text).toContain('limpid_associations_open{direction="in",peer="ct1"} 1');
    expect(text).toContain('limpid_receive_seconds_bucket{le="0.01",peer="ct1"} 0');
    expect(text).toContain('limpid_receive_seconds_bucket{le="0.025",peer="ct1"} 1');
  });

  it('keeps two nodes of one process apart', async () => {
    const [one, two] = [openMetrics(), openMetrics()];
    one.set('spool_free_bytes', {}, 1);
    two.set('spool_free_bytes', {}, 2);
    expect(await one.text()).toContain('\nlimpid_spool_free_bytes 1\n');
    expect(await two.text()).toContain('\nlimpid_spool_free_bytes 2\n');
  });

  it('tells nothing of a gauge that nobody has set: no spool is full because no receiver has looked at it yet', async () => {
    const metricsOfNode = openMetrics();
    expect(linesOf(await metricsOfNode.text(), 'limpid_spool_free_bytes')).toEqual([]);
    expect(linesOf(await metricsOfNode.text(), 'limpid_audit_messages_waiting')).toEqual([]);
    metricsOfNode.set('spool_free_bytes', {}, 0);
    expect(linesOf(await metricsOfNode.text(), 'limpid_spool_free_bytes')).toEqual(['limpid_spool_free_bytes 0']);
  });

  it('counts values outside a fixed list, and more values than a label may have, as other', async () => {
    const metricsOfNode = openMetrics();
    metricsOfNode.inc('tasks_total', { modality: '1.2.840.113619', outcome: 'enhanced' });
    for (let i = 0; i < 1000; i++) metricsOfNode.inc('received_bytes_total', { peer: `scanner${i}` }, 1);
    const text = await metricsOfNode.text();
    expect(text).not.toContain('1.2.840');
    expect(text).toContain('limpid_tasks_total{modality="other",outcome="enhanced"} 1');
    expect(linesOf(text, 'limpid_received_bytes_total{')).toHaveLength(129);
    expect(text).toContain(`limpid_received_bytes_total{peer="other"} ${1000 - 128}`);
  });

  it('asks collectors at each scrape, and counts those that fail without failing itself', async () => {
    const metricsOfNode = openMetrics();
    let asked = 0;
    const forget = metricsOfNode.onScrape(async () =>
      metricsOfNode.set('queue_jobs', { queue: 'tasks', state: 'active' }, ++asked),
    );
    metricsOfNode.onScrape(() => {
      throw new Error('gone');
    });
    await metricsOfNode.text();
    forget();
    const text = await metricsOfNode.text();
    expect(asked).toBe(1);
    expect(text).toContain('limpid_queue_jobs{queue="tasks",state="active"} 1');
    expect(text).toContain('\nlimpid_scrape_faults_total 2\n');
  });

  it('asks a collector once at a time, and shows what it set last as long as it is at it', async () => {
    const metricsOfNode = openMetrics();
    let asked = 0;
    let end = (): void => undefined;
    metricsOfNode.onScrape(async () => {
      asked += 1;
      if (asked > 1) await new Promise<void>((resolve) => (end = resolve));
      metricsOfNode.set('queue_oldest_seconds', { queue: 'tasks' }, asked);
    });
    const shown = async (): Promise<string> =>
      linesOf(await metricsOfNode.text(), 'limpid_queue_oldest_seconds{').join();
    expect(await shown()).toMatch(/ 1$/);
    expect(await Promise.all([shown(), shown()])).toEqual([expect.stringMatching(/ 1$/), expect.stringMatching(/ 1$/)]);
    expect(asked).toBe(2);
    expect(await metricsOfNode.text()).toContain('\nlimpid_scrape_faults_total 0\n');
    const last = shown();
    end();
    expect(await last).toMatch(/ 2$/);
  });

  it('declares configured peers, so that silence can be told from absence', async () => {
    const metricsOfNode = openMetrics();
    const names = { sources: ['ct1'], promisedTo: [], destinations: ['pacs'] };
    declarePeers(metricsOfNode, names);
    metricsOfNode.inc('deliveries_total', { peer: 'pacs', outcome: 'delivered' }, 7);
    metricsOfNode.observe('receive_seconds', { peer: 'ct1' }, 0.02);
    declarePeers(metricsOfNode, names);
    const text = await metricsOfNode.text();
    expect(text).toContain('limpid_receive_seconds_count{peer="ct1"} 1');
    expect(text).toContain('limpid_instances_received_total{peer="ct1",modality="CT",status="0000"} 0');
    expect(text).toContain('limpid_deliveries_total{peer="pacs",outcome="delivered"} 7');
    expect(text).toContain('limpid_peer_breaker_state{peer="pacs"} 0');
    // nobody has looked yet: a 0 at each restart would have LimpidCommitmentSilent begin its day anew
    expect(linesOf(text, 'limpid_peer_uncommitted_instances{')).toEqual([]);
    expect(linesOf(text, 'limpid_peer_waiting_instances{')).toEqual([]);
  });

  it('says which roles it fulfils, and no more which it did before', async () => {
    const metricsOfNode = openMetrics();
    declareRoles(metricsOfNode, '1.2.3', ['worker', 'receiver']);
    expect(await metricsOfNode.text()).toContain('limpid_build_info{version="1.2.3",roles="receiver,worker"} 1');
    declareRoles(metricsOfNode, '1.2.3', ['worker', 'standby']);
    const text = await metricsOfNode.text();
    expect(linesOf(text, 'limpid_build_info{')).toEqual([
      'limpid_build_info{version="1.2.3",roles="standby,worker"} 1',
    ]);
  });

  it('has what rules read of peers and models exist before the first event, so that this one is an increase', async () => {
    const metricsOfNode = openMetrics();
    declarePeers(metricsOfNode, { sources: ['ct1'], promisedTo: ['ct1'], destinations: ['pacs'] });
    declareModels(metricsOfNode, [{ id: 'tv', modality: ['CT', 'MR'] }], ['cuda', 'cpu']);
    const text = await metricsOfNode.text();
    for (const line of [
      'limpid_receive_seconds_count{peer="ct1"} 0',
      'limpid_associations_total{direction="in",peer="ct1",outcome="rejected"} 0',
      'limpid_associations_total{direction="in",peer="unknown",outcome="rejected"} 0',
      'limpid_associations_total{direction="out",peer="pacs",outcome="lost"} 0',
      'limpid_promises_total{peer="ct1",outcome="failed"} 0',
      'limpid_promise_reports_total{peer="ct1",outcome="unreported"} 0',
      'limpid_time_to_pacs_seconds_bucket{le="1200",modality="CT",priority="urgent"} 0',
      'limpid_withdrawals_total{model="tv",reason="safety"} 0',
      'limpid_slices_enhanced_total{model="tv",provider="cpu"} 0',
      'limpid_quality_noise_ratio_count{model="tv",modality="MR"} 0',
    ])
      expect(text).toContain(`\n${line}\n`);
  });

  it('declares each status that a C-STORE is answered with, so that the first refusals are seen as an increase', async () => {
    const metricsOfNode = openMetrics();
    declarePeers(metricsOfNode, { sources: ['ct1'], promisedTo: [], destinations: [] });
    const text = await metricsOfNode.text();
    const given = [...Object.values(answers), identityMissing(0), identityInvalid(0)].map(({ status }) => status);
    expect(given).toContain(0xa700);
    for (const status of given) {
      const hex = status.toString(16).toUpperCase().padStart(4, '0');
      expect(text).toContain(`limpid_instances_received_total{peer="ct1",modality="other",status="${hex}"} 0`);
    }
    expect(text).toContain('limpid_instances_received_total{peer="ct1",modality="CT",status="A700"} 0');
  });
});

describe('event loop delay', () => {
  it('tells how long the loop was held up since the last scrape', async () => {
    const metricsOfNode = openMetrics();
    const stop = watchEventLoop(metricsOfNode);
    const longest = async () => {
      const line = linesOf(await metricsOfNode.text(), 'limpid_event_loop_delay_seconds{quantile="max"}')[0];
      return Number(line?.split(' ')[1]);
    };
    const turns = async (count: number) => {
      for (let i = 0; i < count; i++) await new Promise((resolve) => setTimeout(resolve, 11));
    };
    await turns(5);
    const until = performance.now() + 2000;
    while (performance.now() < until); // what a blocked thread looks like
    await turns(5);
    expect(await longest()).toBeGreaterThan(1.9);
    expect(await longest()).toBeLessThan(1.9);
    stop();
    expect(linesOf(await metricsOfNode.text(), 'limpid_event_loop_delay_seconds{')).toHaveLength(4);
  });
});

describeWithPeers(['promtool'], 'promtool', () => {
  it('finds nothing to say about our own metrics', async () => {
    const metricsOfNode = openMetrics();
    declarePeers(metricsOfNode, { sources: ['ct1'], promisedTo: [], destinations: ['pacs'] });
    declareRoles(metricsOfNode, '1.2.3', ['receiver']);
    // prom-client's own process metrics are left out: some of its gauges are named _total, which promtool dislikes.
    const own = (await metricsOfNode.text()).split('\n').filter((line) => /^(# \w+ )?limpid_/.test(line));
    const check = spawnSync(findPeer('promtool') ?? '', ['check', 'metrics'], {
      input: `${own.join('\n')}\n`,
      encoding: 'utf8',
    });
    expect([check.status, check.stdout, check.stderr]).toEqual([0, '', '']);
  });
});
