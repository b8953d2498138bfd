/**
 * limpid's metrics: one table, from which the registry, docs/metrics.md and the checks of dashboard and alerts are made.
 * Names get the prefix `limpid_`; units are base units. Label values come from configuration or a fixed list, never from
 * traffic: `labelValues` holds the fixed lists, everything else is a name from the configuration.
 */
import { failures, reasons } from '../errors.js';

export type MetricKind = 'counter' | 'gauge' | 'histogram';

export interface MetricDefinition {
  readonly kind: MetricKind;
  readonly labels: readonly string[];
  readonly help: string;
  /** Upper bounds of a histogram, in the metric's unit, around the range that is known. */
  readonly buckets?: readonly number[];
}

// One C-STORE: a synced write takes 2 to 20 ms, a peer gives up after some 30 s.
const requestSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
// One slice: a GPU takes milliseconds, one CPU core up to some seconds; 0.16 s a slice holds a large hospital's peak.
const sliceSeconds = [0.002, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.25, 2.5, 5, 10, 20];
// One step: routing takes milliseconds, a task ends at workers.deadline (30 min by default).
const stepSeconds = [0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1200, 1800];
// A whole series: seconds on a GPU, an hour where a PACS was away.
const seriesSeconds = [5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400];
// Quiet periods: 5 s after a release, 60 s by default, 120 s with gaps, at the longest 30 min.
const quietSeconds = [1, 2, 5, 10, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1800];

