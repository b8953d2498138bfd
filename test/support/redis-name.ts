// A name, a balancer or a firewall between a node and its Redis.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';

export interface RedisName {
  readonly url: string;
  /** Connections of now stay open and carry nothing any more; later ones do. */
  silence(): void;
  /** Answers take so long from now on. */
  slowDown(ms: number): void;
  close(): void;
}

/** @param master port of the Redis that whoever connects now is led to */
export async function startRedisName(master: () => number): Promise<RedisName> {
  const open = new Set<Socket>();
  const silent = new WeakSet<Socket>();
  let answerMs = 0;
  const name = createServer((caller) => {
    const server = connect(master(), '127.0.0.1');
    open.add(caller);
    for (const socket of [caller, server]) socket.on('error', () => undefined);
    const answer = (bytes: Buffer): void => {
      if (!silent.has(caller) && !caller.destroyed) caller.write(bytes);
    };
    caller.on('data', (bytes: Buffer) => void (silent.has(caller) || server.write(bytes)));
    server.on('data', (bytes: Buffer) => void (answerMs === 0 ? answer(bytes) : setTimeout(answer, answerMs, bytes)));
    caller.on('close', () => {
      open.delete(caller);
      server.destroy();
    });
    server.on('close', () => caller.destroy());
  }).listen(0, '127.0.0.1');
  await once(name, 'listening');
  const address = name.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `redis://127.0.0.1:${port}`,
    silence: () => {
      for (const caller of open) silent.add(caller);
    },
    slowDown: (ms) => {
      answerMs = ms;
    },
    close: () => {
      for (const caller of open) caller.destroy();
      name.close();
    },
  };
}
