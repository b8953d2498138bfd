// What is sent: slices of a series, and one object of 500 MB, as files; as bare bytes over connections too.
import { open, readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Outgoing } from '../src/io/dimse/outgoing.js';
import { readOutgoing } from '../src/io/dimse/outgoing.js';
import { encodePart10 } from '../test/support/synthetic-series.js';
import { PassingCopies, templateOf } from './copies.js';

/** A series of its own: `seed` makes its UIDs. */
export async function writeSlices(folder: string, count: number, seed: number): Promise<readonly Outgoing[]> {
  const template = await templateOf(join(folder, 'template'), seed, 'bench');
  return new PassingCopies(folder, [template], count, count).outgoing;
}

const multiFrame = '1.2.840.10008.5.1.4.1.1.7.3';
const frameBytes = 512 * 512 * 2;
const frames = 954;

/** A multi-frame object of 500 MB. */
export async function writeLargeObject(folder: string, seed: number): Promise<readonly Outgoing[]> {
  const uid = `2.25.9000${seed}`;
  const head = encodePart10(
    [
      [0x00080016, 'UI', multiFrame],
      [0x00080018, 'UI', uid],
      [0x00080060, 'CS', 'OT'],
      [0x0020000d, 'UI', `${uid}1`],
      [0x0020000e, 'UI', `${uid}2`],
      [0x00280008, 'IS', String(frames)],
      [0x00280010, 'US', [512]],
      [0x00280011, 'US', [512]],
    ],
    multiFrame,
    uid,
  );
  const pixelHeader = Buffer.from([0xe0, 0x7f, 0x10, 0, 0x4f, 0x57, 0, 0, 0, 0, 0, 0]);
  pixelHeader.writeUInt32LE(frames * frameBytes, 8);
  const file = join(folder, 'large.dcm');
  const handle = await open(file, 'wx');
  const frame = Buffer.from(Uint8Array.from({ length: frameBytes }, (_, index) => (index * 31) & 255));
  await handle.appendFile(Buffer.concat([head, pixelHeader]));
  for (let written = 0; written < frames; written++) await handle.appendFile(frame);
  await handle.close();
  return [await readOutgoing(file)];
}

/** Sends files as bare bytes over connections at once, each file read while the one before is written. */
export async function sendBare(port: number, files: readonly string[], connections: number): Promise<void> {
  const queue = [...files];
  const next = (): Promise<Buffer> | null => {
    const file = queue.shift();
    return file === undefined ? null : readFile(file);
  };
  const lane = async (): Promise<void> => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const closed = new Promise<void>((resolve, reject) => socket.once('close', resolve).once('error', reject));
    socket.resume();
    for (let bytes = next(); bytes !== null;) {
      const current = await bytes;
      bytes = next();
      await new Promise((resolve) => socket.write(current, resolve));
    }
    socket.end();
    await closed;
  };
  await Promise.all(Array.from({ length: connections }, lane));
}
