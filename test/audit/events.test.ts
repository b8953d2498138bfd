import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  applicationActivity,
  callerRefused,
  resultMade,
  seriesReceived,
  sendingBegun,
  sendingEnded,
  sourceRead,
} from '../../src/audit/events.js';
import { auditXml } from '../../src/audit/message.js';
import type { AuditMessage, Subject } from '../../src/audit/message.js';
import { grammarFaults, readAuditMessage } from '../support/audit-messages.js';
import { describeWithPeers } from '../support/peers.js';
import { withFolder } from '../support/temporary.js';

const node = { aeTitle: 'LIMPID', host: 'node-1', processId: '4711', account: 'limpid' };
const source = { id: 'limpid', enterpriseSite: 'north' };
const pacs = { userId: 'PACS', accessPoint: { kind: 'name', id: 'pacs.example' } } as const;
const ct1 = { userId: 'CT1', accessPoint: { kind: 'address', id: '10.0.0.7' } } as const;
const ctImage = '1.2.840.10008.5.1.4.1.1.2';
const subject: Subject = {
  studyInstanceUid: '1.2.3',
  studyDescription: 'CHEST <1 mm> & "bone"',
  accessionNumbers: ['A-1'],
  patientId: 'P1',
  patientName: 'Müller^Jörg',
  classes: new Map([[ctImage, 300]]),
};
const atMs = Date.UTC(2026, 10, 22, 8, 0, 0, 123);
const all: readonly AuditMessage[] = [
  applicationActivity(node, 'start', atMs),
  applicationActivity(node, 'stop', atMs),
  seriesReceived(node, [ct1], subject, 0, atMs),
  seriesReceived(node, [ct1, pacs], subject, 2, atMs),
  sendingBegun(node, pacs, subject, null, atMs),
  sendingEnded(node, pacs, subject, 'dr.house', { indicator: 4, text: '1 of 2 instances were taken' }, atMs),
  sourceRead(node, subject, { indicator: 0, text: '' }, atMs),
  resultMade(node, subject, atMs),
  callerRefused(node, { aeTitle: 'EVIL', address: '10.0.0.9' }, 'the calling AE title is no peer of this node', atMs),
  callerRefused(node, { aeTitle: '', address: '' }, 'TLS refused: CERT', atMs),
];

describe('audit messages', () => {
  it('say who sent whose instances, and how it ended', () => {
    expect(readAuditMessage(auditXml(all[3] ?? fail(), source))).toEqual({
      event: 'DICOM Instances Transferred',
      types: [],
      action: 'R',
      outcome: '4',
      text: '2 of the instances came again with other bytes; the first ones stay',
      source: 'limpid',
      participants: [
        { user: 'CT1', roles: ['Source Role ID'], isRequestor: true },
        { user: 'PACS', roles: ['Source Role ID'], isRequestor: true },
        { user: 'LIMPID', roles: ['Destination Role ID'], isRequestor: false },
      ],
      objects: { 'Study Instance UID': '1.2.3', 'Patient Number': 'P1' },
      names: ['CHEST <1 mm> & "bone"', 'Müller^Jörg'],
      classes: { [ctImage]: 300 },
    });
  });

  it('name the person who asked for a withdrawal', () => {
    const { participants } = readAuditMessage(auditXml(all[5] ?? fail(), source));
    expect(participants).toEqual([
      { user: 'LIMPID', roles: ['Source Role ID'], isRequestor: false },
      { user: 'PACS', roles: ['Destination Role ID'], isRequestor: false },
      { user: 'dr.house', roles: [], isRequestor: true },
    ]);
  });

  it('tell of the node whose call was refused', () => {
    const refused = readAuditMessage(auditXml(all[8] ?? fail(), source));
    expect(refused).toMatchObject({
      event: 'Security Alert',
      types: ['Node Authentication'],
      outcome: '4',
      objects: { 'Node ID': '10.0.0.9' },
    });
    expect(refused.participants[1]).toEqual({ user: 'EVIL', roles: [], isRequestor: true });
  });

  it('are XML whatever a header or a caller says', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary', minLength: 1 }), (name, title) => {
        const from = { userId: title, accessPoint: null };
        const message = seriesReceived(node, [from], { ...subject, patientName: name }, 0, atMs);
        const read = readAuditMessage(auditXml(message, source));
        const held = name.replaceAll(/[^\t\n\r\u{20}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '?');
        const withoutSpace = (value: string) => value.replaceAll(/\s/g, ''); // line ends are one in XML
        expect(withoutSpace(read.names[1] ?? '')).toBe(withoutSpace(held));
        expect(read.participants).toHaveLength(2);
      }),
    );
  });
});

function fail(): never {
  throw new Error('no such message');
}

describeWithPeers(['xmllint'], 'the grammar of PS3.15 A.5.1', () => {
  it('holds for every event', async () => {
    await withFolder(async (folder) => {
      const messages = all.map((message) => auditXml(message, source));
      expect(await grammarFaults(folder, messages)).toEqual([]);
    });
  });

  it('is not held by anything else', async () => {
    await withFolder(async (folder) => {
      const right = auditXml(all[2] ?? fail(), source);
      const wrong = [
        right.replace('EventActionCode="C"', 'EventActionCode="X"'),
        right.replace(/<ActiveParticipant.*<\/ActiveParticipant>/, ''),
        right.replace('csd-code="110104"', 'code="110104"'),
        right.replace('NumberOfInstances="300"', ''),
      ];
      for (const message of wrong) expect(await grammarFaults(folder, [message])).not.toEqual([]);
    });
  });
});
