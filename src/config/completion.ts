// Periods of completeness of one source, or of the series that a rule matches.
import { z } from 'zod';
import type { CompletionOverride } from '../rule.js';
import { duration } from './scalars.js';

/** Keys as in `assemble`; what is left out stays as it is. */
export const assembleOwn = z
  .strictObject({
    quiet: duration.optional().describe('As `assemble.quiet`.'),
    released: duration.optional().describe('As `assemble.released`.'),
    gaps: duration.optional().describe('As `assemble.gaps`.'),
    longest: duration.optional().describe('As `assemble.longest`.'),
  })
  .default({})
  .transform(({ quiet, released, gaps, longest }): CompletionOverride => ({
    ...(quiet === undefined ? {} : { quietMs: quiet }),
    ...(released === undefined ? {} : { releasedMs: released }),
    ...(gaps === undefined ? {} : { gapsMs: gaps }),
    ...(longest === undefined ? {} : { longestMs: longest }),
  }));
