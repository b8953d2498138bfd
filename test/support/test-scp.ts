// An SCP of limpid's on a free loopback port, with short timers where a test asks for them.
import type { CommitmentService } from '../../src/io/dimse/commitment.js';
import type { Limits } from '../../src/io/dimse/limits.js';
import { type Scp, type ScpOptions, openScp } from '../../src/io/dimse/scp.js';
import { type Log, openLog } from '../../src/observe/log.js';
import { type Metrics, openMetrics } from '../../src/observe/metrics.js';
import type { StoreService } from '../../src/io/dimse/sink.js';
import { type MemoryStore, memoryStore } from './memory-store.js';

export interface TestScp {
  readonly scp: Scp;
  readonly store: MemoryStore;
  readonly metrics: Metrics;
}

export const silentLog: Log = openLog('silent');

export interface TestScpOptions {
  readonly store?: MemoryStore;
  /** Instead of `store`. */
  readonly service?: StoreService;
  readonly limits?: Partial<Limits>;
  readonly mismatch?: ScpOptions['mismatch'];
  readonly admit?: ScpOptions['admit'];
  readonly negotiation?: ScpOptions['negotiation'];
  readonly commitment?: CommitmentService;
  readonly port?: ScpOptions['port'];
  readonly tls?: ScpOptions['tls'];
  readonly log?: Log;
}

/** Called AE title LIMPID; every caller is admitted as peer `test`, unless `admit` says otherwise. */
export async function openTestScp(options: TestScpOptions = {}): Promise<TestScp> {
  const store = options.store ?? memoryStore();
  const metrics = openMetrics();
  const scp = await openScp({
    host: '127.0.0.1',
    port: options.port === undefined ? 0 : options.port,
    tls: options.tls ?? null,
    aeTitles: ['LIMPID'],
    admit: options.admit ?? (() => ({ kind: 'admit', peer: 'test' })),
    store: options.service ?? store,
    ...(options.negotiation ? { negotiation: options.negotiation } : {}),
    ...(options.commitment ? { commitment: options.commitment } : {}),
    limits: options.limits ?? {},
    mismatch: options.mismatch ?? 'refuse',
    log: options.log ?? silentLog,
    metrics,
    now: Date.now,
  });
  return { scp, store, metrics };
}
