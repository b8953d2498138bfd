// The sender's part of storage commitment, from the configuration: which peer is asked, at which address, how patiently.
import { randomUUID } from 'node:crypto';
import type { AppOptions } from './app-options.js';
import type { Closing } from './closing.js';
import { stopLeaveMs } from '../deadline.js';
import { dicomPeers, namesOfEntity } from '../config/peers.js';
import { Committer } from '../deliver/commit.js';
import type { CommitmentPeer } from '../deliver/commit.js';
import { countAssociations } from '../deliver/dicom-destination.js';
import { dicomTarget } from './dicom-target.js';
import { uidOf } from '../dicom/uid.js';
import { openCommitment } from '../io/dimse/commitment-scu.js';
import type { ScuTarget } from '../io/dimse/requestor.js';
import type { NodeTls } from './open-tls.js';
import type { PipelineDeps } from '../pipeline.js';
import type { TakeReport } from './take-report.js';

/**
 * Names of the peers that are asked for commitment: those that are sent to, or the archives behind them; and the other names of the same
 * application entities, since a call is admitted under one of them, which need not be the one that was asked.
 */
export function askedPeers(peers: AppOptions['config']['peers']): Set<string> {
  const asked = dicomPeers(peers).flatMap(([name, { commitment }]) =>
    commitment === null ? [] : namesOfEntity(peers, commitment.by ?? name),
  );
  return new Set(asked);
}

/** Names of the peers whose deliveries are to be committed. */
export function committingPeers(peers: AppOptions['config']['peers']): string[] {
  return dicomPeers(peers).flatMap(([name, { commitment }]) => (commitment === null ? [] : [name]));
}

/** A peer's address, its associations counted; undefined: it has none. */
export const targetOf = ({ config, metrics }: AppOptions, tls: NodeTls, name: string): ScuTarget | undefined =>
  dicomTarget(name, config, tls, countAssociations(metrics, name));

export function openCommitter(
  options: AppOptions,
  { spool, now }: PipelineDeps,
  tls: NodeTls,
  reported: TakeReport,
  closing: Closing,
): Committer {
  const { config, log, metrics } = options;
  const peer = (name: string): CommitmentPeer | 'off' | undefined => {
    const configured = config.peers[name];
    if (configured === undefined) return undefined;
    const commitment = configured.kind === 'dicom' ? configured.commitment : null;
    if (commitment === null) return 'off';
    const by = commitment.by ?? name;
    const target = targetOf(options, tls, by);
    if (target === undefined) return undefined;
    const { waitMs, tries, lingerMs } = commitment;
    const { giveUpMs } = configured;
    return {
      by,
      window: config.peers[by]?.window ?? null,
      lingerMs,
      giveUpMs,
      policy: { waitMs, tries },
      open: (taken, signal) => openCommitment(target, { reported: taken, signal, leaveMs: stopLeaveMs }),
    };
  };
  const newTransactionUid = (): string => uidOf('limpid-commitment/1', randomUUID());
  const committer = new Committer({ spool, peer, reported, newTransactionUid, log, metrics, now, random: Math.random });
  closing.add(() => committer.close());
  return committer;
}
