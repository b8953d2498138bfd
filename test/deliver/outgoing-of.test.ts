// Where the files of a delivery lie.
import { describe, expect, it } from '@jest/globals';
import { outgoingOf } from '../../src/deliver/outgoing-of.js';
import { decisionRecord, key, outcomeRecord, revisionState, seriesRecord } from '../support/records.js';

const task = 'ct-low-dose-12345678';
const spool = {
  objectFile: (_: string, revision: number, of: string, file: string) => `r${revision}/${of}/${file}`,
  layout: { instance: (_: string, file: string) => `instances/${file}` },
};
const filesOf = (revision: number, of: string, sameAs: number | null, uids: readonly string[]) => {
  const own = revisionState(
    seriesRecord(revision, ['1.1', '1.2']),
    decisionRecord(revision),
    outcomeRecord(['1.1', '1.2'], { sameAs }),
  );
  const state = { key, files: [], revisions: [own], actions: [], promisedUntilMs: -Infinity };
  return outgoingOf(spool, state, own, of, uids).map(({ file, origin, sopInstanceUid }) => [
    file,
    origin,
    sopInstanceUid,
  ]);
};

describe('the files of a delivery', () => {
  it('of a result lie in the revision that made it, only those that are asked for', () => {
    expect(filesOf(2, task, null, ['1.2.9'])).toEqual([[`r2/${task}/00002.dcm`, 'result', '1.2.9']]);
    expect(filesOf(2, task, 1, ['1.1.9'])).toEqual([[`r1/${task}/00001.dcm`, 'result', '1.1.9']]);
  });

  it('of the originals lie with the instances of the series, whatever its results are', () => {
    const [file] = filesOf(2, 'originals', 1, ['1.2']);
    expect(file).toEqual([expect.stringMatching(/^instances\//), 'original', '1.2']);
  });
});
