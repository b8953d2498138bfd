// The HTTP server of one process: health and metrics for machines, API for programs, pages for people.
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import fastify from 'fastify';
import type { ConnectionError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { within } from '../deadline.js';
import { LimpidError } from '../errors.js';
import type { Log } from '../observe/log.js';
import type { Metrics } from '../observe/metrics.js';
import type { Key } from '../spool/key.js';
import { callerOf, isLoopback, isMeantForHere } from './guard.js';
import { problemOf, problemOfConnection } from './http-errors.js';
import { icon, iconPolicy } from './icon.js';
import { answerMs, apiAnswerMs, inTime, pagePart, shared } from './in-time.js';
import { keepRoom } from './keep-room.js';
import { openApi } from './openapi.js';
import { isStill, pagePolicy, pathTo } from './page-frame.js';
import type { AdminPorts, DependencyView, ReadyReport } from './ports.js';
import { isKey } from '../spool/key.js';
import { routes } from './routes.js';
import { noSeriesPage, seriesPage } from './series-page.js';
import { startPage } from './start-page.js';

export interface HttpOptions {
  /** Address to listen on. Anything but a loopback address leaves health and metrics only. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly metrics: Metrics;
  readonly ready: () => Promise<ReadyReport>;
  /** Null for a process without the admin role: it serves health and metrics. */
  readonly api: AdminPorts | null;
  readonly log: Log;
  /** For the page's head line. */
  readonly node: { readonly name: string; readonly roles: readonly string[] };
  /** ms since epoch. */
  readonly now: () => number;
  /** How long nothing may move on a connection, ms; absent: a minute. */
  readonly stillMs?: number;
  /** How long the API may take to answer, ms; absent: half a minute. */
  readonly apiMs?: number;
}

export interface HttpServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Asks what the process depends on; one that does not answer is itself the answer. */
async function askReady(ready: () => Promise<ReadyReport>): Promise<readonly DependencyView[]> {
  const report = await within(answerMs, ready(), (): ReadyReport => {
    const says = `The node did not answer within ${answerMs / 1000} s: see its log and event_loop_delay_seconds.`;
    return { dependencies: [{ name: 'node', state: 'down', says }] };
  });
  return report.dependencies;
}

const isReady = (dependencies: readonly DependencyView[]): boolean =>
  dependencies.every(({ state }) => state === 'ready' || state === 'degraded');

function addHealth(app: FastifyInstance, options: HttpOptions): void {
  const ready = shared(options.ready);
  const metrics = shared(() => options.metrics.text());
  app.get('/livez', () => ({ live: true }));
  app.get('/readyz', async (_request, reply) => {
    const dependencies = await askReady(ready);
    const isUp = isReady(dependencies);
    return reply.code(isUp ? 200 : 503).send({ ready: isUp, dependencies });
  });
  app.get('/metrics', async (_request, reply) =>
    reply.type('text/plain; version=0.0.4; charset=utf-8').send(await metrics()),
  );
}

function addApi(app: FastifyInstance, api: AdminPorts, limitMs: number): void {
  const answerOf = inTime(limitMs);
  for (const entry of routes) {
    app.route({
      method: entry.method,
      url: entry.path.replace(/\{(\w+)\}/g, ':$1'),
      handler: async (request, reply) => {
        const { params, query, body, url } = request;
        const question = entry.method === 'GET' ? url : null;
        const answer = await answerOf(question, () => entry.run(api, { params, query, body }));
        return reply.code(entry.status).send(answer);
      },
    });
  }
  const description = openApi();
  app.get('/api/openapi.json', () => description);
}

function addPages(app: FastifyInstance, options: HttpOptions, api: AdminPorts): void {
  const queuesPart = pagePart('queues', () => api.queues(), options.log);
  const seriesPart = pagePart('series', () => api.listSeries({ limit: 20 }), options.log);
  const peersPart = pagePart('peers', () => api.peers(), options.log);
  const seriesOne = pagePart('one series', async (key: Key) => ({ view: await api.showSeries(key) }), options.log);
  // Browsers ask for the second where what they show names no icon, as JSON cannot.
  for (const path of ['/favicon.svg', '/favicon.ico']) {
    app.get(path, (_request, reply) =>
      reply
        .type('image/svg+xml')
        .headers({ 'content-security-policy': iconPolicy, 'cache-control': 'max-age=86400' })
        .send(icon),
    );
  }
  const send = (reply: FastifyReply, page: string) =>
    reply.type('text/html; charset=utf-8').header('content-security-policy', pagePolicy).send(page);
  app.get('/', async ({ url }, reply) => {
    const [dependencies, queues, series, peers] = await Promise.all([
      askReady(options.ready),
      queuesPart(),
      seriesPart(),
      peersPart(),
    ]);
    const { name, roles } = options.node;
    const page = startPage({
      node: name,
      roles,
      nowMs: options.now(),
      dependencies,
      queues,
      series: series?.series ?? null,
      more: (series?.next ?? null) !== null,
      peers,
      still: isStill(url),
    });
    return send(reply, page);
  });
  // Who has lost the key looks for it among all.
  for (const path of ['/series', '/series/']) {
    app.get(path, ({ url }, reply) => reply.redirect(pathTo('/', isStill(url))));
  }
  // With a slash behind it too, as people type and mails break it; and in capitals, as telephones begin.
  for (const path of ['/series/:key', '/series/:key/']) {
    app.get<{ Params: { readonly key: string } }>(path, async ({ params: { key }, url }, reply) => {
      const lower = key.toLowerCase();
      const still = isStill(url);
      if (lower !== key && isKey(lower)) return reply.redirect(pathTo(`/series/${lower}`, still));
      const found = isKey(key) ? await seriesOne(key) : { view: null };
      if (found === null) return send(reply.code(503), noSeriesPage(key, 'unavailable', still));
      if (found.view === null) return send(reply.code(404), noSeriesPage(key, 'unknown', still));
      return send(reply, seriesPage(found.view, options.now(), still));
    });
  }
}

/** Connections at once: idle ones of others must not take the descriptors that instances need. */
const mostConnections = 256;
/** Of one connection, which is closed then: of those that come in one piece all are begun before the first is answered. */
const mostRequests = 50;
/** A connection on which nothing moves, an answer that nobody reads neither, is closed: as many as may be would else be held for good. */
const stillMs = 60_000;

/** Of every answer: nothing is guessed of it, kept, or told to other pages. */
const answerHeaders = {
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
} as const;

/** Answers what is no request, and ends its connection: there is no request yet that a hook could see. */
function refuseConnection(error: ConnectionError, socket: Socket, metrics: Metrics): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const body = problemOfConnection(error);
  metrics.inc('failures_total', { code: body.code });
  const text = JSON.stringify(body);
  const headers = {
    ...answerHeaders,
    'content-type': 'application/problem+json',
    'content-length': Buffer.byteLength(text),
    connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  if (socket.writable) {
    socket.write(`HTTP/1.1 ${body.status} ${STATUS_CODES[body.status]}\r\n${lines.join('')}\r\n${text}`);
  }
  socket.destroy(error);
}

/** From the routes that are added from now on: the methods that a path takes (RFC 9110 section 15.5.6); none where there is nothing. */
function watchMethods(app: FastifyInstance): (url: string) => readonly string[] {
  const known: { readonly path: RegExp; readonly methods: readonly string[] }[] = [];
  app.addHook('onRoute', ({ url, method }) => {
    known.push({
      path: new RegExp(`^${url.replaceAll('.', '\\.').replace(/:\w+/g, '[^/]+')}$`),
      methods: [method].flat(),
    });
  });
  return (url) => {
    const [path = ''] = url.split('?');
    return [...new Set(known.filter((route) => route.path.test(path)).flatMap(({ methods }) => methods))].toSorted();
  };
}

/** Refuses what may not be called without a login: see guard.ts. */
function addGuard(app: FastifyInstance, host: string): void {
  const open = new Set(['/livez', '/readyz', '/metrics']);
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(answerHeaders);
    if (open.has(request.routeOptions.url ?? '')) return;
    if (!isLoopback(host)) {
      throw new LimpidError('ADMIN_ADDRESS', 'Only /livez, /readyz and /metrics are served on this address.');
    }
    if (!isMeantForHere(callerOf(request.raw))) {
      throw new LimpidError('ADMIN_HOST', 'The Host or Origin header does not name this machine.');
    }
  });
}

