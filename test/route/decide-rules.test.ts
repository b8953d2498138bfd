import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decideRules, yearsOf } from '../../src/route/decide-rules.js';
import type { SeriesFacts } from '../../src/route/series-facts.js';
import type { CompiledRule } from '../../src/rule.js';
import { rule, series } from './synthetic.js';
import { processorMs } from '../support/processor-time.js';

const matches = (when: unknown, facts: SeriesFacts): boolean =>
  decideRules([rule('r', when)], facts).outcomes[0]?.matched ?? false;

const chest = series(5);
const mixed = series(5, (index) => ({
  values: { SliceThickness: index === 2 ? '5.0' : '1.0', ProtocolName: index === 0 ? 'A' : null },
}));
const fromTwo = { ...chest, sources: [...chest.sources, { peer: 'ct2', callingAe: 'CT2', calledAe: 'LIMPID' }] };
const private1 = String(0x00191001);

describe('conditions', () => {
  const cases: [name: string, when: unknown, facts: SeriesFacts, expected: boolean][] = [
    ['a bare value equals', { Modality: 'CT' }, chest, true],
    ['another does not', { Modality: 'MR' }, chest, false],
    ['equals is exact', { Modality: { equals: 'ct' } }, chest, false],
    ['a value of several', { ImageType: 'PRIMARY' }, chest, true],
    ['the whole value', { ImageType: 'ORIGINAL\\PRIMARY\\AXIAL' }, chest, true],
    ['not a part of a value', { ImageType: 'PRIM' }, chest, false],
    ['a list', { BodyPartExamined: { in: ['HEAD', 'CHEST'] } }, chest, true],
    ['a number, however it is written', { SliceThickness: 1 }, chest, true],
    ['a number of a list', { SliceThickness: { in: [3, 1] } }, chest, true],
    ['glob', { BodyPartExamined: { glob: 'CH*T' } }, chest, true],
    ['glob of the whole only', { BodyPartExamined: { glob: 'CH' } }, chest, false],
    ['expression anywhere', { BodyPartExamined: { matches: 'HE' } }, chest, true],
    ['expression with a flag', { BodyPartExamined: { matches: '(?i)^chest$' } }, chest, true],
    ['at least its value', { SliceThickness: { atLeast: 1 } }, chest, true],
    ['at most its value', { SliceThickness: { atMost: 1 } }, chest, true],
    ['not above its value', { SliceThickness: { above: 1 } }, chest, false],
    ['not below its value', { SliceThickness: { below: 1 } }, chest, false],
    ['a range', { SliceThickness: { above: 0.5, below: 1.5 } }, chest, true],
    ['every number of several', { PixelSpacing: { atMost: 0.7 } }, chest, true],
    ['age in years', { PatientAge: { atLeast: 18 } }, chest, true],
    ['by tag', { '(0018,0050)': { atMost: 3 } }, chest, true],
    ['exists', { SliceThickness: { exists: true } }, chest, true],
    ['does not exist', { ProtocolName: { exists: false } }, chest, true],
    ['missing is not equal', { ProtocolName: 'A' }, chest, false],
    ['missing is not below', { EchoTime: { below: 1e9 } }, chest, false],
    ['missing matches nothing, not even everything', { ProtocolName: { glob: '*' } }, chest, false],
    ['private by tag', { '(0019,1001)': { matches: 'x' } }, series(2, () => ({ values: { [private1]: 'axb' } })), true],
    [
      'no number is on no side',
      { '(0019,1001)': { atMost: 9 } },
      series(2, () => ({ values: { [private1]: 'axb' } })),
      false,
    ],
    ['every instance must fit', { SliceThickness: { atMost: 3 } }, mixed, false],
    ['one instance', { anyInstance: { SliceThickness: { above: 3 } } }, mixed, true],
    ['present in every instance', { ProtocolName: { exists: true } }, mixed, false],
    ['absent from every instance', { ProtocolName: { exists: false } }, mixed, false],
    ['not: fits no instance', { not: { SliceThickness: { above: 3 } } }, mixed, false],
    ['no instance at all', { not: { anyInstance: { SliceThickness: { above: 30 } } } }, mixed, true],
    ['any: each instance by one of them', { any: [{ SliceThickness: 1 }, { SliceThickness: 5 }] }, mixed, true],
    ['all in one instance', { anyInstance: { SliceThickness: 5, ProtocolName: 'A' } }, mixed, false],
    ['several keys must all hold', { Modality: 'CT', BodyPartExamined: 'HEAD' }, chest, false],
    [
      'nested',
      { all: [{ Modality: 'CT' }, { not: { any: [{ BodyPartExamined: 'HEAD' }, { SliceThickness: 5 }] } }] },
      chest,
      true,
    ],
    ['calling AE title', { CallingAE: 'CT1' }, chest, true],
    ['every sender must fit', { Peer: 'ct1' }, fromTwo, false],
    ['not: no sender fits', { not: { CallingAE: 'CT2' } }, fromTwo, false],
    ['none of several senders', { not: { CallingAE: 'CT3' } }, fromTwo, true],
    ['no instance of a sender', { not: { anyInstance: { Peer: 'ct2' } } }, fromTwo, false],
    ['one instance of a sender', { anyInstance: { Peer: 'ct2' } }, fromTwo, false],
    ['several senders of a list', { CallingAE: { in: ['CT1', 'CT2'] } }, fromTwo, true],
    ['any: each sender by one of them', { any: [{ CallingAE: 'CT1' }, { Peer: 'ct2' }] }, fromTwo, true],
    [
      'a sender and what all have',
      { Modality: 'CT', not: { all: [{ Peer: 'ct2' }, { SliceCount: 5 }] } },
      fromTwo,
      false,
    ],
    ['called AE title', { CalledAE: { in: ['LIMPID'] } }, chest, true],
    ['slice count', { SliceCount: { atLeast: 5, atMost: 5 } }, chest, true],
    ['spacing between positions', { SpacingBetweenPositions: { equals: 1 } }, chest, true],
    ['spacing of a single slice is missing', { SpacingBetweenPositions: { exists: true } }, series(1), false],
    ['a series without instances matches nothing', undefined, series(0), false],
  ];
  it.each(cases)('%s', (_name, when, facts, expected) => {
    expect(matches(when, facts)).toBe(expected);
  });

  it('slices at one position in several phases count once', () => {
    const facts = series(12, (index) => ({ values: { ImagePositionPatient: `0\\0\\${index % 4}` } }));
    expect(matches({ SliceCount: 4 }, facts)).toBe(true);
  });
});

