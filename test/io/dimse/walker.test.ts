import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readDataSet } from '../../../src/dicom/data-set.js';
import { readPart10 } from '../../../src/dicom/part10.js';
import { text } from '../../../src/dicom/values.js';
import { LimpidError } from '../../../src/errors.js';
import { defaultLimits } from '../../../src/io/dimse/limits.js';
import { type WalkResult, openWalk } from '../../../src/io/dimse/walk.js';
import { DataSetWalker } from '../../../src/io/dimse/walker.js';
import { assemblyFacts, headerFacts } from '../../../src/spool/arrival.js';
import { dataSet, element } from '../../support/dimse-bytes.js';
import { itWithData, sharedBytes, sharedFiles } from '../../support/shared-data.js';

const syntaxes = {
  implicit: '1.2.840.10008.1.2',
  explicit: '1.2.840.10008.1.2.1',
  deflated: '1.2.840.10008.1.2.1.99',
  big: '1.2.840.10008.1.2.2',
  jpegLs: '1.2.840.10008.1.2.4.80',
} as const;

async function walk(syntax: string, bytes: Uint8Array, piece: number, limits = defaultLimits): Promise<WalkResult> {
  const walking = openWalk(syntax, limits);
  for (let offset = 0; offset < bytes.length; offset += piece) {
    walking.push(bytes.subarray(offset, offset + piece));
    await walking.drained();
  }
  return walking.end();
}

/** Samples that are no whole data set, and what is found wrong with them. */
const faulty: Readonly<Record<string, RegExp>> = {
  'odd/j2k-too-short-emri.dcm': /a sequence is not closed/,
  'odd/truncated-bulk-data-claims-3gb.dcm': /a value lacks 3221127392 bytes/,
  'odd/truncated-in-header-mr.dcm': /header of an element/,
  'odd/truncated-mr.dcm': /a value lacks 62 bytes/,
  'odd/truncated-rtplan.dcm': /a value lacks 21 bytes/,
  // an item without the sequence around it; DCMTK cannot read it either
  'us/single-mono-jpegls-philips-iu22.dcm': /\(fffe,e000\) out of place/,
};

/** Part 10 files of the sample data with the place of their data sets. */
function samples(): { name: string; bytes: Uint8Array; syntax: string }[] {
  return sharedFiles('').flatMap((name) => {
    const file = sharedBytes(name);
    try {
      const { dataSetOffset, transferSyntaxUid } = readPart10(file);
      return [{ name, bytes: file.subarray(dataSetOffset), syntax: transferSyntaxUid }];
    } catch (error) {
      if (error instanceof LimpidError) return []; // no file meta group
      throw error;
    }
  });
}

describe('the sample data', () => {
  itWithData(
    'whole files are whole, with the identity that the reader of data sets finds; the others are not',
    async () => {
      const all = samples();
      expect(all.length).toBeGreaterThan(250);
      for (const { name, bytes, syntax } of all) {
        const { fault, found } = await walk(syntax, bytes, 4093);
        const expected = faulty[name];
        if (expected) {
          expect(fault).toMatch(expected);
          continue;
        }
        expect({ name, fault }).toEqual({ name, fault: null });
        const read = readDataSet(bytes, syntax);
        const none = {
          sopClassUid: '',
          sopInstanceUid: '',
          studyInstanceUid: '',
          seriesInstanceUid: '',
          modality: '',
          acquisitionNumber: '',
          sliceThickness: '',
          imagePositionPatient: '',
          imageOrientationPatient: '',
          imagesInAcquisition: '',
          numberOfSeriesRelatedInstances: '',
          concatenationUid: '',
        };
        const walked = { ...none, ...found };
        expect({ name, ...assemblyFacts(walked) }).toEqual({ name, ...headerFacts(read) });
        expect({ name, uids: [walked.sopClassUid, walked.sopInstanceUid] }).toEqual({
          name,
          uids: [text(read, 'SOPClassUID') ?? '', text(read, 'SOPInstanceUID') ?? ''],
        });
      }
    },
  );

  itWithData('cut anywhere, they are not, but at the end of an element of the top level', async () => {
    for (const { name, bytes, syntax } of samples()) {
      if (faulty[name] || syntax === syntaxes.deflated) continue;
      const ends = new Set(readDataSet(bytes, syntax).elements.map(({ end }) => end));
      for (const part of [0.03, 0.1, 0.31, 0.57, 0.99]) {
        const cut = Math.floor(bytes.length * part);
        const { fault } = await walk(syntax, bytes.subarray(0, cut), 65_536);
        expect({ name, cut, isWhole: fault === null }).toEqual({ name, cut, isWhole: ends.has(cut) });
      }
    }
  });
});

