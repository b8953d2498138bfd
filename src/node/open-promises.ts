// The receiver's part of storage commitment, from the configuration: what this node promises, and where it reports to.
import type { AppOptions } from './app-options.js';
import { reportCommitment } from '../io/dimse/commitment-scu.js';
import { targetOf } from './open-committer.js';
import type { NodeTls } from './open-tls.js';
import { PromiseDesk } from '../receive/promise-desk.js';
import type { RecentInstances } from '../receive/promise-survey.js';
import type { Spool } from '../spool/spool.js';

/** @returns null: this node gives no storage commitment */
export function openPromises(
  options: AppOptions,
  spool: Spool,
  tls: NodeTls,
  recent: RecentInstances,
): PromiseDesk | null {
  const { config, log, metrics } = options;
  const { commitment: policy } = config.node;
  if (policy === null) return null;
  const reporter: ConstructorParameters<typeof PromiseDesk>[0]['reporter'] = (peer) => {
    const target = targetOf(options, tls, peer);
    return target === undefined ? null : (report, signal) => reportCommitment(target, report, signal);
  };
  return new PromiseDesk({ spool, policy, reporter, recent, log, metrics, now: Date.now, random: Math.random });
}
