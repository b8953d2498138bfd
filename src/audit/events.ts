/** What limpid tells an audit repository (PS3.15 Annex A.5.3), each event as a message. Pure. */
import { events, eventTypes, roles } from './codes.js';
import type { Coded } from './codes.js';
import type { AccessPoint, AuditMessage, OutcomeIndicator, Participant, Subject } from './message.js';

/** The process that reports. */
export interface ReportingNode {
  readonly aeTitle: string;
  readonly host: string;
  readonly processId: string;
  /** Account that it runs under. */
  readonly account: string;
}

/** Somebody else on the network: an AE title, or what stands for it. */
export interface OtherNode {
  readonly userId: string;
  readonly accessPoint: AccessPoint | null;
}

/** How an event ended; `text` is empty where there is nothing to say. */
export interface EventOutcome {
  readonly indicator: OutcomeIndicator;
  readonly text: string;
}

const succeeded: EventOutcome = { indicator: 0, text: '' };
/** A description is read by people. */
const longestText = 1024;

function message(
  event: Coded,
  action: AuditMessage['action'],
  atMs: number,
  rest: Partial<Pick<AuditMessage, 'types' | 'participants' | 'subject' | 'alerted'>> & {
    readonly outcome?: EventOutcome;
  },
): AuditMessage {
  const { outcome = succeeded, types = [], participants = [], subject = null, alerted = null } = rest;
  const outcomeText = outcome.text.slice(0, longestText);
  return { event, types, action, atMs, outcome: outcome.indicator, outcomeText, participants, subject, alerted };
}

const own = (node: ReportingNode, isRequestor: boolean, ...as: readonly Coded[]): Participant => ({
  userId: node.aeTitle,
  alternativeUserId: node.processId,
  isRequestor,
  roles: as,
  accessPoint: { kind: 'name', id: node.host },
});

const other = ({ userId, accessPoint }: OtherNode, isRequestor: boolean, ...as: readonly Coded[]): Participant => ({
  userId: userId === '' ? 'unknown' : userId, // mandatory, and a caller may have no name

  isRequestor,
  roles: as,
  accessPoint,
});

/** A process of the node begins to work, or has ended. */
export function applicationActivity(node: ReportingNode, what: 'start' | 'stop', atMs: number): AuditMessage {
  return message(events.applicationActivity, 'E', atMs, {
    types: [what === 'start' ? eventTypes.applicationStart : eventTypes.applicationStop],
    participants: [
      own(node, false, roles.application),
      { userId: node.account, isRequestor: true, roles: [roles.applicationLauncher], accessPoint: null },
    ],
  });
}

/** A series has come. `conflicts`: instances among it that were here before with other bytes. */
export function seriesReceived(
  node: ReportingNode,
  sources: readonly OtherNode[],
  subject: Subject,
  conflicts: number,
  atMs: number,
): AuditMessage {
  const conflict: EventOutcome = {
    indicator: 4,
    text: `${conflicts} of the instances came again with other bytes; the first ones stay`,
  };
  return message(events.instancesTransferred, conflicts === 0 ? 'C' : 'R', atMs, {
    participants: [...sources.map((source) => other(source, true, roles.source)), own(node, false, roles.destination)],
    subject,
    ...(conflicts === 0 ? {} : { outcome: conflict }),
  });
}

/** Instances begin to go to a peer. `by`: the person who asked for it; null: a rule did. */
export function sendingBegun(
  node: ReportingNode,
  peer: OtherNode,
  subject: Subject,
  by: string | null,
  atMs: number,
): AuditMessage {
  return message(events.beginTransferring, 'E', atMs, { participants: transfer(node, peer, by), subject });
}

/** Instances have gone to a peer, or not. */
export function sendingEnded(
  node: ReportingNode,
  peer: OtherNode,
  subject: Subject,
  by: string | null,
  outcome: EventOutcome,
  atMs: number,
): AuditMessage {
  return message(events.instancesTransferred, 'R', atMs, { participants: transfer(node, peer, by), subject, outcome });
}

function transfer(node: ReportingNode, peer: OtherNode, by: string | null): Participant[] {
  const person: Participant[] = by === null ? [] : [{ userId: by, isRequestor: true, roles: [], accessPoint: null }];
  return [own(node, by === null, roles.source), other(peer, false, roles.destination), ...person];
}

/** A task has read a series. */
export function sourceRead(node: ReportingNode, subject: Subject, outcome: EventOutcome, atMs: number): AuditMessage {
  return message(events.instancesAccessed, 'R', atMs, { participants: [own(node, true)], subject, outcome });
}

/** A task has made instances. */
export function resultMade(node: ReportingNode, subject: Subject, atMs: number): AuditMessage {
  return message(events.instancesAccessed, 'C', atMs, { participants: [own(node, true)], subject });
}

/** Somebody was not let in. `why` says what he lacked. */
export function callerRefused(
  node: ReportingNode,
  caller: { readonly aeTitle: string; readonly address: string },
  why: string,
  atMs: number,
): AuditMessage {
  const accessPoint = caller.address === '' ? null : ({ kind: 'address', id: caller.address } as const);
  const userId = caller.aeTitle === '' ? caller.address : caller.aeTitle;
  return message(events.securityAlert, 'E', atMs, {
    types: [eventTypes.nodeAuthentication],
    participants: [own(node, false), other({ userId, accessPoint }, true)],
    alerted: { id: caller.address || userId || 'unknown', description: why },
    outcome: { indicator: 4, text: why },
  });
}
