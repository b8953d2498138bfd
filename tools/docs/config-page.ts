// docs/config.md: every key of the configuration, from the JSON Schema that its reader is made of.
import { overrideVariables } from '../../src/config/overrides.js';
import { configJsonSchema, rulesJsonSchema } from '../../src/config/json-schema.js';
import { code, page, table } from './markdown.js';

type Schema = Readonly<Record<string, unknown>>;

function schemaAt(of: Schema, name: string): Schema | null {
  const part = of[name];
  return typeof part === 'object' && part !== null && !Array.isArray(part) ? Object.fromEntries(Object.entries(part)) : null;
}

function schemasIn(of: Schema, name: string): Schema[] {
  const list: unknown = of[name];
  if (!Array.isArray(list)) return [];
  return list.map((part: unknown) => schemaAt({ part }, 'part')).filter((part) => part !== null);
}

const json = (value: unknown): string => code(JSON.stringify(value));

/** The object of a section that may also be left out (`null`), or be told by a word or a boolean. */
function sectionAmong(schema: Schema): Schema | null {
  return schemasIn(schema, 'anyOf').find((choice) => choice['type'] === 'object' && schemaAt(choice, 'properties') !== null) ?? null;
}

/** What a value may be, in words. */
function valueOf(schema: Schema): string {
  const choices = schemasIn(schema, 'anyOf');
  if (choices.length > 0) return [...new Set(choices.map(valueOf))].join(' or ');
  if ('const' in schema) return json(schema['const']);
  if (Array.isArray(schema['enum'])) return schema['enum'].map(json).join(', ');
  if (typeof schema['$ref'] === 'string') return schema['$ref'].split('/').at(-1) ?? '';
  const items = schemaAt(schema, 'items');
  if (items !== null) return `list of ${items['type'] === 'object' ? 'the keys below' : valueOf(items)}`;
  const { type, minimum, maximum, pattern } = schema;
  if (type === 'object' && schemaAt(schema, 'properties') !== null) return 'the keys below';
  if (type === 'integer' && typeof minimum === 'number' && typeof maximum === 'number') return `${minimum} to ${maximum}`;
  if (typeof pattern === 'string' && pattern.includes('(ms|s|m|h|d)')) return 'duration';
  if (typeof pattern === 'string' && pattern.includes('[KMGT]')) return 'size';
  return typeof type === 'string' ? type.replace('string', 'text').replace('null', code('null')) : 'any';
}

function defaultOf(schema: Schema): string {
  const value = schema['default'];
  if (value === undefined) return '';
  const text = JSON.stringify(value);
  return text.length > 60 ? 'a built-in list' : code(text);
}

/** The kinds of a schema; keys that an earlier kind has too are told there. */
function kindsOf(schema: Schema): Schema[] {
  const kinds = schemasIn(schema, 'oneOf');
  if (kinds.length === 0) return [schema];
  const names = kinds.map((kind) => schemaAt(schemaAt(kind, 'properties') ?? {}, 'kind')?.['const']);
  const told = new Set(['kind']);
  const own = kinds.map((kind, index) => {
    const keys = Object.entries(schemaAt(kind, 'properties') ?? {}).filter(([key]) => !told.has(key));
    for (const [key] of keys) told.add(key);
    const mark = index === 0 ? {} : { ofKind: names[index] };
    const marked = keys.map(([key, value]) => [key, { ...schemaAt({ value }, 'value'), ...mark }]);
    return { ...kind, properties: Object.fromEntries(marked) };
  });
  return [{ properties: { kind: { enum: names, default: names[0], description: 'What it is.' } } }, ...own];
}