interface Built {
  readonly bytes: Buffer;
  readonly ends: readonly number[];
}

/** Writes random data sets: elements of some VRs, sequences of defined and undefined length, nested. */
function builder(coding: 'implicit' | 'explicit' | 'big') {
  const short = (value: number) => {
    const bytes = Buffer.alloc(2);
    if (coding === 'big') bytes.writeUInt16BE(value);
    else bytes.writeUInt16LE(value);
    return bytes;
  };
  const long = (value: number) => {
    const bytes = Buffer.alloc(4);
    if (coding === 'big') bytes.writeUInt32BE(value);
    else bytes.writeUInt32LE(value);
    return bytes;
  };
  const isLong = (vr: string) => ['OB', 'OW', 'SQ', 'UN', 'UT'].includes(vr);
  const head = (tag: number, vr: string, length: number) =>
    Buffer.concat([
      short(tag >>> 16),
      short(tag & 0xffff),
      ...(coding === 'implicit'
        ? [long(length)]
        : [Buffer.from(vr), ...(isLong(vr) ? [short(0), long(length)] : [short(length)])]),
    ]);
  const mark = (tag: number, length: number) => Buffer.concat([short(tag >>> 16), short(tag & 0xffff), long(length)]);
  const sequence = (tag: number, items: readonly Buffer[], length: 'defined' | 'undefined') => {
    const isOpen = length === 'undefined';
    const written = items.map((item) =>
      isOpen
        ? Buffer.concat([mark(0xfffee000, 0xffffffff), item, mark(0xfffee00d, 0)])
        : Buffer.concat([mark(0xfffee000, item.length), item]),
    );
    const value = Buffer.concat([...written, ...(isOpen ? [mark(0xfffee0dd, 0)] : [])]);
    return Buffer.concat([head(tag, 'SQ', isOpen ? 0xffffffff : value.length), value]);
  };
  const plain = fc
    .record({ vr: fc.constantFrom('LO', 'UI', 'OB', 'UT', 'US'), value: fc.uint8Array({ maxLength: 40 }) })
    .map(({ vr, value }) => (tag: number) => {
      const even = Buffer.from(value.subarray(0, value.length & ~1));
      // private: no dictionary says that it is a sequence
      return Buffer.concat([head(tag | 0x10000, vr, even.length), even]);
    });
  const { tree } = fc.letrec<{ tree: (tag: number) => Buffer }>((tie) => ({
    tree: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      plain,
      fc
        .record({
          items: fc.array(fc.array(tie('tree'), { maxLength: 3 }), { maxLength: 3 }),
          length: fc.constantFrom('defined', 'undefined'),
        })
        .map(({ items, length }) => () => {
          const bytes = items.map((item) => Buffer.concat(item.map((write, index) => write(0x00400100 + index))));
          return sequence(0x00400275, bytes, length);
        }),
    ),
  }));
  return fc.array(tree, { minLength: 1, maxLength: 8 }).map((writers): Built => {
    let end = 0;
    const parts = writers.map((write, index) => write(0x00300010 + index));
    return { bytes: Buffer.concat(parts), ends: parts.map((part) => (end += part.length)) };
  });
}

