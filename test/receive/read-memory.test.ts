// Instances are read straight into memory that the disk's threads write from: nothing of one may come into another, however they come,
// and every buffer is free again afterwards.
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { eventually } from '../../demo/start-node.js';
import { openSpool } from '../../src/spool/open-spool.js';
import type { Spool } from '../../src/spool/spool.js';
import { associateRequest, commandPdu, dataSet, fragments, storeRequest } from '../support/dimse-bytes.js';
import { readPart10 } from '../../src/dicom/part10.js';
import { scriptedPeer } from '../support/scripted-peer.js';
import { openQuietStore } from '../support/store-service.js';
import { openFolder } from '../support/temporary.js';
import { type TestScp, openTestScp } from '../support/test-scp.js';

const longestObject = 1_500_000;
let folder: Awaited<ReturnType<typeof openFolder>>;
let spool: Spool;
let node: TestScp;

beforeEach(async () => {
  folder = await openFolder();
  spool = await openSpool({ directory: folder.path, sync: 'never', host: hostname(), now: Date.now });
  await spool.instances.start();
  const service = openQuietStore(spool, () => ({ kind: 'none' }));
  // little may be queued, so that connections are held up and go on
  node = await openTestScp({ service, limits: { objectBytes: longestObject, queuedBytes: 300_000 } });
});
afterEach(async () => {
  await node.scp.close();
  await spool.close();
  await folder.remove();
});

/** A data set whose pixels are like no other's. */
function object(uid: string, pixelBytes: number): Buffer {
  const bytes = dataSet({ sopInstanceUid: uid, pixelBytes });
  randomBytes(pixelBytes).copy(bytes, bytes.length - pixelBytes);
  return bytes;
}

/** What is kept, by SOP Instance UID: the bytes of the data set. */
async function kept(): Promise<Map<string, Buffer>> {
  const all = await readdir(folder.path, { recursive: true, withFileTypes: true });
  const paths = all
    .filter((entry) => entry.isFile() && entry.parentPath.endsWith('/instances'))
    .map((entry) => join(entry.parentPath, entry.name));
  const found = new Map<string, Buffer>();
  for (const path of paths) {
    const bytes = await readFile(path);
    const { meta, dataSetOffset } = readPart10(bytes);
    found.set(meta.mediaStorageSopInstanceUid, bytes.subarray(dataSetOffset));
  }
  return found;
}

const allGivenBack = () =>
  eventually('every buffer is free', () => Promise.resolve(spool.instances.buffers.used === 0 || null));

/** Numbers that look like chance and are the same each time. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
}

/** Sends objects one behind the other in PDUs and writes of changing lengths. @returns those that were answered with success */
async function sendAll(lane: number, objects: readonly { uid: string; bytes: Buffer }[], cutAfter: number | null) {
  const below = numbers(lane + 1);
  const peer = await scriptedPeer(node.scp.port);
  peer.send(associateRequest());
  await peer.until(1);
  for (const [index, { uid, bytes }] of objects.entries()) {
    const size = below(2) === 0 ? 20 + 2 * below(4000) : 131_000 - 2 * below(50_000);
    const pdus = Buffer.concat([commandPdu(1, storeRequest(uid, { messageId: index + 1 })), fragments(1, bytes, size)]);
    const end = cutAfter === index ? Math.floor(pdus.length / 2) : pdus.length;
    for (let at = 0; at < end;) {
      const length = Math.min(end - at, 1 + below(200_000));
      peer.send(pdus.subarray(at, at + length));
      at += length;
      if (below(3) === 0) await delay(below(4));
    }
    if (cutAfter === index) {
      await peer.until(1 + index); // those before have their answers
      await delay(20);
      peer.destroy();
      break;
    }
  }
  const answered = objects.slice(0, cutAfter ?? objects.length);
  await peer.until(1 + answered.length);
  peer.destroy();
  const statuses = peer.responses.map(({ status }) => status);
  return answered.filter((_one, index) => statuses[index] === 0);
}

it('keeps what each association has sent, beside refused, cut and tiny ones, and gives every buffer back', async () => {
  const lengths = [400_000, 1_000, 900_000, 2_600_000, 131_072, 1_200_000, 30_000, 525_000];
  const lanes = Array.from({ length: 6 }, (_, lane) =>
    lengths.map((_length, index) => {
      const uid = `1.2.${lane + 1}.${index + 1}`;
      return { uid, bytes: object(uid, lengths[(index + lane) % lengths.length] ?? 0) };
    }),
  );
  const cuts = [null, 5, null, null, 2, null];
  const stored = (await Promise.all(lanes.map((objects, lane) => sendAll(lane, objects, cuts[lane] ?? null)))).flat();
  const expected = lanes.flatMap((objects, lane) =>
    objects.slice(0, cuts[lane] ?? objects.length).filter(({ bytes }) => bytes.length <= longestObject),
  );
  expect(stored.map(({ uid }) => uid).toSorted()).toEqual(expected.map(({ uid }) => uid).toSorted());
  const files = await kept();
  expect(files.size).toBe(stored.length);
  for (const { uid, bytes } of stored) expect(files.get(uid)?.equals(bytes)).toBe(true);
  await allGivenBack();
});

it('holds one buffer for a sender that stops in the middle, and none once it has gone', async () => {
  const bytes = object('1.2.9.1', 400_000);
  const peer = await scriptedPeer(node.scp.port);
  peer.send(
    associateRequest(),
    commandPdu(1, storeRequest('1.2.9.1')),
    fragments(1, bytes, 131_000).subarray(0, 300_000),
  );
  await eventually('a buffer is in use', () => Promise.resolve(spool.instances.buffers.used > 1 || null));
  await delay(100);
  expect(spool.instances.buffers.used).toBeLessThanOrEqual(5);
  peer.destroy();
  await allGivenBack();
  expect((await kept()).size).toBe(0);
});