export const metrics = {
  associations_open: { kind: 'gauge', labels: ['direction', 'peer'], help: 'Associations open now.' },
  associations_total: {
    kind: 'counter',
    labels: ['direction', 'peer', 'outcome'],
    help: 'Associations ended, by outcome: released, rejected, aborted, lost.',
  },
  tls_refused_total: {
    kind: 'counter',
    labels: ['reason'],
    help: 'Connections closed by the TLS handshake, by reason: certificate, protocol, plain, timeout, other.',
  },
  tls_certificate_expiry_seconds: {
    kind: 'gauge',
    labels: ['certificate'],
    help: 'Time until the first certificate of a chain of this node ends, or the last of the authorities that it trusts: node, or the name of a peer that is called with ones of its own.',
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
    help: 'From a C-STORE request to its answer.',
    buckets: requestSeconds,
  },
  series_total: {
    kind: 'counter',
    labels: ['modality', 'outcome'],
    help: 'Revisions routed, by outcome: routed, held, ignored.',
  },
  series_active: {
    kind: 'gauge',
    labels: ['state'],
    help: 'Series that are not done, by state: receiving, routing, enhancing, delivering, committing, held, partial, given-up, uncommitted, unreadable.',
  },
  tasks_total: {
    kind: 'counter',
    labels: ['modality', 'outcome'],
    help: 'Tasks ended, by outcome: enhanced, skipped, withheld, failed, superseded.',
  },
  tasks_skipped_total: {
    kind: 'counter',
    labels: ['reason'],
    help: 'Tasks skipped, by reason of the input gate (docs/errors.md).',
  },
  withdrawals_total: {
    kind: 'counter',
    labels: ['model', 'reason'],
    help: 'Derived series withdrawn, by reason: quality, safety.',
  },
  audit_messages_total: {
    kind: 'counter',
    labels: ['outcome'],
    help: 'Audit messages, by outcome: recorded in the spool, sent to the repository, unrecorded.',
  },
  audit_messages_waiting: { kind: 'gauge', labels: [], help: 'Audit messages that the repository has not taken yet.' },
  audit_oldest_seconds: { kind: 'gauge', labels: [], help: 'Age of the oldest of them.' },
  failures_total: { kind: 'counter', labels: ['code'], help: 'Failures, by code (docs/errors.md).' },
  stage_seconds: {
    kind: 'histogram',
    labels: ['stage', 'modality', 'priority'],
    help: 'Duration of one step of a stage.',
    buckets: stepSeconds,
  },
  time_to_pacs_seconds: {
    kind: 'histogram',
    labels: ['modality', 'priority'],
    help: "From a revision's closing to the last of its images that a peer accepted.",
    buckets: seriesSeconds,
  },
  quiet_seconds: {
    kind: 'histogram',
    labels: ['modality'],
    help: 'From the last instance to the closing of the revision.',
    buckets: quietSeconds,
  },
  queue_jobs: { kind: 'gauge', labels: ['queue', 'state'], help: 'Jobs: waiting, delayed, active.' },
  queue_oldest_seconds: { kind: 'gauge', labels: ['queue'], help: 'Age of the oldest waiting job.' },
  slices_enhanced_total: { kind: 'counter', labels: ['model', 'provider'], help: 'Slices enhanced.' },
  slice_seconds: {
    kind: 'histogram',
    labels: ['model', 'provider'],
    help: 'Time of the network or filter for one slice.',
    buckets: sliceSeconds,
  },
  device_busy_seconds_total: { kind: 'counter', labels: ['model', 'provider'], help: 'Time a device computed.' },
  quality_noise_ratio: {
    kind: 'histogram',
    labels: ['model', 'modality'],
    help: 'Noise after over noise before; light, standard and strong aim at 0.75, 0.60 and 0.45.',
    buckets: [0.3, 0.4, 0.45, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 1],
  },
  quality_mean_shift: {
    kind: 'histogram',
    labels: ['model', 'modality'],
    help: 'Mean shift over noise, absolute, before it is corrected.',
    buckets: [0.02, 0.05, 0.1, 0.2, 0.5, 1],
  },
  quality_edge_ratio: {
    kind: 'histogram',
    labels: ['model', 'modality'],
    help: 'Gradient energy at strong edges, after over before.',
    buckets: [0.7, 0.8, 0.9, 0.95, 1, 1.05],
  },
  quality_periodic_pattern: {
    kind: 'histogram',
    labels: ['model', 'modality'],
    help: 'Strongest periodic pattern that was taken away, over the noise; beyond 0.08 networks are withheld.',
    buckets: [0.02, 0.04, 0.08, 0.16],
  },
  quality_smooth_change: {
    kind: 'histogram',
    labels: ['model', 'modality'],
    help: 'Largest change wider than grain, over the noise: what a model draws or wipes out. docs/models.md has the limits.',
    buckets: [0.2, 0.4, 0.8, 1.2],
  },
  quality_sharpness_ratio: {
    kind: 'histogram',
    labels: ['model'],
    help: 'Frequency of 50 % modulation at natural edges, after over before, a series.',
    buckets: [0.8, 0.9, 0.95, 1, 1.05, 1.1],
  },
  quality_grain_ratio: {
    kind: 'histogram',
    labels: ['model'],
    help: 'Mean frequency of the noise, after over before, a series; below 0.9 it looks painted.',
    buckets: [0.6, 0.8, 0.9, 0.95, 1],
  },
  quality_grade_total: {
    kind: 'counter',
    labels: ['model', 'when', 'grade'],
    help: 'Enhanced series by how degraded they were (when: before) and are (after): light, moderate, severe, unknown.',
  },
  deliveries_total: {
    kind: 'counter',
    labels: ['peer', 'outcome'],
    help: 'Instances sent, by outcome: delivered, warned, transient, permanent.',
  },
  commitments_total: {
    kind: 'counter',
    labels: ['peer', 'outcome'],
    help: 'Instances of storage commitment requests, by outcome: committed, failed, unreported (asked again), uncommitted (not asked again).',
  },
  promises_total: {
    kind: 'counter',
    labels: ['peer', 'outcome'],
    help: 'Instances that a peer has asked this node to commit itself to, by outcome: committed, failed.',
  },
  promise_reports_total: {
    kind: 'counter',
    labels: ['peer', 'outcome'],
    help: 'Requests for storage commitment of this node by how their report ended: reported, unreported (given up).',
  },
  promise_reports_waiting: {
    kind: 'gauge',
    labels: ['peer'],
    help: 'Requests for storage commitment that are decided and whose report the peer has not taken yet.',
  },
  delivery_seconds: {
    kind: 'histogram',
    labels: ['peer'],
    help: 'Duration of one delivery job.',
    buckets: stepSeconds,
  },
  peer_waiting_instances: { kind: 'gauge', labels: ['peer'], help: 'Instances that wait for a peer.' },
  peer_uncommitted_instances: {
    kind: 'gauge',
    labels: ['peer'],
    help: 'Instances that a peer has stored and not yet committed itself to.',
  },
  peer_quota_ratio: {
    kind: 'gauge',
    labels: ['peer'],
    help: 'Share of its quota of 24 hours that a peer has used (peers.NAME.receive.quota); from 1 on its instances are refused (A700).',
  },
  peer_breaker_state: {
    kind: 'gauge',
    labels: ['peer'],
    help: '0 closed, or nothing is sent at this hour; 1 half open, 2 open.',
  },
  spool_bytes: { kind: 'gauge', labels: ['kind'], help: 'Bytes in the spool: originals, results.' },
  spool_sweep_faults: {
    kind: 'gauge',
    labels: [],
    help: 'Series and transactions that the last sweep could not read or take away; 1 where it ended early. The log names each.',
  },
  spool_free_bytes: {
    kind: 'gauge',
    labels: [],
    help: 'Room on the spool volume, in bytes: those that are free, and no more than 512 KiB for each free inode; 0 while the volume cannot be asked or written.',
  },
  spool_limit_bytes: {
    kind: 'gauge',
    labels: ['kind'],
    help: 'Free bytes below which limpid acts: low (A700 to modalities), critical (associations refused).',
  },
  spool_oldest_undelivered_seconds: {
    kind: 'gauge',
    labels: [],
    help: 'Age of the oldest series that is not done; where it waits only for peers with hours, the time within them counts.',
  },
  event_loop_delay_seconds: {
    kind: 'gauge',
    labels: ['quantile'],
    help: 'Delay of the event loop since the last scrape: quantiles 0.5, 0.99, 0.999 and max.',
  },
  scrape_faults_total: { kind: 'counter', labels: [], help: 'Gauges that could not be read at a scrape.' },
  build_info: {
    kind: 'gauge',
    labels: ['version', 'roles'],
    help: 'Always 1. In place of receiver, roles say standby where another one holds the spool, and stepped-down where it was lost.',
  },
} as const satisfies Record<string, MetricDefinition>;

