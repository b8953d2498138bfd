// The conditions of a card's intended use, in the language of rules: body part, kernel, sequence, whatever a header says.
import { compileCondition } from '../conditions/compile.js';
import type { Complain } from '../conditions/compile.js';
import { LimpidError } from '../errors.js';
import type { Condition } from '../rule.js';

/** As written in the card. */
export type UseConditions = Readonly<Record<string, unknown>>;

const compiled = new WeakMap<UseConditions, Condition>();

/** Compiles the conditions; `complain` gets every fault. */
export function compileUse(conditions: UseConditions, complain: Complain): void {
  const condition = compileCondition(conditions, complain);
  if (condition !== null) compiled.set(conditions, condition);
}

/**
 * The conditions of a card that was read, compiled once; null: it has none.
 *
 * @throws LimpidError `MODEL_INVALID`: they do not compile, which reading the card refuses
 */
export function useCondition(conditions: UseConditions | null | undefined): Condition | null {
  if (conditions === null || conditions === undefined) return null;
  const faults: string[] = [];
  if (!compiled.has(conditions)) {
    compileUse(conditions, (path, message) => faults.push(`${path.join('.')}: ${message}`));
  }
  const condition = compiled.get(conditions);
  if (condition === undefined) throw new LimpidError('MODEL_INVALID', `conditions of a card: ${faults.join('; ')}`);
  return condition;
}
