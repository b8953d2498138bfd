// Measuring series for rules that say `with: auto`, in a child of its own that is made when it is first asked for.
import { openDevice } from '../enhance/device.js';
import type { Device, DeviceOptions } from '../enhance/device.js';

/** Decoding and measuring three images takes a second; whoever takes longer is chosen for by the headers. */
const measureMs = 60_000;

/** A series must not wait for another one's task to be routed, so that no device that runs tasks measures. */
export function openMeasuring(options: Pick<DeviceOptions, 'memoryBytes' | 'log' | 'metrics'>): {
  readonly measure: Device['measure'];
  readonly close: () => Promise<void>;
} {
  let device: Device | null = null;
  return {
    measure: (files) => {
      device ??= openDevice({
        taskModule: new URL('../task/task.js', import.meta.url),
        providers: ['cpu'],
        threads: 1,
        deadlineMs: measureMs,
        ...options,
      });
      return device.measure(files);
    },
    close: async () => device?.close(),
  };
}