/** Labels whose values are a fixed list. `outcome` and `state` differ from metric to metric: see `outcomes`. */
export const labelValues: Readonly<Record<string, readonly string[]>> = {
  modality: ['CT', 'MR', 'US', 'other'],
  priority: ['urgent', 'routine', 'batch'],
  direction: ['in', 'out'],
  stage: ['receive', 'assemble', 'route', 'enhance', 'derive', 'deliver'],
  queue: ['series', 'tasks', 'deliveries', 'commitments'],
  kind: ['originals', 'results', 'low', 'critical'],
  when: ['before', 'after'],
  grade: ['light', 'moderate', 'severe', 'unknown'],
  quantile: ['0.5', '0.99', '0.999', 'max'],
  reason: Object.keys(reasons),
  code: Object.keys(failures),
};

/** The fixed values of `outcome` and `state`, by metric. */
export const metricValues = {
  associations_total: { outcome: ['released', 'rejected', 'aborted', 'lost'] },
  tls_refused_total: { reason: ['certificate', 'protocol', 'plain', 'timeout', 'other'] },
  series_total: { outcome: ['routed', 'held', 'ignored'] },
  series_active: {
    state: [
      'receiving',
      'routing',
      'enhancing',
      'delivering',
      'committing',
      'held',
      'partial',
      'given-up',
      'uncommitted',
      'unreadable',
    ],
  },
  tasks_total: { outcome: ['enhanced', 'skipped', 'withheld', 'failed', 'superseded'] },
  withdrawals_total: { reason: ['quality', 'safety'] },
  queue_jobs: { state: ['waiting', 'delayed', 'active'] },
  deliveries_total: { outcome: ['delivered', 'warned', 'transient', 'permanent'] },
  commitments_total: { outcome: ['committed', 'failed', 'unreported', 'uncommitted'] },
  promises_total: { outcome: ['committed', 'failed'] },
  audit_messages_total: { outcome: ['recorded', 'sent', 'unrecorded'] },
  promise_reports_total: { outcome: ['reported', 'unreported'] },
} as const satisfies Partial<Record<keyof typeof metrics, Readonly<Record<string, readonly string[]>>>>;
