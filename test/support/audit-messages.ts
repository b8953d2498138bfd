// Judges audit messages: by the grammar of PS3.15 A.5.1 (xmllint), and reads what they say.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DOMParser } from '@xmldom/xmldom';
import type { Element } from '@xmldom/xmldom';
import { runTool } from './peer-processes.js';

const grammar = fileURLToPath(new URL('../../../test/support/audit-message.rng', import.meta.url));

/** @returns what xmllint finds wrong with each message; nothing where all are right */
export async function grammarFaults(folder: string, messages: readonly string[]): Promise<string[]> {
  const files = await Promise.all(
    messages.map(async (xml, index) => {
      const file = join(folder, `message-${index}.xml`);
      await writeFile(file, xml);
      return file;
    }),
  );
  const { output } = await runTool('xmllint', ['--noout', '--relaxng', grammar, ...files]);
  const right = output.split('\n').filter((line) => line.endsWith(' validates')).length;
  return right === messages.length ? [] : output.split('\n').filter((line) => !line.endsWith(' validates'));
}

export interface ReadParticipant {
  readonly user: string;
  readonly roles: readonly string[];
  readonly isRequestor: boolean;
}

/** An audit message as a reader of the repository sees it. */
export interface ReadMessage {
  readonly event: string;
  readonly types: readonly string[];
  readonly action: string;
  readonly outcome: string;
  readonly text: string;
  readonly source: string;
  readonly participants: readonly ReadParticipant[];
  /** IDs by the meaning of their type: `Study Instance UID`, `Patient Number`, `Node ID`. */
  readonly objects: Readonly<Record<string, string>>;
  readonly names: readonly string[];
  readonly classes: Readonly<Record<string, number>>;
}

/** @throws where it is no XML */
export function readAuditMessage(xml: string): ReadMessage {
  const root = new DOMParser({
    onError: (level, message) => {
      throw new Error(`${level}: ${message}`);
    },
  }).parseFromString(xml, 'text/xml').documentElement;
  if (root === null) throw new Error('no element');
  const all = (parent: Element, name: string): Element[] => [...parent.getElementsByTagName(name)];
  const meanings = (parent: Element, name: string) =>
    all(parent, name).map((element) => element.getAttribute('originalText') ?? '');
  const [event] = all(root, 'EventIdentification');
  const objects = all(root, 'ParticipantObjectIdentification');
  return {
    event: meanings(root, 'EventID')[0] ?? '',
    types: meanings(root, 'EventTypeCode'),
    action: event?.getAttribute('EventActionCode') ?? '',
    outcome: event?.getAttribute('EventOutcomeIndicator') ?? '',
    text: all(root, 'EventOutcomeDescription')[0]?.textContent ?? '',
    source: all(root, 'AuditSourceIdentification')[0]?.getAttribute('AuditSourceID') ?? '',
    participants: all(root, 'ActiveParticipant').map((element) => ({
      user: element.getAttribute('UserID') ?? '',
      roles: meanings(element, 'RoleIDCode'),
      isRequestor: element.getAttribute('UserIsRequestor') === 'true',
    })),
    objects: Object.fromEntries(
      objects.map((object) => [
        meanings(object, 'ParticipantObjectIDTypeCode')[0] ?? '',
        object.getAttribute('ParticipantObjectID') ?? '',
      ]),
    ),
    names: objects.map((object) => all(object, 'ParticipantObjectName')[0]?.textContent ?? ''),
    classes: Object.fromEntries(
      all(root, 'SOPClass').map((element) => [
        element.getAttribute('UID') ?? '',
        Number(element.getAttribute('NumberOfInstances')),
      ]),
    ),
  };
}

/** Header and text of a syslog message. @throws where it is none of RFC 5424 */
export function readSyslog(message: string): {
  readonly priority: number;
  readonly header: string;
  readonly xml: string;
} {
  const found = /^<(\d{1,3})>1 (\S+ \S+ \S+ \S+ \S+) - \uFEFF(.*)$/s.exec(message);
  if (found === null) throw new Error(`no syslog message: ${message.slice(0, 80)}`);
  const [, priority = '', header = '', xml = ''] = found;
  return { priority: Number(priority), header, xml };
}
