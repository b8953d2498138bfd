// Instances whose transcoding ends its thread: tried once more, and then not for days.
import { describe, expect, it } from '@jest/globals';
import type { Outgoing } from '../../src/deliver/destination.js';
import { endingThreadsTwice } from '../../src/deliver/transcoder.js';
import type { Transcode } from '../../src/deliver/transcoder.js';
import { LimpidError } from '../../src/errors.js';
import { ThreadEnded } from '../../src/threads/thread.js';

const syntax = '1.2.840.10008.1.2.1';
const outgoing = (file: string): Outgoing => ({
  file,
  sopClassUid: '1.2.3',
  sopInstanceUid: '1.2.3.4',
  transferSyntaxUid: '1.2.840.10008.1.2.4.90',
  bytes: 1,
  origin: 'original',
});
const hangs: Transcode = () => Promise.reject(new ThreadEnded('no answer', 'no answer within 60000 ms'));
const codeOf = async (transcoding: Promise<unknown>): Promise<string> => {
  const error = await transcoding.catch((thrown: unknown) => thrown);
  return error instanceof LimpidError ? `${error.code} ${error.next}` : 'none';
};

describe('an instance whose transcoding ends its thread', () => {
  it('is tried again once; then it is given up for this peer and syntax, until a person asks anew', async () => {
    const transcode = endingThreadsTwice(hangs);
    expect(await codeOf(transcode(outgoing('a'), syntax))).toBe('INTERNAL retry');
    expect(await codeOf(transcode(outgoing('b'), syntax))).toBe('INTERNAL retry');
    expect(await codeOf(transcode(outgoing('a'), '1.2.840.10008.1.2'))).toBe('INTERNAL retry');
    expect(await codeOf(transcode(outgoing('a'), syntax))).toBe('DICOM_UNDECODABLE reject');
    expect(await codeOf(transcode(outgoing('a'), syntax))).toBe('INTERNAL retry');
    expect(await codeOf(endingThreadsTwice(hangs)(outgoing('b'), syntax))).toBe('INTERNAL retry');
  });

  it('is not given up for what is no end of a thread, nor for one end long before', async () => {
    const answers: Transcode[] = [
      () => Promise.reject(new LimpidError('SPOOL_FULL', 'no space')),
      () => Promise.reject(new LimpidError('INTERNAL', 'EIO')),
      () => Promise.reject(new LimpidError('INTERNAL', 'EIO')),
      hangs,
      () => Promise.resolve({ file: 'out', discard: () => Promise.resolve() }),
      hangs,
    ];
    const transcode = endingThreadsTwice((instance, to) => answers.shift()?.(instance, to) ?? hangs(instance, to));
    const codes = [];
    for (let index = 0; index < 6; index++) codes.push(await codeOf(transcode(outgoing('a'), syntax)));
    expect(codes).toEqual([
      'SPOOL_FULL retry',
      'INTERNAL retry',
      'INTERNAL retry',
      'INTERNAL retry',
      'none',
      'INTERNAL retry',
    ]);
  });
});
