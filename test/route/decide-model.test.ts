// `with: auto`: the model, the strength, and why.
import { describe, expect, it } from '@jest/globals';
import { decideModel } from '../../src/route/decide-model.js';
import type { SeriesNoise } from '../../src/route/decide-model.js';
import { asksForChoice, decideRoute } from '../../src/route/decide-route.js';
import type { SeriesFacts } from '../../src/route/series-facts.js';
import { card, filter, mrClass, request, rule, series } from './synthetic.js';

const network = {
  ...card,
  rank: 10,
  grid: null,
  intendedUse: { ...card.intendedUse, noise: { CT: { atLeast: 5, atMost: 60 } } },
};
const classical = { ...filter, rank: 20, grid: null };
const unranked = { ...filter, id: 'median', rank: null, grid: null };
const chest = series(5);
const asked = { strength: null, lift: [], minimumSlices: 1 };

const chosen = (facts: SeriesFacts, measured: SeriesNoise | null, models = [classical, network, unranked]) =>
  decideModel(facts, measured, models, asked, []);

describe('auto takes', () => {
  it('the first by rank that fits, and says why of each', () => {
    expect(chosen(chest, { noise: 14, grade: 'moderate' })).toMatchObject({
      card: { id: 'ct-low-dose' },
      strength: null,
      choice: [
        { model: 'ct-low-dose', taken: true, why: 'fits (noise 14.0, degradation moderate)' },
        { model: 'gaussian', taken: false, why: 'fits too, later in rank' },
      ],
    });
  });
  it('the next where the noise is outside what the first was made for', () => {
    const { card: taken, choice } = chosen(chest, { noise: 90, grade: 'severe' }) ?? {};
    expect(taken?.id).toBe('gaussian');
    expect(choice?.[0]).toEqual({ model: 'ct-low-dose', taken: false, why: 'noise 90.0 is not from 5 to 60' });
  });
  it('the next where the gate refuses the first', () => {
    const child = series(5, () => ({ values: { PatientAge: '009Y' } }));
    const { card: taken, choice } = chosen(child, { noise: 14, grade: 'light' }) ?? {};
    expect(taken?.id).toBe('gaussian');
    expect(choice?.[0]?.why).toMatch(/^PAEDIATRIC/);
  });
  it('by the headers alone where nothing could be measured', () => {
    expect(chosen(chest, null)).toMatchObject({
      card: { id: 'ct-low-dose' },
      choice: [{ why: 'fits (noise not measured)' }, {}],
    });
  });
  it('none without a rank, and of the modality first where none fits, so that the gate tells', () => {
    expect(chosen(chest, null, [unranked])).toBeNull();
    const mr = series(5, () => ({ sopClassUid: mrClass, values: { Modality: 'MR' }, isOwn: true }));
    const { card: taken, choice } = chosen(mr, null) ?? {};
    expect(taken?.id).toBe('gaussian');
    expect(choice?.filter((one) => one.taken)).toEqual([
      { model: 'gaussian', taken: true, why: expect.stringMatching(/^as none fits: /) },
    ]);
  });
  it.each([
    ['light', 0.25],
    ['moderate', null],
    ['severe', 0.55],
  ] as const)('for %s degradation strength %s, unless the rule names one', (grade, strength) => {
    const measured = { noise: 20, grade };
    expect(chosen(chest, measured)?.strength).toBe(strength);
    expect(decideModel(chest, measured, [network], { ...asked, strength: 0.3 }, [])?.strength).toBe(0.3);
  });
});

