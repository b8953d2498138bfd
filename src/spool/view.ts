/**
 * A series as people and programs see it: what `limpid series show` prints and the API gives. Schemas, so that the API's
 * description is made from them; `view-of.ts` makes the values from the spool's records. Times are ISO 8601 UTC.
 */
import { z } from 'zod';
import { commitmentView } from './commitment-view.js';
import { promiseView } from './promise-view.js';
import { modality, priority } from './records.js';
import type { ConditionOutcome } from './records.js';
import { seriesStates } from './series-states.js';

export const seriesState = z.enum(seriesStates).meta({
  id: 'SeriesState',
  description:
    'unreadable: a record of it is cut or not given by the disk, a person has to mend it; held: waits for a person; given-up: a peer refused a whole delivery; partial: a peer refused part of one; uncommitted: a peer does not commit itself to what it has stored; receiving: instances arrive; routing: closed, no decision yet; enhancing: tasks run; delivering: instances wait for a peer; committing: delivered, storage commitment is awaited; done: nothing left to do.',
});
export type { SeriesWord } from './series-states.js';

export const taskState = z.enum([
  'waiting',
  'spare',
  'held',
  'enhanced',
  'skipped',
  'withheld',
  'released',
  'failed',
  'superseded',
  'discarded',
  'withdrawn',
]);
export type TaskWord = z.infer<typeof taskState>;

export const deliveryState = z.enum(['waiting', 'delivered', 'partial', 'given-up', 'discarded']);
export type DeliveryWord = z.infer<typeof deliveryState>;

/** A code with its sentence, and what to do about it where a person can do something. */
export const codeView = z
  .object({
    code: z.string().meta({ description: 'Reason or failure, see docs/errors.md.' }),
    says: z.string().meta({ description: 'The code in a sentence.' }),
    detail: z.string().meta({ description: 'Attribute, value or limit that decided; empty where there is none.' }),
    hint: z.string().nullable().meta({ description: 'What an operator does now.' }),
  })
  .meta({ id: 'Code' });
export type CodeView = z.infer<typeof codeView>;

const gradeView = z.enum(['light', 'moderate', 'severe']);

const figureView = z.object({
  measured: z.boolean(),
  before: z.number().nullable(),
  after: z.number().nullable(),
  unit: z.string(),
  limit: z.number().nullable().optional().meta({
    description:
      'Limit of the model when it ran, which nine images in ten must hold: the most, of noiseRatio the least; null: it has none. Absent of other figures, and in records of an older limpid.',
  }),
});

export const taskView = z
  .object({
    name: z.string().meta({ description: 'Model id, dash, first 8 hex digits of the SHA-256 of the settings.' }),
    rule: z.string(),
    model: z.object({ id: z.string(), version: z.string(), kind: z.enum(['network', 'filter']) }),
    state: taskState,
    says: z.string(),
    code: codeView.nullable(),
    warnings: z.array(codeView),
    attempts: z.int(),
    deaths: z.int().meta({ description: 'Attempts whose worker child died or was killed.' }),
    startedAt: z.iso.datetime().nullable(),
    endedAt: z.iso.datetime().nullable(),
    provider: z.string().nullable(),
    modelSeconds: z.number().nullable(),
    strength: z.object({
      asked: z.number(),
      effective: z.number().nullable(),
      reached: z.number().nullable(),
      blend: z.number().nullable(),
    }),
    noise: z
      .object({ before: z.number().nullable(), after: z.number().nullable(), unit: z.enum(['HU', 'STORED']) })
      .nullable(),
    choice: z
      .array(z.object({ model: z.string(), taken: z.boolean(), why: z.string() }))
      .optional()
      .meta({ description: 'Of `with: auto` alone: every model that was looked at, and why it was or was not taken.' }),
    figures: z.record(z.string(), figureView),
    grade: z
      .object({ before: gradeView.nullable(), after: gradeView.nullable() })
      .nullable()
      .meta({ description: 'How degraded the series was and is; null where it was not measured.' }),
    neighbours: z.object({ both: z.int(), one: z.int(), none: z.int() }).nullable().meta({
      description:
        'How many images the model saw with both slices beside them, with one, with none; null: it sees none, or made nothing.',
    }),
    seriesInstanceUid: z.string().nullable(),
    sameAs: z.int().nullable().meta({ description: 'Earlier revision whose result this is.' }),
    instances: z.int(),
  })
  .meta({ id: 'Task' });
export type TaskView = z.infer<typeof taskView>;

export const deliveryWait = z
  .object({
    why: z.enum(['held', 'retry', 'hours', 'peer', 'throttle']).meta({
      description:
        'held: a person holds it; retry: refused for now, tried again; hours: outside the hours of the peer; peer: the peer takes nothing; throttle: as much as may be has been sent.',
    }),
    says: z.string(),
    since: z.iso.datetime().nullable().meta({ description: 'Since when, where that is known.' }),
    until: z.iso.datetime().nullable().meta({
      description: 'When it is looked at again: the hours begin, the next try or probe; null: not known here.',
    }),
  })
  .meta({ id: 'DeliveryWait' });
