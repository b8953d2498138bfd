// How the conditions of a rule came out, in words.
import type { ConditionOutcome } from './records.js';

/** A condition in one line: `not (ConvolutionKernel equals B70f, found B70f)`. */
export function conditionWords({ condition, found, parts = [] }: ConditionOutcome): string {
  if (parts.length === 0) return found === undefined ? condition : `${condition}, found ${found}`;
  return `${condition} (${parts.map(conditionWords).join('; ')})`;
}

/** What of a condition does not hold, each with what was found; nothing where it holds. */
export function unmetWords(outcome: ConditionOutcome): string[] {
  const { condition, holds, parts = [] } = outcome;
  if (holds) return [];
  return condition === 'all' ? parts.flatMap(unmetWords) : [conditionWords(outcome)];
}
