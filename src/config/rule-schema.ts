/** Rules of the configuration: conditions, tasks, who gets what. */
import { z } from 'zod';
import { compileCondition } from '../conditions/compile.js';
import { reasons } from '../errors.js';
import type { ReasonCode } from '../errors.js';
import type { CompiledRule } from '../rule.js';
import { assembleOwn } from './completion.js';
import { name, scalar, whole } from './scalars.js';

/** `strength` in words: share of the image's noise that is taken away. */
export const strengths = { light: 0.25, standard: 0.4, strong: 0.55 } as const;
const strengthRange = { atLeast: 0.05, atMost: 0.75 };

const isReason = (code: string): code is ReasonCode => Object.hasOwn(reasons, code);
const liftable = Object.keys(reasons)
  .filter(isReason)
  .filter((code) => reasons[code].lift);
const lift = scalar(
  `a gate code that may be lifted (${liftable.join(', ')})`,
  (value) => liftable.find((code) => code === value) ?? null,
  { enum: liftable },
);
const strengthText = `light, standard, strong, or a number from ${strengthRange.atLeast} to ${strengthRange.atMost}`;
const strength = scalar(
  strengthText,
  (value) => {
    if (typeof value === 'string') return Object.entries(strengths).find(([word]) => word === value)?.[1] ?? null;
    const inside = typeof value === 'number' && value >= strengthRange.atLeast && value <= strengthRange.atMost;
    return inside ? value : null;
  },
  {
    anyOf: [
      { enum: Object.keys(strengths) },
      { type: 'number', minimum: strengthRange.atLeast, maximum: strengthRange.atMost },
    ],
  },
);

const task = z
  .strictObject({
    with: name.describe(
      'Model or filter, by its id (limpid models list); auto: the best that fits modality, header, noise and degradation.',
    ),
    strength: strength
      .nullable()
      .prefault(null)
      .describe("Share of the noise to take away; absent: the model card's default."),
    lift: z
      .array(lift, 'expected a list of gate codes')
      .default([])
      .describe('Gate codes that this task runs in spite of.'),
    minimumSlices: whole('a number of slices from 1', 1, 100_000)
      .default(1)
      .describe('A series of fewer is skipped (TOO_FEW_SLICES).'),
    fallback: name
      .optional()
      .describe('Model or filter that takes its place when it fails or takes longer than workers.deadline.'),
  })
  .transform(({ with: model, fallback, ...rest }) => ({
    model,
    ...rest,
    ...(fallback === undefined ? {} : { fallback }),
  }));

const when = z
  .unknown()
  .transform((value, context) => {
    const complain = (path: readonly (string | number)[], message: string): void =>
      context.addIssue({ code: 'custom', path: [...path], message });
    return compileCondition(value, complain) ?? z.NEVER;
  })
  .meta({ $ref: '#/$defs/condition' });

const peerNames = z.array(name, 'expected a list of peers').default([]);
const rule = z
  .strictObject({
    name: name.describe('Shown wherever the rule has decided something.'),
    when: when.optional().describe('Condition on the series, see below; absent: every series.'),
    enhance: z.array(task, 'expected a list of tasks').default([]).describe('Derived series to make, one each.'),
    forward: peerNames.describe('Peers that get the originals.'),
    deliver: peerNames.describe('Peers that get the derived series.'),
    priority: z.enum(['urgent', 'routine', 'batch']).default('routine').describe('Which jobs go first, of all series.'),
    continue: z.boolean('expected true or false').default(false).describe('Look at the rules after this one too.'),
    assemble: assembleOwn.describe(
      'When series that match are complete; keys as in `assemble`. Conditions are tried on the first instance alone.',
    ),
    late: z
      .enum(['keep', 'withdraw'])
      .default('keep')
      .describe('What becomes of a derived series once late slices have made another one and every peer has that.'),
    ignore: z.literal(true, 'expected true').optional().describe('Nothing is done with a series that matches.'),
  })
  .transform((value): CompiledRule => {
    const {
      name: ruleName,
      when: condition = null,
      continue: goesOn,
      enhance,
      forward,
      deliver,
      priority,
      late,
      assemble: own,
    } = value;
    return { name: ruleName, when: condition, enhance, forward, deliver, priority, goesOn, late, assemble: own };
  });

/** Rules in order; in a file of their own the whole file is this list. */
export const rulesSchema = z.array(rule, 'expected a list of rules');
