// How hard the node holds its senders up: not at all, by answering later, by refusing instances, by refusing associations.

/** What the node knows of itself, looked at every few seconds. */
export interface Load {
  /** Free bytes of the spool's volume; null: it cannot be asked, or not be written. */
  readonly freeBytes: number | null;
  /** Jobs that wait for routing and enhancing; null: the queue cannot be asked. Instances need no queue to be kept. */
  readonly backlog: number | null;
}

export interface PressureMarks {
  readonly lowBytes: number;
  readonly criticalBytes: number;
  /** Waiting jobs: from here on answers come later, and from here on instances are refused. */
  readonly slowBacklog: number;
  readonly fullBacklog: number;
}

export type Pressure =
  | { readonly kind: 'none' }
  /** Each instance is answered so much later: a sender waits for the answer before it sends the next one. */
  | { readonly kind: 'slow'; readonly delayMs: number }
  | { readonly kind: 'refuse-instances'; readonly why: string }
  | { readonly kind: 'refuse-associations'; readonly why: string };

/** Answers come later within this share of `low` above it. */
const slowShare = 0.25;
/** A sender's time-out for an answer is 30 s at the least; one second an instance is a tenth of usual speed. */
const longestDelayMs = 1000;

/** Share of the way from `from` (0) to `to` (1). */
const share = (value: number, from: number, to: number): number =>
  Math.min(1, Math.max(0, (value - from) / Math.max(1, to - from)));

/** Decides from what is known now; nothing is remembered, so that it ends by itself. */
export function decidePressure({ freeBytes, backlog }: Load, marks: PressureMarks): Pressure {
  const { lowBytes, criticalBytes, slowBacklog, fullBacklog } = marks;
  if (freeBytes === null) return { kind: 'refuse-associations', why: 'the spool volume cannot be asked or written' };
  if (freeBytes < criticalBytes) return { kind: 'refuse-associations', why: 'the spool volume is nearly full' };
  if (freeBytes < lowBytes) return { kind: 'refuse-instances', why: 'Out of storage space' };
  if (backlog !== null && backlog >= fullBacklog)
    return { kind: 'refuse-instances', why: 'Too much waits to be processed' };
  const ofDisk = 1 - share(freeBytes, lowBytes, lowBytes * (1 + slowShare));
  const ofBacklog = share(backlog ?? 0, slowBacklog, fullBacklog);
  const delayMs = Math.round(longestDelayMs * Math.max(ofDisk, ofBacklog));
  return delayMs === 0 ? { kind: 'none' } : { kind: 'slow', delayMs };
}
