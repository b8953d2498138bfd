// Whose instances an audit message is about: patient and study from the header of one of them.
import { text } from '../dicom/values.js';
import { readBeginning } from '../spool/read-beginning.js';
import type { Subject } from './message.js';

/** The last attribute that is read (Accession Number, Patient's Name and ID, Study Instance UID stand before it). */
const studyIdTag = 0x00200010;

/** Characters of a value that a message takes: more than any of these may have (PS3.5 Table 6.2-1), and few enough for all to fit a datagram. */
const longestValue = 1024;

/** A message is about the instances that are handed over, whatever becomes of their files. */
const unknown = { studyDescription: '', accessionNumbers: [], patientId: '', patientName: '' } as const;

/**
 * Reads the patient and the study of instances from the file of one of them. What a file does not say is empty: a message without a
 * name is better than none.
 */
export async function readSubject(
  file: string,
  instances: readonly { readonly sopClassUid: string }[],
  studyInstanceUid: string | null,
): Promise<Subject> {
  const classes = byClass(instances);
  const found = await readHeader(file).catch(() => null);
  if (found === null) return { ...unknown, studyInstanceUid: studyInstanceUid ?? '', classes };
  return { ...found, studyInstanceUid: studyInstanceUid ?? found.studyInstanceUid, classes };
}

async function readHeader(path: string): Promise<Omit<Subject, 'classes'>> {
  const { dataSet } = await readBeginning(path, studyIdTag);
  const value = (keyword: string): string => (text(dataSet, keyword) ?? '').slice(0, longestValue);
  return {
    studyInstanceUid: value('StudyInstanceUID'),
    studyDescription: value('StudyDescription'),
    accessionNumbers: text(dataSet, 'AccessionNumber') === null ? [] : [value('AccessionNumber')],
    patientId: value('PatientID'),
    patientName: value('PatientName'),
  };
}

/** How many there are of each SOP class. */
export function byClass(instances: readonly { readonly sopClassUid: string }[]): Subject['classes'] {
  const classes = new Map<string, number>();
  for (const { sopClassUid } of instances) classes.set(sopClassUid, (classes.get(sopClassUid) ?? 0) + 1);
  return classes;
}
