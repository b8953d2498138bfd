// A TCP port that was free on loopback a moment ago, for servers that cannot listen on port 0 and say what they got.
import { createServer } from 'node:net';

/** Asks the system for a free port on 127.0.0.1 and gives it back at once. */
export function freePort(): Promise<number> {
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
