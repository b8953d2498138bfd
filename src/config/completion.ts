// Periods of completeness of one source, or of the series that a rule matches.
import { z } from 'zod';
import type { CompletionOverride } from '../rule.js';
import { duration } from './scalars.js';

/** Keys as in `assemble`; what is left out stays as it is. */
export const assembleOwn = z
  .strictObject({
    quiet: duration.optional(),
    released: duration.optional(),
    gaps: duration.optional(),
    longest: duration.optional(),
  })
  .default({})
  .transform(({ quiet, released, gaps, longest }): CompletionOverride => ({
    ...(quiet === undefined ? {} : { quietMs: quiet }),
    ...(released === undefined ? {} : { releasedMs: released }),
    ...(gaps === undefined ? {} : { gapsMs: gaps }),
    ...(longest === undefined ? {} : { longestMs: longest }),
  }));
