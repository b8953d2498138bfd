import { createServer } from 'node:net';

/** The system may give a port a second time before its first taker listens there. */
const given = new Set<number>();

/** A TCP port of 127.0.0.1 that nobody listens on now, and that was not given before. */
export async function freePort(): Promise<number> {
  const port = await openedPort();
  if (given.has(port)) return freePort();
  given.add(port);
  return port;
}

function openedPort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => {
        if (address === null || typeof address === 'string') reject(new Error('no port'));
        else resolve(address.port);
      });
    });
  });
}