describe('a rule that says auto', () => {
  const rules = [rule('all', undefined, { enhance: [request('auto')], deliver: ['pacs'] })];
  it('becomes a task of the model that was taken, with the choice in its record', () => {
    const decision = decideRoute({
      facts: chest,
      rules,
      marks: [],
      cards: () => undefined,
      allCards: () => [classical, network],
      measured: { noise: 14, grade: 'light' },
      revisionsWithinHour: 1,
    });
    expect(decision.tasks).toMatchObject([
      {
        model: { id: 'ct-low-dose' },
        strength: 0.25,
        gate: { verdict: 'run' },
        choice: [{ taken: true }, { taken: false }],
      },
    ]);
  });
  it('lets nothing run on a noise that no model was made for; its fallback, which the rule names, may', () => {
    const decision = decideRoute({
      facts: chest,
      rules: [rule('all', undefined, { enhance: [request('auto', { fallback: 'gaussian' })], deliver: ['pacs'] })],
      marks: [],
      cards: (id) => (id === 'gaussian' ? classical : undefined),
      allCards: () => [network],
      measured: { noise: 90, grade: 'severe' },
      revisionsWithinHour: 1,
    });
    expect(decision.tasks).toMatchObject([
      {
        model: { id: 'ct-low-dose' },
        gate: {
          verdict: 'skip',
          reasons: [{ code: 'OUTSIDE_INTENDED_USE', detail: 'noise 90.0 is not from 5 to 60' }],
        },
      },
      { model: { id: 'gaussian' }, gate: { verdict: 'run' } },
    ]);
  });
  it('asks for a measurement only where it matches', () => {
    expect(asksForChoice(rules, chest)).toBe(true);
    const other = [rule('mr', { Modality: 'MR' }, { enhance: [request('auto')], deliver: ['pacs'] })];
    expect(asksForChoice(other, chest)).toBe(false);
    expect(asksForChoice([rule('all', undefined, { enhance: [request('gaussian')] })], chest)).toBe(false);
  });
  it('has a fallback like any other, but never the model itself', () => {
    const decided = (fallback: string) =>
      decideRoute({
        facts: chest,
        rules: [rule('all', undefined, { enhance: [request('auto', { fallback })], deliver: ['pacs'] })],
        marks: [],
        cards: (id) => [classical, network].find((one) => one.id === id),
        allCards: () => [classical, network],
        revisionsWithinHour: 1,
      }).tasks;
    const [first, second] = decided('gaussian');
    expect(second).toMatchObject({
      model: { id: 'gaussian' },
      slot: 2,
      insteadOf: first?.name,
      settings: { insteadOf: 'ct-low-dose' },
      deliver: ['pacs'],
    });
    expect(decided('ct-low-dose')).toHaveLength(1);
  });
  it.each([
    ['first', ['auto', 'ct-low-dose']],
    ['last', ['ct-low-dose', 'auto']],
  ])('tells its choice, and is held to its noise, where another rule names the same task: auto %s', (_, order) => {
    const { tasks } = decideRoute({
      facts: chest,
      rules: order.map((model) =>
        rule(model, undefined, { goesOn: true, enhance: [request(model, { strength: 0.5 })] }),
      ),
      marks: [],
      cards: () => network,
      allCards: () => [network],
      measured: { noise: 90, grade: 'severe' },
      revisionsWithinHour: 1,
    });
    expect(tasks).toMatchObject([{ choice: [{ model: 'ct-low-dose', taken: true }], gate: { verdict: 'skip' } }]);
  });
  it('is a fault where no model has a rank', () => {
    const input = { facts: chest, rules, marks: [], cards: () => undefined, revisionsWithinHour: 1 };
    expect(() => decideRoute({ ...input, allCards: () => [unranked] })).toThrow(/no model of this node has a rank/);
  });
});

describe('a fallback', () => {
  const finer = { ...classical, id: 'bicubic', grid: { scale: 2, sampling: 'half_pixel' } as const };
  const decided = (...requests: readonly ReturnType<typeof request>[]) =>
    decideRoute({
      facts: chest,
      rules: requests.map((one, index) =>
        rule(`rule ${index}`, undefined, { goesOn: true, enhance: [one], deliver: ['pacs'] }),
      ),
      marks: [],
      cards: (id) => [classical, network, finer].find((one) => one.id === id),
      revisionsWithinHour: 1,
    }).tasks;

  it('of a finer grid, which has no strength, has its own', () => {
    expect(decided(request('bicubic', { fallback: 'gaussian' }))).toMatchObject([
      { model: { id: 'bicubic' }, strength: 0 },
      {
        model: { id: 'gaussian' },
        strength: classical.defaultStrength,
        settings: { strength: classical.defaultStrength },
      },
    ]);
    expect(decided(request('bicubic', { fallback: 'gaussian', strength: 0.3 }))[1]?.strength).toBe(0.3);
  });
  it('stands by whichever of two rules for the same task names it', () => {
    const [plain, safe] = [request('ct-low-dose'), request('ct-low-dose', { fallback: 'gaussian' })];
    for (const both of [decided(plain, safe), decided(safe, plain)])
      expect(both.map(({ model }) => model.id)).toEqual(['ct-low-dose', 'gaussian']);
  });
});
