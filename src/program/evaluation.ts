// What stands behind `limpid evaluate`.
import { randomUUID } from 'node:crypto';
import { acceptKit, makeKit } from './acceptance-kit.js';
import type { Evaluation } from '../cli/evaluate.js';
import { compareFiles, robustnessOfFiles, studyFiles } from './evaluate-files.js';
import type { Run } from './evaluate-files.js';
import { protocol } from '../evaluate/pair-figures.js';

/** @param run one model over files, as `limpid enhance` does it */
export function openEvaluation(run: Run): Evaluation {
  return {
    protocol,
    compare: compareFiles,
    study: (files, options, told) => studyFiles(files, options, run, told),
    robustness: (files, options, told) => robustnessOfFiles(files, options, run, told),
    kit: (out) => makeKit(out, randomUUID()),
    accept: ({ kit, results }) => acceptKit(kit, results),
  };
}
