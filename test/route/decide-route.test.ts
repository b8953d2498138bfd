import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { canonicalJson } from '../../src/dicom/canonical-json.js';
import { sha256Of } from '../../src/dicom/uid.js';
import { cardDigest } from '../../src/route/card-digest.js';
import { decideRoute, settingsOf } from '../../src/route/decide-route.js';
import type { RouteCard, RouteInput } from '../../src/route/decide-route.js';
import { explainDecision } from '../../src/route/explain.js';
import { seriesFacts } from '../../src/route/series-facts.js';
import { decisionRecord } from '../../src/spool/records.js';
import { card, filter, mr, request, rule, series } from './synthetic.js';

const cards = (id: string) => [card, filter].find((one) => one.id === id);
const input = (change: Partial<RouteInput>): RouteInput => ({
  facts: series(10),
  rules: [rule('all', undefined)],
  marks: [],
  cards,
  revisionsWithinHour: 1,
  ...change,
});
const enhance = (...models: Parameters<typeof request>[]) => ({
  enhance: models.map((one) => request(...one)),
  deliver: ['pacs'],
});

describe('tasks', () => {
  it('settings of a network are those of the test vector (conformance: identity)', () => {
    const { card: numbers, ...settings } = settingsOf(card, 0.5);
    expect(canonicalJson(settings)).toBe('{"strength":0.5,"task":"denoise"}');
    expect(sha256Of(canonicalJson(settings))).toBe('bf9b8859ae079b1b06bad8e76b42dc6c2d743d18f5c4da8e37808fbdf00978f9');
    expect(numbers).toMatch(/^[0-9a-f]{16}$/);
  });

  it.each([
    { mostBlend: 0.7 },
    { fixedBlend: 0.4 },
    { evenBlend: { most: 1, from: 0.1, to: 0.3 } },
    { noise: { CT: { a: 4, b: 5, unit: 'HU' as const } } },
  ])('numbers of a card that pixels depend on are settings, so that no UID stands for two images: %j', (change) => {
    const of = (changed: RouteCard) =>
      decideRoute(input({ rules: [rule('one', undefined, enhance(['ct-low-dose']))], cards: () => changed })).tasks[0];
    expect(of({ ...card, ...change })?.settingsSha256).not.toBe(of(card)?.settingsSha256);
    expect(of({ ...card, rank: 3 })?.settingsSha256).toBe(of(card)?.settingsSha256);
  });

  it('codes of the standard alone are a setting: other UIDs, and of the fallback too', () => {
    expect(canonicalJson(settingsOf(card, 0.5, 'standard-only'))).toBe(
      `{"card":"${cardDigest(card)}","codes":"standard-only","strength":0.5,"task":"denoise"}`,
    );
    const rules = [rule('one', undefined, enhance(['ct-low-dose', { fallback: 'gaussian' }]))];
    const { tasks } = decideRoute({ ...input({ rules }), codes: 'standard-only' });
    expect(tasks.map(({ settings }) => settings['codes'])).toEqual(['standard-only', 'standard-only']);
    const own = decideRoute(input({ rules })).tasks;
    expect(tasks.map(({ name }) => name)).not.toEqual(own.map(({ name }) => name));
  });

  it('are resolved with strength, settings, name and slot', () => {
    const rules = [rule('two', undefined, enhance(['ct-low-dose'], ['gaussian', { strength: 0.25, lift: ['GAPS'] }]))];
    const { tasks } = decideRoute(input({ rules }));
    expect(tasks.map(({ slot, strength, rule: name, deliver }) => [slot, strength, name, deliver])).toEqual([
      [1, 0.4, 'two', ['pacs']],
      [2, 0.25, 'two', ['pacs']],
    ]);
    expect(tasks[1]?.settings).toEqual({
      task: 'denoise',
      card: cardDigest(filter),
      strength: 0.25,
      parameters: { sigma: 1.2 },
    });
    expect(tasks[1]?.lift).toEqual(['GAPS']);
    for (const task of tasks) {
      expect(task.settingsSha256).toBe(sha256Of(canonicalJson(task.settings)));
      expect(task.name).toBe(`${task.model.id}-${task.settingsSha256.slice(0, 8)}`);
    }
  });

  it('fit the schema of the decision record', () => {
    const decision = decideRoute(
      input({ rules: [rule('r', { Modality: 'CT' }, enhance(['ct-low-dose'], ['gaussian']))] }),
    );
    const whole = {
      version: 1,
      key: 'a'.repeat(26),
      revision: 1,
      decidedAt: '2026-01-01T00:00:00.000Z',
      config: 3,
      ...decision,
      commit: [],
    };
    expect(decisionRecord.parse(JSON.parse(JSON.stringify(whole)))).toEqual(whole);
  });

  it('of several rules add up; an equal one goes to the peers of both, lifts only what both lift', () => {
    const rules = [
      rule('one', undefined, {
        enhance: [request('gaussian', { lift: ['GAPS', 'LOSSY'] })],
        deliver: ['pacs'],
        forward: ['pacs'],
        goesOn: true,
        priority: 'batch',
      }),
      rule('two', undefined, {
        enhance: [request('ct-low-dose'), request('gaussian', { lift: ['LOSSY'], minimumSlices: 4 })],
        deliver: ['research'],
        forward: ['pacs', 'research'],
        priority: 'urgent',
      }),
    ];
    const decision = decideRoute(input({ rules }));
    expect(decision.tasks.map(({ slot, rule: name, deliver, lift }) => [slot, name, deliver, lift])).toEqual([
      [1, 'one', ['pacs', 'research'], ['LOSSY']],
      [2, 'two', ['research'], []],
    ]);
    expect(decision.forward).toEqual(['pacs', 'research']);
    expect(decision.priority).toBe('urgent');
  });

  it('a fallback without a strength stands by for the first of two strengths: no two tasks have one name', () => {
    const grid = { scale: 2, sampling: 'half_pixel' } as const;
    const finer: RouteCard = { ...filter, id: 'bicubic', task: 'super-resolution', grid };
    const rules = [
      rule(
        'r',
        undefined,
        enhance(
          ['ct-low-dose', { strength: 0.25, fallback: 'bicubic' }],
          ['ct-low-dose', { strength: 0.55, fallback: 'bicubic' }],
        ),
      ),
    ];
    const { tasks } = decideRoute(input({ rules, cards: (id) => (id === 'bicubic' ? finer : cards(id)) }));
    expect(new Set(tasks.map(({ name }) => name)).size).toBe(tasks.length);
    expect(tasks.map(({ model, insteadOf }) => [model.id, insteadOf])).toEqual([
      ['ct-low-dose', undefined],
      ['bicubic', tasks[0]?.name],
      ['ct-low-dose', undefined],
    ]);
  });

  it('the gate speaks of each task by itself', () => {
    const rules = [rule('r', undefined, enhance(['ct-low-dose'], ['gaussian']))];
    const { tasks, modality } = decideRoute(input({ rules, facts: series(10, () => mr()) }));
    expect(modality).toBe('MR');
    expect(tasks.map(({ gate }) => gate.verdict)).toEqual(['skip', 'run']);
  });

  it('a model that is not here is a fault, not a silent skip', () => {
    expect(() => decideRoute(input({ rules: [rule('r', undefined, enhance(['gone']))] }))).toThrow('gone');
  });
});

