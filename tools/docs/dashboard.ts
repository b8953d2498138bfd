// deploy/grafana/dashboards/limpid-overview.json: one look at a node, from intake to the PACS.
import { generatedBy } from './markdown.js';

type Unit = 's' | 'short' | 'percentunit' | 'bytes' | 'ops' | 'reqps' | 'Bps' | 'none' | 'dtdurations';
interface Query {
  readonly expr: string;
  readonly legend: string;
}
interface Threshold {
  readonly from: number;
  readonly color: 'green' | 'orange' | 'red';
}
interface Panel {
  readonly title: string;
  readonly says: string;
  readonly kind: 'timeseries' | 'stat' | 'table';
  readonly unit: Unit;
  readonly width: number;
  readonly queries: readonly Query[];
  readonly thresholds?: readonly Threshold[];
  readonly stacked?: 'stacked';
  /** Words for values, for gauges that hold a state. */
  readonly words?: Readonly<Record<string, string>>;
}
interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

const node = 'instance=~"$node"';
const peer = `${node}, peer=~"$peer"`;
const rate = (metric: string, labels: string): string => `rate(${metric}{${labels}}[$__rate_interval])`;
const quantile = (q: number, by: string, metric: string, labels: string): string =>
  `histogram_quantile(${q}, sum by (${by}, le) (${rate(`${metric}_bucket`, labels)}))`;

