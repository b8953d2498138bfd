/** JSON Schema of the configuration, for editors that complete it. */
import { z } from 'zod';
import { mapping } from '../conditions/plain.js';
import { rulesSchema } from './rule-schema.js';
import { configSchema } from './schema.js';
import { defaultVendorMarks } from './vendor-marks.js';

const scalar = { type: ['string', 'number'] };
const condition = {
  description:
    'Every key must hold. Attributes by keyword or tag; facts: CallingAE, CalledAE, Peer, SliceCount, SpacingBetweenPositions.',
  type: 'object',
  minProperties: 1,
  properties: {
    all: { type: 'array', minItems: 1, items: { $ref: '#/$defs/condition' } },
    any: { type: 'array', minItems: 1, items: { $ref: '#/$defs/condition' } },
    not: { $ref: '#/$defs/condition' },
    anyInstance: { $ref: '#/$defs/condition', description: 'Holds if one instance of the series fits.' },
  },
  additionalProperties: { $ref: '#/$defs/test' },
};
const test = {
  anyOf: [
    scalar,
    {
      type: 'object',
      minProperties: 1,
      additionalProperties: false,
      properties: {
        equals: scalar,
        in: { type: 'array', minItems: 1, items: scalar },
        glob: { type: 'string', description: '* stands for any characters, ? for one.' },
        matches: { type: 'string', description: 'A regular expression (RE2), found anywhere in the value.' },
        atLeast: { type: 'number' },
        atMost: { type: 'number' },
        above: { type: 'number' },
        below: { type: 'number' },
        exists: { type: 'boolean' },
      },
    },
  ],
};

function schemaOf(schema: z.ZodType): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return { $schema, ...rest, $defs: { condition, test } };
}

/** Of limpid.yaml. */
export function configJsonSchema(): Record<string, unknown> {
  const whole = schemaOf(configSchema);
  const properties = { ...mapping(whole['properties']) } as Record<string, unknown>;
  // Rules may stand in a file of their own; its name is put in their place before the schema sees them.
  const file = { type: 'string', description: 'A file that holds the list of rules, relative to this one.' };
  const description = 'Routing rules, in order: the list itself, or the file that holds it, relative to this one.';
  properties['rules'] = { anyOf: [file, properties['rules']], description };
  const gate = mapping(mapping(properties['gate'])['properties']);
  properties['gate'] = {
    ...mapping(properties['gate']),
    properties: { ...gate, vendorMarks: { ...mapping(gate['vendorMarks']), default: defaultVendorMarks } },
  };
  const kinds = mapping(mapping(properties['peers'])['additionalProperties']);
  for (const kind of [kinds['anyOf'], kinds['oneOf'], properties['node']].flat()) allowBoolean(kind);
  return { ...whole, title: 'limpid configuration', properties };
}

/** `commitment: true` stands for its defaults, `false` for none: the schema sees neither. */
function allowBoolean(section: unknown): void {
  const alternatives = mapping(mapping(mapping(section)['properties'])['commitment'])['anyOf'];
  if (Array.isArray(alternatives)) alternatives.unshift({ type: 'boolean' });
}

/** Of a file of rules. */
export function rulesJsonSchema(): Record<string, unknown> {
  return { ...schemaOf(rulesSchema), title: 'limpid routing rules' };
}
