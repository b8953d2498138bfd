import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodableSyntaxes, isReceivableUid, isStorageClass, keptSyntaxes } from '../../../src/io/dimse/constants.js';
import {
  acceptedContexts,
  answerRequest,
  chooseSyntax,
  propose,
  refuseRequest,
  requestFor,
} from '../../../src/io/dimse/negotiate.js';
import { context, ctClass, explicitLittle, implicitLittle, mrClass, verification } from '../../support/dimse-bytes.js';

const jpegLossless = '1.2.840.10008.1.2.4.70';
const mpeg4 = '1.2.840.10008.1.2.4.102';
const unknown = '1.2.3.4.5';

describe('the syntax of a context', () => {
  it.each<[string, readonly string[], string | null]>([
    ['the first proposed', [jpegLossless, explicitLittle], jpegLossless],
    ['the first proposed, native', [implicitLittle, explicitLittle, jpegLossless], implicitLittle],
    ['what limpid decodes before what it only keeps', [mpeg4, jpegLossless], jpegLossless],
    ['what it only keeps before nothing', [unknown, mpeg4], mpeg4],
    ['none', [unknown], null],
  ])('%s', (_name, transferSyntaxUids, expected) => {
    expect(chooseSyntax(context(1, ctClass, transferSyntaxUids))).toBe(expected);
  });
  it('Verification goes in native syntaxes only', () => {
    expect(chooseSyntax(context(1, verification, [jpegLossless, explicitLittle]))).toBe(explicitLittle);
  });
  it('storage commitment, whose data sets limpid reads itself, goes in little endian only', () => {
    const bigEndian = '1.2.840.10008.1.2.2';
    const commitment = (syntaxes: readonly string[]) => chooseSyntax(context(1, '1.2.840.10008.1.20.1', syntaxes));
    expect(commitment([jpegLossless, bigEndian, implicitLittle, explicitLittle])).toBe(implicitLittle);
    expect(commitment([jpegLossless, bigEndian])).toBeNull();
  });
  it('is always one that was proposed and is known', () => {
    const known = [...decodableSyntaxes, ...keptSyntaxes];
    fc.assert(
      fc.property(fc.subarray([...known, unknown, '1.2.9'], { minLength: 1 }), (proposed) => {
        const chosen = chooseSyntax(context(1, mrClass, proposed));
        if (chosen === null) expect(proposed.some((uid) => known.includes(uid))).toBe(false);
        else expect(proposed.includes(chosen) && known.includes(chosen)).toBe(true);
      }),
    );
  });
});

describe('Storage SOP classes', () => {
  it.each([ctClass, mrClass, '1.2.840.10008.5.1.4.1.1.88.67', '1.2.840.10008.5.1.4.34.7', `${ctClass}.1.999`])(
    '%s is one',
    (uid) => {
      expect(isStorageClass(uid)).toBe(true);
    },
  );
  it.each([
    verification,
    '1.2.840.10008.1.20.1',
    '1.2.840.10008.5.1.4.1.2.2.1',
    '1.2.840.10008.5.1.4.1.1.200.4',
    '1.2.840.10008.5.1.4.1.1.x',
    '1.2.840.10008.5.1.4.1.1',
  ])('%s is none', (uid) => {
    expect(isStorageClass(uid)).toBe(false);
  });
});

it.each<[string, boolean]>([
  ['1.2.840', true],
  ['1.2.03', true],
  [`1.${'2'.repeat(62)}`, true],
  [`1.${'2'.repeat(63)}`, false],
  ['', false],
  ['1', false],
  ['1..2', false],
  ['1.2.', false],
  ['../1.2', false],
  ['1.2\0', false],
])('%j as a UID: %s', (uid, expected) => {
  expect(isReceivableUid(uid)).toBe(expected);
});

describe('classes that the configuration lists', () => {
  const vendor = '1.3.12.2.1107.5.9.1';
  const proposed = [vendor, ctClass, mrClass].map((uid, index) => context(2 * index + 1, uid, [explicitLittle]));
  const results = (classes: readonly string[] | null, named: boolean) =>
    answerRequest(
      {
        ...requestFor({ calledAe: 'A', callingAe: 'B' }, proposed, 0),
        common: named ? [{ sopClassUid: vendor, serviceClassUid: '1.2.840.10008.4.2' }] : [],
      },
      0,
      undefined,
      { classes: classes === null ? null : new Set(classes), prefer: 'proposed' },
    ).contexts.map(({ result }) => result);
  it.each<[string, readonly string[] | null, boolean, readonly number[]]>([
    ['all, and one that is named', null, true, [0, 0, 0]],
    ['all', null, false, [3, 0, 0]],
    ['some: no other, whatever it is called', [ctClass], true, [3, 0, 3]],
    ["some, a vendor's among them", [ctClass, vendor], false, [0, 0, 3]],
    ['none that is no storage', [verification], true, [3, 3, 3]],
  ])('%s', (_name, classes, named, expected) => expect(results(classes, named)).toEqual(expected));
});

