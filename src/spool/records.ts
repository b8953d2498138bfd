/**
 * The JSON records of the spool. Each is written once and read back through its schema; a newer limpid reads what an older
 * one wrote. Times are ISO 8601 UTC.
 */
import { z } from 'zod';
import { reasons, failures } from '../errors.js';
import type { FailureCode, ReasonCode } from '../errors.js';
import type { Key } from './key.js';

const time = z.iso.datetime();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const name = z.string().regex(/^[a-z0-9-]{1,32}$/);
const key = z.custom<Key>((value) => typeof value === 'string' && /^[a-z2-7]{26}$/.test(value));
/** `-` and 8 hex digits of the settings' SHA-256 behind a model or filter id; `originals` for forwarding; `withdrawal-NN`. */
export const taskName = z.string().regex(/^([a-z0-9-]{1,32}-[0-9a-f]{8}|originals|withdrawal-\d{2,})$/);
const reasonCode = z.custom<ReasonCode>((value) => typeof value === 'string' && Object.hasOwn(reasons, value));
const reason = z.object({ code: reasonCode, detail: z.string() });
const outcomeCode = z.custom<ReasonCode | FailureCode>(
  (value) => typeof value === 'string' && (Object.hasOwn(reasons, value) || Object.hasOwn(failures, value)),
);
/** JSON of a task's settings: everything configured that changes pixels or geometry. */
const settings = z.record(z.string(), z.json());

export const priority = z.enum(['urgent', 'routine', 'batch']);
export type Priority = z.infer<typeof priority>;
export const modality = z.enum(['CT', 'MR', 'US', 'other']);
export type Modality = z.infer<typeof modality>;

/** The label of a Modality (0008,0060): one of the fixed list. */
export function modalityLabel(value: string): Modality {
  return value === 'CT' || value === 'MR' || value === 'US' ? value : 'other';
}

const instance = z.object({
  /** File name in `instances/`, without `.dcm`. */
  file: z.string(),
  sopInstanceUid: z.string(),
  sopClassUid: z.string(),
  transferSyntaxUid: z.string(),
  /** Of the data set's bytes, without file meta group. */
  sha256,
  bytes: z.int(),
});
export type InstanceRecord = z.infer<typeof instance>;

/** rN/series.json: which instances belong together, and why the revision was closed. */
export const seriesRecord = z.object({
  version: z.literal(1),
  key,
  revision: z.int().min(1),
  cause: z.enum(['arrival', 'late', 'requeue']),
  closed: z.enum(['count', 'released', 'quiet', 'timeout', 'operator']),
  openedAt: time,
  closedAt: time,
  studyInstanceUid: z.string(),
  seriesInstanceUid: z.string(),
  /** Who sent it: peer name (or `unknown`), calling and called AE title, address. */
  sources: z.array(z.object({ peer: z.string(), callingAe: z.string(), calledAe: z.string(), address: z.string() })),
  /** Raised by `requeue --new-uids`: part of the derived UIDs. */
  remake: z.int().min(1),
  /** The action that this revision answers, for cause `requeue`. */
  action: z.string().nullable(),
  instances: z.array(instance),
  /** Second copies with the UID of a listed instance and other bytes. */
  variants: z.array(instance),
  /** What assembling saw: GAPS when positions were missing at closing. */
  warnings: z.array(reason),
});
export type SeriesRecord = z.infer<typeof seriesRecord>;

/** Outcome of one condition of a rule, as `rules test` and `series show` print it. Nested for all, any, not. */
export interface ConditionOutcome {
  /** `Modality equals CT`, `all`, `any`, `not`. */
  readonly condition: string;
  readonly holds: boolean;
  /** What was found, shortened; never from a patient-identifying attribute. */
  readonly found?: string | undefined;
  readonly parts?: readonly ConditionOutcome[] | undefined;
}
const conditionOutcome: z.ZodType<ConditionOutcome> = z.lazy(() =>
  z.object({
    condition: z.string(),
    holds: z.boolean(),
    found: z.string().optional(),
    parts: z.array(conditionOutcome).optional(),
  }),
);

