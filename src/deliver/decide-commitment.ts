// What is done next about a peer's storage commitment: pure, from its transactions so far (conformance statement, storage commitment).
import type { CommitmentTransaction } from '../spool/commitments.js';

export interface CommitmentPolicy {
  /** A report may take so long, ms; then it is asked again. */
  readonly waitMs: number;
  /** Transactions of one instance that may end without a commitment. */
  readonly tries: number;
}

export interface Reference {
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
}

export type CommitmentDecision =
  | { readonly kind: 'ask'; readonly instances: readonly Reference[] }
  | { readonly kind: 'wait'; readonly untilMs: number }
  /** Nothing of what is left will be committed. */
  | { readonly kind: 'end'; readonly detail: string };

/** Instances of one transaction. */
const mostInstances = 500;
const firstMs = 30_000;
const longestMs = 900_000;

/** Failure Reasons, and statuses of the answer, that asking again does not mend. */
const permanent: ReadonlySet<number> = new Set([0x0117, 0x0119, 0x0122, 0x0123, 0x0124, 0x0211]);
/** Failure Reasons after which it is asked again at once: sent again (0112), or with another Transaction UID (0131). */
const atOnce: ReadonlySet<number> = new Set([0x0112, 0x0131]);

type Ending =
  /** `counts`: as a try; `delay`: the next one waits. */
  | {
      readonly kind: 'failed';
      readonly endedMs: number;
      readonly counts: boolean;
      readonly delay: boolean;
      readonly transactionUid: string;
      readonly why: string;
    }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'pending'; readonly untilMs: number };

const hex = (code: number): string => code.toString(16).toUpperCase().padStart(4, '0');

/** How a transaction has ended for one of its instances, which it has not committed. */
function endingOf(
  { asked, answer, report }: CommitmentTransaction,
  uid: string,
  waitMs: number,
  nowMs: number,
): Ending {
  const askedMs = Date.parse(asked.at);
  const { transactionUid } = asked;
  if (report !== null) {
    const reason = report.failed.find(({ sopInstanceUid }) => sopInstanceUid === uid)?.reason;
    if (reason === undefined) {
      const why = 'the report does not name the instance';
      return { kind: 'failed', endedMs: Date.parse(report.at), counts: true, delay: true, transactionUid, why };
    }
    const why = `Failure Reason ${hex(reason)}`;
    if (permanent.has(reason)) return { kind: 'refused', why };
    return {
      kind: 'failed',
      endedMs: Date.parse(report.at),
      counts: true,
      delay: !atOnce.has(reason),
      transactionUid,
      why,
    };
  }
  // The process was ended before the answer: whether the peer was asked is unknown, and asking again harms nothing.
  if (answer === null)
    return { kind: 'failed', endedMs: askedMs, counts: false, delay: false, transactionUid, why: 'interrupted' };
  const endedMs = Date.parse(answer.at);
  if (answer.status === null) {
    return { kind: 'failed', endedMs, counts: true, delay: true, transactionUid, why: answer.code ?? 'no answer' };
  }
  if (answer.status !== 0) {
    const why = `status ${hex(answer.status)}`;
    return permanent.has(answer.status)
      ? { kind: 'refused', why }
      : { kind: 'failed', endedMs, counts: true, delay: true, transactionUid, why };
  }
  const untilMs = askedMs + waitMs;
  // Asked by a clock that was ahead by more than the whole wait: it was asked long ago.
  if (nowMs < untilMs && askedMs - nowMs <= waitMs) return { kind: 'pending', untilMs };
  return { kind: 'failed', endedMs: untilMs, counts: true, delay: false, transactionUid, why: 'no report' };
}

interface InstanceWord {
  readonly dueMs: number;
  readonly pending: boolean;
  readonly refused: string | null;
}

function wordOf(
  uid: string,
  own: readonly CommitmentTransaction[],
  others: readonly CommitmentTransaction[],
  policy: CommitmentPolicy,
  nowMs: number,
): InstanceWord {
  const holds = ({ asked }: CommitmentTransaction): boolean =>
    asked.instances.some(({ sopInstanceUid }) => sopInstanceUid === uid);
  const endings = own.filter(holds).map((transaction) => endingOf(transaction, uid, policy.waitMs, nowMs));
  const elsewhere = others.filter(holds).map((transaction) => endingOf(transaction, uid, policy.waitMs, nowMs));
  const pending = [...endings, ...elsewhere].filter((ending) => ending.kind === 'pending');
  if (pending.length > 0) {
    return { dueMs: Math.max(...pending.map(({ untilMs }) => untilMs)), pending: true, refused: null };
  }
  const last = endings.at(-1);
  if (last === undefined || last.kind === 'pending') return { dueMs: -Infinity, pending: false, refused: null };
  if (last.kind === 'refused') return { dueMs: Infinity, pending: false, refused: last.why };
  const failed = endings.filter((ending) => ending.kind === 'failed');
  const tries = failed.filter(({ counts }) => counts).length;
  if (tries >= policy.tries) return { dueMs: Infinity, pending: false, refused: `${last.why}, asked ${tries} times` };
  // Ended, by a clock that was ahead, at a time from which no wait can be told.
  if (last.endedMs - nowMs > longestMs) return { dueMs: -Infinity, pending: false, refused: null };
  const wait = last.delay ? backOffMs(tries, last.transactionUid) : 0;
  return { dueMs: last.endedMs + wait, pending: false, refused: null };
}

/** Full jitter, never below a tenth of the first wait. Its share follows from the UID: asked again, it says the same time. */
function backOffMs(tries: number, transactionUid: string): number {
  const ceilingMs = Math.min(longestMs, firstMs * 2 ** Math.max(0, tries - 1));
  return Math.max(firstMs / 10, Math.round(ceilingMs * shareOf(transactionUid)));
}

/** A number from 0 to 1 that looks random: FNV-1a of the text, its bits mixed once more. */
function shareOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 0xffffffff;
}

/**
 * Decides about the instances of a delivery that the peer has stored and not committed itself to.
 *
 * @param own transactions of this delivery, in order; `others`: those of earlier and later revisions to the same peer
 */
export function decideCommitment(
  instances: readonly Reference[],
  transactions: {
    readonly own: readonly CommitmentTransaction[];
    readonly others: readonly CommitmentTransaction[];
  },
  policy: CommitmentPolicy,
  nowMs: number,
): CommitmentDecision {
  const due: Reference[] = [];
  const refusals = new Map<string, number>();
  let untilMs = Infinity;
  for (const instance of instances) {
    const word = wordOf(instance.sopInstanceUid, transactions.own, transactions.others, policy, nowMs);
    if (word.refused !== null) refusals.set(word.refused, (refusals.get(word.refused) ?? 0) + 1);
    else if (!word.pending && word.dueMs <= nowMs) due.push(instance);
    else untilMs = Math.min(untilMs, word.dueMs);
  }
  if (due.length > 0) return { kind: 'ask', instances: due.slice(0, mostInstances) };
  if (untilMs < Infinity) return { kind: 'wait', untilMs };
  const detail = [...refusals].map(([why, count]) => `${count}: ${why}`).join('; ');
  return { kind: 'end', detail };
}