describe('what a request is refused for', () => {
  const asked = requestFor({ calledAe: 'A', callingAe: 'B' }, [context(1, ctClass, [explicitLittle])], 0);
  it.each<[string, Partial<typeof asked>, number | null]>([
    ['nothing', {}, null],
    ['another protocol version', { protocolVersion: 2 }, 2],
    ['another application context', { applicationContext: '1.2' }, 2],
    ['a called AE title that is none of ours', { calledAe: 'B' }, 7],
    ['no calling AE title', { callingAe: '' }, 3],
    ['nothing where one byte of data can be sent', { maximumLength: 8 }, null],
  ])('%s', (_name, change, reason) => {
    expect(refuseRequest({ ...asked, ...change }, ['A'])?.rejection.reason ?? null).toBe(reason);
  });
  it('a maximum length that leaves no room for data ends it', () => {
    expect(() => refuseRequest({ ...asked, maximumLength: 7 }, ['A'])).toThrow(/leaves no room for data/);
  });
});

describe('an answer', () => {
  const commitment = '1.2.840.10008.1.20.1';
  const asked = requestFor({ calledAe: 'A', callingAe: 'B' }, [context(1, commitment, [explicitLittle])], 0, [
    { sopClassUid: commitment, scu: 1, scp: 1 },
    { sopClassUid: ctClass, scu: 1, scp: 1 },
  ]);
  it.each([
    [true, true, 1, 1, 0],
    [true, false, 1, 0, 0],
    [false, true, 0, 1, 0],
    [false, false, 0, 0, 3],
  ])('gives the roles that are offered: requests %s, reports %s', (requests, reports, scu, scp, result) => {
    const { roles, contexts } = answerRequest(asked, 0, { requests, reports });
    expect(roles).toEqual([
      { sopClassUid: commitment, scu, scp },
      { sopClassUid: ctClass, scu: 1, scp: 0 },
    ]);
    expect(contexts[0]?.result).toBe(result);
  });
  it('says how it stores (PS3.4 Table B.3-1): all of it, no signatures, nothing coerced', () => {
    const information = Uint8Array.of(1);
    const extended = [ctClass, verification].map((sopClassUid) => ({ sopClassUid, information }));
    const contexts = [context(1, ctClass, [explicitLittle])];
    expect(answerRequest({ ...asked, contexts, extended }, 0).extended).toEqual([
      { sopClassUid: ctClass, information: Uint8Array.of(2, 0, 0, 0, 0, 0) },
    ]);
  });
});

describe('acceptedContexts', () => {
  const proposed = [context(1, ctClass, [explicitLittle]), context(3, mrClass, [implicitLittle])];
  it('are those with result 0 in a syntax that was proposed', () => {
    const answered = [
      { id: 1, result: 0, transferSyntaxUid: explicitLittle },
      { id: 3, result: 0, transferSyntaxUid: explicitLittle },
      { id: 5, result: 0, transferSyntaxUid: explicitLittle },
    ];
    expect([...acceptedContexts(proposed, answered).keys()]).toEqual([1]);
    expect(acceptedContexts(proposed, [{ id: 1, result: 4, transferSyntaxUid: explicitLittle }]).size).toBe(0);
  });
});

describe('proposals', () => {
  it('carry an archive of more instances than one call takes arguments', () => {
    const image = { sopClassUid: ctClass, transferSyntaxUid: explicitLittle };
    const [proposal, ...others] = propose(
      Array.from({ length: 200_000 }, () => image),
      () => [explicitLittle],
    );
    expect([proposal?.instances.length, proposal?.contexts.length, others.length]).toEqual([200_000, 1, 0]);
  });
  const instance = fc.record({
    sopClassUid: fc.nat(150).map((number) => `${ctClass}.${number + 1}`),
    transferSyntaxUid: fc.constantFrom(explicitLittle, implicitLittle, jpegLossless),
  });
  it('carry every instance once, in a context of its class and syntax, at most 128 contexts with odd ids', () => {
    fc.assert(
      fc.property(
        fc.array(instance, { maxLength: 400, size: 'max' }),
        fc.constantFrom<readonly string[]>([], [explicitLittle, implicitLittle]),
        (instances, others) => {
          const syntaxesOf = (one: { transferSyntaxUid: string }) => [...new Set([one.transferSyntaxUid, ...others])];
          const proposals = propose(instances, syntaxesOf);
          expect(proposals.flatMap((proposal) => proposal.instances)).toHaveLength(instances.length);
          expect(new Set(proposals.flatMap((proposal) => proposal.instances))).toEqual(new Set(instances));
          for (const { contexts, instances: members } of proposals) {
            expect(contexts.length).toBeLessThanOrEqual(128);
            expect(contexts.map(({ id }) => id)).toEqual(contexts.map((_, index) => 2 * index + 1));
            const offered = new Set(contexts.map((one) => `${one.abstractSyntaxUid} ${one.transferSyntaxUids.join()}`));
            expect(offered.size).toBe(contexts.length);
            for (const one of members) {
              for (const uid of syntaxesOf(one)) {
                expect(offered.has(`${one.sopClassUid} ${uid}`)).toBe(true);
              }
            }
          }
        },
      ),
      { numRuns: 50 },
    );
  });
});
