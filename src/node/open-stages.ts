// What the jobs run, with what each needs: the router, the devices of the worker role, the deliverer.
import type { AppOptions } from './app-options.js';
import type { Closing } from './closing.js';
import type { Committer } from '../deliver/commit.js';
import type { Deliverer } from '../deliver/deliver.js';
import { openDevice } from '../enhance/device.js';
import type { Device } from '../enhance/device.js';
import { performWithdrawal } from '../derive/perform-withdrawal.js';
import { performTask } from '../enhance/perform-task.js';
import type { PerformDeps } from '../enhance/perform-task.js';
import { failureCodeOf } from '../errors.js';
import type { Registry } from '../inference/registry.js';
import { openMeasuring } from './measuring.js';
import type { NodeAudit } from './open-audit.js';
import { committingPeers } from './open-committer.js';
import type { Stages } from '../pipeline.js';
import { routeSeries } from '../route/route-series.js';
import type { Spool } from '../spool/spool.js';
import { threadsOf } from './threads.js';

/** A task that finds every device busy (another process's count of them was wrong) comes back after this. */
const busyMs = 1_000;

export async function openStages(
  options: AppOptions,
  { spool, registry, audit }: { readonly spool: Spool; readonly registry: Registry; readonly audit: NodeAudit | null },
  deliverer: Deliverer,
  committer: Committer,
  closing: Closing,
): Promise<Stages> {
  const { config, log, metrics } = options;
  const free = options.roles.includes('worker') ? openDevices(options, closing) : [];
  const configuration = await spool.configurationNumber(config.shared);
  const committing = committingPeers(config.peers);
  const { measure, close } = openMeasuring({ memoryBytes: config.workers.memoryBytes, log, metrics });
  closing.add(close);
  const perform: Omit<PerformDeps, 'run'> = {
    spool,
    modelsDirectory: options.modelsDirectory,
    ownModelsDirectory: config.models.directory,
    criticalBytes: config.spool.criticalBytes,
    node: {
      aeTitle: config.node.aeTitle,
      stationName: config.node.name,
      deviceSerialNumber: spool.nodeId,
      qualification: config.node.qualification,
      institution: config.node.institution,
      keepPrivate: config.node.keepPrivate,
    },
    ended: audit === null ? undefined : (series, outcome) => audit.taskEnded(series, outcome),
    log,
    metrics,
    now: Date.now,
  };
  return {
    route: (job) =>
      routeSeries({ spool, registry, measure, config, committing, configuration, log, metrics, now: Date.now }, job),
    enhance: async (job, signal) => {
      const device = free.pop();
      if (device === undefined) return { kind: 'later', atMs: Date.now() + busyMs };
      try {
        return await performTask(
          { ...perform, run: (order, abort) => device.run(order, { signal: abort }) },
          job,
          signal,
        );
      } finally {
        free.push(device);
      }
    },
    withdraw: (job) => performWithdrawal({ spool, node: perform.node, log, metrics, now: Date.now }, job),
    deliver: (job, priority, signal) => deliverer.deliver(job, priority, signal),
    commit: (job, signal) => committer.commit(job, signal),
  };
}

function openDevices({ config, log, metrics }: AppOptions, closing: Closing): Device[] {
  return Array.from({ length: config.workers.devices }, () => {
    const device = openDevice({
      taskModule: new URL('../task/task.js', import.meta.url),
      providers: config.workers.providers,
      threads: threadsOf(config.workers),
      batch: config.workers.batch,
      deadlineMs: config.workers.deadlineMs,
      memoryBytes: config.workers.memoryBytes,
      log,
      metrics,
    });
    closing.add(() => device.close());
    device.warm().catch((error: unknown) => {
      // A node that ends before its child has started has nothing to warn of.
      if (failureCodeOf(error) === 'ENHANCE_DRAINED') return;
      log.warn('the worker child has not started; the first task tries again', { error });
    });
    return device;
  });
}