export const rows: readonly Row[] = [
  {
    title: 'At a glance',
    panels: [
      {
        title: 'Alerts firing',
        says: 'Runbooks: docs/operations.md.',
        kind: 'stat',
        unit: 'none',
        width: 4,
        queries: [{ expr: 'count(ALERTS{alertname=~"Limpid.*", alertstate="firing"}) or vector(0)', legend: 'firing' }],
        thresholds: [
          { from: 0, color: 'green' },
          { from: 1, color: 'red' },
        ],
      },
      {
        title: 'Waiting for a person',
        says: 'Series held, refused by a peer, delivered in part, or not committed.',
        kind: 'stat',
        unit: 'none',
        width: 4,
        queries: [{ expr: `sum(limpid_series_active{${node}, state=~"held|partial|given-up|uncommitted|unreadable"})`, legend: 'series' }],
        thresholds: [
          { from: 0, color: 'green' },
          { from: 1, color: 'orange' },
        ],
      },
      {
        title: 'Oldest unfinished series',
        says: 'Age of the oldest series that is not done.',
        kind: 'stat',
        unit: 'dtdurations',
        width: 4,
        queries: [{ expr: `max(limpid_spool_oldest_undelivered_seconds{${node}})`, legend: 'age' }],
        thresholds: [
          { from: 0, color: 'green' },
          { from: 3600, color: 'orange' },
          { from: 7200, color: 'red' },
        ],
      },
      {
        title: 'Enhanced in 24 h',
        says: 'Tasks that ended with a result within limits.',
        kind: 'stat',
        unit: 'short',
        width: 4,
        queries: [{ expr: `sum(increase(limpid_tasks_total{${node}, outcome="enhanced"}[24h]))`, legend: 'tasks' }],
      },
      {
        title: 'Failed in 24 h',
        says: 'Tasks that were given up.',
        kind: 'stat',
        unit: 'short',
        width: 4,
        queries: [{ expr: `sum(increase(limpid_tasks_total{${node}, outcome="failed"}[24h]))`, legend: 'tasks' }],
        thresholds: [
          { from: 0, color: 'green' },
          { from: 1, color: 'orange' },
          { from: 10, color: 'red' },
        ],
      },
      {
        title: 'Processes',
        says: 'Scraped processes by version and roles.',
        kind: 'stat',
        unit: 'none',
        width: 4,
        queries: [{ expr: `sum by (version, roles) (limpid_build_info{${node}})`, legend: '{{version}} {{roles}}' }],
      },
    ],
  },
  {
    title: 'Intake',
    panels: [
      {
        title: 'Instances received',
        says: 'C-STORE requests accepted, by source and modality.',
        kind: 'timeseries',
        unit: 'ops',
        width: 8,
        queries: [
          {
            expr: `sum by (peer, modality) (${rate('limpid_instances_received_total', `${peer}, status=~"0000|B.*"`)})`,
            legend: '{{peer}} {{modality}}',
          },
        ],
      },
      {
        title: 'Instances refused',
        says: 'C-STORE requests answered with a failure, by source and status.',
        kind: 'timeseries',
        unit: 'ops',
        width: 8,
        queries: [
          {
            expr: `sum by (peer, status) (${rate('limpid_instances_received_total', `${peer}, status!~"0000|B.*"`)})`,
            legend: '{{peer}} {{status}}',
          },
        ],
        thresholds: [
          { from: 0, color: 'green' },
          { from: 0.001, color: 'red' },
        ],
      },
      {
        title: 'Time to answer a C-STORE',
        says: 'From request to answer; the write is synced in between.',
        kind: 'timeseries',
        unit: 's',
        width: 8,
        queries: [
          { expr: quantile(0.5, 'peer', 'limpid_receive_seconds', peer), legend: '{{peer}} p50' },
          { expr: quantile(0.95, 'peer', 'limpid_receive_seconds', peer), legend: '{{peer}} p95' },
        ],
        thresholds: [
          { from: 0, color: 'green' },
          { from: 1, color: 'orange' },
          { from: 10, color: 'red' },
        ],
      },
      {
        title: 'Data received',
        says: 'Data set bytes, by source.',
        kind: 'timeseries',
        unit: 'Bps',
        width: 8,
        queries: [{ expr: `sum by (peer) (${rate('limpid_received_bytes_total', peer)})`, legend: '{{peer}}' }],
      },
      {
        title: 'Associations open',
        says: 'In both directions.',
        kind: 'timeseries',
        unit: 'none',
        width: 8,
        queries: [
          { expr: `sum by (direction, peer) (limpid_associations_open{${peer}})`, legend: '{{direction}} {{peer}}' },
        ],
      },
      {
        title: 'Associations that ended badly',
        says: 'Rejected, aborted or lost.',
        kind: 'timeseries',
        unit: 'ops',
        width: 8,
        queries: [
          {
            expr: `sum by (direction, peer, outcome) (${rate('limpid_associations_total', `${peer}, outcome!="released"`)})`,
            legend: '{{direction}} {{peer}} {{outcome}}',
          },
        ],
      },
      {
        title: 'TLS connections refused',
        says: 'Closed by the handshake, before any association.',
        kind: 'timeseries',
        unit: 'ops',
        width: 12,
        queries: [
          { expr: `sum by (reason) (${rate('limpid_tls_refused_total', node)})`, legend: '{{reason}}' },
        ],
      },
      {
        title: 'Certificates end in',
        says: 'Peers refuse TLS with a certificate that has ended.',
        kind: 'timeseries',
        unit: 's',
        width: 12,
        queries: [
          {
            expr: `min by (instance, certificate) (limpid_tls_certificate_expiry_seconds{${node}})`,
            legend: '{{instance}} {{certificate}}',
          },
        ],
      },
    ],
  },
  {
    title: 'Way through the stages',
    panels: [
      {
        title: 'Series not done, by state',
        says: 'Where series stand now, and how many of all the last sweep could not read or take away.',
        kind: 'timeseries',
        unit: 'none',
        width: 8,
        stacked: 'stacked',
        queries: [
          { expr: `sum by (state) (limpid_series_active{${node}})`, legend: '{{state}}' },
          { expr: `sum(limpid_spool_sweep_faults{${node}})`, legend: 'not swept' },
        ],
      },
      {
        title: 'Jobs',
        says: 'Waiting, delayed and running jobs.',
        kind: 'timeseries',
        unit: 'none',
        width: 8,
        queries: [{ expr: `sum by (queue, state) (limpid_queue_jobs{${node}})`, legend: '{{queue}} {{state}}' }],
      },
      {
        title: 'Oldest waiting job',
        says: 'Age by queue.',
        kind: 'timeseries',
        unit: 's',
        width: 8,
        queries: [{ expr: `max by (queue) (limpid_queue_oldest_seconds{${node}})`, legend: '{{queue}}' }],
        thresholds: [
          { from: 0, color: 'green' },
          { from: 300, color: 'orange' },
          { from: 900, color: 'red' },
        ],
      },
      {
        title: 'Series routed',
        says: 'What the rules made of them.',
        kind: 'timeseries',
        unit: 'ops',
        width: 8,
        queries: [
          { expr: `sum by (modality, outcome) (${rate('limpid_series_total', node)})`, legend: '{{modality}} {{outcome}}' },
        ],
      },
      {
        title: 'Tasks ended',
        says: 'By outcome.',
        kind: 'timeseries',
        unit: 'ops',
        width: 8,
        stacked: 'stacked',
        queries: [{ expr: `sum by (outcome) (${rate('limpid_tasks_total', node)})`, legend: '{{outcome}}' }],
      },
      {
        title: 'Why tasks were skipped, or results withdrawn, 24 h',
        says: 'Reasons of the input gate: docs/errors.md; withdrawals by model.',
        kind: 'table',
        unit: 'short',
        width: 8,
        queries: [
          {
            expr: `topk(10, sum by (reason) (increase(limpid_tasks_skipped_total{${node}}[24h])) > 0)`,
            legend: '{{reason}}',
          },
          {
            expr: `sum by (model, reason) (increase(limpid_withdrawals_total{${node}}[24h])) > 0`,
            legend: 'withdrawn, {{model}}: {{reason}}',
          },
        ],
      },
      {
        title: 'Duration of a step (p95)',
        says: 'By stage.',
        kind: 'timeseries',
        unit: 's',
        width: 8,
        queries: [{ expr: quantile(0.95, 'stage', 'limpid_stage_seconds', node), legend: '{{stage}}' }],
      },
      {
        title: 'From closing to the PACS',
        says: "From a revision's closing to its last derived instance accepted.",
        kind: 'timeseries',
        unit: 's',
        width: 8,
        queries: [
          { expr: quantile(0.5, 'modality, priority', 'limpid_time_to_pacs_seconds', node), legend: '{{modality}} {{priority}} p50' },
          { expr: quantile(0.95, 'modality, priority', 'limpid_time_to_pacs_seconds', node), legend: '{{modality}} {{priority}} p95' },
        ],
      },
      {
        title: 'Failures by code',
        says: 'What each code means, and what to do: docs/errors.md.',
        kind: 'timeseries',
        unit: 'ops',
        width: 8,
        queries: [{ expr: `sum by (code) (${rate('limpid_failures_total', node)}) > 0`, legend: '{{code}}' }],
      },
    ],
  },
  {
    title: 'Quality',
    panels: [
      {
        title: 'Noise after over before (median)',
        says: 'Light, standard and strong aim at 0.75, 0.60 and 0.45.',
        kind: 'timeseries',
        unit: 'percentunit',
        width: 8,
        queries: [
          { expr: quantile(0.5, 'model, modality', 'limpid_quality_noise_ratio', node), legend: '{{model}} {{modality}}' },
        ],
        thresholds: [
          { from: 0, color: 'green' },
          { from: 0.95, color: 'orange' },
        ],
      },
      {
        title: 'Mean shift over noise (p95)',
        says: 'Before it is corrected; large values are withheld.',
        kind: 'timeseries',
        unit: 'percentunit',
        width: 8,
        queries: [
          { expr: quantile(0.95, 'model, modality', 'limpid_quality_mean_shift', node), legend: '{{model}} {{modality}}' },
        ],
      },
      {
        title: 'Edge energy after over before (p05)',
        says: 'Gradient energy at strong edges; below 0.85 edges are softened.',
        kind: 'timeseries',
        unit: 'percentunit',
        width: 8,
        queries: [
          { expr: quantile(0.05, 'model, modality', 'limpid_quality_edge_ratio', node), legend: '{{model}} {{modality}}' },
        ],
      },
      {
        title: 'Sharpness after over before (p05)',
        says: 'Frequency of 50 % modulation at natural edges, a series.',
        kind: 'timeseries',
        unit: 'percentunit',
        width: 8,
        queries: [{ expr: quantile(0.05, 'model', 'limpid_quality_sharpness_ratio', node), legend: '{{model}}' }],
      },
      {
        title: 'Grain after over before (p05)',
        says: 'Mean frequency of the noise, a series; below 0.9 pictures begin to look painted.',
        kind: 'timeseries',
        unit: 'percentunit',
        width: 8,
        queries: [{ expr: quantile(0.05, 'model', 'limpid_quality_grain_ratio', node), legend: '{{model}}' }],
      },
      {
        title: 'Periodic pattern taken away (p95)',
        says: 'Stripes and line pairs, over the noise; beyond 0.08 the result of a network is withheld.',
        kind: 'timeseries',
        unit: 'percentunit',
        width: 8,
        queries: [
          { expr: quantile(0.95, 'model, modality', 'limpid_quality_periodic_pattern', node), legend: '{{model}} {{modality}}' },
        ],
      },
      {
        title: 'Change wider than grain (p95)',
        says: 'Over the noise: what a model draws or wipes out; docs/models.md has the limits beyond which a result is withheld.',
        kind: 'timeseries',
        unit: 'percentunit',
        width: 8,
        queries: [
          { expr: quantile(0.95, 'model, modality', 'limpid_quality_smooth_change', node), legend: '{{model}} {{modality}}' },
        ],
      },
      {
        title: 'Degradation of the series',
        says: 'How degraded they are when they come, and when they leave.',
        kind: 'timeseries',
        unit: 'ops',
        width: 8,
        queries: [
          { expr: `sum by (when, grade) (${rate('limpid_quality_grade_total', node)})`, legend: '{{when}} {{grade}}' },
        ],
      },
      {
        title: 'Slices enhanced',
        says: 'By model and execution provider: a change of provider shows here.',
        kind: 'timeseries',
        unit: 'ops',
        width: 8,
        queries: [
          { expr: `sum by (model, provider) (${rate('limpid_slices_enhanced_total', node)})`, legend: '{{model}} {{provider}}' },
        ],
      },
      {
        title: 'Time of one slice (median)',
        says: 'Network or filter alone. 0.16 s holds the peak hour of a large hospital with one worker.',
        kind: 'timeseries',
        unit: 's',
        width: 8,
        queries: [
          { expr: quantile(0.5, 'model, provider', 'limpid_slice_seconds', node), legend: '{{model}} {{provider}}' },
        ],
      },
      {
        title: 'Withheld, last hour',
        says: 'Share of results outside the limits of their model card.',
        kind: 'timeseries',
        unit: 'percentunit',
        width: 8,
        queries: [
          {
            expr: `sum by (modality) (increase(limpid_tasks_total{${node}, outcome="withheld"}[1h])) / (sum by (modality) (increase(limpid_tasks_total{${node}, outcome=~"enhanced|withheld"}[1h])) > 0)`,
            legend: '{{modality}}',
          },
        ],
        thresholds: [
          { from: 0, color: 'green' },
          { from: 0.1, color: 'red' },
        ],
      },
    ],
  },
  {
    title: 'Delivery',
    panels: [
      {
        title: 'Breakers',
        says: 'Open: the peer is not tried for a while.',
        kind: 'stat',
        unit: 'none',
        width: 6,
        queries: [{ expr: `max by (peer) (limpid_peer_breaker_state{${peer}})`, legend: '{{peer}}' }],
        thresholds: [
          { from: 0, color: 'green' },
          { from: 1, color: 'orange' },
          { from: 2, color: 'red' },
        ],
        words: { '0': 'closed', '1': 'half open', '2': 'open' },
      },
      {
        title: 'Instances sent',
        says: 'By peer and outcome.',
        kind: 'timeseries',
        unit: 'ops',
        width: 9,
        queries: [
          { expr: `sum by (peer, outcome) (${rate('limpid_deliveries_total', peer)})`, legend: '{{peer}} {{outcome}}' },
        ],
      },
      {
        title: 'Instances waiting',
        says: 'By peer.',
        kind: 'timeseries',
        unit: 'none',
        width: 9,
        queries: [{ expr: `sum by (peer) (limpid_peer_waiting_instances{${peer}})`, legend: '{{peer}}' }],
      },
      {
        title: 'Duration of a delivery job (p95)',
        says: 'By peer.',
        kind: 'timeseries',
        unit: 's',
        width: 24,
        queries: [{ expr: quantile(0.95, 'peer', 'limpid_delivery_seconds', peer), legend: '{{peer}}' }],
      },
      {
        title: 'Storage commitment',
        says: 'Instances by peer and what became of the request.',
        kind: 'timeseries',
        unit: 'ops',
        width: 12,
        queries: [
          { expr: `sum by (peer, outcome) (${rate('limpid_commitments_total', peer)})`, legend: '{{peer}} {{outcome}}' },
        ],
      },
      {
        title: 'Quota of 24 hours',
        says: 'Share that a peer has used; from 1 on its instances are refused.',
        kind: 'timeseries',
        unit: 'percentunit',
        width: 12,
        queries: [{ expr: `max by (peer) (limpid_peer_quota_ratio{${peer}})`, legend: '{{peer}}' }],
      },
      {
        title: 'Commitment reports not taken',
        says: 'By peer: this node has decided, and the peer has not heard it.',
        kind: 'timeseries',
        unit: 'none',
        width: 12,
        queries: [{ expr: `sum by (peer) (limpid_promise_reports_waiting{${peer}})`, legend: '{{peer}}' }],
      },
      {
        title: 'Instances stored, not yet committed',
        says: 'By peer.',
        kind: 'timeseries',
        unit: 'none',
        width: 12,
        queries: [{ expr: `sum by (peer) (limpid_peer_uncommitted_instances{${peer}})`, legend: '{{peer}}' }],
      },
      {
        title: 'Commitment asked of this node',
        says: 'Instances by peer: committed, or failed with a reason in the report.',
        kind: 'timeseries',
        unit: 'ops',
        width: 12,
        queries: [
          { expr: `sum by (peer, outcome) (${rate('limpid_promises_total', peer)})`, legend: '{{peer}} {{outcome}}' },
        ],
      },
      {
        title: 'Commitment reports of this node',
        says: 'By peer: reported, or given up unreported.',
        kind: 'timeseries',
        unit: 'ops',
        width: 12,
        queries: [
          {
            expr: `sum by (peer, outcome) (${rate('limpid_promise_reports_total', peer)})`,
            legend: '{{peer}} {{outcome}}',
          },
        ],
      },
    ],
  },
  {
    title: 'Audit',
    panels: [
      {
        title: 'Audit messages',
        says: 'Written down, taken by the repository, or lost because they could not be written.',
        kind: 'timeseries',
        unit: 'ops',
        width: 8,
        queries: [{ expr: `sum by (outcome) (${rate('limpid_audit_messages_total', node)})`, legend: '{{outcome}}' }],
      },
      {
        title: 'Audit messages that wait',
        says: 'In the spool, until the audit repository takes them.',
        kind: 'timeseries',
        unit: 'none',
        width: 8,
        queries: [{ expr: `sum by (instance) (limpid_audit_messages_waiting{${node}})`, legend: '{{instance}}' }],
      },
      {
        title: 'Oldest audit message that waits',
        says: 'An hour is an alert.',
        kind: 'timeseries',
        unit: 's',
        width: 8,
        queries: [{ expr: `max by (instance) (limpid_audit_oldest_seconds{${node}})`, legend: '{{instance}}' }],
      },
    ],
  },
  {
    title: 'Resources',
    panels: [
      {
        title: 'Spool',
        says: 'Free space and what limpid holds; below low modalities are told to try later.',
        kind: 'timeseries',
        unit: 'bytes',
        width: 8,
        queries: [
          { expr: `min by (instance) (limpid_spool_free_bytes{${node}})`, legend: '{{instance}} free' },
          { expr: `max by (instance, kind) (limpid_spool_bytes{${node}})`, legend: '{{instance}} {{kind}}' },
          { expr: `max by (instance, kind) (limpid_spool_limit_bytes{${node}})`, legend: '{{instance}} limit {{kind}}' },
        ],
      },
      {
        title: 'Event loop delay',
        says: 'Since the scrape before; p99.9 stays under 50 ms.',
        kind: 'timeseries',
        unit: 's',
        width: 8,
        queries: [
          {
            expr: `max by (instance, quantile) (limpid_event_loop_delay_seconds{${node}, quantile=~"0.99|0.999|max"})`,
            legend: '{{instance}} {{quantile}}',
          },
        ],
        thresholds: [
          { from: 0, color: 'green' },
          { from: 0.05, color: 'orange' },
          { from: 0.25, color: 'red' },
        ],
      },
      {
        title: 'Memory',
        says: 'Resident memory of each process; children are processes of their own.',
        kind: 'timeseries',
        unit: 'bytes',
        width: 8,
        queries: [{ expr: `process_resident_memory_bytes{job="limpid", ${node}}`, legend: '{{instance}}' }],
      },
      {
        title: 'CPU',
        says: 'Cores used by each process.',
        kind: 'timeseries',
        unit: 'none',
        width: 8,
        queries: [{ expr: rate('process_cpu_seconds_total', `job="limpid", ${node}`), legend: '{{instance}}' }],
      },
      {
        title: 'Device busy',
        says: 'Share of the time in which a device computed; above 1 where several threads do.',
        kind: 'timeseries',
        unit: 'percentunit',
        width: 8,
        queries: [
          {
            expr: `sum by (instance, model, provider) (${rate('limpid_device_busy_seconds_total', node)})`,
            legend: '{{instance}} {{model}} {{provider}}',
          },
        ],
      },
      {
        title: 'Quiet time before closing (p95)',
        says: 'How long a series waits for its last instance.',
        kind: 'timeseries',
        unit: 's',
        width: 8,
        queries: [{ expr: quantile(0.95, 'modality', 'limpid_quiet_seconds', node), legend: '{{modality}}' }],
      },
    ],
  },
];

