import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { z } from 'zod';
import { failures } from '../../src/errors.js';
import { describeWithPeers, findPeer } from '../support/peers.js';
import { faultsOf } from './promql.js';

const root = new URL('../../../', import.meta.url);
const folder = fileURLToPath(new URL('deploy/prometheus/', root));
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');

const ruleFile = z.object({
  groups: z.array(
    z.object({
      name: z.string(),
      rules: z.array(
        z.object({
          alert: z.string().optional(),
          record: z.string().optional(),
          expr: z.string(),
          for: z.string().optional(),
          labels: z.object({ severity: z.enum(['critical', 'warning']) }).optional(),
          annotations: z.strictObject({ summary: z.string(), description: z.string(), runbook: z.string() }).optional(),
        }),
      ),
    }),
  ),
});
const rulesIn = (name: string) =>
  ruleFile.parse(parse(read(`deploy/prometheus/${name}`))).groups.flatMap(({ rules }) => rules);
const alerts = rulesIn('alerts.yml');
const recorded = rulesIn('recording-rules.yml');

describe('alert rules', () => {
  it.each(alerts.map((rule) => [rule.alert ?? '', rule] as const))(
    '%s has severity, words and a runbook',
    (name, rule) => {
      expect(name).toMatch(/^Limpid[A-Z]\w+$/);
      expect(rule.labels?.severity).toBeDefined();
      expect(rule.annotations?.description).toMatch(/\.$/);
      const [page = '', anchor = ''] = (rule.annotations?.runbook ?? '').split('#');
      expect(page).toBe('docs/operations.md');
      expect(read(page).split('\n')).toContainEqual(expect.stringMatching(new RegExp(`^### .*<a id="${anchor}"></a>`)));
    },
  );

  it('use metrics and labels that are there', () => {
    for (const { expr, alert, record } of [...alerts, ...recorded])
      expect([alert ?? record, faultsOf(expr)]).toEqual([alert ?? record, []]);
  });

  it('use recorded series that are there, and record none in vain', () => {
    const names = new Set(recorded.map(({ record }) => record));
    const used = alerts.flatMap(({ expr }) => expr.match(/\b[a-z_]+:limpid_\w+:\w+/g) ?? []);
    for (const name of used) expect(names).toContain(name);
  });

  it('name codes that are there', () => {
    for (const { expr } of alerts) {
      for (const [, list = ''] of expr.matchAll(/code=~?"([^"]+)"/g)) {
        for (const code of list.split('|')) expect(Object.keys(failures)).toContain(code);
      }
    }
  });

  it('have each a test in which it fires', () => {
    const tests = `${read('deploy/prometheus/alerts.test.yml')}\n${read('deploy/prometheus/alerts-week.test.yml')}`;
    const fired = [...tests.matchAll(/alertname: (\w+)\n\s+exp_alerts:/g)].map(([, name]) => name);
    expect(new Set(fired)).toEqual(new Set(alerts.map(({ alert }) => alert)));
  });

  it('finds planted faults (so that the checks above say something)', () => {
    expect(faultsOf('rate(limpid_nothing_total[5m])')).toEqual(['no metric limpid_nothing_total']);
    expect(faultsOf('limpid_stage_seconds')).toEqual(['no metric limpid_stage_seconds']);
    expect(faultsOf('limpid_spool_free_bytes{peer="x"}')).toEqual(['limpid_spool_free_bytes has no label peer']);
    expect(faultsOf('sum by (model) (limpid_queue_jobs)')).toEqual(['grouped by model, which none of its metrics has']);
  });
});

describeWithPeers(['promtool'], 'promtool', () => {
  const promtool = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(findPeer('promtool') ?? '', args, { cwd: folder, encoding: 'utf8' });
    return { status, output: stdout + stderr };
  };
  it('accepts configuration and rules', () => {
    expect(promtool('check', 'config', 'prometheus.yml')).toMatchObject({ status: 0 });
    expect(promtool('check', 'rules', 'alerts.yml', 'recording-rules.yml')).toMatchObject({ status: 0 });
  });
  it('sees every alert fire when it should and stay quiet below', () => {
    const { status, output } = promtool('test', 'rules', 'alerts.test.yml', 'alerts-week.test.yml');
    expect(status === 0 ? '' : output).toBe('');
  });
});
