// limpid's constants against those of an independent implementation.
import { describe, expect, it } from '@jest/globals';
import dimse from 'dcmjs-dimse';
import { readDataSet } from '../../../src/dicom/data-set.js';
import { encodeElement } from '../../../src/dicom/element.js';
import { transferSyntax, transferSyntaxes } from '../../../src/dicom/uids.js';
import { text } from '../../../src/dicom/values.js';
import {
  SopClass,
  Status,
  TransferSyntax,
  decodableSyntaxes,
  isStorageClass,
  keptSyntaxes,
} from '../../../src/io/dimse/constants.js';

const theirs = dimse.constants;

describe('the constants', () => {
  it('are those of dcmjs-dimse', () => {
    expect(Object.values(TransferSyntax)).toEqual([
      theirs.TransferSyntax.ImplicitVRLittleEndian,
      theirs.TransferSyntax.ExplicitVRLittleEndian,
      theirs.TransferSyntax.ExplicitVRBigEndian,
      theirs.TransferSyntax.DeflatedExplicitVRLittleEndian,
    ]);
    expect(SopClass.Verification).toBe(theirs.SopClass.Verification);
    const codes: Readonly<Record<string, number>> = theirs.Status;
    const renamed: Readonly<Record<string, string>> = {
      DuplicateSopInstance: 'DuplicateSOPInstance',
      DataSetDoesNotMatch: 'DataSetSopClassMismatch',
    };
    const shared = Object.entries(Status).filter(([name]) => codes[renamed[name] ?? name] !== undefined);
    expect(shared.length).toBeGreaterThan(12);
    for (const [name, code] of shared) expect({ name, code }).toEqual({ name, code: codes[renamed[name] ?? name] });
  });

  it('take each image syntax of dcmjs-dimse but JPEG XL', () => {
    const images = Object.entries<string>({ ...theirs.TransferSyntax }).filter(([name]) => !name.startsWith('JpegXl'));
    for (const [name, uid] of images)
      expect({ name, taken: decodableSyntaxes.has(uid) }).toEqual({ name, taken: true });
  });

  it('name no syntax that a data set cannot be opened in', () => {
    for (const uid of [...decodableSyntaxes, ...keptSyntaxes]) expect(transferSyntax(uid)).toMatchObject({ uid });
    expect(decodableSyntaxes.size + keptSyntaxes.size).toBe(transferSyntaxes.length);
  });

  it.each(['1.2.840.10008.1.2.4.100.1', '1.2.840.10008.1.2.4.104', '1.2.840.10008.1.2.4.108', '1.2.840.10008.1.2.8.1'])(
    'keep %s, and the header of what comes in it is read',
    (uid) => {
      expect(keptSyntaxes.has(uid)).toBe(true);
      const dataSet = readDataSet(encodeElement(0x00080060, 'CS', 'US'), uid);
      expect(text(dataSet, 'Modality')).toBe('US');
    },
  );

  it('know each of its storage classes', () => {
    for (const [name, uid] of Object.entries<string>({ ...theirs.StorageClass }))
      expect({ name, isStorage: isStorageClass(uid) }).toEqual({ name, isStorage: true });
  });
});
