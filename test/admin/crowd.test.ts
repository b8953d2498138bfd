// Many connections, and many requests on one: neither takes what the rest of the node needs.
import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, it } from '@jest/globals';
import { openHttp } from '../../src/admin/server.js';
import { ask } from './ask.js';
import { fakeNode } from './node.js';

async function withPort(body: (port: number) => Promise<void>): Promise<void> {
  const server = await openHttp(fakeNode().options);
  try {
    await body(server.port);
  } finally {
    await server.close();
  }
}

it('idle connections are held up to a number, and those beyond it are let go at once', async () => {
  await withPort(async (port) => {
    const idle: Socket[] = [];
    for (let count = 0; count < 300; count++) {
      const socket = connect(port, '127.0.0.1').on('error', () => undefined);
      await once(socket, 'connect');
      idle.push(socket.resume());
    }
    const over = idle.slice(256);
    await Promise.all(over.map((socket) => (socket.closed ? null : once(socket, 'close'))));
    expect(idle.filter((socket) => !socket.closed)).toHaveLength(256);
    await Promise.all(
      idle.slice(0, 10).map((socket) => {
        socket.end();
        return once(socket, 'close');
      }),
    );
    expect((await ask(port, { path: '/livez' })).status).toBe(200);
    for (const socket of idle) socket.destroy();
  });
});

it('requests that come in one piece are answered up to a number, and refused beyond it', async () => {
  await withPort(async (port) => {
    const socket = connect(port, '127.0.0.1');
    let answers = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => (answers += chunk));
    const of = (status: number): number => answers.split(`HTTP/1.1 ${status} `).length - 1;
    socket.write('GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(1000));
    while (of(200) + of(503) < 1000) await once(socket, 'data');
    expect([of(200), of(503)]).toEqual([50, 950]);
    socket.destroy();
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
