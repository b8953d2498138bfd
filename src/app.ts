// Wires one process by its roles. Nothing here decides anything: it opens the rooms, hands each what it needs, and closes them.
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { Tracker } from './assemble/tracker.js';
import { openAdminPorts, waitingInstances } from './admin-ports.js';
import { openHttp } from './admin/server.js';
import type { DependencyView } from './admin/ports.js';
import type { Config } from './config/schema.js';
import { Deliverer } from './deliver/deliver.js';
import { destinationOf } from './deliver/dicom-destination.js';
import { retryPolicyOf } from './deliver/retry-policy.js';
import { openDevice } from './enhance/device.js';
import { performTask } from './enhance/perform-task.js';
import { openRegistry } from './inference/registry.js';
import { openScp } from './io/dimse/scp.js';
import { declare } from './observe/declare.js';
import { watchEventLoop } from './observe/event-loop.js';
import type { Log } from './observe/log.js';
import type { Metrics } from './observe/metrics.js';
import { advance, handlersOf } from './pipeline.js';
import type { PipelineDeps, Stages } from './pipeline.js';
import { openQueue } from './queue/backend.js';
import { admit } from './receive/admission.js';
import { watchSpace } from './receive/space.js';
import { openStoreService } from './receive/store.js';
import { startReconciler } from './reconcile.js';
import { startRetention } from './retention.js';
import { routeSeries } from './route/route-series.js';
import { openSpool } from './spool/spool.js';
import type { Spool } from './spool/spool.js';
import { threadsOf } from './threads.js';
import { version } from './version.js';

export type Role = 'receiver' | 'worker' | 'sender' | 'admin';

export interface AppOptions {
  readonly config: Config;
  readonly roles: readonly Role[];
  /** Wait while another receiver holds the spool, instead of refusing to start. */
  readonly standby: boolean;
  readonly modelsDirectory: string;
  readonly log: Log;
  readonly metrics: Metrics;
}

export interface App {
  /** The one line that `serve` prints. */
  readonly ready: string;
  /** Stops taking work, ends running work where the next start takes it up, closes everything. */
  drain(): Promise<void>;
}

const drainMs = 30_000;
const seriesAtOnce = 4;
const deliveriesAtOnce = 16;

/** Things to close, in the order they were opened; closed the other way round. */
class Closing {
  readonly #steps: (() => Promise<void> | void)[] = [];
  add(step: () => Promise<void> | void): void {
    this.#steps.push(step);
  }
  async run(log: Log): Promise<void> {
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step();
      } catch (error) {
        log.error('closing failed', { error });
      }
    }
  }
}

/** Opens a process's part of the node. What was opened is closed again when something on the way fails. */
export async function openApp(options: AppOptions): Promise<App> {
  const closing = new Closing();
  try {
    return await open(options, closing);
  } catch (error) {
    await closing.run(options.log);
    throw error;
  }
}