describe('order of rules', () => {
  const rules = [
    rule('mr', { Modality: 'MR' }),
    rule('also', { Modality: 'CT' }, { goesOn: true }),
    rule('chest', { BodyPartExamined: 'CHEST' }),
    rule('rest', undefined),
  ];
  it('the first that matches decides, unless it goes on; later ones are not looked at', () => {
    const { outcomes, matched } = decideRules(rules, chest);
    expect(matched.map(({ name }) => name)).toEqual(['also', 'chest']);
    expect(outcomes.map(({ name, matched: holds }) => [name, holds])).toEqual([
      ['mr', false],
      ['also', true],
      ['chest', true],
    ]);
  });
});

describe('a series of many images', () => {
  it('is asked once for what all of them say, by however many rules', () => {
    let tried = 0;
    const pattern = { test: (text: string) => (tried++, text === 'MR') };
    const { when } = rule('r', { Modality: 'MR' });
    if (when?.kind !== 'test') throw new TypeError('one test was compiled');
    const counting: CompiledRule = { ...rule('r', undefined), when: { ...when, operand: { kind: 'text', pattern } } };
    const many = series(1000, (index) => ({ values: { Modality: index === 500 ? 'PT' : 'CT' } }));
    const started = processorMs();
    const { matched } = decideRules(
      Array.from({ length: 1000 }, () => counting),
      many,
    );
    expect(matched).toEqual([]);
    expect(tried).toBeLessThanOrEqual(4 * 1000); // two values, whole and by itself each
    expect(processorMs() - started).toBeLessThan(5000);
  });
});

