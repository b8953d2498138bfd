// What an acceptor of the SCP needs around it, for tests that hand it a stream without a listener.
import type { AcceptorNode } from '../../src/io/dimse/acceptor-node.js';
import { defaultLimits } from '../../src/io/dimse/limits.js';
import { takeEverything } from '../../src/io/dimse/policy.js';
import { RefusalLog } from '../../src/io/dimse/refusal-log.js';
import type { StoreService } from '../../src/io/dimse/sink.js';
import { openMetrics } from '../../src/observe/metrics.js';
import { silentLog } from './test-scp.js';

/** One for all: each observes the process. */
const metrics = openMetrics();

/** Admits everybody, takes every proposal. */
export const acceptorNode = (store: StoreService, limits = defaultLimits): AcceptorNode => ({
  aeTitles: ['LIMPID'],
  limits,
  mismatch: 'refuse',
  negotiation: takeEverything,
  store,
  log: silentLog,
  refusals: new RefusalLog(silentLog),
  metrics,
  now: () => 0,
  admit: () => ({ kind: 'admit', peer: 'test' }),
  opened: () => {},
  ended: () => {},
  queuedBytes: 0,
});
