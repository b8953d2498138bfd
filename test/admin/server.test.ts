import { once } from 'node:events';
import { request } from 'node:http';
import { afterEach, describe, expect, it } from '@jest/globals';
import { LimpidError } from '../../src/errors.js';
import { problem } from '../../src/admin/http-errors.js';
import { routes } from '../../src/admin/routes.js';
import { openHttp } from '../../src/admin/server.js';
import type { HttpServer } from '../../src/admin/server.js';
import { seriesView } from '../../src/spool/view.js';
import { ask, withServer } from './ask.js';
import type { Answer, Question } from './ask.js';
import { fakeNode, key, otherKey, series } from './node.js';

const get = (path: string): Question => ({ path, headers: { host: 'localhost:8080' } });
const post = (path: string, body: string, type = 'application/json'): Question => ({
  method: 'POST',
  path,
  headers: { host: 'localhost:8080', 'content-type': type },
  body,
});
const brief = (answer: Answer) => [answer.status, answer.json()['code']];

describe('health', () => {
  it('tells each dependency, and 503 unless all do their work', async () => {
    const node = fakeNode();
    await withServer(node.options, async (asking) => {
      const spool = { name: 'spool', state: 'ready', says: 'Writes.' } as const;
      const queue = { name: 'queue', state: 'degraded', says: 'Redis is away; receiving goes on.' } as const;
      node.report = { dependencies: [spool, queue] };
      const degraded = await asking({ path: '/readyz' });
      expect([degraded.status, degraded.json()]).toEqual([200, { ready: true, dependencies: [spool, queue] }]);
      node.report = { dependencies: [spool, { ...queue, state: 'starting', says: 'Prepares its files.' }] };
      const starting = await asking({ path: '/readyz' });
      expect([starting.status, starting.json()['ready']]).toEqual([503, false]);
    });
  });

  it('is live even when asking for readiness fails, and keeps the reason to itself', async () => {
    await withServer(fakeNode({ ready: () => Promise.reject(new Error('/a/path')) }).options, async (asking) => {
      expect((await asking({ path: '/livez' })).json()).toEqual({ live: true });
      const answer = await asking({ path: '/readyz' });
      expect(brief(answer)).toEqual([500, 'INTERNAL']);
      expect(answer.body).not.toContain('/a/path');
    });
  });

  it('gives metrics as Prometheus text', async () => {
    const node = fakeNode();
    node.options.metrics.set('spool_free_bytes', {}, 42);
    await withServer(node.options, async (asking) => {
      const answer = await asking({ path: '/metrics' });
      expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
      expect(answer.body).toContain('\nlimpid_spool_free_bytes 42\n');
    });
  });
});