describe('what was found', () => {
  const found = (when: unknown, facts: SeriesFacts): string | undefined =>
    decideRules([rule('r', when)], facts).outcomes[0]?.conditions[0]?.found;
  it('is told with counts where instances differ', () => {
    expect(found({ Modality: 'MR' }, chest)).toBe('CT');
    expect(found({ SliceThickness: 1 }, mixed)).toBe('1.0 (4 of 5), 5.0 (1 of 5)');
    expect(found({ ProtocolName: 'A' }, mixed)).toBe('missing (4 of 5), A (1 of 5)');
    expect(found({ InstanceNumber: 1 }, series(9))).toBe('1 (1 of 9), 2 (1 of 9), 3 (1 of 9), 4 (1 of 9), and 5 more');
    expect(found({ SliceCount: 1 }, chest)).toBe('5');
    const forged = series(2, () => ({ values: { ProtocolName: 'A\r\n✓ rule b\u001b[32m' } }));
    expect(found({ ProtocolName: 'B' }, forged)).toBe('A??✓ rule b?[32m');
  });
  it('names every sender, whichever of them does not fit', () => {
    expect(found({ CallingAE: 'CT2' }, fromTwo)).toBe('CT1\\CT2');
    expect(found({ Peer: 'ct1' }, fromTwo)).toBe('ct1\\ct2');
  });
  it('never shows what points at a patient', () => {
    const secret = {
      values: {
        PatientID: 'S3CRET',
        StudyDescription: 'S3CRET',
        AccessionNumber: 'S3CRET',
        [private1]: 'S3CRET',
        StudyDate: 'S3CRET',
      },
    };
    const facts = series(2, () => secret);
    const names = [
      'PatientID',
      'StudyDescription',
      'AccessionNumber',
      '(0019,1001)',
      'StudyDate',
      'StudyInstanceUID',
      'PatientAge',
    ];
    const outcomes = decideRules([rule('r', { any: names.map((name) => ({ [name]: { exists: true } })) })], facts);
    expect(outcomes.matched.length).toBe(1);
    expect(JSON.stringify(outcomes.outcomes)).not.toMatch(/S3CRET|060Y|"1"/);
    expect(JSON.stringify(outcomes.outcomes)).toContain('"found":"present"');
  });
});

describe('ages', () => {
  it('are read in years', () => {
    expect(
      ['045Y', '018M', '052W', '000D', '45Y', '045y', '45', '0045Y', 'Y'].map(
        (text) => yearsOf(text)?.toFixed(2) ?? null,
      ),
    ).toEqual(['45.00', '1.50', '1.00', '0.00', '45.00', '45.00', null, null, null]);
  });
});

describe('properties', () => {
  const value = fc.constantFrom('CT', 'MR', '1', '3', '');
  const leaf = fc.oneof(
    fc.record({ Modality: fc.constantFrom('CT', 'MR') }),
    fc.record({ SliceThickness: fc.record({ atMost: fc.constantFrom(1, 2, 3) }) }),
    fc.record({ SliceThickness: fc.record({ exists: fc.boolean() }) }),
  );
  const { condition } = fc.letrec<{ condition: unknown }>((tie) => ({
    condition: fc.oneof(
      { maxDepth: 3 },
      leaf,
      fc.record({ all: fc.array(tie('condition'), { minLength: 1, maxLength: 3 }) }),
      fc.record({ any: fc.array(tie('condition'), { minLength: 1, maxLength: 3 }) }),
      fc.record({ not: tie('condition') }),
      fc.record({ anyInstance: tie('condition') }),
    ),
  }));
  const instances = fc.array(fc.record({ Modality: value, SliceThickness: value }), { minLength: 1, maxLength: 4 });
  const factsOf = (all: readonly { Modality: string; SliceThickness: string }[]): SeriesFacts =>
    series(all.length, (index) => ({
      values: { Modality: all[index]?.Modality || null, SliceThickness: all[index]?.SliceThickness || null },
    }));

  it('a condition holds for a series exactly if it holds for each instance alone (no anyInstance)', () => {
    fc.assert(
      fc.property(condition, instances, (when, all) => {
        fc.pre(!JSON.stringify(when).includes('anyInstance'));
        const each = all.every((one) => matches(when, factsOf([one])));
        expect(matches(when, factsOf(all))).toBe(each);
      }),
    );
  });
  it('not (not A) is A, and the order of instances says nothing', () => {
    fc.assert(
      fc.property(condition, instances, (when, all) => {
        const plain = matches(when, factsOf(all));
        expect(matches({ not: { not: when } }, factsOf(all))).toBe(plain);
        expect(matches(when, factsOf(all.toReversed()))).toBe(plain);
      }),
    );
  });
});
