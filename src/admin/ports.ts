// What the HTTP face asks of the node behind it. Implemented over spool and queue where the process is wired.
import { z } from 'zod';
import { modality, priority } from '../spool/records.js';
import { seriesState } from '../spool/view.js';
import type { Key } from '../spool/key.js';
import type { SeriesSummary, SeriesView } from '../spool/view.js';

/** A query has texts only: one of decimal digits is an integer, as OpenAPI means it; 0x10 and 1e2 stay texts, and are refused. */
const asInteger = (value: unknown): unknown =>
  typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;

/** As it stands in a request. */
export const seriesKey = z
  .string()
  .regex(/^[a-z2-7]{26}$/, { error: 'is no series key: 26 characters of a to z and 2 to 7', abort: true });

/**
 * Where a page of series ends: the last one looked at, and when its folder had changed then. By its key alone nobody could go on once it has
 * changed again, and stands at the beginning, or is gone.
 */
export const pageEnd = z.string().regex(/^[a-z2-7]{26}@\d+(\.\d+)?$/, { error: 'is no `next` of a page' });

/** Which series to list, newest first. */
export const seriesFilter = z.strictObject({
  state: seriesState.optional(),
  modality: modality.optional(),
  peer: z.string().max(32).optional().meta({ description: 'Name of the peer that sent it.' }),
  limit: z.preprocess(asInteger, z.int().min(1).max(500).default(50)),
  after: pageEnd.optional().meta({ description: '`next` of the page before, as it is.' }),
});
export type SeriesFilter = z.infer<typeof seriesFilter>;

const why = z.string().max(200).default('').meta({ description: 'Kept with the action; no patient data.' });
const revision = z.int().min(1).nullable().default(null);
const task = z.string().max(64).nullable().default(null);
const peer = z.string().max(32).nullable().default(null);
/** What a person may have done to a series. Parts that are null mean all of them. */
export const seriesAction = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('requeue'), why, newUids: z.boolean().default(false) }),
    z.strictObject({ kind: z.literal('hold'), why, revision, task }),
    z.strictObject({ kind: z.literal('release'), why, revision, task }),
    z.strictObject({ kind: z.literal('discard'), why, revision, task, peer }),
    z.strictObject({ kind: z.literal('prioritise'), why, priority }),
    z
      .strictObject({
        kind: z.literal('withdraw'),
        why,
        task,
        reason: z.enum(['quality', 'safety']).meta({ description: 'safety: a hazard, or the wrong patient.' }),
        because: z
          .enum(['processing', 'software', 'artifact'])
          .nullable()
          .default(null)
          .meta({ description: 'With quality alone: what was wrong; null: processing.' }),
      })
      .refine(({ reason, because }) => reason === 'quality' || because === null, {
        path: ['because'],
        error: 'goes with reason quality',
      }),
  ])
  .meta({ id: 'Action' });
export type SeriesAction = z.infer<typeof seriesAction>;

export const peerView = z
  .object({
    name: z.string(),
    kind: z.enum(['dicom', 'dicomweb', 'folder']),
    aeTitle: z.string().nullable().meta({ description: 'Of a DICOM node.' }),
    sends: z.boolean().meta({ description: 'May store to this node.' }),
    receives: z.boolean().meta({ description: 'This node may store to it.' }),
    host: z.string().nullable(),
    port: z.int().nullable(),
    breaker: z.enum(['closed', 'half-open', 'open']).nullable().meta({ description: 'open: not tried for a while.' }),
    waiting: z.int().nullable().meta({
      description: 'Instances that wait for it; of thousands of series it may be some minutes old.',
    }),
    says: z.string(),
  })
  .meta({ id: 'Peer' });
export type PeerView = z.infer<typeof peerView>;

export const modelView = z
  .object({
    id: z.string(),
    version: z.string(),
    kind: z.enum(['network', 'filter']),
    task: z.string(),
    modality: z.string(),
    sha256: z.string(),
    defaultStrength: z.number(),
    intendedUse: z.string(),
    state: z.enum(['usable', 'unusable']),
    says: z.string(),
  })
  .meta({ id: 'Model' });
export type ModelView = z.infer<typeof modelView>;

export const queueView = z
  .object({
    queue: z.enum(['series', 'tasks', 'deliveries', 'commitments']),
    waiting: z.int(),
    delayed: z.int(),
    active: z.int(),
    oldestSeconds: z.number().nullable(),
  })
  .meta({ id: 'Queue' });
export type QueueView = z.infer<typeof queueView>;

/** The node behind the API. Failures are LimpidErrors: QUEUE_UNAVAILABLE, SPOOL_UNKNOWN_SERIES and so on. */
export interface AdminPorts {
  /** Series that match, newest first, and where to go on (`after`), or null at the end. */
  listSeries(filter: SeriesFilter): Promise<{ series: SeriesSummary[]; next: string | null }>;
  /** Null for a series that is not here. */
  showSeries(key: Key): Promise<SeriesView | null>;
  /**
   * Publishes the action; it is carried out soon after.
   *
   * @returns its number within the series; of several, the last one's; and what may come as a surprise of it
   * @throws LimpidError SPOOL_UNKNOWN_SERIES, SPOOL_NOTHING_MADE
   */
  act(key: Key, action: SeriesAction, by: string): Promise<{ number: number; warning: string | null }>;
  peers(): Promise<PeerView[]>;
  models(): Promise<ModelView[]>;
  /** @throws LimpidError QUEUE_UNAVAILABLE */
  queues(): Promise<QueueView[]>;
}

/**
 * State of one thing the process depends on. `degraded` does its work with less (the queue is away, receiving goes on);
 * `starting` and `down` make the process not ready.
 */
export const dependencyView = z
  .object({
    name: z.string(),
    state: z.enum(['ready', 'degraded', 'starting', 'down']),
    says: z.string().meta({ description: 'The state in a sentence, with what to do.' }),
  })
  .meta({ id: 'Dependency' });
export type DependencyView = z.infer<typeof dependencyView>;

/** What `/readyz` tells. */
export interface ReadyReport {
  readonly dependencies: readonly DependencyView[];
}
