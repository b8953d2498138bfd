// One request to servers that answer before they have read it all, that close in the middle of it, or of their answer.
import { createServer as createHttpServer } from 'node:http';
import { type Socket, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type WebAnswer, ask } from '../../../src/io/dicomweb/http.js';

const toClose: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of toClose.splice(0)) await close();
});

const post = (
  port: number,
  bytes: number,
  chunks: AsyncIterable<Uint8Array>,
  { timeoutMs = 5000, bytesPerSecond = 8000 } = {},
): Promise<WebAnswer> =>
  ask(
    {
      url: `http://127.0.0.1:${port}`,
      authorization: () => Promise.resolve(null),
      tls: undefined,
      timeoutMs,
      bytesPerSecond,
    },
    { method: 'POST', path: 'studies', headers: {}, body: { bytes, chunks } },
    new AbortController().signal,
  );

const chunkBytes = 65_536;
async function* zeros(count: number): AsyncGenerator<Uint8Array> {
  for (let k = 0; k < count; k++) yield Promise.resolve(new Uint8Array(chunkBytes));
}

/** A server that does this with each connection once its request begins. */
async function server(script: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const tcp = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('data', () => {
      socket.pause();
      script(socket);
    });
  });
  await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve));
  toClose.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => tcp.close(resolve));
  });
  const address = tcp.address();
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}

/** Places of the shared numbers. */
const [begun, mayAnswer, closed] = [0, 1, 2];

/** A server in a thread of its own, which answers and closes with the request unread while this thread does something else. */
const refuser = `
  const { createServer } = require('node:net');
  const { parentPort, workerData: { shared, answer } } = require('node:worker_threads');
  const tell = (place) => { Atomics.store(shared, place, 1); Atomics.notify(shared, place); };
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('close', () => tell(${closed}));
    socket.once('data', () => {
      socket.pause();
      tell(${begun});
      Atomics.wait(shared, ${mayAnswer}, 0, 10000);
      socket.write(answer, () => socket.destroy());
    });
  });
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
`;

describe('a server that refuses and closes while the body is going out', () => {
  it.each([401, 403, 413, 503])('is heard: HTTP %d', async (status) => {
    const shared = new Int32Array(new SharedArrayBuffer(12));
    const answer = `HTTP/1.1 ${status} Refused\r\nContent-Length: 2\r\nRetry-After: 120\r\nConnection: close\r\n\r\nno`;
    const worker = new Worker(refuser, { eval: true, workerData: { shared, answer } });
    toClose.push(() => worker.terminate());
    const port = await new Promise<number>((resolve) => void worker.once('message', resolve));
    async function* body(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(chunkBytes);
      while (Atomics.load(shared, begun) === 0) await sleep(5);
      // The answer and the reset behind it come while nobody looks; the next write is the first to meet them.
      Atomics.store(shared, mayAnswer, 1);
      Atomics.notify(shared, mayAnswer);
      expect(Atomics.wait(shared, closed, 0, 10_000)).not.toBe('timed-out');
      yield* zeros(200);
    }
    const { retryAfter, ...heard } = await post(port, 201 * chunkBytes, body());
    expect(heard.status).toBe(status);
    expect(retryAfter).toBe('120');
  });

  it('is heard though its connection ends within its words', async () => {
    const port = await server((socket) => {
      socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 1000\r\n\r\nYou may', () => socket.destroy());
    });
    expect((await post(port, chunkBytes, zeros(1))).status).toBe(403);
  });
});

describe('a server that says yes', () => {
  it('before it has everything is not believed', async () => {
    const port = await server((socket) => {
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    });
    await expect(post(port, 2000 * chunkBytes, zeros(2000))).rejects.toMatchObject({ code: 'DICOMWEB_LOST' });
  });

  it('and ends within its words is not believed', async () => {
    const port = await server((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"00081199"', () => socket.destroy());
    });
    await expect(post(port, chunkBytes, zeros(1))).rejects.toMatchObject({ code: 'DICOMWEB_LOST' });
  });
});

it('a server that changes the protocol unasked is lost', async () => {
  const port = await server((socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
  });
  await expect(post(port, chunkBytes, zeros(1))).rejects.toMatchObject({ code: 'DICOMWEB_LOST' });
});

describe('the least rate of a body', () => {
  // Something goes out all the time: it is never silent.
  async function* drops(count: number): AsyncGenerator<Uint8Array> {
    for (let k = 0; k < count; k++) {
      await sleep(20);
      yield new Uint8Array(10);
    }
  }
  async function reader(): Promise<number> {
    const http = createHttpServer((request, response) => void request.on('end', () => response.end()).resume());
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    toClose.push(() => {
      http.closeAllConnections();
      return new Promise((resolve) => http.close(resolve));
    });
    const address = http.address();
    return typeof address === 'object' ? (address?.port ?? 0) : 0;
  }

  it('ends one that is slower', async () => {
    const asked = post(await reader(), 100_000, drops(10_000), { timeoutMs: 100, bytesPerSecond: 1e9 });
    await expect(asked).rejects.toMatchObject({ code: 'DICOMWEB_TIMEOUT' });
  });

  it('leaves one alone that is not, however long it takes', async () => {
    const bytes = 500;
    const asked = post(await reader(), bytes, drops(bytes / 10), { timeoutMs: 400, bytesPerSecond: 1 });
    expect((await asked).status).toBe(200);
  });
});

it('a body that cannot be read ends the request with its own fault', async () => {
  const port = await server(() => undefined);
  async function* body(): AsyncGenerator<Uint8Array> {
    yield* zeros(1);
    throw Object.assign(new Error('the disk is gone'), { code: 'EIO' });
  }
  await expect(post(port, 2 * chunkBytes, body())).rejects.toMatchObject({ code: 'EIO' });
});
