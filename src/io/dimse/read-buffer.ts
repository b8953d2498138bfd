/**
 * Accepted connections that read into one buffer again and again. Node gives each 64 KB read a new buffer: the fresh pages and their
 * collection cost more than the reading (docs/benchmarks.md, receive). `onread` avoids that, but is for sockets that one makes oneself.
 */
import { Socket } from 'node:net';

/** Bytes that one read may take: what is read is copied on while a core's own cache holds it. One buffer serves all connections of a listener. */
export const readBytes = 64 * 1024;

/**
 * Takes a connection over from a socket of a server with `pauseOnConnect`. Its `data` chunks are views of `buffer`, valid only
 * while the event is handled. Where Node's handle is not as expected the socket itself is given back, and works as ever.
 */
export function readInto(accepted: Socket, buffer: Buffer): Socket {
  const handle: unknown = Reflect.get(accepted, '_handle');
  if (typeof handle !== 'object' || handle === null || !('useUserBuffer' in handle)) return accepted;
  const callback = (length: number): boolean => socket.emit('data', buffer.subarray(0, length));
  const options = { handle, onread: { buffer, callback }, allowHalfOpen: false };
  const socket = new Socket(options);
  Reflect.set(accepted, '_handle', null);
  socket.once('close', () => accepted.destroy()); // the server counts its connections by the sockets that it made
  return socket;
}