async function open(options: AppOptions, closing: Closing): Promise<App> {
  const { config, roles, log, metrics } = options;
  const has = (role: Role): boolean => roles.includes(role);
  const stop = new AbortController();
  const dependencies = new Map<string, DependencyView>();
  const say = (name: string, state: DependencyView['state'], says: string): void => {
    dependencies.set(name, { name, state, says });
  };
  closing.add(watchEventLoop(metrics));
  declareNames(options);

  const spool = await openSpool({
    directory: config.spool.directory,
    sync: config.spool.sync,
    host: hostname(),
    now: Date.now,
  });
  closing.add(() => spool.close());
  say('spool', 'ready', 'The spool can be written.');
  const registry = await openRegistry(options.modelsDirectory);
  const queue = await openQueue({
    url: await queueUrl(config.queue),
    directory: spool.layout.queue,
    log,
    metrics,
    now: Date.now,
  });
  closing.add(() => queue.close());
  say('queue', 'ready', 'The queue answers.');
  const pipeline: PipelineDeps = { spool, queue, log, metrics, now: Date.now };

  const deliverer = new Deliverer({
    spool,
    destination: (name) => {
      const peer = config.peers[name];
      if (peer === undefined) return undefined;
      const destination = destinationOf(peer, { callingAe: config.node.aeTitle, log });
      return destination === null ? undefined : { destination, retry: retryPolicyOf(peer) };
    },
    log,
    metrics,
    now: Date.now,
    random: Math.random,
  });
  const work = await openWork(options, spool, registry, deliverer, closing);
  const handlers = handlersOf(pipeline, work, stop.signal);

  const http = await openHttp({
    host: config.node.http.host,
    port: config.node.http.port,
    metrics,
    ready: () => Promise.resolve({ dependencies: [...dependencies.values()] }),
    api: has('admin')
      ? openAdminPorts({
          spool,
          queue,
          registry,
          config,
          breaker: has('sender') ? (peer) => deliverer.breaker(peer) : null,
          now: Date.now,
        })
      : null,
    log,
    node: { name: config.node.name, roles },
    now: Date.now,
  });
  closing.add(() => http.close());
  const parts = [`HTTP http://${config.node.http.host}:${http.port}`];

  if (has('admin')) {
    const reconciler = startReconciler({
      spool,
      advance: (key) => advance(pipeline, key),
      log,
      monotonic: () => performance.now(),
    });
    closing.add(() => reconciler.close());
    queue.onLost(() => reconciler.all());
    const retention = startRetention({ spool, policy: config.spool.keep, log, metrics, now: Date.now });
    closing.add(() => retention.close());
    watchSpool(spool, options);
  }
  if (has('worker')) {
    consume(queue.work('series', seriesAtOnce, handlers.series), closing);
    consume(queue.work('tasks', config.workers.devices, handlers.tasks), closing);
  }
  if (has('sender')) consume(queue.work('deliveries', deliveriesAtOnce, handlers.deliveries), closing);
  if (has('receiver')) {
    const port = await openReceiver(options, pipeline, closing, stop.signal);
    parts.unshift(`DICOM ${config.node.aeTitle}@${config.node.dimse.host}:${port}`);
  }
  parts.push(`roles ${roles.join(',')}`, `queue ${queue.kind}`, `spool ${config.spool.directory}`);
  return {
    ready: `limpid ${version} ready: ${parts.join(', ')}`,
    drain: async () => {
      say('node', 'down', 'The node is draining.');
      stop.abort();
      await closing.run(log);
    },
  };
}

/** The queue's address with the password of its file in it. */
async function queueUrl({ url, passwordFile }: Config['queue']): Promise<string> {
  if (passwordFile === null) return url;
  const withPassword = new URL(url);
  withPassword.password = encodeURIComponent((await readFile(passwordFile, 'utf8')).trimEnd());
  return withPassword.href;
}

function consume(consumer: { close(): Promise<void> }, closing: Closing): void {
  closing.add(() => consumer.close());
}

async function openWork(
  options: AppOptions,
  spool: Spool,
  registry: Awaited<ReturnType<typeof openRegistry>>,
  deliverer: Deliverer,
  closing: Closing,
): Promise<Stages> {
  const { config, log, metrics } = options;
  const devices = options.roles.includes('worker')
    ? Array.from({ length: config.workers.devices }, () =>
        openDevice({
          taskModule: new URL('./task.js', import.meta.url),
          providers: config.workers.providers,
          threads: threadsOf(config.workers),
          deadlineMs: config.workers.deadlineMs,
          memoryBytes: config.workers.memoryBytes,
          log,
          metrics,
        }),
      )
    : [];
  for (const device of devices) closing.add(() => device.close());
  const free = [...devices];
  const configuration = await spool.configurationNumber(config.shared);
  return {
    route: (job) => routeSeries({ spool, registry, config, configuration, log, metrics, now: Date.now }, job),
    enhance: async (job, signal) => {
      const device = free.pop();
      if (device === undefined) return { kind: 'later', atMs: Date.now() + 1000 };
      try {
        return await performTask(
          {
            spool,
            run: (order, abort) => device.run(order, { signal: abort }),
            modelsDirectory: options.modelsDirectory,
            node: {
              stationName: config.node.name,
              deviceSerialNumber: spool.nodeId,
              qualification: config.node.qualification,
            },
            log,
            metrics,
            now: Date.now,
          },
          job,
          signal,
        );
      } finally {
        free.push(device);
      }
    },
    deliver: (job, signal) => deliverer.deliver(job, signal),
  };
}

