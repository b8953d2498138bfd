/** An audit message and its XML (PS3.15 Annex A.5.1). Pure. */
import { DOMImplementation, XMLSerializer } from '@xmldom/xmldom';
import type { Document, Element } from '@xmldom/xmldom';
import { idTypes } from './codes.js';
import type { Coded } from './codes.js';

export type Action = 'C' | 'R' | 'U' | 'D' | 'E';
/** 0 success, 4 minor failure, 8 serious failure. */
export type OutcomeIndicator = 0 | 4 | 8;

/** Where on the network somebody is reached. */
export interface AccessPoint {
  readonly kind: 'name' | 'address' | 'uri';
  readonly id: string;
}

export interface Participant {
  readonly userId: string;
  readonly alternativeUserId?: string;
  readonly isRequestor: boolean;
  readonly roles: readonly Coded[];
  readonly accessPoint: AccessPoint | null;
}

/** Instances of one study and their patient. */
export interface Subject {
  readonly studyInstanceUid: string;
  readonly studyDescription: string;
  readonly accessionNumbers: readonly string[];
  readonly patientId: string;
  readonly patientName: string;
  /** Number of instances by SOP Class UID. */
  readonly classes: ReadonlyMap<string, number>;
}

/** A node of the network that an alert is about. */
export interface AlertedNode {
  readonly id: string;
  readonly description: string;
}

export interface AuditMessage {
  readonly event: Coded;
  readonly types: readonly Coded[];
  readonly action: Action;
  readonly atMs: number;
  readonly outcome: OutcomeIndicator;
  readonly outcomeText: string;
  readonly participants: readonly Participant[];
  readonly subject: Subject | null;
  readonly alerted: AlertedNode | null;
}

/** Who reports: Audit Source ID, and of which site. */
export interface AuditSource {
  readonly id: string;
  readonly enterpriseSite: string | null;
}

const accessPointCodes = { name: '1', address: '2', uri: '5' } as const;
/** Application server process (Audit Source Type Code). */
const applicationServer = '4';

/** Text as XML 1.0 can hold it: what it cannot (a control character of an AE title) becomes a question mark. */
const plain = (value: string): string =>
  value.replaceAll(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '?');

type Attributes = Readonly<Record<string, string | undefined>>;

class Tree {
  readonly #document: Document = new DOMImplementation().createDocument(null, '');

  element(name: string, attributes: Attributes, children: readonly Element[] | string = []): Element {
    const made = this.#document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (value !== undefined) made.setAttribute(key, plain(value));
    }
    if (typeof children === 'string') made.appendChild(this.#document.createTextNode(plain(children)));
    else for (const child of children) made.appendChild(child);
    return made;
  }

  coded(name: string, { code, system, meaning }: Coded): Element {
    return this.element(name, { 'csd-code': code, codeSystemName: system, originalText: meaning });
  }
}

/** The message as XML, without declaration: the syslog message around it says that it is UTF-8. */
export function auditXml(message: AuditMessage, source: AuditSource): string {
  const tree = new Tree();
  const { subject, alerted } = message;
  const root = tree.element('AuditMessage', {}, [
    eventOf(tree, message),
    ...message.participants.map((participant) => participantOf(tree, participant)),
    tree.element(
      'AuditSourceIdentification',
      { AuditEnterpriseSiteID: source.enterpriseSite ?? undefined, AuditSourceID: source.id },
      [tree.element('AuditSourceTypeCode', { 'csd-code': applicationServer })],
    ),
    ...(subject === null ? [] : [studyOf(tree, subject), patientOf(tree, subject)]),
    ...(alerted === null ? [] : [alertedOf(tree, alerted)]),
  ]);
  return new XMLSerializer().serializeToString(root);
}

function eventOf(tree: Tree, { event, types, action, atMs, outcome, outcomeText }: AuditMessage): Element {
  const attributes = {
    EventActionCode: action,
    EventDateTime: new Date(atMs).toISOString(),
    EventOutcomeIndicator: String(outcome),
  };
  return tree.element('EventIdentification', attributes, [
    tree.coded('EventID', event),
    ...types.map((type) => tree.coded('EventTypeCode', type)),
    ...(outcomeText === '' ? [] : [tree.element('EventOutcomeDescription', {}, outcomeText)]),
  ]);
}

function participantOf(tree: Tree, participant: Participant): Element {
  const { accessPoint } = participant;
  const attributes = {
    UserID: participant.userId,
    AlternativeUserID: participant.alternativeUserId,
    UserIsRequestor: String(participant.isRequestor),
    NetworkAccessPointID: accessPoint?.id,
    NetworkAccessPointTypeCode: accessPoint === null ? undefined : accessPointCodes[accessPoint.kind],
  };
  return tree.element(
    'ActiveParticipant',
    attributes,
    participant.roles.map((role) => tree.coded('RoleIDCode', role)),
  );
}

function studyOf(tree: Tree, { studyInstanceUid, studyDescription, accessionNumbers, classes }: Subject): Element {
  const description = [
    ...accessionNumbers.map((number) => tree.element('Accession', { Number: number })),
    ...[...classes].map(([uid, count]) => tree.element('SOPClass', { UID: uid, NumberOfInstances: String(count) })),
  ];
  return tree.element(
    'ParticipantObjectIdentification',
    { ParticipantObjectID: studyInstanceUid, ParticipantObjectTypeCode: '2', ParticipantObjectTypeCodeRole: '3' },
    [
      tree.coded('ParticipantObjectIDTypeCode', idTypes.studyInstanceUid),
      tree.element('ParticipantObjectName', {}, studyDescription),
      tree.element('ParticipantObjectDescription', {}, description),
    ],
  );
}

function patientOf(tree: Tree, { patientId, patientName }: Subject): Element {
  return tree.element(
    'ParticipantObjectIdentification',
    { ParticipantObjectID: patientId, ParticipantObjectTypeCode: '1', ParticipantObjectTypeCodeRole: '1' },
    [
      tree.coded('ParticipantObjectIDTypeCode', idTypes.patientNumber),
      tree.element('ParticipantObjectName', {}, patientName),
    ],
  );
}

function alertedOf(tree: Tree, { id, description }: AlertedNode): Element {
  const value = Buffer.from(description, 'utf8').toString('base64');
  return tree.element('ParticipantObjectIdentification', { ParticipantObjectID: id, ParticipantObjectTypeCode: '2' }, [
    tree.coded('ParticipantObjectIDTypeCode', idTypes.nodeId),
    tree.element('ParticipantObjectName', {}, id),
    tree.element('ParticipantObjectDetail', { type: 'Alert Description', value }),
  ]);
}
