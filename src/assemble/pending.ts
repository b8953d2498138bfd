// A series that is being gathered: what has come of it, and what is told of it when it is closed.
import type { Arrival, ArrivalSource } from '../spool/arrival.js';
import type { Key } from '../spool/key.js';
import { modalityLabel } from '../spool/records.js';
import type { InstanceRecord, Modality, SeriesRecord } from '../spool/records.js';
import { longerOf } from './decide.js';
import type { CompletionPolicy, PendingFacts } from './decide.js';
import { Tally } from './tally.js';

export interface Pending {
  readonly key: Key;
  readonly arrivals: Map<string, Arrival>;
  /** The same as records list them, as far as they are hashed. */
  readonly hashed: Map<string, InstanceRecord>;
  /** `besideFailed`: it was open when another one ended whose sender comes back. */
  readonly associations: Map<number, { open: boolean; count: number; besideFailed: boolean }>;
  /** Wall clock, ms since epoch. */
  readonly openedAt: number;
  firstAtMs: number;
  lastAtMs: number;
  readonly tally: Tally;
  /** By peer; `null` while it is being found out. */
  readonly policies: Map<string, CompletionPolicy | null>;
  releasedAtMs: number | null;
  releasedWithSeveral: boolean;
  mayComeAgain: boolean;
  timer: NodeJS.Timeout | null;
  closing: boolean;
}

/** @param atMs of its first instance, on the monotonic clock */
export function newPending(key: Key, openedAt: number, atMs: number): Pending {
  return {
    key,
    arrivals: new Map(),
    hashed: new Map(),
    associations: new Map(),
    openedAt,
    firstAtMs: atMs,
    lastAtMs: atMs,
    tally: new Tally(),
    policies: new Map(),
    releasedAtMs: null,
    releasedWithSeveral: false,
    mayComeAgain: false,
    timer: null,
    closing: false,
  };
}

/** Counts an instance that an open association has brought. */
export function countIn({ associations }: Pending, association: number): void {
  const known = associations.get(association) ?? { open: true, count: 0, besideFailed: false };
  known.count += 1;
  associations.set(association, known);
}

/** An association whose sender comes back has ended: the release of those that are open beside it does not say that the series is whole. */
export function markOpen({ associations }: Pending): void {
  for (const other of associations.values()) if (other.open) other.besideFailed = true;
}

/** What holds for a series of these sources; null while that is being found out. */
export function policyOf({ policies }: Pending): CompletionPolicy | null {
  let longest: CompletionPolicy | null = null;
  for (const policy of policies.values()) {
    if (policy === null) return null;
    longest = longest === null ? policy : longerOf(longest, policy);
  }
  return longest;
}

export function factsOf(pending: Pending, firstRevision: boolean, hasGaps: boolean): PendingFacts {
  return {
    firstAtMs: pending.firstAtMs,
    lastAtMs: pending.lastAtMs,
    count: pending.tally.count,
    expected: pending.tally.expected,
    allWhole: pending.tally.allWhole,
    hasGaps,
    associationOpen: [...pending.associations.values()].some(({ open }) => open),
    releasedAtMs: pending.releasedAtMs,
    releasedWithSeveral: pending.releasedWithSeveral,
    mayComeAgain: pending.mayComeAgain,
    firstRevision,
  };
}

export function modalityOf(pending: Pending): Modality {
  const first = pending.arrivals.values().next().value;
  return modalityLabel(first?.facts.modality ?? '');
}

function byFile(a: InstanceRecord, b: InstanceRecord): number {
  return a.file < b.file ? -1 : a.file > b.file ? 1 : 0;
}

/** The revision that closes it: what has come, behind what the revision before lists. Everything must be hashed. */
export function closingRecord(
  pending: Pending,
  previous: SeriesRecord | null,
  closed: { readonly why: SeriesRecord['closed']; readonly hasGaps: boolean; readonly atMs: number },
): SeriesRecord {
  const arrivals = [...pending.arrivals.values()];
  const first = arrivals[0];
  if (first === undefined) throw new Error('a revision without instances');
  const listed = new Set(previous?.instances.map(({ sopInstanceUid }) => sopInstanceUid));
  const isFirst = ({ kind, instance }: Arrival): boolean => kind === 'stored' && !listed.has(instance.sopInstanceUid);
  const recordOf = ({ instance }: Arrival): InstanceRecord => {
    const hashed = pending.hashed.get(instance.file);
    if (hashed === undefined) throw new Error('an instance without a hash');
    return hashed;
  };
  const stored = arrivals.filter(isFirst).map(recordOf);
  const variants = arrivals.filter((arrival) => !isFirst(arrival)).map(recordOf);
  const sources = new Map<string, ArrivalSource>();
  for (const source of [...(previous?.sources ?? []), ...arrivals.map((arrival) => arrival.source)]) {
    sources.set(JSON.stringify(source), source);
  }
  return {
    version: 1,
    key: pending.key,
    revision: (previous?.revision ?? 0) + 1,
    cause: previous === null ? 'arrival' : 'late',
    closed: closed.why,
    openedAt: new Date(pending.openedAt).toISOString(),
    closedAt: new Date(closed.atMs).toISOString(),
    studyInstanceUid: first.facts.studyInstanceUid,
    seriesInstanceUid: first.facts.seriesInstanceUid,
    sources: [...sources.values()],
    remake: previous?.remake ?? 1,
    action: null,
    instances: [...(previous?.instances ?? []), ...stored].sort(byFile),
    variants: [...(previous?.variants ?? []), ...variants].sort(byFile),
    warnings: closed.hasGaps ? [{ code: 'GAPS', detail: 'positions were missing when the revision was closed' }] : [],
  };
}
