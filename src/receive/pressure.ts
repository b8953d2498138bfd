// Watches free space and backlog, and holds senders up by them: later answers first, then A700, then no associations.
import { type Load, type Pressure, type PressureMarks, decidePressure } from './decide-pressure.js';

export interface PressureWatch {
  now(): Pressure;
  close(): void;
}

const everyMs = 5_000;

async function orNull(ask: () => Promise<number>): Promise<number | null> {
  try {
    return await ask();
  } catch {
    return null; // whoever asked says so elsewhere; here it counts as not known
  }
}

/** Looks at once, then every five seconds. `seen` gets what it saw. */
export async function watchPressure(
  ask: { readonly freeBytes: () => Promise<number>; readonly backlog: () => Promise<number> },
  marks: PressureMarks,
  seen: (load: Load, pressure: Pressure) => void,
): Promise<PressureWatch> {
  let pressure: Pressure = { kind: 'none' };
  const look = async (): Promise<void> => {
    const [freeBytes, backlog] = await Promise.all([orNull(ask.freeBytes), orNull(ask.backlog)]);
    pressure = decidePressure({ freeBytes, backlog }, marks);
    seen({ freeBytes, backlog }, pressure);
  };
  await look();
  const timer = setInterval(() => void look(), everyMs);
  return { now: () => pressure, close: () => clearInterval(timer) };
}