const source = { type: 'prometheus', uid: '${datasource}' };

function fieldConfig(panel: Panel): object {
  const steps = (panel.thresholds ?? [{ from: 0, color: 'green' }]).map(({ from, color }, i) => ({
    color,
    value: i === 0 ? null : from,
  }));
  const mappings =
    panel.words === undefined
      ? []
      : [
          {
            type: 'value',
            options: Object.fromEntries(Object.entries(panel.words).map(([value, text]) => [value, { text }])),
          },
        ];
  const lines = {
    lineWidth: 1,
    fillOpacity: panel.stacked === undefined ? 8 : 40,
    showPoints: 'never',
    stacking: { mode: panel.stacked === undefined ? 'none' : 'normal' },
    thresholdsStyle: { mode: panel.thresholds === undefined ? 'off' : 'dashed' },
  };
  return {
    defaults: {
      unit: panel.unit,
      min: 0,
      mappings,
      thresholds: { mode: 'absolute', steps },
      ...(panel.kind === 'timeseries' ? { custom: lines } : {}),
    },
    overrides: [],
  };
}

const optionsOf: Readonly<Record<Panel['kind'], object>> = {
  timeseries: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
  stat: { reduceOptions: { calcs: ['lastNotNull'] }, colorMode: 'background', graphMode: 'none', textMode: 'auto' },
  table: { showHeader: true, sortBy: [{ displayName: 'Value', desc: true }] },
};

