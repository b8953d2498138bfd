// Many connections, and many requests on one: neither takes what the rest of the node needs.
import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, it } from '@jest/globals';
import { type HttpOptions, openHttp } from '../../src/admin/server.js';
import { openMetrics } from '../../src/observe/metrics.js';
import { ask } from './ask.js';
import { fakeNode } from './node.js';

/** Also where it ends by an error: `once` would throw that. */
const closed = (socket: Socket): Promise<void> => new Promise((resolve) => void socket.once('close', () => resolve()));

async function withPort(body: (port: number) => Promise<void>, changes: Partial<HttpOptions> = {}): Promise<void> {
  const server = await openHttp({ ...fakeNode().options, ...changes });
  try {
    await body(server.port);
  } finally {
    await server.close();
  }
}

it('idle connections are held up to a number; beyond it the oldest go, so that whoever asks is answered', async () => {
  await withPort(async (port) => {
    const idle: Socket[] = [];
    for (let count = 0; count < 300; count++) {
      const socket = connect(port, '127.0.0.1').on('error', () => undefined);
      await once(socket, 'connect');
      // Some begin a request and never end it: that is none either.
      if (count % 2 === 0) socket.write('GET /livez HTTP/1.1\r\n');
      idle.push(socket.resume());
    }
    const first = idle.slice(0, 44);
    await Promise.all(first.filter((socket) => !socket.closed).map((socket) => closed(socket)));
    expect(idle.filter((socket) => !socket.closed)).toHaveLength(256);
    for (let count = 0; count < 3; count++) expect((await ask(port, { path: '/livez' })).status).toBe(200);
    for (const socket of idle) socket.destroy();
  });
});

it('a connection on which more requests come in one piece than are answered is not read any further', async () => {
  await withPort(async (port) => {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    socket.write('GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(100_000));
    socket.resume();
    await closed(socket);
    expect(socket.bytesRead).toBeLessThan(50 * 1000);
    expect((await ask(port, { path: '/livez' })).status).toBe(200);
  });
});

it('who asks one thing after the other, and keeps the connection, is always answered', async () => {
  await withPort(async (port) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let count = 0; count < 120; count++) {
      const [answer] = await once(get({ port, path: '/livez', agent }), 'response');
      expect(answer.statusCode).toBe(200);
      await text(answer);
    }
    agent.destroy();
  });
});

it('many who ask for the metrics, or whether the node is ready, at once get one answer: making each its own would hold up the node', async () => {
  const metrics = openMetrics();
  let [made, asked] = [0, 0];
  const textOf = async (): Promise<string> => {
    made++;
    await new Promise((resolve) => setTimeout(resolve, 100));
    return metrics.text();
  };
  const ready = async () => {
    asked++;
    await new Promise((resolve) => setTimeout(resolve, 100));
    return { dependencies: [] };
  };
  await withPort(
    async (port) => {
      const sockets = ['/metrics', '/readyz'].map((path) => {
        const socket = connect(port, '127.0.0.1').on('error', () => undefined);
        socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`.repeat(40));
        return socket;
      });
      for (const socket of sockets) await once(socket, 'data');
      for (const socket of sockets) socket.destroy();
      expect([made, asked]).toEqual([1, 1]);
      expect((await ask(port, { path: '/metrics' })).body).toContain('limpid_failures_total');
      expect(made).toBe(2);
    },
    { metrics: { ...metrics, text: textOf }, ready },
  );
});

it('a connection whose answers nobody reads is closed', async () => {
  const metrics = { ...openMetrics(), text: () => Promise.resolve('# limpid\n'.repeat(1_000_000)) };
  await withPort(
    async (port) => {
      const socket = connect(port, '127.0.0.1').on('error', () => undefined);
      socket.pause();
      socket.write('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n');
      await new Promise((resolve) => setTimeout(resolve, 1500));
      socket.resume(); // what the system holds is read; the rest was never sent
      await closed(socket);
      expect(socket.bytesRead).toBeLessThan(9_000_000);
    },
    { metrics, stillMs: 300 },
  );
});
