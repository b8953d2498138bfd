// What a STOW-RS server says of each instance, whatever stands around its UIDs.
import { expect, it } from '@jest/globals';
import { readStowAnswer } from '../../../src/io/dicomweb/stow-answer.js';
import { processorMs } from '../../support/processor-time.js';

const answerFor = (uid: string): string =>
  JSON.stringify({ '00081199': { vr: 'SQ', Value: [{ '00081155': { vr: 'UI', Value: [uid] } }] } });

it.each(['1.2.3', '1.2.3\0', ' 1.2.3 \0\0', '\0\n1.2.3\n\0'])('frees a UID of its padding: %j', (uid) => {
  expect([...(readStowAnswer('application/dicom+json', answerFor(uid))?.stored ?? [])]).toEqual([['1.2.3', 0]]);
});

it('reads an answer at once whose UID is a megabyte of blanks', () => {
  const body = answerFor(`1${' '.repeat(1_000_000)}2`);
  const started = processorMs();
  expect(readStowAnswer('application/dicom+json', body)?.stored.size).toBe(1);
  expect(processorMs() - started).toBeLessThan(2000);
});
