// The receiver role: one a spool. Listens, keeps instances, closes revisions.
import { setTimeout as sleep } from 'node:timers/promises';
import { admissionPolicy, limitsOf, negotiationOf, variantsOf } from './admission-policy.js';
import type { AppOptions } from './app-options.js';
import { Tracker } from '../assemble/tracker.js';
import type { Closing } from './closing.js';
import { completionPolicies } from './completion-policies.js';
import { LimpidError } from '../errors.js';
import { openScp } from '../io/dimse/scp.js';
import type { TlsListening } from '../io/dimse/tls-listener.js';
import { askedPeers } from './open-committer.js';
import { openPromises } from './open-promises.js';
import { openQuotas } from './open-quotas.js';
import { advance } from '../pipeline.js';
import type { PipelineDeps } from '../pipeline.js';
import { admit } from '../receive/admission.js';
import { openCommitmentService } from '../receive/commitment.js';
import type { Pressure } from '../receive/decide-pressure.js';
import { backlogOf } from '../queue/backend.js';
import { watchPressure } from '../receive/pressure.js';
import { RecentInstances } from '../receive/promise-survey.js';
import { openStoreService } from '../receive/store.js';
import type { NodeAudit } from './open-audit.js';
import type { NodeTls } from './open-tls.js';
import type { Standing } from './readiness.js';
import type { Spool } from '../spool/spool.js';
import type { TakeReport } from './take-report.js';

/** Open associations may end by themselves for this long; closing the rest fits into what is left of the 30 s of a drain. */
const drainMs = 20_000;
const standbyEveryMs = 1_000;

const pressureWords: Readonly<Record<Pressure['kind'], string>> = {
  none: 'taken from at full speed again',
  slow: 'answered later, to hold them up',
  'refuse-instances': 'instances are refused as out of resources',
  'refuse-associations': 'associations are refused',
};

/** Opens it. `stand` is told where it stands with the spool. @returns its ports; 0: no such listener */
export async function openReceiver(
  options: AppOptions,
  pipeline: PipelineDeps,
  tls: NodeTls,
  takeReport: TakeReport,
  audit: NodeAudit | null,
  closing: Closing,
  stand: (standing: Standing) => void,
): Promise<{ readonly port: number; readonly tlsPort: number }> {
  const { config, log, metrics, stopping } = options;
  const { spool } = pipeline;
  const lost = new AbortController();
  const lock = await takeLock(spool, options, stand, () => lost.abort());
  closing.add(() => lock.release());
  await spool.instances.start();
  audit?.forward(tls.audit);
  metrics.set('spool_limit_bytes', { kind: 'low' }, config.spool.lowBytes);
  metrics.set('spool_limit_bytes', { kind: 'critical' }, config.spool.criticalBytes);
  let held = '';
  const pressure = await watchPressure(
    { freeBytes: () => spool.freeBytes(), backlog: async () => backlogOf(await pipeline.queue.counts()) },
    { ...config.spool, slowBacklog: config.node.dimse.slowBacklog, fullBacklog: config.node.dimse.fullBacklog },
    ({ freeBytes, backlog }, found) => {
      metrics.set('spool_free_bytes', {}, freeBytes ?? 0); // what cannot be asked or written has no room, and is an alert
      if (found.kind !== held && (held !== '' || found.kind !== 'none')) {
        log[found.kind === 'none' ? 'info' : 'warn'](`senders: ${pressureWords[found.kind]}`, { freeBytes, backlog });
      }
      held = found.kind;
    },
  );
  closing.add(() => pressure.close());
  const tracker = new Tracker({
    spool,
    announce: async (record) => {
      await audit?.received(record);
      await advance(pipeline, record.key);
    },
    policy: completionPolicies({ config, layout: spool.layout, log }),
    log,
    metrics,
    now: Date.now,
    monotonic: () => performance.now(),
  });
  closing.add(() => tracker.close());
  tracker.start();
  const admission = await admissionPolicy(config);
  const quotas = await openQuotas(options, spool, closing);
  const recent = new RecentInstances();
  const promises = openPromises(options, spool, tls, recent);
  if (promises !== null) {
    closing.add(() => promises.close());
    await promises.start();
  }
  const congested = (): string | null => {
    if (stopping.aborted) return 'the node is draining';
    if (lost.signal.aborted) return 'this receiver has lost the spool';
    const found = pressure.now();
    return found.kind === 'refuse-associations' ? found.why : null;
  };
  const scp = await openScp({
    host: config.node.dimse.host,
    port: config.node.dimse.port,
    tls: listening(config, tls, (address, why) => audit?.refused({ aeTitle: '', address }, why)),
    aeTitles: admission.aeTitles,
    admit: (request) => {
      const answer = admit(request, admission, congested());
      // only for now (PS3.8 Table 9-21: transient): it may call again, and is nobody to be warned of
      const isForGood = answer.kind === 'reject' && answer.result === 1;
      if (isForGood) audit?.refused({ aeTitle: request.callingAe.trim(), address: request.address }, answer.why);
      return answer;
    },
    store: openStoreService({
      spool,
      listed: (key) => tracker.listed(key),
      arrived(arrival) {
        if (promises !== null) recent.arrived(arrival.key, arrival.instance.file);
        tracker.arrived(arrival);
      },
      repeated: (key, association) => tracker.repeated(key, association),
      associationEnded: (association, how) => tracker.associationEnded(association, how),
      pressure: () => pressure.now(),
      diskMs: config.node.dimse.limits.diskMs,
      variants: variantsOf(config),
      quotas,
      log,
      metrics,
      now: Date.now,
    }),
    commitment: openCommitmentService({ asked: askedPeers(config.peers), reported: takeReport, promises }),
    mismatch: config.node.dimse.mismatch,
    negotiation: negotiationOf(config.node.dimse),
    limits: limitsOf(config.node.dimse),
    log,
    metrics,
    now: Date.now,
  });
  closing.add(() => scp.close());
  // What this one knows of arriving series is old: it closes no revision, and senders find the other one.
  const stepDown = (): void => {
    log.error(
      'the lock of the spool is gone, or of another process: this receiver takes nothing until it is started again',
    );
    stand('stepped-down');
    void tracker.close();
    void scp.close();
    void audit?.stopForwarding();
    void promises?.close(); // the other one goes on with them, and a peer told twice answers that it knows of none
  };
  if (lost.signal.aborted) stepDown();
  else lost.signal.addEventListener('abort', stepDown);
  closing.addTaker(() => scp.drain(drainMs));
  return { port: scp.port, tlsPort: scp.tlsPort };
}

function listening(
  { node }: AppOptions['config'],
  { listener }: NodeTls,
  refused: NonNullable<TlsListening['refused']>,
): TlsListening | null {
  const { tls } = node.dimse;
  if (tls === null || tls.port === null || listener === null) return null;
  return { port: tls.port, credentials: listener, clientCertificate: tls.clientCertificate, refused };
}

async function takeLock(
  spool: Spool,
  { standby, log, stopping }: AppOptions,
  stand: (standing: Standing) => void,
  onLost: () => void,
): ReturnType<Spool['takeReceiverLock']> {
  for (let told = false; ; told = true) {
    stopping.throwIfAborted();
    try {
      const lock = await spool.takeReceiverLock(onLost);
      stand('holds');
      return lock;
    } catch (error) {
      if (!standby || !(error instanceof LimpidError) || error.code !== 'SPOOL_LOCKED') throw error;
      if (!told) log.info('standing by', { holder: error.message });
      stand('stands-by');
      await sleep(standbyEveryMs);
    }
  }
}