describe('API', () => {
  it('lists and shows series', async () => {
    await withServer(fakeNode().options, async (asking) => {
      const page = (await asking(get('/api/series?state=held&limit=10'))).json();
      expect(page).toMatchObject({ series: [{ key: otherKey }], next: null });
      expect(page['series']).toHaveLength(1);
      expect(seriesView.parse((await asking(get(`/api/series/${key}`))).json())).toEqual(series);
    });
  });

  it('answers every route with what its schema says', async () => {
    await withServer(fakeNode().options, async (asking) => {
      for (const entry of routes.filter(({ method }) => method === 'GET')) {
        const answer = await asking(get(entry.path.replace('{key}', key)));
        expect([entry.path, answer.status]).toEqual([entry.path, entry.status]);
        expect(entry.response.parse(answer.json())).toEqual(answer.json());
      }
    });
  });

  it('publishes actions', async () => {
    const node = fakeNode();
    await withServer(node.options, async (asking) => {
      const answer = await asking(
        post(`/api/series/${key}/actions`, '{"kind":"discard","peer":"pacs","why":"replaced"}'),
      );
      expect([answer.status, answer.json()]).toEqual([202, { number: 1, warning: null }]);
    });
    const action = { kind: 'discard', why: 'replaced', revision: null, task: null, peer: 'pacs' };
    expect(node.done).toEqual([{ key, action, by: 'api' }]);
  });

  it('tells all faults of a request at once', async () => {
    await withServer(fakeNode().options, async (asking) => {
      const answer = await asking(post('/api/series/nokey/actions', '{"kind":"hold","colour":"red"}'));
      expect(answer.headers['content-type']).toMatch(/^application\/problem\+json\b/);
      const body = problem.parse(answer.json());
      expect([answer.status, body.code]).toEqual([400, 'ADMIN_REQUEST']);
      expect(body.errors?.map(({ at }) => at)).toEqual(['path.key', 'body']);
    });
  });

  it('refuses what retention has made impossible as a conflict of the request, no failure of the node', async () => {
    const { options } = fakeNode();
    if (options.api === null) throw new Error('no api');
    const act = () => Promise.reject(new LimpidError('SPOOL_SWEPT', 'retention has taken the pixels away'));
    await withServer({ ...options, api: { ...options.api, act } }, async (asking) => {
      const answer = await asking(post(`/api/series/${key}/actions`, '{"kind":"requeue"}'));
      expect(brief(answer)).toEqual([409, 'SPOOL_SWEPT']);
    });
  });

  it('says that the volume is full where an action cannot be recorded for that, as its description lists', async () => {
    const { options } = fakeNode();
    if (options.api === null) throw new Error('no api');
    const act = () => Promise.reject(Object.assign(new Error('no space left, write /a/path'), { code: 'ENOSPC' }));
    await withServer({ ...options, api: { ...options.api, act } }, async (asking) => {
      const answer = await asking(post(`/api/series/${key}/actions`, '{"kind":"hold"}'));
      expect(brief(answer)).toEqual([507, 'SPOOL_FULL']);
      expect(answer.body).not.toContain('/a/path');
    });
  });

  it('says what a person has to mend where the volume or the process lets nothing be recorded: it is no fault of limpid', async () => {
    const { options } = fakeNode();
    if (options.api === null) throw new Error('no api');
    const { api } = options;
    const said = {
      EROFS: 'SPOOL_UNUSABLE',
      EACCES: 'SPOOL_UNUSABLE',
      EIO: 'SPOOL_UNUSABLE',
      EMFILE: 'NODE_DESCRIPTORS',
    };
    for (const [code, failure] of Object.entries(said)) {
      const act = () => Promise.reject(Object.assign(new Error(`${code}: mkdir /a/path`), { code }));
      await withServer({ ...options, api: { ...api, act } }, async (asking) => {
        const answer = await asking(post(`/api/series/${key}/actions`, '{"kind":"hold"}'));
        expect(brief(answer)).toEqual([503, failure]);
        expect(answer.body).not.toContain('/a/path');
      });
    }
  });

  it('refuses unknown query keys, actions, series and paths', async () => {
    await withServer(fakeNode().options, async (asking) => {
      expect(brief(await asking(get('/api/series?stat=held')))).toEqual([400, 'ADMIN_REQUEST']);
      // OpenAPI says integer.
      for (const limit of ['0x10', '1e2', '%2B5', '5.0', '%205', '']) {
        expect([limit, ...brief(await asking(get(`/api/series?limit=${limit}`)))]).toEqual([
          limit,
          400,
          'ADMIN_REQUEST',
        ]);
      }
      for (const after of ['yesterday', key, `${key}@`, `${key}@x`]) {
        const noPage = await asking(get(`/api/series?after=${after}`));
        expect([after, ...brief(noPage)]).toEqual([after, 400, 'ADMIN_REQUEST']);
        expect(noPage.body).toContain('is no `next` of a page');
      }
      expect(brief(await asking(post(`/api/series/${key}/actions`, '{"kind":"explode"}')))).toEqual([
        400,
        'ADMIN_REQUEST',
      ]);
      expect(brief(await asking(post(`/api/series/${key}/actions`, '{"kind":')))).toEqual([400, 'ADMIN_REQUEST']);
      expect(brief(await asking(get(`/api/series/${otherKey}`)))).toEqual([404, 'SPOOL_UNKNOWN_SERIES']);
      expect(brief(await asking(get('/api/nothing')))).toEqual([404, 'ADMIN_UNKNOWN']);
      for (const [method, path, allow] of [
        ['DELETE', '/livez', 'GET, HEAD'],
        ['PUT', `/api/series/${key}?why=not`, 'GET, HEAD'],
        ['GET', `/api/series/${key}/actions`, 'POST'],
        ['OPTIONS', `/api/series/${key}/actions`, 'POST'],
        ['POST', '/', 'GET, HEAD'],
      ] as const) {
        const answer = await asking({ ...get(path), method });
        expect(brief(answer)).toEqual([405, 'ADMIN_METHOD']);
        expect(answer.headers.allow).toBe(allow);
      }
      for (const path of ['/faviconxsvg', '/series/a/b', '/livez/']) {
        expect(brief(await asking({ ...get(path), method: 'POST' }))).toEqual([404, 'ADMIN_UNKNOWN']);
      }
      for (const [path, status] of [
        ['/api/series/%E0%A4%A', 400],
        ['/%', 400],
        [`/series/${'a'.repeat(8000)}`, 414],
        [`/series/${'a'.repeat(20_000)}`, 431],
      ] as const) {
        const answer = await asking(get(path));
        expect(brief(answer)).toEqual([status, 'ADMIN_REQUEST']);
        expect(answer.headers).toMatchObject({
          'content-type': expect.stringContaining('application/problem+json'),
          'x-content-type-options': 'nosniff',
          'cache-control': 'no-store',
        });
        expect(answer.body).not.toContain('aaaa');
      }
    });
  });

  it('takes what was wrong of a withdrawal for quality alone: of one for safety nobody would be told', async () => {
    const node = fakeNode();
    await withServer(node.options, async (asking) => {
      const withdraw = (changes: object) =>
        asking(post(`/api/series/${key}/actions`, JSON.stringify({ kind: 'withdraw', ...changes })));
      const refused = await withdraw({ reason: 'safety', because: 'software' });
      expect(brief(refused)).toEqual([400, 'ADMIN_REQUEST']);
      expect(problem.parse(refused.json()).errors).toEqual([
        { at: 'body.because', message: 'goes with reason quality' },
      ]);
      expect(node.done).toEqual([]);
      expect((await withdraw({ reason: 'quality', because: 'software' })).status).toBe(202);
      expect((await withdraw({ reason: 'safety', because: null })).status).toBe(202);
    });
  });

  it('takes JSON only', async () => {
    const node = fakeNode();
    await withServer(node.options, async (asking) => {
      for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
        const answer = await asking(post(`/api/series/${key}/actions`, '{"kind":"hold"}', type));
        expect([type, ...brief(answer)]).toEqual([type, 415, 'ADMIN_REQUEST']);
      }
      const large = JSON.stringify({ kind: 'hold', why: 'x'.repeat(70_000) });
      expect(brief(await asking(post(`/api/series/${key}/actions`, large)))).toEqual([413, 'ADMIN_REQUEST']);
    });
    expect(node.done).toEqual([]);
  });

  it('keeps unexpected messages to itself and counts them', async () => {
    const node = fakeNode();
    node.failing = new Error('/srv/spool/secret');
    await withServer(node.options, async (asking) => {
      const answer = await asking(get('/api/series'));
      expect(brief(answer)).toEqual([500, 'INTERNAL']);
      expect(answer.body).not.toContain('secret');
    });
    expect(await node.options.metrics.text()).toContain('limpid_failures_total{code="INTERNAL"} 1');
  });

  it('turns codes into statuses', async () => {
    const node = fakeNode();
    node.failing = new LimpidError('QUEUE_UNAVAILABLE', 'The queue does not answer.');
    await withServer(node.options, async (asking) => {
      const answer = await asking(get('/api/series'));
      expect([...brief(answer), answer.json()['detail']]).toEqual([
        503,
        'QUEUE_UNAVAILABLE',
        'The queue does not answer.',
      ]);
      node.failing = new LimpidError('SPOOL_RECORD_INVALID', 'r1/series.json does not fit its schema');
      expect(brief(await asking(get('/api/series')))).toEqual([409, 'SPOOL_RECORD_INVALID']);
    });
  });
});

