// A stored object of several frames, read piece by piece: its header once, its pixels a frame at a time. A 500 MB object takes the
// memory of its header and one frame.
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { DataSet } from '../dicom/data-set.js';
import type { Fragment } from '../dicom/data-set.js';
import { longHeader } from '../dicom/element.js';
import { readInstance } from '../dicom/file.js';
import type { Instance } from '../dicom/file.js';
import type { PixelDescription } from '../dicom/pixel-description.js';
import {
  areToldByStreams,
  frameFragments,
  nativeFrameBytes,
  refuseMoreFrames,
  refuseSecondStream,
} from '../dicom/pixels.js';
import { edgeBytes, StreamStarts } from '../dicom/stream-starts.js';
import { transferSyntax } from '../dicom/uids.js';
import { find } from '../dicom/values.js';
import { LimpidError } from '../errors.js';
import { readBeginning } from './read-beginning.js';

export interface ObjectFile {
  /** File meta group and data set, without what stands at Pixel Data and behind. */
  readonly header: Instance;
  /** A data set of nothing but one frame's Pixel Data, as a single-frame object would hold it. @throws LimpidError DICOM_* */
  framePixels(frame: number, description: PixelDescription): Promise<DataSet>;
}

const pixelDataTag = 0x7fe00010;

/** Reads exactly `length` bytes at a place of the file. */
async function bytesAt(file: FileHandle, position: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  const { bytesRead } = await file.read(bytes, 0, length, position);
  if (bytesRead < length) throw new LimpidError('DICOM_UNDECODABLE', 'the file ends within its pixel data');
  return bytes;
}

/** The header of a stored object, read no further than to Pixel Data. @throws LimpidError DICOM_* */
export async function readHeaderOf(path: string): Promise<Instance> {
  const { bytes, size, part10, dataSet, complete } = await readBeginning(path);
  if (complete) return { bytes, part10, dataSet };
  if (bytes.length >= size) throw new LimpidError('DICOM_MALFORMED', 'the file ends before its pixels');
  throw new LimpidError('DICOM_MALFORMED', `a header of more than ${bytes.length} bytes`);
}

/** @throws LimpidError DICOM_* */
export async function openObjectFile(path: string): Promise<ObjectFile> {
  const header = await readHeaderOf(path);
  if (transferSyntax(header.part10.transferSyntaxUid)?.deflated === true) return openWhole(path);
  const file = await open(path);
  try {
    return await openByFrames(path, file, header);
  } finally {
    await file.close();
  }
}

/** Deflated: nothing lies at a place that could be known. */
async function openWhole(path: string): Promise<ObjectFile> {
  const file = await open(path);
  try {
    const whole = readInstance(await file.readFile());
    const element = find(whole.dataSet, 'PixelData');
    if (element === undefined) throw new LimpidError('DICOM_UNDECODABLE', 'no Pixel Data');
    const value = whole.dataSet.value(element);
    return {
      header: whole,
      framePixels(frame, description) {
        const length = nativeFrameBytes(description);
        refuseMoreFrames(value.length, description);
        return Promise.resolve(nativePixels(whole.dataSet, element.vr, value.subarray(frame * length), length));
      },
    };
  } finally {
    await file.close();
  }
}

