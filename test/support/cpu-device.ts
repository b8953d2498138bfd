// A device of one CPU thread, as tests of whole tasks open it.
import { openDevice } from '../../src/enhance/device.js';
import type { Device } from '../../src/enhance/device.js';
import { openLog } from '../../src/observe/log.js';
import { openMetrics } from '../../src/observe/metrics.js';
import { taskModule } from './task-order.js';

/** Close it when the test is over. */
export function cpuDevice(deadlineMs = 120_000): Device {
  return openDevice({
    taskModule,
    providers: ['cpu'],
    threads: 1,
    deadlineMs,
    memoryBytes: 2 ** 31,
    log: openLog('silent'),
    metrics: openMetrics(),
  });
}
