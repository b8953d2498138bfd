// The API as a table: from it come the server's routes and the OpenAPI description.
import { z } from 'zod';
import { LimpidError } from '../errors.js';
import { isKey } from '../spool/key.js';
import { seriesSummary, seriesView } from '../spool/view.js';
import { RequestFaults } from './http-errors.js';
import { modelView, peerView, queueView, seriesAction, seriesFilter, seriesKey } from './ports.js';
import type { AdminPorts } from './ports.js';

interface Input<P, Q, B> {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
}

export interface Route {
  readonly method: 'GET' | 'POST';
  /** With parameters in braces, as OpenAPI writes it. */
  readonly path: string;
  readonly name: string;
  readonly summary: string;
  readonly params: Fields;
  readonly query: Fields;
  /** Read for POST only. */
  readonly body: z.ZodType;
  readonly response: z.ZodType;
  readonly status: 200 | 202;
  /** Statuses of problems it may answer with, beside 400, 403, 421, 500 and 503. */
  readonly problems: readonly number[];
  /**
   * Reads the input and answers it.
   *
   * @throws RequestFaults input that does not fit; LimpidError from the node
   */
  run(api: AdminPorts, input: Input<unknown, unknown, unknown>): Promise<unknown>;
}

type Fields = z.ZodObject<Readonly<Record<string, z.ZodType>>>;

/** What does not fit in one part of a request. */
function faultsIn(place: string, result: z.ZodSafeParseResult<unknown>): { at: string; message: string }[] {
  if (result.success) return [];
  return result.error.issues.map(({ path, message }) => ({ at: [place, ...path.map(String)].join('.'), message }));
}

function route<P extends Fields, Q extends Fields, B extends z.ZodType, R extends z.ZodType>(
  definition: Omit<Route, 'run' | 'params' | 'query' | 'body' | 'response'> & {
    readonly params: P;
    readonly query: Q;
    readonly body: B;
    readonly response: R;
    readonly answer: (api: AdminPorts, input: Input<z.output<P>, z.output<Q>, z.output<B>>) => Promise<z.input<R>>;
  },
): Route {
  const { answer, ...rest } = definition;
  return {
    ...rest,
    async run(api, input) {
      const params = definition.params.safeParse(input.params ?? {});
      const query = definition.query.safeParse(input.query ?? {});
      const body = definition.body.safeParse(input.body);
      if (!params.success || !query.success || !body.success) {
        throw new RequestFaults([...faultsIn('path', params), ...faultsIn('query', query), ...faultsIn('body', body)]);
      }
      return answer(api, { params: params.data, query: query.data, body: body.data });
    },
  };
}

const nothing = z.strictObject({});
const noBody = z.unknown();
const keyed = z.strictObject({
  key: seriesKey.refine(isKey).meta({ description: 'Series key.' }),
});

export const routes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/series',
    name: 'listSeries',
    summary: 'Series, newest first',
    params: nothing,
    query: seriesFilter,
    body: noBody,
    response: z
      .object({
        series: z.array(seriesSummary),
        next: z.string().nullable().meta({
          description:
            '`after` of the next page; null: there is none. Where few series fit, a page before the last may hold fewer than `limit`, or none. A series that changes while pages are read comes before those that were told: begin again to see it.',
        }),
      })
      .meta({ id: 'SeriesPage' }),
    status: 200,
    problems: [],
    answer: (api, { query }) => api.listSeries(query),
  }),
  route({
    method: 'GET',
    path: '/api/series/{key}',
    name: 'showSeries',
    summary: 'One series: its revisions, what was decided and why, tasks, figures and deliveries',
    params: keyed,
    query: nothing,
    body: noBody,
    response: seriesView,
    status: 200,
    problems: [404, 409],
    answer: async (api, { params }) => {
      const series = await api.showSeries(params.key);
      if (series === null) throw new LimpidError('SPOOL_UNKNOWN_SERIES', `No series ${params.key} is kept here.`);
      return series;
    },
  }),
  route({
    method: 'POST',
    path: '/api/series/{key}/actions',
    name: 'actOnSeries',
    summary: 'Requeue, hold, release, discard, prioritise or withdraw a series',
    params: keyed,
    query: nothing,
    body: seriesAction,
    response: z.object({
      number: z.int().meta({ description: 'Number of the action within the series.' }),
      warning: z.string().nullable().meta({ description: 'What does not come of it although one may think so.' }),
    }),
    status: 202,
    problems: [404, 409, 413, 415, 507],
    answer: (api, { params, body }) => api.act(params.key, body, 'api'),
  }),
  route({
    method: 'GET',
    path: '/api/peers',
    name: 'listPeers',
    summary: 'Peers, their breakers and what waits for them',
    params: nothing,
    query: nothing,
    body: noBody,
    response: z.object({ peers: z.array(peerView) }),
    status: 200,
    problems: [],
    answer: async (api) => ({ peers: await api.peers() }),
  }),
  route({
    method: 'GET',
    path: '/api/models',
    name: 'listModels',
    summary: 'Models and filters with their cards in short',
    params: nothing,
    query: nothing,
    body: noBody,
    response: z.object({ models: z.array(modelView) }),
    status: 200,
    problems: [],
    answer: async (api) => ({ models: await api.models() }),
  }),
  route({
    method: 'GET',
    path: '/api/queues',
    name: 'listQueues',
    summary: 'Jobs that wait, are delayed or run',
    params: nothing,
    query: nothing,
    body: noBody,
    response: z.object({ queues: z.array(queueView) }),
    status: 200,
    problems: [],
    answer: async (api) => ({ queues: await api.queues() }),
  }),
];
