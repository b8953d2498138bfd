// The receiver's quotas, from the configuration: what counts is kept in the spool, so that a restart gives nobody room anew.
import type { AppOptions } from './app-options.js';
import type { Closing } from './closing.js';
import { dicomPeers } from '../config/peers.js';
import type { Config } from '../config/schema.js';
import { type Quota, Quotas } from '../receive/quotas.js';
import type { Spool } from '../spool/spool.js';
import { readTallies, recordTallies } from '../spool/tallies.js';

const recordEveryMs = 60_000;

/** Peers with a quota, by name. */
export function quotasOf({ peers }: Pick<Config, 'peers'>): Map<string, Quota> {
  return new Map(dicomPeers(peers).flatMap(([name, { receive }]) => (receive.quota ? [[name, receive.quota]] : [])));
}

/** Opens them; the metric is set at each scrape. @returns null: no peer has a quota */
export async function openQuotas(
  { config, log, metrics }: Pick<AppOptions, 'config' | 'log' | 'metrics'>,
  spool: Spool,
  closing: Closing,
): Promise<Quotas | null> {
  const wanted = quotasOf(config);
  if (wanted.size === 0) return null;
  const quotas = new Quotas(wanted, await readTallies(spool), Date.now);
  let recorded = JSON.stringify(quotas.tallies());
  const record = async (): Promise<void> => {
    const hours = quotas.tallies();
    const text = JSON.stringify(hours);
    if (text === recorded) return;
    try {
      await recordTallies(spool, { version: 1, at: new Date().toISOString(), hours });
      recorded = text;
    } catch (error) {
      log.warn('what peers have stored could not be recorded; it is tried again in a minute', { error });
    }
  };
  const timer = setInterval(() => void record(), recordEveryMs);
  const endScrape = metrics.onScrape(() => {
    for (const peer of quotas.peers) metrics.set('peer_quota_ratio', { peer }, quotas.used(peer));
  });
  closing.add(async () => {
    clearInterval(timer);
    endScrape();
    metrics.clear('peer_quota_ratio'); // who is the receiver now tells it
    await record();
  });
  return quotas;
}
