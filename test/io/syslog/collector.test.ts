import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, type Socket, createServer } from 'node:net';
import { setImmediate as endOfTurn, setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { openCollector } from '../../../src/io/syslog/collector.js';
import { framed, syslogMessage } from '../../../src/io/syslog/message.js';
import { readSyslog } from '../../support/audit-messages.js';

const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** A server that keeps what it gets, and does with each connection what it is told. */
async function listen(connected: (socket: Socket) => void = () => undefined) {
  const got: Buffer[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('data', (chunk) => got.push(chunk));
    connected(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  return { port, sockets, text: () => Buffer.concat(got).toString() };
}

const over = (transport: 'tcp' | 'udp', port: number, timeoutMs = 2000) => {
  const collector = openCollector({ transport, host: '127.0.0.1', port, tls: null, timeoutMs });
  closers.push(() => collector.close());
  return collector;
};
const bytes = (text: string) => Buffer.from(text, 'utf8');

/** Places of the shared numbers. */
const [begun, mayClose] = [0, 1];

/** A server in a thread of its own, which closes the connection when it may, while this thread does something else. */
const closer = `
  const { createServer } = require('node:net');
  const { parentPort, workerData: shared } = require('node:worker_threads');
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => {
      Atomics.store(shared, ${begun}, 1);
      Atomics.wait(shared, ${mayClose}, 0, 10000);
      socket.destroy();
    });
  });
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
`;

describe('a collector over TCP', () => {
  it('gets messages with their length in bytes, over one connection', async () => {
    const server = await listen();
    const collector = over('tcp', server.port);
    await collector.send([bytes('one'), bytes('zwölf')]);
    await collector.send([bytes('three')]);
    while (!server.text().endsWith('three')) await sleep(5);
    expect(server.text()).toBe('3 one6 zwölf5 three');
    expect(server.sockets.size).toBe(1);
  });

  it('that closes the connection has taken nothing, and is called anew', async () => {
    let calls = 0;
    const server = await listen((socket) => {
      if (++calls === 1) socket.once('data', () => socket.destroy());
    });
    const collector = over('tcp', server.port);
    await expect(collector.send([bytes('one')])).rejects.toMatchObject({ code: 'AUDIT_UNREACHABLE' });
    await collector.send([bytes('one')]);
    expect(calls).toBe(2);
    // between two batches too: a collector that was restarted
    for (const socket of server.sockets) socket.destroy();
    await sleep(50);
    await collector.send([bytes('two')]);
    while (!server.text().endsWith('3 two')) await sleep(5);
    expect(calls).toBe(3);
  });

  it('that closes the connection while this thread is held up has taken nothing', async () => {
    const shared = new Int32Array(new SharedArrayBuffer(8));
    const worker = new Worker(closer, { eval: true, workerData: shared });
    closers.push(async () => void (await worker.terminate()));
    const port = await new Promise<number>((resolve) => void worker.once('message', resolve));
    const sending = over('tcp', port).send([bytes('one')]);
    const failed = expect(sending).rejects.toMatchObject({ code: 'AUDIT_UNREACHABLE' });
    while (Atomics.load(shared, begun) === 0) await sleep(5);
    await sleep(50); // of the 200 ms after which a message counts as taken
    await endOfTurn(); // timers are the first that is looked at then, and sockets the second
    Atomics.store(shared, mayClose, 1);
    Atomics.notify(shared, mayClose);
    Atomics.wait(shared, mayClose, 1, 500);
    await failed;
  });

  it('that is not there, or reads nothing, ends in time', async () => {
    const gone = await listen();
    for (const close of closers.splice(0)) await close();
    await expect(over('tcp', gone.port).send([bytes('one')])).rejects.toMatchObject({ code: 'AUDIT_UNREACHABLE' });
    const deaf = await listen((socket) => socket.pause());
    const much = [new Uint8Array(64 * 1024 * 1024)];
    const started = performance.now();
    await expect(over('tcp', deaf.port, 300).send(much)).rejects.toThrow('nothing was taken for 300 ms');
    expect(performance.now() - started).toBeLessThan(5000);
  });
});

describe('a collector over UDP', () => {
  it('gets a datagram for each message; what fits none is refused', async () => {
    const socket = createSocket('udp4');
    const got: string[] = [];
    socket.on('message', (message) => got.push(message.toString()));
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    closers.push(() => void socket.close());
    const { port }: AddressInfo = socket.address();
    const collector = over('udp', port);
    await collector.send([bytes('one'), bytes('two')]);
    for (let turn = 0; turn < 1200 && got.length < 2; turn++) await new Promise((resolve) => setTimeout(resolve, 25));
    expect(got).toEqual(['one', 'two']);
    await expect(collector.send([new Uint8Array(70_000)])).rejects.toThrow('fits no datagram');
  });
});

describe('a syslog message', () => {
  const header = {
    facility: 10,
    severity: 5,
    atMs: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
    host: 'node-1',
    application: 'limpid',
    processId: '4711',
    messageId: 'DICOM+RFC3881',
  };

  it('has the header of RFC 5424', () => {
    expect(Buffer.from(syslogMessage(header, '<AuditMessage/>')).toString()).toBe(
      '<85>1 2026-01-02T03:04:05.678Z node-1 limpid 4711 DICOM+RFC3881 - \uFEFF<AuditMessage/>',
    );
  });

  it('keeps its fields apart whatever they hold', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (host, text) => {
        const message = syslogMessage({ ...header, host }, text);
        const read = readSyslog(Buffer.from(message).toString());
        expect(read.priority).toBe(85);
        expect(read.header.split(' ')).toHaveLength(5);
        expect(read.xml).toBe(text);
        const [length = '', ...rest] = Buffer.from(framed(message)).toString('latin1').split(' ');
        expect(Number(length)).toBe(Buffer.byteLength(rest.join(' '), 'latin1'));
      }),
    );
  });
});
