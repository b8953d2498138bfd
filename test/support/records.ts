// Records with sensible values, for tests that care about one of them.
import { instanceNameOf, keyOf } from '../../src/spool/key.js';
import { onAll } from '../../src/spool/records.js';
import type {
  ActionRecord,
  DecisionRecord,
  DeliveryClass,
  DeliveryRecord,
  InstanceRecord,
  OutcomeRecord,
  ResolvedTask,
  SeriesRecord,
} from '../../src/spool/records.js';
import type { RevisionState, SeriesState } from '../../src/spool/state.js';

const sha256 = 'a'.repeat(64);
export const at = '2026-01-01T00:00:00.000Z';
export const key = keyOf('1.2.3', '1.2.3.4');

export function instanceRecord(sopInstanceUid: string): InstanceRecord {
  return {
    file: instanceNameOf(sopInstanceUid),
    sopInstanceUid,
    sopClassUid: '1.2.840.10008.5.1.4.1.1.2',
    transferSyntaxUid: '1.2.840.10008.1.2.1',
    sha256,
    bytes: 100,
  };
}

export function seriesRecord(
  revision: number,
  uids: readonly string[],
  change: Partial<SeriesRecord> = {},
): SeriesRecord {
  return {
    version: 1,
    key,
    revision,
    cause: revision === 1 ? 'arrival' : 'late',
    closed: 'quiet',
    openedAt: at,
    closedAt: at,
    studyInstanceUid: '1.2.3',
    seriesInstanceUid: '1.2.3.4',
    sources: [{ peer: 'ct1', callingAe: 'CT1', calledAe: 'LIMPID', address: '127.0.0.1' }],
    remake: 1,
    action: null,
    instances: uids.map(instanceRecord),
    variants: [],
    warnings: [],
    ...change,
  };
}

export function resolvedTask(change: Partial<ResolvedTask> = {}): ResolvedTask {
  return {
    name: 'ct-low-dose-12345678',
    rule: 'chest',
    slot: 1,
    model: { id: 'ct-low-dose', version: '1.0.0', sha256, kind: 'network' },
    settings: { task: 'denoise', strength: 0.4 },
    settingsSha256: sha256,
    strength: 0.4,
    lift: [],
    gate: { verdict: 'run', reasons: [], warnings: [] },
    deliver: ['pacs'],
    late: 'keep',
    ...change,
  };
}

export function decisionRecord(revision: number, change: Partial<DecisionRecord> = {}): DecisionRecord {
  return {
    version: 1,
    key,
    revision,
    decidedAt: at,
    config: 1,
    modality: 'CT',
    priority: 'routine',
    rules: [],
    tasks: [resolvedTask()],
    forward: [],
    commit: [],
    held: [],
    ...change,
  };
}

export function outcomeRecord(uids: readonly string[], change: Partial<OutcomeRecord> = {}): OutcomeRecord {
  return {
    version: 1,
    task: 'ct-low-dose-12345678',
    outcome: 'enhanced',
    code: null,
    detail: '',
    startedAt: at,
    endedAt: at,
    sameAs: null,
    seriesInstanceUid: '2.25.1',
    provider: 'cpu',
    threads: 1,
    strength: { asked: 0.4, effective: 0.4, reached: 0.4, blend: 0.5 },
    noise: { before: 20, after: 12, unit: 'HU' },
    figures: {},
    grade: null,
    neighbours: null,
    warnings: [],
    modelSeconds: 1,
    instances: uids.map((uid, index) => ({
      file: `${String(index + 1).padStart(5, '0')}.dcm`,
      sopInstanceUid: `${uid}.9`,
      sopClassUid: '1.2.840.10008.5.1.4.1.1.2',
      transferSyntaxUid: '1.2.840.10008.1.2.1',
      sha256,
      bytes: 100,
      source: uid,
    })),
    ...change,
  };
}

export function deliveryRecord(classes: Readonly<Record<string, DeliveryClass>>): DeliveryRecord {
  return {
    version: 1,
    at,
    peer: 'pacs',
    association: null,
    instances: Object.entries(classes).map(([sopInstanceUid, outcome]) => ({
      sopInstanceUid,
      class: outcome,
      status: 0,
      comment: '',
    })),
  };
}

export function actionRecord(change: Partial<ActionRecord>): ActionRecord {
  return {
    version: 1,
    at,
    by: 'operator',
    kind: 'release',
    why: 'test',
    ...onAll,
    ...change,
  };
}

/** A revision by its records. */
export function revisionState(
  record: SeriesRecord,
  decision: DecisionRecord | null = null,
  outcome: OutcomeRecord | null = null,
  deliveries: Record<string, DeliveryRecord[]> = {},
): RevisionState {
  return {
    record,
    decision,
    tasks: new Map((decision?.tasks ?? []).map(({ name }) => [name, { started: 0, died: 0, drained: 0, outcome }])),
    deliveries: new Map(Object.entries(deliveries)),
    begun: new Set(),
    commitments: new Map(),
    swept: false,
  };
}

/** A series by its revisions and what people did. */
export function seriesState(
  revisions: RevisionState[],
  actions: ActionRecord[] = [],
  extraFiles: string[] = [],
): SeriesState {
  const listed = revisions.flatMap(({ record }) => record.instances.map(({ file }) => file));
  return {
    key,
    files: [...new Set([...listed, ...extraFiles])],
    revisions,
    promisedUntilMs: -Infinity,
    actions: actions.map((action, index) => ({ number: index + 1, file: `00${index + 1}.json`, action })),
  };
}