async function openByFrames(path: string, file: FileHandle, header: Instance): Promise<ObjectFile> {
  const { part10, dataSet } = header;
  const { littleEndian, explicit } = dataSet.encoding;
  const at = part10.dataSetOffset + dataSet.end;
  const start = await bytesAt(file, at, 12);
  const view = new DataView(start.buffer);
  const tag = view.getUint16(0, littleEndian) * 0x10000 + view.getUint16(2, littleEndian);
  if (tag !== pixelDataTag) throw new LimpidError('DICOM_UNDECODABLE', 'no Pixel Data');
  const vr = explicit ? String.fromCharCode(start[4] ?? 0, start[5] ?? 0) : 'OW';
  if (explicit && !longHeader(vr)) throw new LimpidError('DICOM_UNDECODABLE', `Pixel Data of VR ${vr}`);
  const valueAt = at + (explicit ? 12 : 8);
  const length = view.getUint32(explicit ? 8 : 4, littleEndian);
  const read = async (position: number, bytes: number): Promise<Uint8Array> => {
    const reopened = await open(path);
    try {
      return await bytesAt(reopened, position, bytes);
    } finally {
      await reopened.close();
    }
  };
  if (length !== 0xffffffff) {
    return {
      header,
      async framePixels(frame, description) {
        const bytes = nativeFrameBytes(description);
        refuseMoreFrames(length, description);
        if ((frame + 1) * bytes > length) {
          throw new LimpidError('DICOM_UNDECODABLE', `${length} bytes of pixel data, ${(frame + 1) * bytes} expected`);
        }
        const place = frame * bytes;
        if (littleEndian || vr !== 'OW' || description.bitsAllocated !== 8)
          return nativePixels(dataSet, vr, await read(valueAt + place, bytes), bytes);
        // Bytes in words of 16 bits stand in the order of the words, and a frame may begin within one.
        const [first, last] = [place - (place % 2), place + bytes + ((place + bytes) % 2)];
        const words = Buffer.from(await read(valueAt + first, last - first)).swap16();
        return nativePixels(dataSet, 'OB', words.subarray(place - first, place - first + bytes), bytes);
      },
    };
  }
  const { table, data } = await fragmentsOf(file, valueAt);
  let streams: Promise<readonly number[]> | null = null;
  return {
    header,
    async framePixels(frame, { frames }) {
      const starts = areToldByStreams(table, data.length, frames) ? await (streams ??= streamsOf(path, data)) : [];
      const own = frameFragments(table, data, frames, frame, starts);
      const parts = await Promise.all(own.map((fragment) => read(fragment.offset, fragment.length)));
      if (frames === 1) refuseSecondStream(parts);
      return encodedPixels(dataSet, vr, parts);
    },
  };
}

/** Places of all fragments, by their item headers alone. */
async function fragmentsOf(file: FileHandle, start: number): Promise<{ table: Uint8Array; data: Fragment[] }> {
  const data: Fragment[] = [];
  let table: Uint8Array | null = null;
  for (let at = start; ;) {
    const view = new DataView((await bytesAt(file, at, 8)).buffer);
    const tag = view.getUint16(0, true) * 0x10000 + view.getUint16(2, true);
    const length = view.getUint32(4, true);
    if (tag === 0xfffee0dd) return { table: table ?? new Uint8Array(0), data };
    if (tag !== 0xfffee000) throw new LimpidError('DICOM_MALFORMED', 'something else stands where a fragment must');
    if (table === null) table = await bytesAt(file, at + 8, length);
    else data.push({ offset: at + 8, length });
    at += 8 + length;
  }
}

/** Where whole code streams begin, by the edges of the fragments alone. */
async function streamsOf(path: string, data: readonly Fragment[]): Promise<readonly number[]> {
  const file = await open(path);
  try {
    const starts = new StreamStarts();
    for (const { offset, length } of data) {
      const edge = Math.min(length, edgeBytes);
      starts.add(await bytesAt(file, offset, edge), await bytesAt(file, offset + length - edge, edge));
    }
    return starts.whole;
  } finally {
    await file.close();
  }
}

const element = { tag: pixelDataTag, offset: 0, valueOffset: 0, items: null } as const;

function nativePixels({ encoding }: DataSet, vr: string, bytes: Uint8Array, length: number): DataSet {
  const whole = { ...element, vr, length, end: length, undefinedLength: false, fragments: null };
  return new DataSet(bytes, encoding, 0, length, [whole]);
}

function encodedPixels({ encoding }: DataSet, vr: string, parts: readonly Uint8Array[]): DataSet {
  const bytes = Buffer.concat(parts);
  const fragments: Fragment[] = [{ offset: 0, length: 0 }];
  let offset = 0;
  for (const { length } of parts) {
    fragments.push({ offset, length });
    offset += length;
  }
  const { length } = bytes;
  return new DataSet(bytes, encoding, 0, length, [
    { ...element, vr, length, end: length, undefinedLength: true, fragments },
  ]);
}
