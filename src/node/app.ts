// Wires one process by its roles. Nothing here decides anything: it opens the rooms, hands each what it needs, and closes them.
import { hostname } from 'node:os';
import { openAdminPorts } from './admin-ports.js';
import { openHttp } from '../admin/server.js';
import type { AppOptions } from './app-options.js';
import { openAudit } from './open-audit.js';
import { Closing } from './closing.js';
import { queueUrl } from '../config/load.js';
import { isDestination } from '../config/peers.js';
import type { Role } from '../config/roles.js';
import { watchNode } from './gauges.js';
import { hungUp } from './hang-up.js';
import { openRegistry } from '../inference/registry.js';
import { declareModels, declarePeers, declareRoles } from '../observe/declare.js';
import { watchEventLoop } from '../observe/event-loop.js';
import { advance, handlersOf } from '../pipeline.js';
import type { PipelineDeps } from '../pipeline.js';
import { openDeliverer, resumeDeliveries } from './open-deliverer.js';
import { openCommitter } from './open-committer.js';
import { openReceiver } from './open-receiver.js';
import { noTls, openTls, usesTls } from './open-tls.js';
import { openStages } from './open-stages.js';
import { readiness } from './readiness.js';
import type { Standing } from './readiness.js';
import { openQueue } from '../queue/backend.js';
import type { Consumer } from '../queue/jobs.js';
import { startReconciler } from './reconcile.js';
import { startRetention } from './retention.js';
import { openTakeReport } from './take-report.js';
import { openSpool } from '../spool/open-spool.js';
import { version } from '../version.js';

export interface App {
  /** The one line that `serve` prints. */
  readonly ready: string;
  /** After `stopping`: ends running work where the next start takes it up, closes everything. */
  drain(): Promise<void>;
}

const seriesAtOnce = 4;
const deliveriesAtOnce = 16;
const commitmentsAtOnce = 4;

/**
 * Opens a process's part of the node. What was opened is closed again when something on the way fails.
 *
 * @returns null: it was told to end while it stood by
 */
export async function openApp(options: AppOptions): Promise<App | null> {
  const closing = new Closing();
  try {
    return await open(options, closing);
  } catch (error) {
    await closing.run(options.log);
    if (options.stopping.aborted && error === options.stopping.reason) return null;
    throw error;
  }
}

async function open(options: AppOptions, closing: Closing): Promise<App> {
  const { config, roles, log, metrics, stopping } = options;
  const has = (role: Role): boolean => roles.includes(role);
  let standing: Standing = 'holds';
  const stand = (now: Standing): void => {
    standing = now;
    declareRoles(metrics, version, rolesNow(roles, now));
  };
  stand(standing);
  closing.add(watchEventLoop(metrics));
  declareNames(options);

  const spool = await openSpool({
    directory: config.spool.directory,
    sync: config.spool.sync,
    host: hostname(),
    now: Date.now,
    // The embedded queue serves one process; any other may serve several machines over one volume.
    settleMs: config.queue.url === 'embedded' ? 0 : config.spool.settleMs,
  });
  closing.add(() => spool.close());
  const audit = await openAudit(options, spool, hostname());
  if (audit !== null) closing.add(() => audit.close());
  const registry = await openRegistry(options.modelsDirectory, { own: config.models.directory });
  if (has('worker')) declareModels(metrics, registry.list(), config.workers.providers);
  const queue = await openQueue({
    url: await queueUrl(config.queue),
    directory: spool.layout.queue,
    isThere: () => spool.isThere(),
    log,
    metrics,
    now: Date.now,
  });
  closing.add(() => queue.close());
  const tls = usesTls(roles) ? await openTls(config) : noTls;
  const watch = tls.watch(log, metrics);
  closing.add(() => watch.close());
  closing.add(options.onHangUp(() => void hungUp(options, tls)));
  const pipeline: PipelineDeps = { spool, queue, log, metrics, now: Date.now };

  const deliverer = openDeliverer(options, { spool, queue }, tls, audit, closing);
  const takeReport = openTakeReport(pipeline, config.peers);
  const committer = openCommitter(options, pipeline, tls, takeReport, closing);
  const stages = await openStages(options, { spool, registry, audit }, deliverer, committer, closing);
  const handlers = handlersOf(pipeline, stages, stopping);

  const http = await openHttp({
    host: config.node.http.host,
    port: config.node.http.port,
    metrics,
    ready: readiness(
      spool,
      queue,
      { ...config.spool, fullBacklog: config.node.dimse.fullBacklog },
      { stopping, standing: () => standing },
    ),
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
    watchNode({ spool, queue, config, metrics, now: Date.now });
  }
  const consume = (consumer: Consumer): void => closing.addTaker(() => consumer.close());
  if (has('worker')) {
    consume(queue.work('series', seriesAtOnce, handlers.series));
    consume(queue.work('tasks', config.workers.devices, handlers.tasks));
  }
  if (has('sender')) {
    consume(queue.work('deliveries', deliveriesAtOnce, handlers.deliveries));
    void resumeDeliveries(deliverer, config);
    consume(queue.work('commitments', commitmentsAtOnce, handlers.commitments));
  }
  if (has('receiver')) {
    const { port, tlsPort } = await openReceiver(options, pipeline, tls, takeReport, audit, closing, stand);
    const at = `${config.node.aeTitle}@${config.node.dimse.host}`;
    if (tlsPort > 0) parts.unshift(`DICOM-TLS ${at}:${tlsPort}`);
    if (port > 0) parts.unshift(`DICOM ${at}:${port}`);
  }
  parts.push(`roles ${roles.join(',')}`, `queue ${queue.kind}`, `spool ${config.spool.directory}`);
  return {
    ready: `limpid ${version} ready: ${parts.join(', ')}`,
    drain: () => closing.run(log),
  };
}

function declareNames({ config, roles, metrics }: AppOptions): void {
  const names = Object.entries(config.peers);
  const called = names.map(([name]) => name);
  const callers = [...called, ...(config.node.unknownCallers === 'accept' ? ['unknown'] : [])];
  const receives = roles.includes('receiver');
  declarePeers(metrics, {
    sources: receives ? callers : [],
    promisedTo: receives && config.node.commitment !== null ? called : [],
    destinations: roles.includes('sender') ? names.filter(([, peer]) => isDestination(peer)).map(([name]) => name) : [],
  });
}

/** Roles as they are fulfilled: a receiver without the spool receives nothing. */
function rolesNow(roles: readonly Role[], standing: Standing): readonly string[] {
  const receiver = { holds: 'receiver', 'stands-by': 'standby', 'stepped-down': 'stepped-down' }[standing];
  return roles.map((role) => (role === 'receiver' ? receiver : role));
}