describe('held and ignored', () => {
  it('no rule matches', () => {
    const decision = decideRoute(input({ rules: [rule('mr', { Modality: 'MR' })] }));
    expect(decision).toMatchObject({ held: [{ code: 'NO_RULE' }], tasks: [], forward: [], priority: 'routine' });
  });
  it('a rule that ignores holds nothing', () => {
    expect(decideRoute(input({ rules: [rule('rest', undefined, { forward: [] })] }))).toMatchObject({
      held: [],
      forward: [],
    });
  });
  it('an instance that came with other bytes; the first copies are still forwarded', () => {
    const facts = seriesFacts({ ...series(10), variants: 2 });
    const decision = decideRoute(input({ facts, rules: [rule('r', undefined, enhance(['gaussian']))] }));
    expect(decision.held).toEqual([{ code: 'DUPLICATE_DIFFERS', detail: '2 instances' }]);
    expect(decision.forward).toEqual(['pacs']);
    expect(decision.tasks[0]?.gate.verdict).toBe('run'); // what a release then runs
  });
  it('the sixth revision within an hour', () => {
    expect(decideRoute(input({ revisionsWithinHour: 5 })).held).toEqual([]);
    expect(decideRoute(input({ revisionsWithinHour: 6 })).held[0]?.code).toBe('REVISION_STORM');
  });
});