function panels(): object[] {
  const out: object[] = [];
  let y = 0;
  let id = 1;
  for (const row of rows) {
    out.push({ id: id++, type: 'row', title: row.title, collapsed: false, gridPos: { x: 0, y, w: 24, h: 1 }, panels: [] });
    y += 1;
    let x = 0;
    let height = 0;
    for (const panel of row.panels) {
      if (x + panel.width > 24) {
        x = 0;
        y += height;
      }
      height = panel.kind === 'stat' && row.title === 'At a glance' ? 4 : 8;
      const instant = panel.kind === 'table';
      out.push({
        id: id++,
        type: panel.kind,
        title: panel.title,
        description: panel.says,
        datasource: source,
        gridPos: { x, y, w: panel.width, h: height },
        fieldConfig: fieldConfig(panel),
        options: optionsOf[panel.kind],
        targets: panel.queries.map(({ expr, legend }, i) => ({
          refId: String.fromCharCode(65 + i),
          datasource: source,
          expr,
          legendFormat: legend,
          ...(instant ? { instant: true, range: false, format: 'table' } : { range: true }),
        })),
      });
      x += panel.width;
    }
    y += height;
  }
  return out;
}

function variable(name: string, label: string, query: string): object {
  return {
    name,
    label,
    type: 'query',
    datasource: source,
    definition: query,
    query: { query, refId: name },
    refresh: 2,
    includeAll: true,
    multi: true,
    allValue: '.*',
    current: { selected: true, text: ['All'], value: ['$__all'] },
    sort: 1,
  };
}

/** The dashboard as Grafana loads it (schema version 39, Grafana 10 and later). */
export function dashboard(): object {
  return {
    description: `A limpid node: intake, stages, quality, delivery, resources. ${generatedBy}`,
    uid: 'limpid-overview',
    title: 'limpid: overview',
    tags: ['limpid', 'dicom'],
    timezone: 'browser',
    schemaVersion: 39,
    version: 1,
    editable: true,
    graphTooltip: 1,
    refresh: '30s',
    time: { from: 'now-6h', to: 'now' },
    templating: {
      list: [
        { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus', refresh: 1, current: {} },
        variable('node', 'Node', 'label_values(limpid_build_info, instance)'),
        variable('peer', 'Peer', 'label_values({__name__=~"limpid_(instances_received_total|peer_breaker_state)"}, peer)'),
      ],
    },
    annotations: { list: [] },
    links: [],
    panels: panels(),
  };
}
