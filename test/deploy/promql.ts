// Which of limpid's metrics a PromQL expression uses, and whether the table has them with these labels.
import { metrics } from '../../src/observe/metrics-table.js';
import type { MetricDefinition } from '../../src/observe/metrics-table.js';

const table: Readonly<Record<string, MetricDefinition>> = metrics;
/** Labels that Prometheus adds, beside those of the table. */
const added = ['instance', 'job'];

function definitionOf(name: string): { definition: MetricDefinition; bucket: boolean } | null {
  const bare = name.slice('limpid_'.length);
  const direct = table[bare];
  if (direct !== undefined && direct.kind !== 'histogram') return { definition: direct, bucket: false };
  const part = /^(.*)_(bucket|sum|count)$/.exec(bare);
  const histogram = table[part?.[1] ?? ''];
  return histogram?.kind === 'histogram' ? { definition: histogram, bucket: part?.[2] === 'bucket' } : null;
}

/** Faults of an expression: metrics that are not there, labels they do not have. Recorded series are left to promtool. */
export function faultsOf(expression: string): string[] {
  const faults: string[] = [];
  const labels = new Set(added);
  const text = expression.replace(/\b[a-z_]+:limpid_\w+:\w+/g, 'recorded');
  for (const [, name = '', matchers] of text.matchAll(/\b(limpid_\w+)(?:\{([^}]*)\})?/g)) {
    const found = definitionOf(name);
    if (found === null) {
      faults.push(`no metric ${name}`);
      continue;
    }
    const own = [...found.definition.labels, ...(found.bucket ? ['le'] : [])];
    own.forEach((label) => labels.add(label));
    for (const [, label = ''] of (matchers ?? '').matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)) {
      if (!own.includes(label) && !added.includes(label)) faults.push(`${name} has no label ${label}`);
    }
  }
  if (text.includes('recorded')) return faults;
  for (const [, list = ''] of text.matchAll(/\b(?:by|on|without|ignoring)\s*\(([^)]*)\)/g)) {
    for (const label of list.split(',').map((part) => part.trim())) {
      if (!labels.has(label)) faults.push(`grouped by ${label}, which none of its metrics has`);
    }
  }
  return faults;
}

/** Names in an expression. */
export const metricsIn = (expression: string): string[] => expression.match(/\blimpid_\w+/g) ?? [];