describe('random data sets', () => {
  it.each(['implicit', 'explicit', 'big'] as const)('%s: whole at the ends of elements, nowhere else', (coding) => {
    fc.assert(
      fc.property(builder(coding), fc.integer({ min: 1, max: 64 }), ({ bytes, ends }, piece) => {
        for (let cut = 0; cut <= bytes.length; cut += Math.max(1, Math.floor(bytes.length / 40))) {
          const walker = new DataSetWalker(syntaxes[coding], 64);
          for (let offset = 0; offset < cut; offset += piece) {
            walker.push(bytes.subarray(offset, Math.min(cut, offset + piece)));
          }
          expect(walker.end() === null).toBe(ends.includes(cut));
        }
      }),
    );
  });
  it('arbitrary bytes never crash it, and the pieces they come in make no difference', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.constantFrom(...Object.values(syntaxes)), (bytes, syntax) => {
        const whole = new DataSetWalker(syntax, 64);
        whole.push(bytes);
        const pieces = new DataSetWalker(syntax, 64);
        for (let offset = 0; offset < bytes.length; offset++) pieces.push(bytes.subarray(offset, offset + 1));
        expect([pieces.end(), pieces.found]).toEqual([whole.end(), whole.found]);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('structure', () => {
  const undefinedLength = Buffer.from([0xff, 0xff, 0xff, 0xff]);
  const open = (vr: string) =>
    Buffer.concat([Buffer.from([0x40, 0, 0x75, 0x02]), Buffer.from(`${vr}\0\0`), undefinedLength]);
  const item = Buffer.concat([Buffer.from([0xfe, 0xff, 0x00, 0xe0]), undefinedLength]);
  const itemEnd = Buffer.from([0xfe, 0xff, 0x0d, 0xe0, 0, 0, 0, 0]);
  const sequenceEnd = Buffer.from([0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0]);
  const faultOf = (...parts: readonly Buffer[]) => {
    const walker = new DataSetWalker(syntaxes.explicit, 64);
    for (const part of parts) walker.push(part);
    return walker.end();
  };
  const nested = (depth: number) => [
    ...Array.from({ length: depth }, () => [open('SQ'), item]).flat(),
    ...Array.from({ length: depth }, () => [itemEnd, sequenceEnd]).flat(),
  ];
  it('sequences may nest 64 deep, not deeper', () => {
    expect(faultOf(...nested(64))).toBeNull();
    expect(faultOf(...nested(65))).toMatch(/nest deeper than 64/);
  });
  it('delimiters and items belong in their places', () => {
    expect(faultOf(itemEnd)).toMatch(/out of place/);
    expect(faultOf(sequenceEnd)).toMatch(/out of place/);
    expect(faultOf(item)).toMatch(/out of place/);
    expect(faultOf(open('SQ'), itemEnd)).toMatch(/out of place/);
    expect(faultOf(open('SQ'), item, sequenceEnd)).toMatch(/out of place/);
    expect(faultOf(open('SQ'), element(0x8, 0x60, 'CS', 'CT'))).toMatch(/where an item should be/);
  });
  it('only sequences, UN and encapsulated pixel data have an undefined length', () => {
    expect(faultOf(open('SQ'), sequenceEnd)).toBeNull();
    expect(faultOf(open('UN'), sequenceEnd)).toBeNull();
    expect(faultOf(open('UT'))).toMatch(/VR UT has an undefined length/);
  });
  it('a VR that no edition knew has a length of 32 bits, and the ?? of some programs one of 16', () => {
    const behind = element(0x20, 0xd, 'UI', '1.2.3');
    const long = Buffer.from([0x19, 0, 1, 0x10, 0x5a, 0x5a, 0, 0, 4, 0, 0, 0, 1, 2, 3, 4]);
    const short = Buffer.from([0x19, 0, 2, 0x10, 0x3f, 0x3f, 4, 0, 1, 2, 3, 4]);
    for (const bytes of [long, short]) {
      const walker = new DataSetWalker(syntaxes.explicit, 64);
      walker.push(Buffer.concat([bytes, behind]));
      expect(walker.end()).toBeNull();
      expect(walker.found.studyInstanceUid).toBe('1.2.3');
      expect(text(readDataSet(Buffer.concat([bytes, behind]), syntaxes.explicit), 0x0020000d)).toBe('1.2.3');
    }
  });
  it('items of an UN of undefined length are in Implicit VR', () => {
    const implicit = Buffer.from([0x08, 0, 0x60, 0, 2, 0, 0, 0, 0x43, 0x54]);
    expect(faultOf(open('UN'), item, implicit, itemEnd, sequenceEnd)).toBeNull();
  });
  describe('of defined length', () => {
    const length = (value: number) => Buffer.from(new Uint32Array([value]).buffer);
    const sequence = (value: Buffer, said = value.length, vr = 'SQ') =>
      Buffer.concat([Buffer.from([0x40, 0, 0x75, 0x02]), Buffer.from(`${vr}\0\0`), length(said), value]);
    const itemOf = (value: Buffer, said = value.length) =>
      Buffer.concat([Buffer.from([0xfe, 0xff, 0x00, 0xe0]), length(said), value]);
    const ct = element(0x8, 0x60, 'CS', 'CT');
    const longer = Buffer.from([0x08, 0, 0x60, 0, 0x43, 0x53, 0xff, 0]); // says 255 bytes
    const behind = element(0x10, 0x20, 'LO', 'X'.repeat(1200));
    it.each<[string, Buffer, RegExp | null]>([
      ['nothing in it', sequence(Buffer.alloc(0)), null],
      ['an item of nothing', sequence(itemOf(Buffer.alloc(0))), null],
      ['an item', sequence(itemOf(ct)), null],
      ['an item up to its delimiter', sequence(Buffer.concat([item, ct, itemEnd])), null],
      [
        'a delimiter that is not needed',
        sequence(Buffer.concat([itemOf(Buffer.concat([ct, itemEnd])), sequenceEnd])),
        null,
      ],
      ['a sequence in an item', sequence(itemOf(sequence(itemOf(ct)))), null],
      ['an open sequence in an item', sequence(itemOf(Buffer.concat([open('SQ'), sequenceEnd]))), null],
      ['an item in Implicit VR', sequence(itemOf(Buffer.from([8, 0, 0x60, 0, 2, 0, 0, 0, 0x43, 0x54]))), null],
      ['an UN with anything in it', sequence(longer, longer.length, 'UN'), null],
      ['an item longer than it', sequence(itemOf(ct, 1000)), /\(fffe,e000\) is longer than what holds it/],
      ['an element longer than its item', sequence(itemOf(longer)), /\(0008,0060\) is longer than what holds it/],
      [
        'an open item that does not end',
        sequence(Buffer.concat([item, ct])),
        /is longer than what holds it|out of place|cut/,
      ],
      [
        'an open item longer than it',
        sequence(Buffer.concat([item, ct, ct, itemEnd]), 20),
        /\(fffe,e00d\) is longer than what holds it/,
      ],
      [
        'an open sequence longer than its item',
        sequence(itemOf(Buffer.concat([open('SQ'), item, ct, itemEnd, sequenceEnd]), 24), 56),
        /\(fffe,e0dd\) is longer than what holds it/,
      ],
      ['a sequence longer than its item', sequence(itemOf(sequence(itemOf(ct), 500))), /\(0040,0275\) is longer/],
      ['no item', sequence(ct), /where an item should be/],
      [
        'the header of an item, cut',
        sequence(itemOf(ct).subarray(0, 6)),
        /longer than what holds it|out of place|no VR/,
      ],
      ['longer than the data set', sequence(itemOf(ct), 1_000_000), /is not closed|where an item should be/],
    ])('%s', (_name, bytes, expected) => {
      const whole = Buffer.concat([bytes, behind]);
      for (const piece of [1, 7, whole.length]) {
        const walker = new DataSetWalker(syntaxes.explicit, 64);
        for (let at = 0; at < whole.length; at += piece) walker.push(whole.subarray(at, at + piece));
        if (expected === null) expect(walker.end()).toBeNull();
        else expect(walker.end()).toMatch(expected);
      }
    });
    it('nests 64 deep, not deeper', () => {
      const deep = (depth: number) => {
        let bytes = sequence(Buffer.alloc(0));
        for (let level = 1; level < depth; level++) bytes = sequence(itemOf(bytes));
        return bytes;
      };
      expect(faultOf(deep(64))).toBeNull();
      expect(faultOf(deep(65))).toMatch(/nest deeper than 64/);
    });
    it('in Implicit VR is known by its tag', () => {
      const implicit = (tag: readonly number[], value: Buffer) =>
        Buffer.concat([Buffer.from(tag), length(value.length), value]);
      const lying = itemOf(Buffer.alloc(4), 1000);
      const walked = (bytes: Buffer) => {
        const walker = new DataSetWalker(syntaxes.implicit, 64);
        walker.push(bytes);
        return walker.end();
      };
      expect(walked(implicit([0x40, 0, 0x75, 0x02], lying))).toMatch(/longer than what holds it/);
      // nobody knows what a private element holds
      expect(walked(implicit([0x41, 0, 0x75, 0x10], lying))).toBeNull();
    });
  });
  it('elements that do not ascend are counted, not refused; of a repeated one the last counts', () => {
    const walker = new DataSetWalker(syntaxes.explicit, 64);
    const uid = (value: string) => element(0x8, 0x18, 'UI', value);
    walker.push(Buffer.concat([element(0x10, 0x20, 'LO', 'X'), uid('1.2.3'), uid('1.2.4')]));
    expect(walker.end()).toBeNull();
    expect(walker.outOfOrder).toBe(2);
    expect(walker.found.sopInstanceUid).toBe('1.2.4');
  });
  it('the identity is that of the top level', () => {
    const inner = element(0x8, 0x18, 'UI', '1.2.9');
    const walker = new DataSetWalker(syntaxes.explicit, 64);
    walker.push(Buffer.concat([open('SQ'), item, inner, itemEnd, sequenceEnd]));
    expect(walker.end()).toBeNull();
    expect(walker.found).toEqual({});
  });
  it('a value far too long for a UID is cut, and so is no UID any more', () => {
    const walker = new DataSetWalker(syntaxes.explicit, 64);
    walker.push(element(0x8, 0x18, 'UI', '1'.repeat(50_000)));
    expect(walker.end()).toBeNull();
    expect(walker.found.sopInstanceUid).toHaveLength(128);
  });
});

describe('deflated', () => {
  const bytes = dataSet({ sopInstanceUid: '1.2.3', pixelBytes: 200_000 });
  const deflated = deflateRawSync(bytes);
  it('is inflated beside, in any segmentation, with or without a padding byte', async () => {
    for (const piece of [1000, 65_536]) {
      for (const stream of [deflated, Buffer.concat([deflated, Buffer.alloc(1)])]) {
        const { fault, found } = await walk(syntaxes.deflated, stream, piece);
        expect(fault).toBeNull();
        expect(found.sopInstanceUid).toBe('1.2.3');
      }
    }
  });
  it('cut, spoilt, or holding a cut data set, it is faulty', async () => {
    expect((await walk(syntaxes.deflated, deflated.subarray(0, -20), 1000)).fault).toMatch(/deflated data/);
    expect((await walk(syntaxes.deflated, Buffer.alloc(1000, 0xff), 1000)).fault).toMatch(/deflated data/);
    const cut = deflateRawSync(bytes.subarray(0, 1000));
    expect((await walk(syntaxes.deflated, cut, 1000)).fault).toMatch(/a value lacks/);
  });
  it('a bomb is refused by ratio and by length', async () => {
    const bomb = deflateRawSync(dataSet({ sopInstanceUid: '1.2.3', pixelBytes: 0 }));
    expect((await walk(syntaxes.deflated, bomb, 1000)).fault).toBeNull();
    const zeros = deflateRawSync(element(0x7fe0, 0x10, 'OW', new Uint8Array(40 * 1024 * 1024)));
    expect((await walk(syntaxes.deflated, zeros, 65_536)).fault).toMatch(/explodes/);
    const limits = { ...defaultLimits, inflatedBytes: 100_000 };
    expect((await walk(syntaxes.deflated, deflated, 65_536, limits)).fault).toMatch(/too long/);
  });
  it('given up, it lets nobody wait', async () => {
    const walking = openWalk(syntaxes.deflated, defaultLimits);
    walking.push(deflated);
    const drained = walking.drained();
    walking.stop();
    await drained;
    expect(walking.push(deflated)).toBe(0);
  });
});
