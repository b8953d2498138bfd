// Series that exist from the start, so that a rule can tell "nothing came" from "never heard of it", and sees the first event as an increase.
import { labelValues, metricValues } from './metrics-table.js';
import type { Metrics } from './metrics.js';

/** Statuses by which this node refuses an object it has read, of whatever modality (conformance statement, C-STORE SCP). */
const refusedByStore = ['A700', '0110', '0111'];
/** Those by which it refuses one before: its modality is not told (`other`). */
const refusedUnread = ['A900', 'C000', 'C001', 'C002', '0117', '0122', '0124', '0210', '0211', '0212'];

/** Names from the configuration that stand as label values. */
export interface DeclaredNames {
  /** Peers that may send to this node. */
  readonly sources: readonly string[];
  /** Those of them that this node may commit itself to. */
  readonly promisedTo: readonly string[];
  /** Peers this node sends to. */
  readonly destinations: readonly string[];
}

/** Says which version this process has, and which roles it fulfils now: what it was said to do before is said no more. */
export function declareRoles(metrics: Metrics, version: string, roles: readonly string[]): void {
  metrics.clear('build_info');
  metrics.set('build_info', { version, roles: [...roles].sort().join(',') }, 1);
}

/** Sets the counters and histograms of configured peers to 0. Safe to repeat. */
export function declarePeers(metrics: Metrics, names: DeclaredNames): void {
  for (const peer of names.sources) declareSource(metrics, peer);
  // who is not let in has no name
  if (names.sources.length > 0) declareAssociations(metrics, 'in', 'unknown');
  for (const peer of names.promisedTo) {
    for (const outcome of metricValues.promises_total.outcome) metrics.inc('promises_total', { peer, outcome }, 0);
    for (const outcome of metricValues.promise_reports_total.outcome)
      metrics.inc('promise_reports_total', { peer, outcome }, 0);
  }
  for (const peer of names.destinations) declareDestination(metrics, peer);
  if (names.destinations.length === 0) return;
  for (const modality of labelValues['modality'] ?? [])
    for (const priority of labelValues['priority'] ?? []) metrics.zero('time_to_pacs_seconds', { modality, priority });
}

/** The same for the models of a worker. @param providers those that it may run them on */
export function declareModels(
  metrics: Metrics,
  models: readonly { readonly id: string; readonly modality: readonly string[] }[],
  providers: readonly string[],
): void {
  for (const { id: model, modality: modalities } of models) {
    for (const reason of metricValues.withdrawals_total.reason) metrics.inc('withdrawals_total', { model, reason }, 0);
    for (const provider of providers) metrics.inc('slices_enhanced_total', { model, provider }, 0);
    for (const modality of modalities) metrics.zero('quality_noise_ratio', { model, modality });
  }
}

function declareSource(metrics: Metrics, peer: string): void {
  metrics.inc('received_bytes_total', { peer }, 0);
  metrics.zero('receive_seconds', { peer });
  declareAssociations(metrics, 'in', peer);
  for (const modality of labelValues['modality'] ?? [])
    for (const status of ['0000', ...refusedByStore])
      metrics.inc('instances_received_total', { peer, modality, status }, 0);
  for (const status of refusedUnread) metrics.inc('instances_received_total', { peer, modality: 'other', status }, 0);
}

/** What waits for a peer is not declared: 0 until the spool has been walked over would say that nothing waits. */
function declareDestination(metrics: Metrics, peer: string): void {
  declareAssociations(metrics, 'out', peer);
  for (const outcome of metricValues.deliveries_total.outcome) metrics.inc('deliveries_total', { peer, outcome }, 0);
  for (const outcome of metricValues.commitments_total.outcome) metrics.inc('commitments_total', { peer, outcome }, 0);
  metrics.add('peer_breaker_state', { peer }, 0);
}

function declareAssociations(metrics: Metrics, direction: 'in' | 'out', peer: string): void {
  for (const outcome of metricValues.associations_total.outcome)
    metrics.inc('associations_total', { direction, peer, outcome }, 0);
}
