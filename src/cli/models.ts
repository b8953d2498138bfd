// `limpid models`: what this node can run, and whether it is what was released.
import { LimpidError } from '../errors.js';
import { modelJsonSchema } from '../inference/card.js';
import type { ModelCard } from '../inference/card.js';
import { conditionWords } from '../inference/condition-words.js';
import type { Registry } from '../inference/registry.js';
import { unitSays } from '../spool/view-words.js';
import { colour, table } from './output.js';
import type { Output } from './output.js';

/** Where models lie: in a folder, else the program's; and beside them those of a configuration. */
export interface ModelPlace {
  readonly models?: string;
  readonly config?: string;
}

export interface ModelCommands {
  list(options: ModelPlace & { readonly json: boolean }): Promise<void>;
  show(id: string, options: ModelPlace & { readonly json: boolean }): Promise<void>;
  schema(): Promise<void>;
  verify(ids: readonly string[], options: ModelPlace & { readonly json: boolean }): Promise<void>;
}

/** The highest blend, and that of a series of noise alone. */
const blendLimit = ({ mostBlend, evenBlend }: ModelCard): string =>
  evenBlend === null ? `${mostBlend}` : `${mostBlend}, ${evenBlend.most} where it is noise alone`;

/** Beyond what a result is withheld, each limit with its unit. */
function limitWords({ limits, noise }: ModelCard): string {
  const say = (name: string, value: number | null, unit: string): string =>
    value === null ? `${name} none` : `${name} ${value}${unit}`;
  const units = Object.entries(noise).map(([modality, { unit }]) => ({ modality, unit: unitSays(unit) }));
  const [only] = units;
  const ofNoise =
    units.length === 1 && only !== undefined
      ? ` ${only.unit}`
      : ` (${units.map(({ modality, unit }) => `${modality}: ${unit}`).join('; ')})`;
  return [
    say('mean shift', limits.meanShift, ofNoise),
    say('structure', limits.residualStructure, ' (0: noise alone was taken away, 1: edges)'),
    say('periodic pattern', limits.periodicPattern ?? null, ' of the noise'),
    say('smooth change', limits.smoothChange, ' of the noise'),
    say("difference on the source's grid", limits.sourceAgain ?? null, ofNoise),
    say('noise left below', limits.noiseRatio, ' of what there was'),
  ].join(', ');
}

/** The folder of a model itself holds no folders. */
const noModels = ({ models }: ModelPlace): string =>
  `there is no model in ${models ?? 'the folder of models'}: give the folder that holds one folder for each model, not that of a model`;

/** The commands over a registry that is opened when one is called. */
export function modelCommands(
  openRegistry: (place: ModelPlace, options?: { readonly spoiled?: 'listed' }) => Promise<Registry>,
  output: Output,
  failed: () => void,
): ModelCommands {
  return {
    async list({ json, ...place }) {
      const cards = (await openRegistry(place)).list();
      // A head alone would look like a node that has no models.
      if (cards.length === 0) throw new LimpidError('USAGE', noModels(place));
      if (json) {
        output.out(JSON.stringify(cards, null, 1));
        return;
      }
      const rows = cards.map((card) => [
        card.id,
        card.version,
        card.kind,
        card.task,
        card.modality.join(', '),
        card.defaultStrength,
        card.sha256.slice(0, 12),
      ]);
      output.out(table(['id', 'version', 'kind', 'task', 'modality', 'strength', 'sha256'], rows));
    },
    async show(id, { json, ...place }) {
      const card = (await openRegistry(place)).need(id);
      output.out(json ? JSON.stringify(card, null, 1) : described(card));
    },
    schema() {
      output.out(JSON.stringify(modelJsonSchema(), null, 2));
      return Promise.resolve();
    },
    async verify(ids, { json, ...place }) {
      const registry = await openRegistry(place, { spoiled: 'listed' });
      // A folder of a shipped model's id is spoiled, and is in both.
      const all = [...new Set([...registry.list().map(({ id }) => id), ...registry.spoiled().keys()])].toSorted();
      const wanted = ids.length > 0 ? ids : all;
      // Nothing was verified: a script would take that for all being well.
      if (wanted.length === 0) throw new LimpidError('USAGE', noModels(place));
      const results: { id: string; faults: readonly string[] }[] = [];
      for (const id of wanted) {
        const faults = await registry.verify(id, 'cpu');
        results.push({ id, faults });
        // One by one: a graph that never ends is given two minutes.
        if (!json) {
          output.out(
            faults.length === 0
              ? `${colour(output, 'green', 'ok')}  ${id}`
              : `${colour(output, 'red', 'bad')} ${id}: ${faults.join('; ')}`,
          );
        }
      }
      if (results.some(({ faults }) => faults.length > 0)) failed();
      if (json) output.out(JSON.stringify(results, null, 1));
    },
  };
}

/** A card for people: what it is for, what holds it. */
function described(card: ModelCard): string {
  const range = (value: { atLeast: number; atMost: number } | null, unit: string): string =>
    value === null ? 'any' : `${value.atLeast} to ${value.atMost}${unit}`;
  const { intendedUse: use } = card;
  const noise = Object.entries(card.noise).map(
    ([modality, { a, b, unit }]) => `${modality}: nothing up to ${a}, all from ${a + b} ${unitSays(unit)}`,
  );
  return table(
    [card.id, `${card.version}, ${card.kind}, ${card.task}`],
    [
      ['for', card.modality.join(', ')],
      ['intended use', use.says.trim()],
      ['age, years', use.minimumAgeYears === null ? 'any' : `${use.minimumAgeYears} and older`],
      ['sees', card.input?.slices === 3 ? `neighbours, ${range(card.input.neighbourMm, ' mm')} away` : 'one slice'],
      ['slice thickness', range(use.sliceThicknessMm, ' mm')],
      ['pixel spacing', range(use.pixelSpacingMm, ' mm')],
      ['field strength', range(use.magneticFieldStrengthT, ' T')],
      ['rows, columns', range(use.matrix, '')],
      ['headers', use.conditions === undefined ? 'any' : conditionWords(use.conditions)],
      ['strength', `${card.defaultStrength} of the noise, blend at most ${blendLimit(card)}`],
      ['noise', noise.join('; ')],
      ['withheld beyond', limitWords(card)],
      ['made by', card.maker],
      ['licence', card.licence],
      ['training', card.training ?? 'none'],
      ['sha256', card.sha256],
    ],
  );
}
