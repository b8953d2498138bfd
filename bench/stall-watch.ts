/**
 * Loaded into a node (`--import stall-watch.js?out=FILE`): a line for each stall of its main thread's event loop, as [ms since epoch,
 * stall, of it waiting for a core] in ms. On a busy machine the last is other programs' doing (Linux: /proc/self/schedstat).
 */
import { readFileSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { isMainThread } from 'node:worker_threads';

const periodMs = 5;
const leastMs = 5;
const out = new URL(import.meta.url).searchParams.get('out');

/** Time that the main thread has waited for a core, ms. */
function waited(): number {
  return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[1]) / 1e6;
}

if (isMainThread && out !== null) {
  let last = performance.now();
  let waitedBefore = waited();
  const tick = (): void => {
    const stall = performance.now() - last - periodMs;
    const waitedNow = waited();
    if (stall > leastMs) {
      void appendFile(out, `${JSON.stringify([Date.now(), stall, waitedNow - waitedBefore])}\n`);
    }
    waitedBefore = waitedNow;
    last = performance.now();
    setTimeout(tick, periodMs).unref();
  };
  setTimeout(tick, periodMs).unref();
}
