// Any packing of PDVs and any segmentation of the stream gives the object that was sent; over a plain Duplex, as TLS would be.
import { Duplex } from 'node:stream';
import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Origin } from '../../../src/io/dimse/acceptor-node.js';
import { Acceptor } from '../../../src/io/dimse/acceptor.js';
import { Association } from '../../../src/io/dimse/association.js';
import { defaultLimits } from '../../../src/io/dimse/limits.js';
import { encodeReleaseRequest } from '../../../src/io/dimse/pdu.js';
import { associateRequest, commandPdu, data, dataSet, pdv, storeRequest } from '../../support/dimse-bytes.js';
import { type MemoryStore, memoryStore } from '../../support/memory-store.js';
import { acceptorNode } from '../../support/acceptor-node.js';

const origin: Origin = { address: '127.0.0.1', port: 104, security: { kind: 'plain' } };

/** Serves one stream whose bytes come in the given chunks; resolves when it has ended. */
async function serve(store: MemoryStore, chunks: readonly Buffer[]): Promise<void> {
  const node = acceptorNode(store);
  const left = [...chunks];
  const stream = new Duplex({
    read() {
      const chunk = left.shift();
      if (chunk) this.push(chunk);
    },
    write: (_chunk, _encoding, done) => done(),
    // limpid has said its last word: the peer closes
    final: (done) => {
      stream.push(null);
      done();
    },
  });
  const acceptor = new Acceptor(node, 1, origin);
  acceptor.attach(new Association(stream, 'acceptor', acceptor, defaultLimits));
  await acceptor.done;
  expect(node.queuedBytes).toBe(0);
}

/** Cuts bytes into pieces whose lengths repeat. */
function cut(bytes: Buffer, lengths: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  for (let offset = 0; offset < bytes.length;) {
    const length = lengths[pieces.length % lengths.length] ?? 1;
    pieces.push(bytes.subarray(offset, offset + length));
    offset += length;
  }
  return pieces;
}

it('any packing, any segmentation, a sink that is now and then full', async () => {
  const lengths = (max: number) => fc.array(fc.integer({ min: 1, max }), { minLength: 1, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(5000), { minLength: 1, maxLength: 3 }),
      lengths(3000),
      fc.integer({ min: 1, max: 6 }),
      lengths(4000),
      fc.integer({ min: 2, max: 9 }),
      async (sizes, pdvLengths, pdvsOfPdu, chunkLengths, fullEvery) => {
        let writes = 0;
        const queue = {
          bytes: () => (++writes % fullEvery === 0 ? 5_000_000 : 0),
          drained: () => new Promise<void>(setImmediate),
        };
        const store = memoryStore({ queue });
        const objects = sizes.map((size, index) => ({
          uid: `1.2.3.${index + 1}`,
          bytes: dataSet({ sopInstanceUid: `1.2.3.${index + 1}`, pixelBytes: 2 * size }),
        }));
        const pdus = objects.flatMap(({ uid, bytes }, index) => {
          const parts = cut(bytes, pdvLengths);
          const pdvs = parts.map((part, number) => pdv(1, number === parts.length - 1 ? 2 : 0, part));
          const packed: Buffer[] = [];
          for (let start = 0; start < pdvs.length; start += pdvsOfPdu)
            packed.push(data(...pdvs.slice(start, start + pdvsOfPdu)));
          return [commandPdu(1, storeRequest(uid, { messageId: index + 1 })), ...packed];
        });
        const sent = Buffer.concat([associateRequest(), ...pdus, encodeReleaseRequest()]);
        await serve(store, cut(sent, chunkLengths));
        expect(store.ended.map(({ how }) => how)).toEqual(['released']);
        expect(store.objects.map(({ facts }) => facts.sopInstanceUid)).toEqual(objects.map(({ uid }) => uid));
        for (const [index, { bytes }] of store.objects.entries())
          expect(bytes.equals(objects[index]?.bytes ?? Buffer.alloc(0))).toBe(true);
      },
    ),
    { numRuns: 100 },
  );
});

it('a stream cut anywhere leaves only whole objects, and no sink open', async () => {
  const bytes = dataSet({ sopInstanceUid: '1.2.3.1', pixelBytes: 3000 });
  const whole = Buffer.concat([associateRequest(), commandPdu(1, storeRequest('1.2.3.1')), data(pdv(1, 2, bytes))]);
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: whole.length }), async (end) => {
      const store = memoryStore();
      const left = [whole.subarray(0, end)];
      const stream = new Duplex({
        read() {
          this.push(left.shift() ?? null);
        },
        write: (_chunk, _encoding, done) => done(),
      });
      const acceptor = new Acceptor(acceptorNode(store), 1, origin);
      acceptor.attach(new Association(stream, 'acceptor', acceptor, defaultLimits));
      await acceptor.done;
      expect(store.open()).toBe(0);
      expect(store.objects).toHaveLength(end === whole.length ? 1 : 0);
      expect(store.ended.map(({ how }) => how)).toEqual(end >= associateRequest().length ? ['lost'] : []);
    }),
    { numRuns: 100 },
  );
});
