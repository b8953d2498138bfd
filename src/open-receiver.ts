// The receiver role: one a spool. Listens, keeps instances, closes revisions.
import { setTimeout as sleep } from 'node:timers/promises';
import type { AppOptions } from './app-options.js';
import { Tracker } from './assemble/tracker.js';
import { dicomPeers } from './config/peers.js';
import type { Closing } from './closing.js';
import { completionPolicies } from './completion-policies.js';
import { LimpidError } from './errors.js';
import { openScp } from './io/dimse/scp.js';
import type { TlsListening } from './io/dimse/tls-listener.js';
import { askedPeers } from './open-committer.js';
import { advance } from './pipeline.js';
import type { PipelineDeps } from './pipeline.js';
import { admit } from './receive/admission.js';
import type { AdmissionPolicy } from './receive/admission.js';
import { openCommitmentService } from './receive/commitment.js';
import { watchSpace } from './receive/space.js';
import { openStoreService } from './receive/store.js';
import type { NodeTls } from './open-tls.js';
import type { Spool } from './spool/spool.js';
import type { TakeReport } from './take-report.js';

/** Open associations may end by themselves for this long; closing the rest fits into what is left of the 30 s of a drain. */
const drainMs = 20_000;
const standbyEveryMs = 1_000;

/** Opens it. `standsBy` is told while another receiver holds the spool. @returns its ports; 0: no such listener */
export async function openReceiver(
  options: AppOptions,
  pipeline: PipelineDeps,
  tls: NodeTls,
  takeReport: TakeReport,
  closing: Closing,
  standsBy: (waits: boolean) => void,
): Promise<{ readonly port: number; readonly tlsPort: number }> {
  const { config, log, metrics, stopping } = options;
  const { spool } = pipeline;
  const lock = await takeLock(spool, options, standsBy);
  closing.add(() => lock.release());
  metrics.set('spool_limit_bytes', { kind: 'low' }, config.spool.lowBytes);
  metrics.set('spool_limit_bytes', { kind: 'critical' }, config.spool.criticalBytes);
  const space = await watchSpace(
    () => spool.freeBytes(),
    { lowBytes: config.spool.lowBytes, criticalBytes: config.spool.criticalBytes },
    (free) => metrics.set('spool_free_bytes', {}, free),
  );
  closing.add(() => space.close());
  const tracker = new Tracker({
    spool,
    announce: (record) => advance(pipeline, record.key),
    policy: completionPolicies({ config, layout: spool.layout, log }),
    log,
    metrics,
    now: Date.now,
    monotonic: () => performance.now(),
  });
  closing.add(() => tracker.close());
  await tracker.start();
  const admission: AdmissionPolicy = {
    aeTitles: [config.node.aeTitle],
    peers: dicomPeers(config.peers).map(([name, peer]) => ({
      name,
      aeTitle: peer.aeTitle,
      from: peer.from.length === 0 ? null : peer.from,
      tls: peer.tls && { allowed: peer.tls, plainCalls: peer.tls.plainCalls },
    })),
    unknownCallers: config.node.unknownCallers,
  };
  const congested = (): string | null => {
    if (stopping.aborted) return 'the node is draining';
    return space.now() === 'critical' ? 'the spool volume is nearly full' : null;
  };
  const scp = await openScp({
    host: config.node.dimse.host,
    port: config.node.dimse.port,
    tls: listening(config, tls),
    aeTitles: admission.aeTitles,
    limits: {
      associations: config.node.dimse.associations,
      associationsOfPeer: config.node.dimse.associationsOfPeer,
      // who may hold so many associations may ask for them all at once
      waitingOfAddress: config.node.dimse.associationsOfPeer,
    },
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
    commitment: openCommitmentService({ asked: askedPeers(config.peers), reported: takeReport }),
    mismatch: 'refuse',
    log,
    metrics,
    now: Date.now,
  });
  closing.add(() => scp.close());
  closing.addTaker(() => scp.drain(drainMs));
  return { port: scp.port, tlsPort: scp.tlsPort };
}

function listening({ node }: AppOptions['config'], { listener }: NodeTls): TlsListening | null {
  const { tls } = node.dimse;
  if (tls === null || tls.port === null || listener === null) return null;
  return { port: tls.port, credentials: listener, clientCertificate: tls.clientCertificate };
}

async function takeLock(
  spool: Spool,
  { standby, log, stopping }: AppOptions,
  standsBy: (waits: boolean) => void,
): ReturnType<Spool['takeReceiverLock']> {
  for (let told = false; ; told = true) {
    stopping.throwIfAborted();
    try {
      const lock = await spool.takeReceiverLock();
      standsBy(false);
      return lock;
    } catch (error) {
      if (!standby || !(error instanceof LimpidError) || error.code !== 'SPOOL_LOCKED') throw error;
      if (!told) log.info('standing by', { holder: error.message });
      standsBy(true);
      await sleep(standbyEveryMs);
    }
  }
}
