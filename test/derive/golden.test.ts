// One derived object written out, to be reviewed when it changes. `GOLDEN=write` rewrites the file.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';
import type { DataSet } from '../../src/dicom/data-set.js';
import { keywordOf, tagText } from '../../src/dicom/dictionary.js';
import { encodeElement } from '../../src/dicom/element.js';
import { readInstance } from '../../src/dicom/file.js';
import { decodePixels } from '../../src/dicom/pixels.js';
import { explicitLittleEndian } from '../../src/dicom/uids.js';
import { texts } from '../../src/dicom/values.js';
import { version } from '../../src/version.js';
import { deriveInstance } from '../../src/derive/derive-instance.js';
import { described, planFor, smoothed, syntheticCt } from '../support/derivation.js';

const golden = fileURLToPath(new URL('../../../test/derive/cases/ct-image.txt', import.meta.url));
const timezone = 0x00080201;

/** One line an element; items are indented, pixels stand as their SHA-256. */
function dump(ds: DataSet, indent = ''): string {
  return ds.elements
    .map((element) => {
      const start = `${indent}${tagText(element.tag)} ${element.vr} ${keywordOf(element.tag) ?? ''}`.trimEnd();
      if (element.items !== null) {
        return `${start}\n${element.items.map((item) => `${indent}  item\n${dump(item, `${indent}    `)}`).join('')}`;
      }
      const bulk = element.vr === 'OW' || element.vr === 'OB' || element.vr === 'UN';
      const value = bulk
        ? `${element.length} bytes, sha256 ${createHash('sha256').update(ds.value(element)).digest('hex')}`
        : texts(ds, element.tag, ['ISO_IR 100']).join('\\');
      return `${start}: ${value.replaceAll(version, 'VERSION')}`.trimEnd().concat('\n');
    })
    .join('');
}

it('a derived CT image is what was reviewed', async () => {
  // With a zone of its own the object does not depend on the machine's.
  const source = described(readInstance(syntheticCt(0, new Map([[timezone, encodeElement(timezone, 'SH', '+0100')]]))));
  const stored = await decodePixels(source.dataSet, source.description, explicitLittleEndian);
  const bytes = deriveInstance(
    source,
    planFor([source]),
    smoothed(stored, source.description),
    { noiseBefore: 24.25, noiseAfter: 14.5 },
    Date.UTC(2026, 10, 21, 10, 16, 0),
  );
  const made = dump(readInstance(bytes).dataSet);
  if (process.env['GOLDEN'] === 'write') writeFileSync(golden, made);
  expect(made).toBe(readFileSync(golden, 'utf8'));
});