const modelChoice = z.object({ model: name, taken: z.boolean(), why: z.string() });
export type ModelChoice = z.infer<typeof modelChoice>;

/** One task of a decision, fully resolved: enhance and derive use only this. */
export const resolvedTask = z.object({
  name: taskName,
  rule: z.string(),
  /** Position in the decision's whole task list, from 1: Series Number = source x 100 + slot. */
  slot: z.int().min(1).max(99),
  model: z.object({ id: name, version: z.string(), sha256, kind: z.enum(['network', 'filter']) }),
  settings,
  settingsSha256: sha256,
  /** Share of the noise to take away, 0.05 to 0.75. */
  strength: z.number(),
  /** Runs only if that task of the same decision fails. */
  insteadOf: taskName.optional(),
  /** Of `with: auto` alone: every model that was looked at, and why it was or was not taken. */
  choice: z.array(modelChoice).optional(),
  lift: z.array(reasonCode),
  /** The gate's word before any pixel is read: run, or why not. Held tasks wait for a person and have no outcome file. */
  gate: z.object({ verdict: z.enum(['run', 'skip', 'hold']), reasons: z.array(reason), warnings: z.array(reason) }),
  deliver: z.array(z.string()),
  /** What becomes of an earlier revision's derived series once this one's is delivered. */
  late: z.enum(['keep', 'withdraw']).default('keep'),
});
export type ResolvedTask = z.infer<typeof resolvedTask>;

/** rN/decision.json: what the rules made of the revision. */
export const decisionRecord = z.object({
  version: z.literal(1),
  key,
  revision: z.int().min(1),
  decidedAt: time,
  /** Number of the configuration that was read (config/NNNNNN.json). */
  config: z.int().min(0),
  modality,
  priority,
  rules: z.array(z.object({ name: z.string(), matched: z.boolean(), conditions: z.array(conditionOutcome) })),
  tasks: z.array(resolvedTask),
  /** Peers that get the originals. */
  forward: z.array(z.string()),
  /** Of the peers that get something, those that are asked for storage commitment. */
  commit: z.array(z.string()).default([]),
  /** The whole series is held (NO_RULE, DUPLICATE_DIFFERS, REVISION_STORM): nothing is enhanced until a person acts. */
  held: z.array(reason),
});
export type DecisionRecord = z.infer<typeof decisionRecord>;

const figure = z.object({
  measured: z.boolean(),
  before: z.number().nullable(),
  after: z.number().nullable(),
  unit: z.string(),
  /** Of the model's card when it ran; null: it has none. Absent of figures without a limit, and in older records. */
  limit: z.number().nullable().optional(),
});
export type Figure = z.infer<typeof figure>;

const derivedInstance = z.object({
  /** File name in `objects/`. */
  file: z.string(),
  sopInstanceUid: z.string(),
  sopClassUid: z.string(),
  transferSyntaxUid: z.string(),
  sha256,
  bytes: z.int(),
  /** SOP Instance UID of its source. */
  source: z.string(),
});
export type DerivedInstance = z.infer<typeof derivedInstance>;

const grade = z.enum(['light', 'moderate', 'severe']);

