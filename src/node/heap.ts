// How far the JavaScript heap of a node's process may outgrow what lives in it.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Loading the modules lets V8's young generation grow to 32 MB, resident for good, though a node that waits for the network and the
 * disk makes little garbage (30 MB less at the same speed: bench/load.ts). Call it before anything else is loaded.
 */
export function keepYoungGenerationSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}

/**
 * V8 lets a small heap grow to several times its live part before it collects: a receiver with 30 MB of live objects came to
 * 100 MB of garbage, resident for good. With 20 % it collects more often, for 80 MB less at the same speed (bench/memory.ts).
 * V8 sets its next limit at a full collection, so one is made at once; call it when everything is loaded, before work begins.
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--heap-growing-percent=20');
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect === 'function') collect();
}