/**
 * Builds the server without listening, for tests with `inject()`.
 *
 * `/livez`, `/readyz` and `/metrics` are served on any address, the rest on a loopback address only.
 */
export function buildHttp(options: HttpOptions): FastifyInstance {
  const refuse = (error: unknown, request: FastifyRequest, reply: FastifyReply) => {
    const body = problemOf(error);
    options.metrics.inc('failures_total', { code: body.code });
    if (body.status >= 500) {
      options.log.error('request failed', { route: request.routeOptions.url ?? 'none', code: body.code, error });
    }
    return reply.code(body.status).type('application/problem+json').send(JSON.stringify(body));
  };
  const app = fastify({
    logger: false,
    bodyLimit: 65_536,
    forceCloseConnections: true,
    requestTimeout: 30_000,
    connectionTimeout: options.stillMs ?? stillMs,
    maxRequestsPerSocket: mostRequests,
    // A path that cannot be decoded, or is too long: no hook sees it.
    frameworkErrors: (error, request, reply) => {
      void refuse(error, request, reply.headers(answerHeaders));
    },
    clientErrorHandler: (error, socket) => refuseConnection(error, socket, options.metrics),
  });
  keepRoom(app.server, mostConnections);
  // It was told that the last answer was the last: who goes on is not read any further.
  app.server.on('dropRequest', (_request, socket) => socket.destroy());
  app.removeContentTypeParser('text/plain'); // a form of another site may send that, but never application/json
  app.setErrorHandler(refuse);
  const methodsOf = watchMethods(app);
  app.setNotFoundHandler((request, reply) => {
    const methods = methodsOf(request.url);
    if (methods.length === 0) {
      return refuse(new LimpidError('ADMIN_UNKNOWN', 'There is nothing at this path.'), request, reply);
    }
    const says = `This path takes ${methods.join(', ')}.`;
    return refuse(new LimpidError('ADMIN_METHOD', says), request, reply.header('allow', methods.join(', ')));
  });
  addGuard(app, options.host);
  addHealth(app, options);
  if (options.api !== null) {
    addApi(app, options.api, options.apiMs ?? apiAnswerMs);
    addPages(app, options, options.api);
  }
  return app;
}

/**
 * Opens the HTTP server of a process.
 *
 * @throws LimpidError ADMIN_LISTEN: the address is taken or not of this machine
 */
export async function openHttp(options: HttpOptions): Promise<HttpServer> {
  const app = buildHttp(options);
  try {
    await app.listen({ host: options.host, port: options.port });
  } catch (error) {
    throw new LimpidError('ADMIN_LISTEN', `HTTP cannot listen on ${options.host}:${options.port}.`, { cause: error });
  }
  const address = app.server.address();
  const port = typeof address === 'object' && address !== null ? address.port : options.port;
  return { port, close: () => app.close() };
}