/** rN/results/TASK/outcome.json: how a task ended. */
export const outcomeRecord = z.object({
  version: z.literal(1),
  task: taskName,
  /** withdrawal: the document that withdraws a derived series, made and kept like a result. */
  outcome: z.enum(['enhanced', 'skipped', 'withheld', 'failed', 'superseded', 'withdrawal']),
  code: outcomeCode.nullable(),
  detail: z.string(),
  startedAt: time,
  endedAt: time,
  /** Revision whose result this is, where an earlier one had made the same derived series. */
  sameAs: z.int().min(1).nullable(),
  seriesInstanceUid: z.string().nullable(),
  provider: z.string().nullable(),
  threads: z.int().nullable(),
  strength: z.object({
    asked: z.number(),
    /** After the noise-adaptive factor; what the blend was found for. */
    effective: z.number().nullable(),
    reached: z.number().nullable(),
    /** s in out = in - clip(s x residual); a multiple of 1/64. */
    blend: z.number().nullable(),
  }),
  noise: z.object({ before: z.number().nullable(), after: z.number().nullable(), unit: z.enum(['HU', 'STORED']) }),
  figures: z.record(z.string(), figure),
  /** How degraded the series was and is; null where it could not be measured. */
  grade: z.object({ before: grade.nullable(), after: grade.nullable() }).nullable().default(null),
  /** With how many neighbours the model saw the images, in numbers of images; null where it sees none, or made nothing. */
  neighbours: z.object({ both: z.int(), one: z.int(), none: z.int() }).nullable().default(null),
  warnings: z.array(reason),
  /** Time spent in `run()` of the network or in the filter, summed over threads. */
  modelSeconds: z.number().nullable(),
  instances: z.array(derivedInstance),
});
export type OutcomeRecord = z.infer<typeof outcomeRecord>;

/** rN/attempts/TASK/NNN.json, NNN.died.json, NNN.drained.json. */
export const attemptRecord = z.object({
  version: z.literal(1),
  at: time,
  host: z.string(),
  pid: z.int(),
  code: outcomeCode.nullable(),
  detail: z.string(),
});
export type AttemptRecord = z.infer<typeof attemptRecord>;

export const deliveryClass = z.enum(['delivered', 'warned', 'transient', 'permanent']);
export type DeliveryClass = z.infer<typeof deliveryClass>;

/** rN/deliveries/TASK@PEER/NNN-PROCESS.json: what one batch of sending reached. */
export const deliveryRecord = z.object({
  version: z.literal(1),
  at: time,
  peer: z.string(),
  /** Failure of the association itself, if it ended early. */
  association: z
    .object({
      code: z.string(),
      detail: z.string(),
      class: deliveryClass,
      /** Where the peer has said when it may be asked again. */
      until: time.optional(),
    })
    .nullable(),
  instances: z.array(
    z.object({ sopInstanceUid: z.string(), class: deliveryClass, status: z.int().nullable(), comment: z.string() }),
  ),
});
export type DeliveryRecord = z.infer<typeof deliveryRecord>;

const reference = z.object({ sopClassUid: z.string(), sopInstanceUid: z.string() });

/** rN/commitments/TASK@PEER/NNN.json: a transaction of storage commitment, published before its request is sent. */
export const commitmentAskedRecord = z.object({
  version: z.literal(1),
  at: time,
  /** The peer that is asked: the one that was sent to, or the archive behind it. */
  by: z.string(),
  transactionUid: z.string(),
  /** Batches that the delivery had recorded: what is reported missing is sent again in a later one. */
  batches: z.int().min(0),
  /** The same of the other deliveries to that peer, by `rN/TASK@PEER`. Absent: a node recorded it that did not count them. */
  elsewhere: z.record(z.string(), z.int().min(0)).optional(),
  instances: z.array(reference),
});
export type CommitmentAskedRecord = z.infer<typeof commitmentAskedRecord>;

/** NNN.answer.json: the peer's answer to the request; `code` where there was none. */
export const commitmentAnswerRecord = z.object({
  version: z.literal(1),
  at: time,
  status: z.int().nullable(),
  code: z.string().nullable(),
  detail: z.string(),
});
export type CommitmentAnswerRecord = z.infer<typeof commitmentAnswerRecord>;

/** NNN.report.json: the outcome that the peer has reported. `reason`: Failure Reason (0008,1197). */
export const commitmentReportRecord = z.object({
  version: z.literal(1),
  at: time,
  committed: z.array(z.string()),
  failed: z.array(z.object({ sopInstanceUid: z.string(), reason: z.int() })),
});
export type CommitmentReportRecord = z.infer<typeof commitmentReportRecord>;

