// Entry of the process that verifies one network, started by verify-network.ts. The graph runs in a thread of it: the main thread stays
// free, and ends the process when the one that asked is gone.
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { networkFaults } from './verify-network.js';
import type { NetworkToVerify } from './verify-network.js';

if (isMainThread) {
  // SIGKILL, since a plain exit would end the thread within run(), which aborts with a core dump.
  const endNow = (): void => void process.kill(process.pid, 'SIGKILL');
  process.on('disconnect', endNow);
  if (!process.connected) endNow();
  process.once('message', (asked: NetworkToVerify) => {
    const thread = new Worker(new URL(import.meta.url), { workerData: asked, execArgv: [] });
    thread.once('message', (faults: readonly string[]) => process.send?.(faults));
  });
} else {
  parentPort?.postMessage(await networkFaults(workerData));
}
