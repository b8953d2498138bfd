// What assembling knows of an instance: of a CT series that tells nothing of its own completeness.
import type { AssemblyFacts } from '../../src/spool/arrival.js';

export const assemblyFacts = (change: Partial<AssemblyFacts> = {}): AssemblyFacts => ({
  studyInstanceUid: '1',
  seriesInstanceUid: '2',
  modality: 'CT',
  position: null,
  orientation: null,
  thicknessMm: null,
  expected: null,
  acquisition: { number: '', expected: null },
  isWhole: false,
  ...change,
});
