// Gauges over the whole node, read from spool and queue at each scrape. One process of a node sets them: the admin role's.
import { judgeBy } from './admin-ports.js';
import { isDestination } from '../config/peers.js';
import type { Config } from '../config/schema.js';
import { openMs } from '../deliver/decide-window.js';
import type { DeliveryWindow } from '../deliver/decide-window.js';
import type { Metrics } from '../observe/metrics.js';
import { metricValues } from '../observe/metrics-table.js';
import type { QueueBackend } from '../queue/backend.js';
import { queueNames } from '../queue/jobs.js';
import type { Key } from '../spool/key.js';
import { readableStates } from '../spool/readable-states.js';
import type { Spool } from '../spool/spool.js';
import { uncommittedInstances, waitingInstances } from '../spool/state.js';
import { viewOf } from '../spool/view-of.js';

export interface GaugeDeps {
  readonly spool: Pick<Spool, 'state' | 'oldestActiveSeconds'> & { readonly active: Pick<Spool['active'], 'keys'> };
  readonly queue: Pick<QueueBackend, 'counts'>;
  readonly config: Pick<Config, 'peers'>;
  readonly metrics: Metrics;
  readonly now: () => number;
}

/** What is walked over takes as long as series are many: it is left alone for so many times as long as it took. */
const restTimes = 3;

/** Has the gauges of spool and queue set at each scrape; each of the two on its own, so that one can be away. */
export function watchNode(deps: GaugeDeps): void {
  const { spool, queue, config, metrics } = deps;
  const judge = judgeBy(config.peers, null, deps.now);
  const walk = async (): Promise<void> => {
    const states = new Map<string, number>(metricValues.series_active.state.map((state) => [state, 0]));
    const waiting = new Map<string, number>();
    const uncommitted = new Map<string, number>();
    /** What a peer has stored is delivered, also while its commitment is awaited; what is done may be looked at once more. */
    const delivered = new Set<Key>();
    /** The hours of all that a series still waits for. */
    const held = new Map<Key, readonly DeliveryWindow[]>();
    const active = await spool.active.keys();
    let unreadable = active.size;
    for await (const state of readableStates(spool, active.keys())) {
      unreadable -= 1;
      const word = viewOf(state, judge).state;
      if (word === 'committing' || word === 'done') delivered.add(state.key);
      if (word !== 'done') states.set(word, (states.get(word) ?? 0) + 1);
      const left = waitingInstances(state);
      for (const [peer, count] of left) waiting.set(peer, (waiting.get(peer) ?? 0) + count);
      if (word === 'delivering') held.set(state.key, hoursOf(config.peers, left));
      for (const [peer, count] of uncommittedInstances(state)) {
        uncommitted.set(peer, (uncommitted.get(peer) ?? 0) + count);
      }
    }
    states.set('unreadable', unreadable);
    for (const [state, count] of states) metrics.set('series_active', { state }, count);
    for (const [peer, settings] of Object.entries(config.peers)) {
      if (!isDestination(settings)) continue;
      metrics.set('peer_waiting_instances', { peer }, waiting.get(peer) ?? 0);
      metrics.set('peer_uncommitted_instances', { peer }, uncommitted.get(peer) ?? 0);
    }
    const nowMs = deps.now();
    const ageOf = (key: Key, openedMs: number): number => {
      if (delivered.has(key)) return 0;
      const hours = held.get(key) ?? [];
      if (hours.length === 0) return nowMs - openedMs;
      return Math.max(...hours.map((window) => openMs(window, openedMs, nowMs)));
    };
    metrics.set('spool_oldest_undelivered_seconds', {}, await spool.oldestActiveSeconds(ageOf));
  };
  let restsUntilMs = -Infinity;
  metrics.onScrape(async () => {
    const beganMs = performance.now();
    if (beganMs < restsUntilMs) return;
    await walk();
    const endedMs = performance.now();
    restsUntilMs = endedMs + restTimes * (endedMs - beganMs);
  });
  metrics.onScrape(async () => {
    const counts = await queue.counts();
    for (const name of queueNames) {
      for (const state of metricValues.queue_jobs.state) {
        metrics.set('queue_jobs', { queue: name, state }, counts[name][state]);
      }
      metrics.set('queue_oldest_seconds', { queue: name }, counts[name].oldestSeconds ?? 0);
    }
  });
}

/** The hours of the peers that instances wait for; none where one of them takes instances at any time. */
function hoursOf(peers: Config['peers'], waiting: ReadonlyMap<string, number>): readonly DeliveryWindow[] {
  const windows = [...waiting].flatMap(([peer, count]) => (count === 0 ? [] : [peers[peer]?.window ?? null]));
  const hours = windows.filter((window) => window !== null);
  return hours.length === windows.length ? hours : [];
}
