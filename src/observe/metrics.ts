/**
 * limpid's metrics: one table, from which the registry, docs/metrics.md and the checks of dashboards and alerts are made.
 * Labels come from configuration or a fixed list, never from traffic. Names get the prefix `limpid_`.
 */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

type Kind = 'counter' | 'gauge' | 'histogram';
interface Definition {
  readonly kind: Kind;
  readonly labels: readonly string[];
  readonly help: string;
  readonly buckets?: readonly number[];
}

const seconds = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const longSeconds = [0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600];

export const metrics = {
  associations_open: { kind: 'gauge', labels: ['direction', 'peer'], help: 'Associations open now.' },
  associations_total: {
    kind: 'counter',
    labels: ['direction', 'peer', 'outcome'],
    help: 'Associations ended: released, rejected, aborted, lost.',
  },
  instances_received_total: {
    kind: 'counter',
    labels: ['peer', 'modality', 'status'],
    help: 'C-STORE requests answered, by status in hex.',
  },
  received_bytes_total: { kind: 'counter', labels: ['peer'], help: 'Data set bytes received.' },
  receive_seconds: {
    kind: 'histogram',
    labels: ['peer'],
    help: 'From the C-STORE request to its answer.',
    buckets: seconds,
  },
  series_total: {
    kind: 'counter',
    labels: ['modality', 'outcome'],
    help: 'Series routed, by outcome: routed, held, ignored.',
  },
  tasks_total: {
    kind: 'counter',
    labels: ['modality', 'outcome'],
    help: 'Tasks ended: enhanced, skipped, withheld, failed, superseded.',
  },
  tasks_skipped_total: { kind: 'counter', labels: ['reason'], help: 'Tasks skipped, by reason of the input gate.' },
  failures_total: { kind: 'counter', labels: ['code'], help: 'Failures by code (docs/errors.md).' },
  stage_seconds: {
    kind: 'histogram',
    labels: ['stage', 'modality', 'priority'],
    help: 'Duration of one step of a stage.',
    buckets: longSeconds,
  },
  time_to_pacs_seconds: {
    kind: 'histogram',
    labels: ['modality', 'priority'],
    help: 'From a revision closing to its last derived instance accepted.',
    buckets: longSeconds,
  },
  quiet_seconds: {
    kind: 'histogram',
    labels: ['modality'],
    help: 'From the last instance to the closing of the revision.',
    buckets: longSeconds,
  },
  queue_jobs: { kind: 'gauge', labels: ['queue', 'state'], help: 'Jobs by queue and state.' },
  queue_oldest_seconds: { kind: 'gauge', labels: ['queue'], help: 'Age of the oldest waiting job.' },
  slices_enhanced_total: { kind: 'counter', labels: ['model', 'provider'], help: 'Slices enhanced.' },
  slice_seconds: {
    kind: 'histogram',
    labels: ['model', 'provider'],
    help: 'Time of the network or filter for one slice.',
    buckets: seconds,
  },
  device_busy_seconds_total: { kind: 'counter', labels: ['model', 'provider'], help: 'Time a device computed.' },
  quality_noise_ratio: {
    kind: 'histogram',
    labels: ['model', 'modality'],
    help: 'Noise after over noise before.',
    buckets: [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1],
  },
  quality_mean_shift: {
    kind: 'histogram',
    labels: ['model', 'modality'],
    help: 'Mean shift over noise, absolute, before it is corrected.',
    buckets: [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1],
  },
  quality_edge_ratio: {
    kind: 'histogram',
    labels: ['model', 'modality'],
    help: 'Gradient energy at strong edges, after over before.',
    buckets: [0.5, 0.7, 0.8, 0.85, 0.9, 0.95, 1, 1.05],
  },
  deliveries_total: {
    kind: 'counter',
    labels: ['peer', 'outcome'],
    help: 'Instances sent, by outcome: delivered, warned, transient, permanent.',
  },
  delivery_seconds: {
    kind: 'histogram',
    labels: ['peer'],
    help: 'Duration of one delivery job.',
    buckets: longSeconds,
  },
  peer_waiting_instances: { kind: 'gauge', labels: ['peer'], help: 'Instances that wait for a peer.' },
  peer_breaker_state: { kind: 'gauge', labels: ['peer'], help: '0 closed, 1 half open, 2 open.' },
  spool_bytes: { kind: 'gauge', labels: ['kind'], help: 'Bytes in the spool: originals, results.' },
  spool_free_bytes: { kind: 'gauge', labels: [], help: 'Free bytes on the spool volume.' },
  spool_oldest_undelivered_seconds: { kind: 'gauge', labels: [], help: 'Age of the oldest series that is not done.' },
  event_loop_delay_seconds: { kind: 'gauge', labels: ['quantile'], help: 'Event loop delay since the last scrape.' },
  build_info: { kind: 'gauge', labels: ['version', 'roles'], help: 'Always 1.' },
} as const satisfies Record<string, Definition>;

type Table = typeof metrics;
export type MetricName = keyof Table;
type NamesOf<K extends Kind> = { [N in MetricName]: Table[N]['kind'] extends K ? N : never }[MetricName];
type LabelsOf<N extends MetricName> = Readonly<Record<Table[N]['labels'][number], string>>;

/** Write side of the metrics; rooms get this as an argument. */
export interface Metrics {
  inc<N extends NamesOf<'counter'>>(name: N, labels: LabelsOf<N>, by?: number): void;
  set<N extends NamesOf<'gauge'>>(name: N, labels: LabelsOf<N>, value: number): void;
  add<N extends NamesOf<'gauge'>>(name: N, labels: LabelsOf<N>, by: number): void;
  observe<N extends NamesOf<'histogram'>>(name: N, labels: LabelsOf<N>, value: number): void;
  /** Prometheus text of limpid's own registry and the process defaults. */
  text(): Promise<string>;
}

/** Opens a registry of its own: several nodes in one process (tests) do not share counters. */
export function openMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const counters = new Map<string, Counter>();
  const gauges = new Map<string, Gauge>();
  const histograms = new Map<string, Histogram>();
  for (const [name, definition] of Object.entries<Definition>(metrics)) {
    const options = {
      name: `limpid_${name}`,
      help: definition.help,
      labelNames: [...definition.labels],
      registers: [registry],
    };
    if (definition.kind === 'counter') counters.set(name, new Counter(options));
    else if (definition.kind === 'gauge') gauges.set(name, new Gauge(options));
    else histograms.set(name, new Histogram({ ...options, buckets: [...(definition.buckets ?? seconds)] }));
  }
  return {
    inc: (name, labels, by = 1) => counters.get(name)?.inc(labels, by),
    set: (name, labels, value) => gauges.get(name)?.set(labels, value),
    add: (name, labels, by) => gauges.get(name)?.inc(labels, by),
    observe: (name, labels, value) => histograms.get(name)?.observe(labels, value),
    text: () => registry.metrics(),
  };
}