describe('properties', () => {
  it('a decision does not depend on the order in which instances are listed', () => {
    const shuffled = fc.shuffledSubarray(
      Array.from({ length: 8 }, (_, index) => index),
      { minLength: 8 },
    );
    const thickness = fc.array(fc.constantFrom('1.0', '5.0', ''), { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(shuffled, thickness, fc.nat(7), (order, thick, gapAt) => {
        const facts = series(8, (index) => ({
          values: {
            SliceThickness: thick[index] || null,
            ImagePositionPatient: `0\\0\\${index + (index > gapAt ? 1 : 0)}`,
          },
        }));
        const moved = seriesFacts({
          ...facts,
          instances: order.flatMap((index) => facts.instances.slice(index, index + 1)),
        });
        const rules = [
          rule('thin', { SliceThickness: { atMost: 3 } }),
          rule('all', undefined, enhance(['ct-low-dose'], ['gaussian'])),
        ];
        expect(decideRoute(input({ rules, facts: moved }))).toEqual(decideRoute(input({ rules, facts })));
      }),
    );
  });
});

describe('the explanation', () => {
  it('tells each rule, each condition with what was found, and what follows', () => {
    const rules = [
      rule('mr', { all: [{ Modality: 'MR' }, { PatientName: { exists: true } }] }),
      rule(
        'chest',
        { any: [{ BodyPartExamined: 'CHEST' }, { ProtocolName: { glob: '*lung*' } }] },
        enhance(['ct-low-dose'], ['gaussian']),
      ),
      rule('rest', undefined),
    ];
    const facts = series(10, () => ({ values: { PatientAge: '010Y' } }));
    const decision = decideRoute(input({ rules, facts }));
    expect(explainDecision(decision, rules).split('\n')).toEqual([
      '✗ rule mr',
      '    ✗ Modality equals MR   found CT',
      '    ✓ PatientName exists true   found present',
      '✓ rule chest',
      '    ✓ any',
      '      ✓ BodyPartExamined equals CHEST   found CHEST',
      '      ✗ ProtocolName glob *lung*   found missing',
      '- rule rest   not looked at',
      `task 1 ${decision.tasks[0]?.name}, strength 0.4, of rule chest: is skipped`,
      "  ✗ PAEDIATRIC: The patient is younger than the model card's limit. (younger than 18 years)",
      `task 2 ${decision.tasks[1]?.name}, strength 0.4, of rule chest: runs, to pacs`,
      'originals go to pacs',
      'priority routine',
    ]);
  });
  it('a fallback stands by: it does not run beside the task whose place it takes, nor where that one is skipped', () => {
    const rules = [rule('r', undefined, enhance(['ct-low-dose', { fallback: 'gaussian' }]))];
    const lines = (facts = series(10)): string[] => {
      const decision = decideRoute(input({ rules, facts }));
      return explainDecision(decision, rules)
        .split('\n')
        .flatMap((line) => (line.startsWith('task ') ? [line.replace(/^.*: /, '')] : []));
    };
    expect(lines()).toEqual(['runs, to pacs', 'stands by for task 1; where that fails it runs, to pacs']);
    expect(lines(series(10, () => ({ values: { PatientAge: '010Y' } })))).toEqual([
      'is skipped',
      'it takes the place of task 1 only where that fails',
    ]);
  });
  it('says why a series is held, and when nothing is done', () => {
    const none = [rule('mr', { Modality: 'MR' })];
    expect(explainDecision(decideRoute(input({ rules: none })), none)).toContain(
      'held:\n  NO_RULE: No rule matches the series.',
    );
    const ignore = [rule('rest', undefined, { forward: [] })];
    const text = explainDecision(decideRoute(input({ rules: ignore })), ignore);
    expect(text).toBe('✓ rule rest   matches every series\nnothing is done with it\npriority routine');
  });
});