export type DeliveryWait = z.infer<typeof deliveryWait>;

export const deliveryView = z
  .object({
    task: z.string().meta({ description: 'A task, or `originals`.' }),
    peer: z.string(),
    state: deliveryState,
    says: z.string(),
    instances: z.int(),
    delivered: z.int(),
    warned: z.int().meta({ description: 'Delivered with a warning status; counted in `delivered` too.' }),
    waiting: z.int(),
    refused: z.int(),
    attempts: z.int(),
    firstAt: z.iso.datetime().nullable(),
    lastAt: z.iso.datetime().nullable(),
    fault: z
      .object({ code: z.string(), detail: z.string() })
      .nullable()
      .meta({ description: 'Why the last attempt brought less than all.' }),
    wait: deliveryWait.nullable().meta({ description: 'What it waits for, as far as the process that answers knows.' }),
    commitment: commitmentView.nullable().meta({ description: 'Storage commitment, where the peer is asked for it.' }),
  })
  .meta({ id: 'Delivery' });
export type DeliveryView = z.infer<typeof deliveryView>;

const conditionView: z.ZodType<ConditionOutcome> = z
  .lazy(() =>
    z.object({
      condition: z.string(),
      holds: z.boolean(),
      found: z.string().optional(),
      parts: z.array(conditionView).optional(),
    }),
  )
  .meta({ id: 'Condition', description: 'One condition of a rule and its outcome, nested for all, any, not.' });

export const revisionView = z
  .object({
    revision: z.int(),
    cause: z.enum(['arrival', 'late', 'requeue']),
    closed: z.enum(['count', 'released', 'quiet', 'timeout', 'operator']),
    openedAt: z.iso.datetime(),
    closedAt: z.iso.datetime(),
    instances: z.int(),
    bytes: z.int(),
    variants: z.int().meta({ description: 'Second copies with the UID of a listed instance and other bytes.' }),
    swept: z.boolean(),
    warnings: z.array(codeView),
    decision: z
      .object({
        decidedAt: z.iso.datetime(),
        config: z.int(),
        modality,
        priority,
        rules: z.array(z.object({ name: z.string(), matched: z.boolean(), conditions: z.array(conditionView) })),
        forward: z.array(z.string()),
        held: z.array(codeView),
      })
      .nullable(),
    tasks: z.array(taskView),
    deliveries: z.array(deliveryView),
  })
  .meta({ id: 'Revision' });
export type RevisionView = z.infer<typeof revisionView>;

export const seriesView = z
  .object({
    key: z.string().meta({ description: 'The series in limpid: 26 characters, no patient data.' }),
    state: seriesState,
    says: z.string().meta({ description: 'Where it stands, in a sentence.' }),
    modality: modality.nullable(),
    priority: priority.nullable(),
    studyInstanceUid: z.string().nullable(),
    seriesInstanceUid: z.string().nullable(),
    sources: z.array(z.object({ peer: z.string(), callingAe: z.string(), calledAe: z.string(), address: z.string() })),
    files: z.int().meta({ description: 'Instance files that are kept.' }),
    unassembled: z.int().meta({ description: 'Of these, not in a revision yet.' }),
    openedAt: z.iso.datetime().nullable(),
    changedAt: z.iso.datetime().nullable(),
    revisions: z.array(revisionView),
    promises: z.array(promiseView).meta({ description: 'Storage commitment that this node gives, oldest first.' }),
    actions: z.array(
      z.object({
        number: z.int(),
        at: z.iso.datetime(),
        by: z.string(),
        kind: z.string(),
        says: z
          .string()
          .meta({ description: 'What was asked for: `prioritise to batch`, `discard of originals to pacs`.' }),
        why: z.string(),
        revision: z.int().nullable(),
        task: z.string().nullable(),
        peer: z.string().nullable(),
      }),
    ),
  })
  .meta({ id: 'Series' });
export type SeriesView = z.infer<typeof seriesView>;

/** One line of `limpid series list`. */
export const seriesSummary = z
  .object({
    key: z.string(),
    state: seriesState,
    says: z.string(),
    modality: modality.nullable(),
    priority: priority.nullable(),
    sources: z.array(z.string()).meta({ description: 'Names of the peers that sent it.' }),
    instances: z.int(),
    revision: z.int().meta({ description: 'The newest; 0 before the first.' }),
    openedAt: z.iso.datetime().nullable(),
    changedAt: z.iso.datetime().nullable(),
    tasks: z.array(z.object({ name: z.string(), state: taskState, code: z.string().nullable() })),
    held: z.array(z.string()).meta({
      description: 'Codes for which the newest revision was held when it was decided: NO_RULE, say.',
    }),
  })
  .meta({ id: 'SeriesSummary' });
export type SeriesSummary = z.infer<typeof seriesSummary>;
