// An instance file explains itself: who brought it is read back from its meta group, whoever that was.
import { describe, expect, it } from '@jest/globals';
import { readPart10, writeFileMeta } from '../../src/dicom/part10.js';
import { uidOf } from '../../src/dicom/uid.js';
import { arrivalMeta, arrivalSource } from '../../src/spool/arrival.js';

const identity = {
  sopClassUid: '1.2.840.10008.5.1.4.1.1.2',
  sopInstanceUid: '1.1',
  transferSyntaxUid: '1.2.840.10008.1.2.1',
};
const metaOf = (bytes: Uint8Array) => readPart10(Buffer.concat([bytes, Buffer.alloc(16)])).meta;

describe('who brought an instance', () => {
  it.each([1, 2, 3, 4, 31, 32])('is read back where the name of the peer has %i letters', (letters) => {
    const source = { peer: 'p'.repeat(letters), callingAe: 'CT1', calledAe: 'LIMPID', address: '127.0.0.1' };
    expect(arrivalSource(metaOf(arrivalMeta(identity, { ...source, port: 104 }, 0)))).toEqual(source);
  });
  it.each([
    ['127.0.0.1', 'dicom:127.0.0.1:50104'],
    ['2001:db8::7', 'dicom:[2001:db8::7]:50104'],
    ['fe80::7%eth0', 'dicom:[fe80::7%25eth0]:50104'],
  ])('has the presentation address of PS3.10: %s', (address, presentation) => {
    const source = { peer: 'ct1', callingAe: 'CT1', calledAe: 'LIMPID', address, port: 50_104 };
    const meta = metaOf(arrivalMeta(identity, source, 0));
    expect(meta.sourceAddress).toBe(presentation);
    expect(arrivalSource(meta).address).toBe(address);
  });
  it('is read back from files of earlier versions, which have the bare address', () => {
    expect(arrivalSource(metaOf(writeFileMeta({ ...identity, sourceAddress: '2001:db8::7' }))).address).toBe(
      '2001:db8::7',
    );
    expect(arrivalSource(metaOf(writeFileMeta(identity))).address).toBe('');
  });
  it('is read back with question marks for what an AE title cannot hold', () => {
    const source = { peer: 'unknown', callingAe: 'R\xd6NTGEN\\A\x01~[', calledAe: 'LIMPID', address: '127.0.0.1' };
    expect(arrivalSource(metaOf(arrivalMeta(identity, { ...source, port: 104 }, 0))).callingAe).toBe('R?NTGEN?A?~[');
  });
  it('is nobody known where the file says it in no way that limpid does', () => {
    const cut = new TextEncoder().encode('{"peer":"ct1","at');
    const own = { privateCreatorUid: uidOf('limpid-uid/1', 'arrival-facts'), privateInformation: cut };
    expect(arrivalSource(metaOf(writeFileMeta({ ...identity, ...own }))).peer).toBe('unknown');
    expect(arrivalSource(metaOf(writeFileMeta(identity))).peer).toBe('unknown');
  });
});