describe('without a login', () => {
  it('serves health and metrics alone on other addresses', async () => {
    for (const host of ['0.0.0.0', '::', '10.0.0.5', 'limpid.example']) {
      await withServer(fakeNode({ host }).options, async (asking) => {
        for (const path of ['/livez', '/readyz', '/metrics']) expect((await asking({ path })).status).toBe(200);
        for (const path of ['/', '/api/series', '/api/openapi.json', '/api/nothing']) {
          expect([path, ...brief(await asking(get(path)))]).toEqual([path, 403, 'ADMIN_ADDRESS']);
        }
      });
    }
  });

  it('refuses requests that name another host (DNS rebinding) or come from another page', async () => {
    await withServer(fakeNode().options, async (asking) => {
      const status = async (headers: Record<string, string>) => (await asking({ path: '/api/peers', headers })).status;
      expect(await status({ host: 'evil.example:8080' })).toBe(421);
      expect(await status({ host: '127.0.0.1.evil.example' })).toBe(421);
      expect(await status({ host: 'localhost:8080', origin: 'https://evil.example' })).toBe(421);
      expect(await status({ host: 'localhost:8080', origin: 'null' })).toBe(421);
      expect(await status({ host: 'localhost:8080', origin: 'http://localhost:8080' })).toBe(200);
      expect(await status({ host: '[::1]:8080' })).toBe(200);
      expect(await status({ host: '127.0.0.1' })).toBe(200);
      expect((await asking({ path: 'http://evil.example/api/peers', headers: { host: 'localhost' } })).status).toBe(
        421,
      );
      expect((await asking({ path: 'http://localhost/api/peers', headers: { host: 'localhost' } })).status).toBe(200);
      expect((await asking({ path: '/metrics', headers: { host: 'limpid:8080' } })).status).toBe(200);
    });
  });

  it('serves no API in a process without the admin role', async () => {
    await withServer(fakeNode({ api: null }).options, async (asking) => {
      expect((await asking(get('/api/series'))).status).toBe(404);
      expect((await asking(get('/'))).status).toBe(404);
      expect((await asking(get('/livez'))).status).toBe(200);
    });
  });
});

