// What delivers: each peer's destination as it is configured, and how deliveries that wait for a peer are found and woken.
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AppOptions } from './app-options.js';
import type { Closing } from './closing.js';
import { isDestination } from '../config/peers.js';
import type { Peer, WebPeer } from '../config/peers.js';
import { Deliverer } from '../deliver/deliver.js';
import type { PeerDelivery } from '../deliver/deliver.js';
import type { Destination } from '../deliver/destination.js';
import { countAssociations, dicomDestination } from '../deliver/dicom-destination.js';
import { dicomwebDestination } from '../deliver/dicomweb-destination.js';
import { folderDestination } from '../deliver/folder-destination.js';
import type { WaitingDelivery } from '../deliver/job.js';
import { dicomTarget } from './dicom-target.js';
import { retryPolicyOf } from '../deliver/retry-policy.js';
import type { NodeAudit } from './open-audit.js';
import type { NodeTls } from './open-tls.js';
import { openTranscoder } from '../deliver/transcoder.js';
import type { Transcode, TranscodeMethods } from '../deliver/transcoder.js';
import { WebFailure } from '../io/dicomweb/http.js';
import type { WebTarget } from '../io/dicomweb/http.js';
import type { AssociationWatch } from '../io/dimse/requestor.js';
import { openPool } from '../threads/pool.js';
import type { QueueBackend } from '../queue/backend.js';
import { jobIdOf } from '../queue/jobs.js';
import { readableStates } from '../spool/readable-states.js';
import type { Spool } from '../spool/spool.js';
import { nextSteps } from '../spool/state.js';

/** A job that has just been turned away is on its way back into the queue: it can be woken a moment later. */
const wakeTries = 5;
const wakeAgainMs = 200;
/** Each holds one instance in memory. */
const transcodersAtOnce = 2;

export function openDeliverer(
  options: AppOptions,
  { spool, queue }: { readonly spool: Spool; readonly queue: QueueBackend },
  tls: NodeTls,
  audit: NodeAudit | null,
  closing: Closing,
): Deliverer {
  const { config, log, metrics } = options;
  const transcode = transcoderOf(spool);
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
    wake: async (job) => {
      for (let tries = 0; tries < wakeTries; tries++) {
        if (await queue.promote('deliveries', jobIdOf('deliveries', job))) return;
        await sleep(wakeAgainMs);
      }
    },
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

/** Threads that transcode, started when first needed. */
export function transcoderOf(spool: Pick<Spool, 'freshFolder'>): Transcode {
  const pool = openPool<TranscodeMethods>(new URL('./transcode-thread.js', import.meta.url), transcodersAtOnce);
  return openTranscoder({
    atOnce: transcodersAtOnce,
    freshFolder: () => spool.freshFolder('transcode'),
    thread: () => {
      const thread = pool.least();
      return {
        transcode: async (order, deadlineMs) => void (await thread.call('transcode', order, { deadlineMs })),
        end: () => thread.end(),
      };
    },
  });
}

/** @returns null: nothing can be sent to it */
export function destinationOf(
  name: string,
  peer: Peer,
  options: Pick<AppOptions, 'config' | 'log'> & {
    readonly tls: NodeTls;
    readonly transcode: Transcode;
    readonly watch: AssociationWatch | undefined;
  },
): Destination | null {
  const { config, log, tls, transcode, watch } = options;
  const sourceAe = config.node.aeTitle;
  if (peer.kind === 'folder') return folderDestination(peer, { sync: config.spool.sync, sourceAe });
  if (peer.kind === 'dicomweb') {
    const { connections, batchBytes } = peer;
    return dicomwebDestination(webTargetOf(name, peer, tls), {
      connections,
      batchBytes,
      policy: peer,
      sourceAe,
      transcode,
      log,
      now: Date.now,
    });
  }
  const target = dicomTarget(name, config, tls, watch);
  const { associations } = peer;
  return target === undefined ? null : dicomDestination(target, { associations, policy: peer, transcode, log });
}

export function webTargetOf(name: string, peer: WebPeer, tls: NodeTls): WebTarget {
  const { url, timeoutMs, bytesPerSecond } = peer;
  return { url, timeoutMs, bytesPerSecond, tls: tls.target(name), authorization: authorizationOf(peer) };
}

/** What a header may hold (RFC 9110 Section 5.5): a second line, say, would end each request in limpid itself. */
const isToken = /^[\x20-\x7e]+$/;

/** The Authorization header, from files that may change. */
function authorizationOf({ bearerTokenFile, username, passwordFile }: WebPeer): () => Promise<string | null> {
  // The destination's fault, and none of the instance that is being sent.
  const failed = (why: string): WebFailure =>
    new WebFailure('DICOMWEB_CONNECT', why, { phase: 'connecting', deliveryClass: 'permanent' });
  const secret = async (file: string): Promise<string> => {
    try {
      return (await readFile(file, 'utf8')).trim();
    } catch (error) {
      throw failed(`the login cannot be read: ${String(error).replace(/^Error: /, '')}`);
    }
  };
  const token = async (file: string): Promise<string> => {
    const text = await secret(file);
    if (!isToken.test(text)) throw failed(`the login cannot be used: ${file} holds more than a token, or none`);
    return text;
  };
  if (bearerTokenFile !== null) return async () => `Bearer ${await token(bearerTokenFile)}`;
  if (username === null || passwordFile === null) return () => Promise.resolve(null);
  return async () => `Basic ${Buffer.from(`${username}:${await secret(passwordFile)}`).toString('base64')}`;
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
      found.push({ job: { key, revision: number, task, peer }, batches, closedAt: revision?.record.closedAt ?? '' });
    }
  }
  return found.toSorted((a, b) => a.closedAt.localeCompare(b.closedAt));
}
