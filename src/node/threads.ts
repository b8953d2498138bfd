import { availableParallelism } from 'node:os';

/** Inference threads of one device. `auto`: one core stays with the receiver, all devices share the rest. */
export function threadsOf(workers: { readonly threads: 'auto' | number; readonly devices: number }): number {
  const all = workers.threads === 'auto' ? Math.max(1, availableParallelism() - 1) : workers.threads;
  return Math.max(1, Math.floor(all / workers.devices));
}
