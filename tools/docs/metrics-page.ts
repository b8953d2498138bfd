// docs/metrics.md: every metric of limpid, from the table that the registry is made of.
import { labelValues, metrics, metricValues } from '../../src/observe/metrics-table.js';
import type { MetricDefinition } from '../../src/observe/metrics-table.js';
import { code, page, table } from './markdown.js';

const own: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = metricValues;

function labelsOf(name: string, labels: readonly string[]): string {
  return labels
    .map((label) => {
      const values = own[name]?.[label];
      return values === undefined ? code(label) : `${code(label)} (${values.join(', ')})`;
    })
    .join(', ');
}

export function metricsPage(): string {
  const entries = Object.entries<MetricDefinition>(metrics);
  const rows = entries.map(([name, { kind, labels, help }]) => [code(`limpid_${name}`), kind, labelsOf(name, labels), help]);
  const buckets = entries
    .filter(([, definition]) => definition.buckets !== undefined)
    .map(([name, definition]) => [code(`limpid_${name}`), (definition.buckets ?? []).join(', ')]);
  const values = Object.entries(labelValues)
    .filter(([label]) => label !== 'reason' && label !== 'code')
    .map(([label, list]) => [code(label), list.join(', ')]);
  return page(
    'Metrics',
    'Served by every process at `/metrics` as Prometheus text. Labels hold names from the configuration or values of a fixed list, never anything that came over the network: a value outside its list, or beyond 128 of a label, counts as `other`. Alert rules, recording rules and a dashboard over them are in `deploy/`.',
    table(['metric', 'kind', 'labels', 'meaning'], rows),
    '## Label values',
    `${table(['label', 'values'], values)}\n\n\`reason\` and \`code\` are the codes of [errors.md](errors.md); \`peer\`, \`model\` and \`provider\` are names from the configuration (\`unknown\` for a sender that is in no peer's \`from\`).`,
    '## Buckets',
    table(['histogram', 'upper bounds'], buckets),
    'Beside these there are the process and Node.js metrics of prom-client (`process_*`, `nodejs_*`).',
  );
}
