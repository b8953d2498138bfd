// What delivers: each peer's destination, and how deliveries that wait for a peer are found and woken.
import type { AppOptions } from './app-options.js';
import type { Closing } from './closing.js';
import { isDestination } from '../config/peers.js';
import { Deliverer } from '../deliver/deliver.js';
import type { PeerDelivery } from '../deliver/deliver.js';
import { countAssociations } from '../deliver/dicom-destination.js';
import { destinationOf } from './destination-of.js';
import type { WaitingDelivery } from '../deliver/job.js';
import { retryPolicyOf } from '../deliver/retry-policy.js';
import type { NodeAudit } from './open-audit.js';
import type { NodeTls } from './open-tls.js';
import { transcodeThreads } from './transcode-threads.js';
import type { QueueBackend } from '../queue/backend.js';
import { jobIdOf } from '../queue/jobs.js';
import { isCurrent } from '../spool/is-current.js';
import { priorityOf } from '../spool/priority.js';
import { readableStates } from '../spool/readable-states.js';
import type { Spool } from '../spool/spool.js';
import { nextSteps } from '../spool/state.js';

export function openDeliverer(
  options: AppOptions,
  { spool, queue }: { readonly spool: Spool; readonly queue: QueueBackend },
  tls: NodeTls,
  audit: NodeAudit | null,
  closing: Closing,
): Deliverer {
  const { config, log, metrics } = options;
  const transcode = transcodeThreads(spool);
  const deliveries = new Map<string, PeerDelivery>();
  for (const [name, peer] of Object.entries(config.peers)) {
    const destination = destinationOf(name, peer, {
      config,
      log,
      tls,
      transcode,
      watch: countAssociations(metrics, name),
    });
    if (destination === null) continue;
    deliveries.set(name, { destination, retry: retryPolicyOf(peer), throttle: peer.throttle, window: peer.window });
  }
  const deliverer = new Deliverer({
    spool,
    peer: (name) => deliveries.get(name),
    waiting: (peer) => waitingFor(spool, peer),
    isCurrent: (state) => isCurrent(spool.layout, state),
    runs: (job) => queue.runs('deliveries', jobIdOf('deliveries', job)),
    wake: (job) => queue.promote('deliveries', jobIdOf('deliveries', job)),
    watch: audit?.deliveries,
    log,
    metrics,
    now: Date.now,
    random: Math.random,
  });
  closing.add(() => deliverer.close());
  return deliverer;
}

/** Wakes what waited for each peer when the process before this one ended. */
export async function resumeDeliveries(deliverer: Deliverer, config: AppOptions['config']): Promise<void> {
  for (const [name, peer] of Object.entries(config.peers)) if (isDestination(peer)) await deliverer.resume(name);
}

/** Every delivery that a peer still waits for, the oldest series first. */
async function waitingFor(spool: Spool, peer: string): Promise<WaitingDelivery[]> {
  const found: (WaitingDelivery & { readonly closedAt: string })[] = [];
  for await (const state of readableStates(spool, (await spool.active.keys()).keys())) {
    const { key } = state;
    for (const step of nextSteps(state).steps) {
      if (step.kind !== 'deliver' || step.peer !== peer) continue;
      const revision = state.revisions.find(({ record }) => record.revision === step.revision);
      const { revision: number, task } = step;
      const batches = revision?.deliveries.get(`${task}@${peer}`) ?? [];
      found.push({
        job: { key, revision: number, task, peer },
        priority: priorityOf(state, number),
        batches,
        closedAt: revision?.record.closedAt ?? '',
      });
    }
  }
  return found.toSorted((a, b) => a.closedAt.localeCompare(b.closedAt));
}