/** end.json: no further transaction follows. `waived`: the peer is not asked for commitment any more. */
export const commitmentEndRecord = z.object({
  version: z.literal(1),
  at: time,
  how: z.enum(['uncommitted', 'waived']),
  detail: z.string(),
});
export type CommitmentEndRecord = z.infer<typeof commitmentEndRecord>;

/** commitments/TX.json: whose transaction it is. */
export const commitmentIndexRecord = z.object({
  version: z.literal(1),
  key,
  revision: z.int().min(1),
  task: z.string(),
  peer: z.string(),
  number: z.int().min(1),
});

/** promises/TX/request.json: a peer asks this node to commit itself; published before the request is answered. */
export const promiseRequestRecord = z.object({
  version: z.literal(1),
  at: time,
  /** The peer that asks, by its name. */
  by: z.string(),
  transactionUid: z.string(),
  references: z.array(reference),
});
export type PromiseRequestRecord = z.infer<typeof promiseRequestRecord>;

/** promises/TX/outcome.json: what this node commits itself to, published before it is reported. */
export const promiseOutcomeRecord = z.object({
  version: z.literal(1),
  at: time,
  committed: z.array(reference),
  failed: z.array(reference.extend({ reason: z.int() })),
});
export type PromiseOutcomeRecord = z.infer<typeof promiseOutcomeRecord>;

/** promises/TX/end.json: the peer has the report, or it is not sent any more. */
export const promiseEndRecord = z.object({
  version: z.literal(1),
  at: time,
  how: z.enum(['reported', 'unreported']),
  detail: z.string(),
});
export type PromiseEndRecord = z.infer<typeof promiseEndRecord>;

/** promises/TX.json in the folder of a series: its pixels stay until then. Published before any file is looked at. */
export const promiseRecord = z.object({ version: z.literal(1), at: time, until: time, by: z.string() });

/** tallies/NNN.json: what peers with a quota have stored, by the hour (`hour`: hours since epoch). */
export const tallyRecord = z.object({
  version: z.literal(1),
  at: time,
  hours: z.array(
    z.object({ peer: z.string(), hour: z.int().min(0), bytes: z.number().min(0), instances: z.int().min(0) }),
  ),
});
export type TallyRecord = z.infer<typeof tallyRecord>;

/** actions/NNN.json: what people did. */
export const actionRecord = z.object({
  version: z.literal(1),
  at: time,
  by: z.string(),
  kind: z.enum(['hold', 'release', 'requeue', 'prioritise', 'discard', 'withdraw']),
  why: z.string(),
  /** A hold of this revision; a release or discard of this one and those before it, 0: of none yet. Null: of all. */
  revision: z.int().nullable(),
  task: z.string().nullable(),
  peer: z.string().nullable(),
  priority: priority.nullable(),
  /** Of a requeue: the derived series get new UIDs. Of a withdrawal: a further document, in place of one that was refused or discarded. */
  newUids: z.boolean(),
  /** Of a withdrawal: what the rejection is for, and with quality what was wrong. */
  reason: z.enum(['quality', 'safety']).nullable().default(null),
  because: z.enum(['processing', 'software', 'artifact']).nullable().default(null),
  /** Of a release: Series Instance UIDs of the withheld results that it lets go; null: written when it let go of any. */
  results: z.array(z.string()).nullable().default(null),
});
export type ActionRecord = z.infer<typeof actionRecord>;
/** An action of no particulars: on all of a series. */
export const onAll = {
  revision: null,
  task: null,
  peer: null,
  priority: null,
  newUids: false,
  reason: null,
  because: null,
  results: null,
} as const;

/** rN/swept.json: what retention has taken away. */
export const sweptRecord = z.object({ version: z.literal(1), at: time, instances: z.int(), bytes: z.int() });
export type SweptRecord = z.infer<typeof sweptRecord>;
