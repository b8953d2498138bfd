// OpenAPI 3.1 from the table of routes. Its schemas are JSON Schema 2020-12, which is what zod writes.
import { z } from 'zod';
import { version } from '../version.js';
import { problem } from './http-errors.js';
import { routes } from './routes.js';
import type { Route } from './routes.js';

type Json = Record<string, unknown>;

/** The same schema with its pointers turned from its own definitions to the components. */
function pointed(schema: object): Json {
  const turn = (value: unknown): unknown => {
    if (typeof value === 'string') return value.replace(/^#\/\$defs\//, '#/components/schemas/');
    if (Array.isArray(value)) return value.map(turn);
    return typeof value === 'object' && value !== null ? pointed(value) : value;
  };
  return Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, turn(value)]));
}

/** Schemas with an id, gathered while the paths are written: each stands once under components and is pointed to. */
function schemaWriter() {
  const components: Record<string, unknown> = {};
  const write = (schema: z.ZodType, io: 'input' | 'output'): Json => {
    const {
      $schema: _dialect,
      $defs,
      ...rest
    } = z.toJSONSchema(schema, {
      io,
      unrepresentable: 'any',
      override: ({ jsonSchema }) => {
        delete jsonSchema.id;
        if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
        if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      },
    });
    for (const [name, definition] of Object.entries($defs ?? {})) components[name] = pointed(definition);
    const id = schema.meta()?.id;
    if (id === undefined) return pointed(rest);
    components[id] ??= pointed(rest);
    return { $ref: `#/components/schemas/${id}` };
  };
  return { components, write };
}

function parameters(
  place: 'path' | 'query',
  schema: Route['params'],
  write: (schema: z.ZodType, io: 'input') => Json,
): Json[] {
  return Object.entries(schema.shape).map(([name, part]) => {
    const { description, ...rest } = write(part, 'input');
    const required = place === 'path';
    return { name, in: place, required, ...(description === undefined ? {} : { description }), schema: rest };
  });
}

const json = (schema: Json): Json => ({ 'application/json': { schema } });

const descriptions: Readonly<Record<number, string>> = {
  400: 'The request does not fit its schema.',
  403: 'The node does not listen on a loopback address.',
  404: 'There is no such series.',
  409: 'Not possible as the series stands: nothing waits for that, its pixels are gone, or it cannot be read.',
  413: 'The request is larger than 64 KiB.',
  415: 'The content type is not application/json.',
  421: 'The Host header names another host.',
  500: 'The node failed.',
  503: 'Not available now.',
  507: 'The spool is full.',
};

function operation(entry: Route, write: (schema: z.ZodType, io: 'input' | 'output') => Json): Json {
  const failures = [400, 403, 421, 500, 503, ...entry.problems].sort((a, b) => a - b);
  const ofProblem = { 'application/problem+json': { schema: write(problem, 'output') } };
  return {
    operationId: entry.name,
    summary: entry.summary,
    parameters: [...parameters('path', entry.params, write), ...parameters('query', entry.query, write)],
    ...(entry.method === 'GET' ? {} : { requestBody: { required: true, content: json(write(entry.body, 'input')) } }),
    responses: {
      [entry.status]: {
        description: entry.status === 202 ? 'Accepted; it is carried out soon.' : 'As asked.',
        content: json(write(entry.response, 'output')),
      },
      ...Object.fromEntries(
        failures.map((status) => [status, { description: descriptions[status] ?? 'Failed.', content: ofProblem }]),
      ),
    },
  };
}

export interface OpenApi extends Json {
  readonly openapi: '3.1.0';
  readonly paths: Record<string, Json>;
  readonly components: { readonly schemas: Record<string, unknown> };
}

/** The description that `/api/openapi.json` gives. */
export function openApi(): OpenApi {
  const { components, write } = schemaWriter();
  const paths: Record<string, Json> = {};
  for (const entry of routes) {
    paths[entry.path] = { ...paths[entry.path], [entry.method.toLowerCase()]: operation(entry, write) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'limpid',
      version,
      description:
        'Administration of a limpid node. Without a login it is served on a loopback address only. /livez, /readyz and /metrics stand beside it on any address.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    paths,
    components: { schemas: Object.fromEntries(Object.entries(components).sort(([a], [b]) => (a < b ? -1 : 1))) },
  };
}