/** One row a key, nested ones below their parent. */
function rowsOf(schema: Schema, prefix: string, variables: ReadonlyMap<string, string>): string[][] {
  const required = Array.isArray(schema['required']) ? schema['required'] : [];
  return Object.entries(schemaAt(schema, 'properties') ?? {}).flatMap(([name, value]) => {
    const own = schemaAt({ value }, 'value');
    if (own === null) return [];
    const path = `${prefix}${name}`;
    const inner =
      own['type'] === 'object'
        ? own
        : [own, ...schemasIn(own, 'anyOf')].map((part) => schemaAt(part, 'items')).find((items) => items?.['type'] === 'object');
    const byName = schemaAt(own, 'additionalProperties');
    const section = sectionAmong(own);
    const nested =
      byName !== null
        ? kindsOf(byName).flatMap((kind) => rowsOf(kind, `${path}.NAME.`, variables))
        : section !== null
          ? rowsOf(section, `${path}.`, variables)
        : inner === undefined || inner === null
          ? []
          : rowsOf(inner, inner === own ? `${path}.` : `${path}[].`, variables);
    if (own['type'] === 'object' && nested.length > 0) return nested;
    const kind = typeof own['ofKind'] === 'string' ? `Kind ${code(own['ofKind'])}. ` : '';
    const description = own['description'] ?? section?.['description'];
    const says = `${kind}${typeof description === 'string' ? description : ''}`.trim();
    const standard = required.includes(name) ? '**needed**' : defaultOf(own);
    return [[code(path), valueOf(own), standard, says, variables.has(path) ? code(variables.get(path) ?? '') : ''], ...nested];
  });
}

export function configPage(): string {
  const variables = new Map(overrideVariables().map(({ path, variable }) => [path === 'queue.url' ? 'queue' : path, variable]));
  const whole = rowsOf(configJsonSchema(), '', variables);
  const rules = rowsOf({ properties: { rules: rulesJsonSchema() } }, '', new Map());
  const ofRules = ([path = '']: readonly string[]): boolean => path.startsWith('`rules');
  const rows = [...whole.filter((row) => !ofRules(row)), ...whole.filter(([path]) => path === '`rules`'), ...rules.filter(([path]) => path !== '`rules`')];
  return page(
    'Configuration',
    'One YAML file, by default `config/limpid.yaml`; the rules may stand in a file of their own. Editors that read `# yaml-language-server: $schema=./limpid.schema.json` complete it. A key that is not listed here is a fault, and `limpid config check` tells every fault with file, line and column. A variable of the last column overrides the key for one process. A path that is not absolute, in a variable too, begins at the folder of the configuration file, not where limpid is started: `./data` in `config/limpid.yaml` is `config/data`. A *duration* is written `500ms`, `60s`, `30m`, `12h`, `7d`; a *size* `512MB`, `4GB`, `4GiB`.',
    table(['key', 'value', 'default', 'meaning', 'variable'], rows),
    '## Conditions',
    'A rule matches when its `when` holds: each key must hold, `all`, `any` and `not` nest, `anyInstance` asks for one instance where otherwise every one has to fit. A key is an attribute by keyword or tag, or a fact of limpid: `CallingAE`, `CalledAE`, `Peer`, `SliceCount`, `SpacingBetweenPositions`. Its value is what it must equal, or one of `equals`, `in`, `glob`, `matches` (a regular expression that takes linear time), `atLeast`, `atMost`, `above`, `below`, `exists`. Outside the data set only `TransferSyntaxUID` can be asked for. A missing attribute, and one without a value, makes every condition but `exists: false` false. Letter case counts. Of an attribute with several values one has to fit, and all of them a limit; a series from several senders has to fit as if each had sent all of it: `not: { CallingAE: CT2 }` is one of which CT2 has sent nothing. An age is compared in years: `PatientAge: { atLeast: 18 }`. A private attribute that came without a VR (Implicit VR) is read as text where its bytes are ASCII; of other bytes, and of private sequences and bulk data, only `exists` can be asked. A tag within `{ }` needs quotes: `{ \'(0018,0050)\': { atMost: 3 } }`.',
  );
}