describe('icon', () => {
  it('is there for pages and for what is no page, and is kept for a day', async () => {
    const { options } = fakeNode();
    await withServer(options, async (asking) => {
      for (const path of ['/favicon.svg', '/favicon.ico']) {
        const { status, headers, body } = await asking(get(path));
        expect([status, headers['content-type'], headers['cache-control']]).toEqual([
          200,
          'image/svg+xml',
          'max-age=86400',
        ]);
        expect(headers['content-security-policy']).toContain("default-src 'none'");
        expect(headers['x-content-type-options']).toBe('nosniff');
        expect(body).toMatch(/^<svg /);
      }
      expect((await asking(get('/'))).body).toContain('href="/favicon.svg"');
      expect(await options.metrics.text()).not.toContain('ADMIN_UNKNOWN"} 1');
    });
    await withServer(fakeNode({ host: '0.0.0.0' }).options, async (asking) => {
      expect((await asking(get('/favicon.svg'))).status).toBe(403);
    });
  });
});

describe('start page', () => {
  it('shows state, queues, series and peers, escaped', async () => {
    await withServer(fakeNode().options, async (asking) => {
      const { headers, body } = await asking(get('/'));
      expect(headers['content-type']).toBe('text/html; charset=utf-8');
      expect(headers['content-security-policy']).toMatch(/^default-src 'none'; style-src 'sha256-/);
      const shown = ['LIMPID', key, otherKey, 'mr&lt;1&gt;', 'pacs', '127.0.0.1:4242', 'oldest 4 min', '60 s ago'];
      for (const text of shown) expect(body).toContain(text);
      expect(body).not.toContain('mr<1>');
    });
  });

  it.each([
    [['ready', 'degraded'], 'degraded'],
    [['degraded', 'starting'], 'starting'],
    [['starting', 'down'], 'down'],
  ] as const)('says the worst of what the node depends on: %j is %s', async (states, said) => {
    const node = fakeNode();
    node.report = { dependencies: states.map((state) => ({ name: 'spool', state, says: '' })) };
    await withServer(node.options, async (asking) => {
      const header = /<header>.*<\/header>/s.exec((await asking(get('/'))).body)?.[0];
      expect(header).toMatch(new RegExp(`class="word \\w+">${said}<`));
    });
  });

  it('stands when a part of the node does not', async () => {
    const node = fakeNode();
    node.failing = new Error('no');
    await withServer(node.options, async (asking) => {
      const { status, body } = await asking(get('/'));
      expect(status).toBe(200);
      expect(body).toContain('Not available now.');
    });
  });

  it('counts all jobs of a queue, those too that are to be tried again', async () => {
    const { options } = fakeNode();
    if (!options.api) throw new Error('no api');
    const queues = [
      { queue: 'tasks', waiting: 0, active: 0, delayed: 0, oldestSeconds: null },
      { queue: 'deliveries', waiting: 3, active: 0, delayed: 2, oldestSeconds: 240 },
    ] as const;
    const api = { ...options.api, queues: () => Promise.resolve([...queues]) };
    await withServer({ ...options, api }, async (asking) => {
      const text = (await asking(get('/'))).body.replaceAll(/<[^>]+>/g, '').replaceAll(/\s+/g, ' ');
      expect(text).toContain('Tasks to enhance 0nothing to do');
      expect(text).toContain('Deliveries 53 waiting, 2 to try again, oldest 4 min');
    });
  });

  it('says that queues are not available, where they cannot be asked: nothing to do would look the same', async () => {
    const { options } = fakeNode();
    if (!options.api) throw new Error('no api');
    const api = { ...options.api, queues: () => Promise.reject(new Error('away')) };
    await withServer({ ...options, api }, async (asking) => {
      expect((await asking(get('/'))).body).toMatch(/<h2>Queues<\/h2>\s*<p class="empty">Not available now\.<\/p>/);
    });
  });

  it('says where older series are, if there are any', async () => {
    const { options } = fakeNode();
    if (options.api === null) throw new Error('no api');
    const some = await options.api.listSeries({ limit: 20 });
    for (const next of [null, key]) {
      const listSeries = () => Promise.resolve({ ...some, next });
      await withServer({ ...options, api: { ...options.api, listSeries } }, async (asking) => {
        const { body } = await asking(get('/'));
        expect(body.includes('limpid series list --state held')).toBe(next !== null);
      });
    }
  });

  it('comes in time when a part does not, and asks for that part once, however often it is reloaded', async () => {
    const { options } = fakeNode();
    if (options.api === null) throw new Error('no api');
    let asked = 0;
    let answer = (): void => {};
    const none = { series: [], next: null };
    const listSeries = (): Promise<typeof none> =>
      asked++ === 0 ? new Promise((resolve) => (answer = () => resolve(none))) : Promise.resolve(none);
    await withServer({ ...options, api: { ...options.api, listSeries } }, async (asking) => {
      const pages = await Promise.all([asking(get('/')), asking(get('/'))]);
      for (const { status, body } of pages) {
        expect([status, body.includes('Not available now.'), body.includes('127.0.0.1:4242')]).toEqual([
          200,
          true,
          true,
        ]);
      }
      expect(asked).toBe(1);
      answer();
      expect((await asking(get('/'))).body).toContain('No series yet.');
    });
  });
});

describe('page of a series', () => {
  it('is found by a key in capitals, and without a key among all', async () => {
    await withServer(fakeNode().options, async (asking) => {
      for (const [path, leadsTo] of [
        ['/series', '/'],
        ['/series/', '/'],
        [`/series/${key.toUpperCase()}`, `/series/${key}`],
        [`/series/${key.toUpperCase()}/`, `/series/${key}`],
        ['/series?still', '/?still'],
        [`/series/${key.toUpperCase()}?still`, `/series/${key}?still`],
      ] as const) {
        const { status, headers } = await asking(get(path));
        expect([path, status, headers.location]).toEqual([path, 302, leadsTo]);
      }
    });
  });

  it('is the same with a slash behind its path, and no page is there without a key', async () => {
    await withServer(fakeNode().options, async (asking) => {
      const [page, slashed] = [await asking(get(`/series/${key}`)), await asking(get(`/series/${key}/`))];
      expect([slashed.status, slashed.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
      expect(slashed.body).toBe(page.body);
      const refused = await asking({ ...get(`/series/${key}/`), method: 'DELETE' });
      expect([...brief(refused), refused.headers.allow]).toEqual([405, 'ADMIN_METHOD', 'GET, HEAD']);
      expect((await asking(get('/series//'))).status).toBe(404);
    });
  });

  it('tells what `series show` tells, and no value of a header', async () => {
    await withServer(fakeNode().options, async (asking) => {
      expect((await asking(get('/'))).body).toContain(`<a href="/series/${key}">`);
      const { status, headers, body } = await asking(get(`/series/${key}`));
      expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
      expect(headers['content-security-policy']).toMatch(/^default-src 'none'; style-src 'sha256-/);
      const text = body
        .replaceAll(/<style>.*<\/style>/gs, '')
        .replaceAll(/<[^>]+>/g, '')
        .replaceAll(/\s+/g, ' ');
      for (const said of [
        '12 of 300 instances wait for pacs.',
        'ct1 (CT1 at 127.0.0.1)',
        '300 instances, closed 4 min ago: nothing came for the quiet time.',
        'By rule low-dose-chest.',
        'enhanced ct-low-dose-01234567 Enhanced: 40 % of the noise taken away, 40 % asked.',
        'degradation moderate light the worse of signal and contrast to noise',
        'Series Instance UID of the result: 2.25.3',
        'mean shift – 3.4 ‰ of the 99.5th percentile the most that the mean over the tissue of an image has moved',
        'periodic pattern not measured strongest stripes',
      ])
        expect(text).toContain(said);
      expect(text).not.toContain('Modality equals CT');
    });
  });

  it.each([
    ['a series that is not here', 'zzzzzzzzzzzzzzzzzzzzzzzz23', 404, 'No such series is kept here.'],
    ['what is no key', '%3Cb%3E', 404, '&lt;b&gt;'],
  ])('says so of %s', async (_, path, status, says) => {
    await withServer(fakeNode().options, async (asking) => {
      const answer = await asking(get(`/series/${path}`));
      expect([answer.status, answer.headers['content-type']]).toEqual([status, 'text/html; charset=utf-8']);
      expect(answer.body).toContain(says);
      expect(answer.body).not.toContain('<b>');
    });
  });

  it('comes back by itself in a tab that was left open: what cannot be read now, and what is done but may be withdrawn', async () => {
    const node = fakeNode();
    const { api } = node.options;
    if (api === null) throw new Error('no api');
    const renews = async (options: typeof node.options, of: string = key): Promise<string | undefined> => {
      let body = '';
      await withServer(options, async (asking) => void ({ body } = await asking(get(`/series/${of}`))));
      return /http-equiv="refresh" content="(\d+)"/.exec(body)?.[1];
    };
    const done = { ...api, showSeries: () => Promise.resolve({ ...series, state: 'done' as const }) };
    expect(await renews(node.options)).toBe('10');
    expect(await renews({ ...node.options, api: done })).toBe('60');
    expect(await renews(node.options, otherKey)).toBeUndefined();
    node.failing = new Error('no');
    expect(await renews(node.options)).toBe('10');
  });

  it('says so where the spool cannot be read, and is for this machine alone', async () => {
    const node = fakeNode();
    node.failing = new Error('no');
    await withServer(node.options, async (asking) => {
      expect(await asking(get(`/series/${key}`))).toMatchObject({
        status: 503,
        body: expect.stringContaining('Not available now'),
      });
      expect((await asking({ ...get(`/series/${key}`), headers: { host: 'elsewhere.example' } })).status).toBe(421);
    });
  });
});

describe('openHttp', () => {
  let server: HttpServer | undefined;
  afterEach(() => server?.close());

  it('listens on a free port, and closes with a connection still open', async () => {
    server = await openHttp(fakeNode().options);
    expect((await ask(server.port, get('/api/series'))).status).toBe(200);
    const idle = request({
      host: '127.0.0.1',
      port: server.port,
      path: '/livez',
      headers: { connection: 'keep-alive' },
    });
    const [response] = await once(idle.end(), 'response');
    response.resume();
    idle.on('error', () => undefined);
    await server.close();
    await expect(ask(server.port, get('/livez'))).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('names the code when the port is taken', async () => {
    server = await openHttp(fakeNode().options);
    await expect(openHttp(fakeNode({ port: server.port }).options)).rejects.toMatchObject({ code: 'ADMIN_LISTEN' });
  });
});

describe('the API over a volume that does not answer', () => {
  it('says so in time, asks the same no more meanwhile, and answers once the volume is back', async () => {
    const { options } = fakeNode({ apiMs: 100 });
    let asked = 0;
    let isBack = false;
    const waiting: (() => void)[] = [];
    const hangs = async <T>(answer: T): Promise<T> => {
      asked++;
      if (!isBack) await new Promise<void>((resolve) => waiting.push(resolve));
      return answer;
    };
    const { api } = options;
    if (api === null) throw new Error('no API');
    const hung = {
      ...api,
      listSeries: () => hangs({ series: [], next: null }),
      act: () => hangs({ number: 1, warning: null }),
    };
    await withServer({ ...options, api: hung }, async (asking) => {
      const list = get('/api/series?limit=5');
      for (let time = 0; time < 3; time++) expect(brief(await asking(list))).toEqual([503, 'ADMIN_NO_ANSWER']);
      expect(asked).toBe(1);
      expect((await asking(get('/api/models'))).status).toBe(200);
      const hold = post(`/api/series/${key}/actions`, '{"kind":"hold"}');
      for (let time = 0; time < 2; time++) expect(brief(await asking(hold))).toEqual([503, 'ADMIN_NO_ANSWER']);
      expect(asked).toBe(3);
      isBack = true;
      for (const answer of waiting) answer();
      await new Promise((resolve) => setTimeout(resolve, 10));
      expect((await asking(list)).status).toBe(200);
      expect((await asking(hold)).status).toBe(202);
    });
  });
});
