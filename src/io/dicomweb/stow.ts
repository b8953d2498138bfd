// Storing instances by STOW-RS (PS3.18 Section 10.5): one multipart request, streamed from the files.
import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { writeFileMeta } from '../../dicom/part10.js';
import { locateDataSet } from '../dimse/outgoing.js';
import type { Outgoing } from '../dimse/outgoing.js';
import { type WebAnswer, type WebTarget, ask } from './http.js';

const chunkBytes = 256 * 1024;

interface Part {
  readonly head: Buffer;
  readonly file: string;
  /** Where the data set begins, and how long it is. */
  readonly offset: number;
  readonly bytes: number;
}

/**
 * Sends instances in one request, each as a Part 10 file with a meta group of limpid's own in front of its data set's bytes.
 *
 * @throws WebFailure; LimpidError DICOM_NOT_DICOM, DICOM_MALFORMED; errors of the file system
 */
export async function store(
  target: WebTarget,
  instances: readonly Outgoing[],
  { sourceAe, signal }: { readonly sourceAe: string; readonly signal: AbortSignal },
): Promise<WebAnswer> {
  const boundary = `limpid-${randomUUID()}`;
  const parts: Part[] = [];
  for (const instance of instances) parts.push(await partOf(instance, boundary, sourceAe));
  const end = Buffer.from(`\r\n--${boundary}--\r\n`);
  const bytes = parts.reduce((sum, part) => sum + part.head.length + part.bytes, end.length);
  return ask(
    target,
    {
      method: 'POST',
      path: 'studies',
      headers: {
        'content-type': `multipart/related; type="application/dicom"; boundary=${boundary}`,
        accept: 'application/dicom+json',
      },
      body: { bytes, chunks: bodyOf(parts, end) },
    },
    signal,
  );
}

async function partOf(instance: Outgoing, boundary: string, sourceAe: string): Promise<Part> {
  const { file, sopClassUid, sopInstanceUid, transferSyntaxUid } = instance;
  const handle = await open(file);
  try {
    const { offset, bytes } = await locateDataSet(handle.fd);
    const meta = writeFileMeta({ sopClassUid, sopInstanceUid, transferSyntaxUid, sourceAe });
    const head = Buffer.from(`\r\n--${boundary}\r\nContent-Type: application/dicom\r\n\r\n`);
    return { head: Buffer.concat([head, meta]), file, offset, bytes };
  } finally {
    await handle.close();
  }
}

async function* bodyOf(parts: readonly Part[], end: Buffer): AsyncGenerator<Buffer> {
  for (const { head, file, offset, bytes } of parts) {
    yield head;
    const read: AsyncIterable<Buffer> = createReadStream(file, {
      start: offset,
      end: offset + bytes - 1,
      highWaterMark: chunkBytes,
    });
    yield* read;
  }
  yield end;
}
