// Rules that give series to a model of another modality: no fault, and still nothing comes of it.
import type { CompiledRule, Condition } from '../rule.js';
import { modalities, modalityTag } from './modalities.js';

/** What the notices need of a model card. */
export interface NoticedModel {
  readonly id: string;
  readonly modality: readonly string[];
  /** Null: `auto` never takes it. */
  readonly rank: number | null;
}

/** Which modalities the series may be of that a condition lets pass, as far as it says so. */
function passing(condition: Condition | null): readonly string[] {
  // Of what does not hold, a part may still say something else than the modality.
  if (condition === null || condition.kind === 'not') return modalities;
  if (condition.kind === 'anyInstance') return passing(condition.part);
  if (condition.kind === 'all' || condition.kind === 'any') {
    const parts = condition.parts.map((part) => new Set(passing(part)));
    const has = (one: string) => (part: ReadonlySet<string>) => part.has(one);
    return modalities.filter((one) => (condition.kind === 'all' ? parts.every(has(one)) : parts.some(has(one))));
  }
  const { subject, operand } = condition;
  const isAsked = subject.kind === 'attribute' && subject.tag === modalityTag && operand.kind === 'text';
  return isAsked ? modalities.filter((one) => operand.pattern.test(one)) : modalities;
}

/** Tasks that are skipped for whatever their rule matches, since their model is for another modality. */
export function modelNotices(
  { rules }: { readonly rules: readonly Pick<CompiledRule, 'name' | 'when' | 'enhance'>[] },
  models: readonly NoticedModel[],
): string[] {
  return rules.flatMap(({ name, when, enhance }) => {
    const matched = passing(when);
    if (matched.length === 0) return []; // it matches nothing, which is told
    const wanted = enhance.flatMap(({ model, fallback }) => [model, ...(fallback === undefined ? [] : [fallback])]);
    return [...new Set(wanted)].flatMap((id) => {
      const taken = models.filter((model) => (id === 'auto' ? model.rank !== null : model.id === id));
      const its = [...new Set(taken.flatMap(({ modality }) => modality))].toSorted();
      if (taken.length === 0 || its.some((one) => matched.includes(one))) return [];
      return [`rule ${name}: ${id} is for ${its.join(', ')}, of which the rule matches nothing: it skips every series`];
    });
  });
}