async function openReceiver(
  options: AppOptions,
  pipeline: PipelineDeps,
  closing: Closing,
  stopping: AbortSignal,
): Promise<number> {
  const { config, log, metrics } = options;
  const { spool } = pipeline;
  const lock = await takeLock(spool, options);
  closing.add(() => lock.release());
  const space = await watchSpace(
    () => spool.freeBytes(),
    { lowBytes: config.spool.lowBytes, criticalBytes: config.spool.criticalBytes },
    (free) => metrics.set('spool_free_bytes', {}, free),
  );
  closing.add(() => space.close());
  const tracker = new Tracker({
    spool,
    announce: (record) => advance(pipeline, record.key),
    policy: () => config.assemble,
    log,
    metrics,
    now: Date.now,
    monotonic: () => performance.now(),
  });
  closing.add(() => tracker.close());
  await tracker.start();
  const admission = {
    aeTitles: [config.node.aeTitle],
    peers: Object.entries(config.peers).map(([name, { aeTitle, from }]) => ({
      name,
      aeTitle,
      from: from.length === 0 ? null : from,
    })),
    unknownCallers: config.node.unknownCallers,
  };
  const congested = (): string | null =>
    stopping.aborted ? 'the node is draining' : space.now() === 'critical' ? 'the spool volume is nearly full' : null;
  const scp = await openScp({
    host: config.node.dimse.host,
    port: config.node.dimse.port,
    aeTitles: admission.aeTitles,
    admit: (request) => admit(request, admission, congested()),
    store: openStoreService({
      spool,
      listed: (key) => tracker.listed(key),
      arrived: (arrival) => tracker.arrived(arrival),
      associationEnded: (association, how) => tracker.associationEnded(association, how),
      space: () => space.now(),
      log,
      metrics,
      now: Date.now,
    }),
    mismatch: 'refuse',
    log,
    metrics,
    now: Date.now,
  });
  closing.add(async () => {
    await scp.drain(drainMs);
    await scp.close();
  });
  return scp.port;
}

async function takeLock(spool: Spool, options: AppOptions): ReturnType<Spool['takeReceiverLock']> {
  let told = false;
  for (;;) {
    try {
      return await spool.takeReceiverLock();
    } catch (error) {
      if (!options.standby || !(error instanceof Error) || !('code' in error) || error.code !== 'SPOOL_LOCKED')
        throw error;
      if (!told) options.log.info('standing by', { holder: error.message });
      told = true;
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}

function declareNames({ config, roles, metrics }: AppOptions): void {
  const names = Object.entries(config.peers);
  declare(metrics, version, roles, {
    sources: roles.includes('receiver') ? names.map(([name]) => name) : [],
    destinations: roles.includes('sender') ? names.filter(([, { host }]) => host !== null).map(([name]) => name) : [],
  });
}

/** Gauges over the whole spool: one process of a node sets them. */
function watchSpool(spool: Spool, { metrics, config }: AppOptions): void {
  metrics.onScrape(async () => {
    const waiting = await waitingInstances(spool);
    for (const [name, { host }] of Object.entries(config.peers)) {
      if (host !== null) metrics.set('peer_waiting_instances', { peer: name }, waiting.get(name) ?? 0);
    }
    metrics.set('spool_oldest_undelivered_seconds', {}, await spool.oldestActiveSeconds());
  });
}
