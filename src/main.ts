#!/usr/bin/env -S UV_THREADPOOL_SIZE=16 MALLOC_ARENA_MAX=2 node
// The program. What it does: run-command.ts, which is loaded once the heap of a node that stays is told to stay small.
// Node and the C library read the number of threads and of memory arenas before this file (docs/deployment.md): whoever starts it
// otherwise sets both too.
import { keepYoungGenerationSmall } from './node/heap.js';

// onnxruntime reports to its maker by itself, and leaves a cache and an identifier at home: never from a hospital. It looks when it is
// loaded, in threads and children too, so this stands before both.
process.env['ORT_DISABLE_TELEMETRY'] = '1';
if (process.argv[2] === 'serve') {
  keepYoungGenerationSmall();
  // Without a listener SIGHUP ends a process, and a reload may come at any moment of a start or a drain.
  process.on('SIGHUP', () => undefined);
}
await import('./program/run-command.js');
