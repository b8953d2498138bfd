import { describe, expect, it } from '@jest/globals';
import { readDataSet } from '../../src/dicom/data-set.js';
import type { DataSet } from '../../src/dicom/data-set.js';
import { readInstance } from '../../src/dicom/file.js';
import { nativeDataSet } from '../../src/dicom/transcode.js';
import { itWithData, sharedBytes, sharedFiles } from '../support/shared-data.js';

const explicit = '1.2.840.10008.1.2.1';
const implicit = '1.2.840.10008.1.2';
const natives = new Set([explicit, implicit, '1.2.840.10008.1.2.2', '1.2.840.10008.1.2.1.99']);

/** Tags and values at every depth, whatever the encoding. Private elements are left out: Implicit VR loses which are sequences. */
function contents(ds: DataSet): unknown[] {
  return ds.elements
    .filter(({ tag }) => ((tag >>> 16) & 1) === 0)
    .map((element) => [
      element.tag,
      element.items === null ? Buffer.from(ds.value(element)).toString('base64') : element.items.map(contents),
    ]);
}

describe('nativeDataSet', () => {
  itWithData('carries every value of every native sample into Implicit LE, and back into Explicit LE', () => {
    let compared = 0;
    for (const file of [...sharedFiles('ct'), ...sharedFiles('mr'), ...sharedFiles('enhanced')]) {
      const { dataSet, part10 } = readInstance(sharedBytes(file));
      if (!natives.has(part10.transferSyntaxUid)) continue;
      const asImplicit = readDataSet(nativeDataSet(dataSet, implicit), implicit);
      const again = readDataSet(nativeDataSet(asImplicit, explicit), explicit);
      expect(contents(again)).toEqual(contents(asImplicit));
      if (dataSet.encoding.littleEndian) expect(contents(asImplicit)).toEqual(contents(dataSet));
      compared += 1;
    }
    expect(compared).toBeGreaterThan(20);
  });

  it('refuses a target that limpid does not write', () => {
    expect(() => nativeDataSet(readDataSet(new Uint8Array(0), explicit), '1.2.840.10008.1.2.4.70')).toThrow(
      'no syntax',
    );
  });
});
