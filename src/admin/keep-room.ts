// Connections of the HTTP server, held to a number.
import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Beyond so many connections the one that has had no request for longest is closed, and the new one only where all others are being
 * answered: idle ones of one machine would else keep out who asks whether the node lives, and ends it where there is no answer.
 */
export function keepRoom(server: Server, most: number): void {
  const held = new Set<Socket>();
  /** Since when: in order. A request whose headers have not all come is none yet. */
  const idle = new Set<Socket>();
  // Reached by those alone that come faster than others are closed for them.
  server.maxConnections = 2 * most;
  server.on('connection', (socket) => {
    held.add(socket);
    idle.add(socket);
    socket.once('close', () => {
      held.delete(socket);
      idle.delete(socket);
    });
    const [oldest] = idle;
    if (held.size <= most || oldest === undefined) return;
    held.delete(oldest);
    idle.delete(oldest);
    oldest.destroy();
  });
  server.on('request', ({ socket }, response) => {
    idle.delete(socket);
    response.once('close', () => {
      if (held.has(socket)) idle.add(socket);
    });
  });
}
