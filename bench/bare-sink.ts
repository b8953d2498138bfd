// What Node alone can do, an upper bound: one stream a connection, so one file, and nobody waits for an answer between two slices.
// Nothing is looked at either. Answers by closing once the file is closed.
// `node build/bench/bare-sink.js FOLDER`; prints its port.
import { createWriteStream } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

const [folder = '.'] = process.argv.slice(2);
let connections = 0;
const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
  pipeline(socket, createWriteStream(join(folder, `${++connections}`)), { end: true })
    .then(() => socket.end())
    .catch(() => socket.destroy());
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  console.log(typeof address === 'object' ? address?.port : address);
});
