// The receiver's service over a spool, for tests that look at the spool and the wire alone: nobody hears what arrives.
import { openMetrics } from '../../src/observe/metrics.js';
import type { Pressure } from '../../src/receive/decide-pressure.js';
import { openStoreService } from '../../src/receive/store.js';
import type { Spool } from '../../src/spool/spool.js';
import { silentLog } from './test-scp.js';

export function openQuietStore(spool: Spool, pressure: () => Pressure): ReturnType<typeof openStoreService> {
  return openStoreService({
    quotas: null,
    spool,
    listed: () => Promise.resolve(new Map()),
    arrived: () => {},
    repeated: () => {},
    associationEnded: () => {},
    pressure,
    diskMs: 30_000,
    variants: () => 'keep',
    log: silentLog,
    metrics: openMetrics(),
    now: Date.now,
  });
}
