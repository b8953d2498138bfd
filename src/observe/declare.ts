// Series that exist from the start, so that a rule can tell "nothing came" from "never heard of it".
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
  /** Peers this node sends to. */
  readonly destinations: readonly string[];
}

/** Sets the counters of configured peers to 0, and says which version and roles this process has. Safe to repeat. */
export function declare(metrics: Metrics, version: string, roles: readonly string[], names: DeclaredNames): void {
  metrics.set('build_info', { version, roles: [...roles].sort().join(',') }, 1);
  for (const peer of names.sources) {
    metrics.inc('received_bytes_total', { peer }, 0);
    for (const modality of labelValues['modality'] ?? [])
      for (const status of ['0000', ...refusedByStore])
        metrics.inc('instances_received_total', { peer, modality, status }, 0);
    for (const status of refusedUnread) metrics.inc('instances_received_total', { peer, modality: 'other', status }, 0);
  }
  for (const peer of names.destinations) {
    for (const outcome of metricValues.deliveries_total.outcome) metrics.inc('deliveries_total', { peer, outcome }, 0);
    metrics.add('peer_waiting_instances', { peer }, 0);
    metrics.add('peer_uncommitted_instances', { peer }, 0);
    for (const outcome of metricValues.commitments_total.outcome)
      metrics.inc('commitments_total', { peer, outcome }, 0);
    metrics.add('peer_breaker_state', { peer }, 0);
  }
}
