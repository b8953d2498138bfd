// Asks a server over a real socket with any headers (fetch does not let Host be set). `inject()` is not used: under jest on
// Node 20 its cookie package, an ES module, cannot be required.
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import type { IncomingHttpHeaders } from 'node:http';
import { buildHttp } from '../../src/admin/server.js';
import type { HttpOptions } from '../../src/admin/server.js';

export interface Question {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'OPTIONS';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  json(): Record<string, unknown>;
}

/** Asks one question of the server at a port of 127.0.0.1. */
export function ask(port: number, question: Question): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { method = 'GET', path, headers = {}, body } = question;
    const outgoing = request({ host: '127.0.0.1', port, method, path, headers, agent: false }, (incoming) => {
      const { statusCode = 0, headers: got } = incoming;
      text(incoming).then(
        (received) => resolve({ status: statusCode, headers: got, body: received, json: () => JSON.parse(received) }),
        reject,
      );
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** Runs `body` against a server on a free loopback port, whatever address its options say it is for. */
export async function withServer(
  options: HttpOptions,
  body: (ask: (question: Question) => Promise<Answer>) => Promise<void>,
) {
  const app = buildHttp(options);
  await app.listen({ host: '127.0.0.1', port: 0 });
  try {
    const address = app.server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    await body((question) => ask(port, question));
  } finally {
    await app.close();
  }
}
