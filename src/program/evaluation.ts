// What stands behind `limpid evaluate`.
import { randomUUID } from 'node:crypto';
import { acceptKit, makeKit } from './acceptance-kit.js';
import type { Evaluation } from '../cli/evaluate.js';
import { compareFiles, robustnessOfFiles, studyFiles } from './evaluate-files.js';
import type { Runner } from './evaluate-files.js';
import { protocol } from '../evaluate/pair-figures.js';

/** @param runner runs one model over files, as `limpid enhance` does it */
export function openEvaluation(runner: Runner): Evaluation {
  return {
    protocol,
    compare: compareFiles,
    study: (files, options, told) => studyFiles(files, options, runner, told),
    robustness: (files, options, told) => robustnessOfFiles(files, options, runner, told),
    kit: (out) => makeKit(out, randomUUID()),
    accept: ({ kit, results }) => acceptKit(kit, results),
  };
}
