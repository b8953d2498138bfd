import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { canonicalJson } from '../../src/dicom/canonical-json.js';
import {
  derivedInstanceUid,
  derivedSeriesUid,
  filterSha256,
  isUid,
  modelDeviceUid,
  sha256Of,
  sourceSetDigest,
  uidOf,
  withdrawalUids,
} from '../../src/dicom/uid.js';

// Conformance 5.2.
const source = '1.2.826.0.1.3680043.10.999';
const identity = {
  sourceSeriesInstanceUid: source,
  modelId: 'ct-low-dose',
  modelVersion: '1.2.0',
  modelSha256: 'ca56847038f3f329524caec5a86e14865f49918d68094c90dd021a5e67b927f6',
  settingsSha256: 'bf9b8859ae079b1b06bad8e76b42dc6c2d743d18f5c4da8e37808fbdf00978f9',
  sourceSetDigest: 'af60e9e79e328a6c82e7c2aca755ff4253a97f79c87ec9c218fc3138320d1f85',
  pipeline: 1,
  remake: 1,
};

describe('the test vector of the identity recipe', () => {
  it('hashes settings, sources and model', () => {
    const settings = canonicalJson({ task: 'denoise', strength: 0.5 });
    expect(settings).toBe('{"strength":0.5,"task":"denoise"}');
    expect(sha256Of(settings)).toBe(identity.settingsSha256);
    expect(sha256Of('model file')).toBe(identity.modelSha256);
    expect(sourceSetDigest([`${source}.1`, `${source}.2`, `${source}.10`])).toBe(identity.sourceSetDigest);
    expect(sourceSetDigest([`${source}.10`, `${source}.2`, `${source}.1`, `${source}.2`])).toBe(
      identity.sourceSetDigest,
    );
  });

  it('gives the series, its instances, the model and the withdrawal their UIDs', () => {
    const series = derivedSeriesUid(identity);
    expect(series).toBe('2.25.145402455118075186312274186949997117444');
    expect(derivedSeriesUid({ ...identity, remake: 2 })).toBe('2.25.147506452814699640044831228162184757394');
    expect(derivedInstanceUid(series, `${source}.1`)).toBe('2.25.225198974889196584665670063078842674670');
    expect(derivedInstanceUid(series, `${source}.2`)).toBe('2.25.213112960651460700956429446690157126305');
    expect(derivedInstanceUid(series, `${source}.10`)).toBe('2.25.148186879053865099277271709816215503919');
    expect(modelDeviceUid(identity.modelSha256)).toBe('2.25.114720255738711718593962864060726348310');
    expect(withdrawalUids(series, '113001', 1)).toEqual({
      series: '2.25.307899615015982165797400979484575610761',
      document: '2.25.221173254681690481303960867374773150685',
    });
  });
});

describe('uidOf', () => {
  it('gives a valid UID of at most 44 characters for any lines', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (lines) => {
        const uid = uidOf(...lines);
        expect(isUid(uid)).toBe(true);
        expect(uid).toMatch(/^2\.25\.[1-9][0-9]{0,38}$/);
      }),
    );
  });

  it('tells lines from their concatenation', () => {
    expect(uidOf('ab', 'c')).not.toBe(uidOf('a', 'bc'));
    expect(filterSha256('a', '1')).toBe(sha256Of('filter:a\n1'));
  });
});

describe('isUid', () => {
  it.each(['1', '1.2.3', '2.25.0', `1.${'2'.repeat(62)}`])('takes %s', (uid) => expect(isUid(uid)).toBe(true));
  it.each(['', '1.02', '.1', '1.', '1..2', '1.2a', ' 1.2', `1.${'2'.repeat(63)}`])('refuses %j', (uid) =>
    expect(isUid(uid)).toBe(false),
  );
});

describe('canonicalJson', () => {
  it('sorts members by UTF-16 code units and writes numbers as RFC 8785 does', () => {
    expect(
      canonicalJson({ '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\ud83d\ude00': 5, '\u0080': 6, '\u00f6': 7 }),
    ).toBe('{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\ud83d\ude00":5,"\ufb33":3}');
    expect(canonicalJson([1 / 3, 1e30, 4.5, 2e-3, 1e-27, -0])).toBe('[0.3333333333333333,1e+30,4.5,0.002,1e-27,0]');
  });

  it('keeps the value and does not depend on the order of members', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const written = canonicalJson(value);
        expect(JSON.parse(written)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonicalJson(JSON.parse(written))).toBe(written);
      }),
    );
  });

  it.each([Number.NaN, Infinity, 1n, () => 1, '\ud800', [undefined]])('refuses what JSON cannot hold (%#)', (value) => {
    expect(() => canonicalJson(value)).toThrow(/canonical JSON/);
  });
});
