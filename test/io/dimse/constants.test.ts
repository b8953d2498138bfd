// limpid's constants against those of an independent implementation.
import { describe, expect, it } from '@jest/globals';
import dimse from 'dcmjs-dimse';
import {
  SopClass,
  Status,
  TransferSyntax,
  decodableSyntaxes,
  isStorageClass,
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

  it('know each of its storage classes', () => {
    for (const [name, uid] of Object.entries<string>({ ...theirs.StorageClass }))
      expect({ name, isStorage: isStorageClass(uid) }).toEqual({ name, isStorage: true });
  });
});
