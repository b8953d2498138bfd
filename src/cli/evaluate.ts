// `limpid evaluate`: how good an enhancer is, in numbers and pictures.
import { counted } from '../spool/counted.js';
import { filesBelow, tellLeftOut } from './files.js';
import type { LeftOut } from './files.js';
import { colour, table } from './output.js';
import type { Output } from './output.js';

/** Mean over the slices of a series; see `protocol`. */
export interface Figures {
  /** Null where all slices are equal. */
  readonly psnr: number | null;
  /** Null where all slices are smaller than its window. */
  readonly ssim: number | null;
  readonly mae: number;
  readonly dice: number | null;
}

export interface ComparedSeries {
  readonly slices: number;
  /** Slices of the test that are left out: the reference shows no body there. */
  readonly withoutBody: number;
  /** Slices of the reference that the test has no slice for. */
  readonly withoutPartner: number;
  readonly before: Figures | null;
  readonly after: Figures;
}

/** One enhancer on one degraded series. */
export interface StudyRow {
  readonly series: string;
  /** What a person knows the series by: modality, description or number, folder. */
  readonly name: string;
  readonly noiseTimes: number;
  readonly model: string;
  readonly outcome: string;
  readonly before: Figures;
  /** Null where nothing came out. */
  readonly after: Figures | null;
  /** Noise after over before, as the node measures it. */
  readonly noiseRatio: number | null;
  readonly residualStructure: number | null;
  readonly secondsPerSlice: number | null;
}

export interface RobustnessRow {
  readonly series: string;
  /** What a person knows the series by: modality, description or number, folder. */
  readonly name: string;
  /** Of the figure that is plain. */
  readonly noiseTimes: number;
  readonly model: string;
  readonly figure: string;
  readonly plain: number;
  readonly noisier: number;
  /** Percent; negative where the figure rose. Null: of a figure of 0 or below, which says that nothing is alike, there is no share to fall. */
  readonly fall: number | null;
  /** `enhanced`, or what became of either result: a node does not deliver one that is withheld. */
  readonly outcome: string;
}

export interface Verdict {
  readonly phantom: string;
  readonly check: string;
  readonly measured: string;
  readonly must: string;
  readonly holds: boolean;
}

export interface StudyOptions {
  readonly models: readonly string[];
  readonly noiseTimes: readonly number[];
  readonly strength: number | 'light' | 'standard' | 'strong' | null;
  readonly slices: number;
  readonly out: string;
}

/** What is told while a study runs. */
export interface Told {
  readonly progress: (done: number, total: number) => void;
  readonly left: (out: readonly LeftOut[]) => void;
  /** A model has failed on a series, which `left` has told: the rows that there are are not all. */
  readonly failed: () => void;
}

/** What the app does for the commands. */
export interface Evaluation {
  readonly protocol: string;
  compare(options: {
    readonly reference: readonly string[];
    readonly test: readonly string[];
    readonly before: readonly string[] | null;
    readonly threshold: number | null;
    readonly out: string | null;
    readonly left: Told['left'];
  }): Promise<ComparedSeries>;
  study(files: readonly string[], options: StudyOptions, told: Told): Promise<readonly StudyRow[]>;
  robustness(files: readonly string[], options: StudyOptions, told: Told): Promise<readonly RobustnessRow[]>;
  kit(out: string): Promise<readonly { readonly phantom: string; readonly folder: string; readonly slices: number }[]>;
  accept(options: { readonly kit: string; readonly results: readonly string[] }): Promise<readonly Verdict[]>;
}

/** Options as the command line gives them. */
export interface StudyArguments {
  readonly with: readonly string[];
  readonly noise: readonly number[];
  readonly strength?: number | 'light' | 'standard' | 'strong';
  readonly slices: number;
  readonly out: string;
  /** Adds the site's own models, and sets what a node sets; absent: as a node without a configuration. */
  readonly config?: string;
  readonly json: boolean;
}

export interface EvaluateCommands {
  compare(options: {
    readonly reference: readonly string[];
    readonly test: readonly string[];
    readonly before?: readonly string[];
    readonly threshold?: number;
    readonly out?: string;
    readonly json: boolean;
  }): Promise<void>;
  models(paths: readonly string[], options: StudyArguments): Promise<void>;
  robustness(paths: readonly string[], options: StudyArguments): Promise<void>;
  kit(options: { readonly out: string }): Promise<void>;
  accept(kit: string, options: { readonly results: readonly string[]; readonly json: boolean }): Promise<void>;
}

const fixed = (value: number | null, digits: number): string => (value === null ? '-' : value.toFixed(digits));
/** Of equal slices PSNR has no bound. */
const decibels = (psnr: number | null): string => (psnr === null ? 'equal' : psnr.toFixed(2));
const gain = (before: number | null, after: number | null, digits: number): string => {
  if (before === null || after === null) return '-';
  const change = after - before;
  return `${change >= 0 ? '+' : ''}${change.toFixed(digits)}`;
};

/** The first letters of its key, which name its folder, and what it is. */
const seriesName = ({ series, name }: Pick<StudyRow, 'series' | 'name'>): string => `${series.slice(0, 6)} ${name}`;

/** Slices that a comparison has no figures of. */
const missing = ({ withoutPartner, withoutBody }: ComparedSeries): string[] => [
  ...(withoutPartner === 0 ? [] : [`${counted(withoutPartner, 'slice')} of the reference without one in the test`]),
  ...(withoutBody === 0 ? [] : [`${counted(withoutBody, 'slice')} left out: the reference shows no body there`]),
];

/** A figure must not fall by more than this when noise rises by a tenth, percent. */
const mostFall = 5;

export function evaluateCommands(
  open: (config: string | null) => Promise<Evaluation>,
  output: Output,
  failed: () => void,
): EvaluateCommands {
  const print = (json: boolean, value: unknown, text: () => string): void =>
    output.out(json ? JSON.stringify(value, null, 1) : text());
  const studyOptions = (options: StudyArguments): StudyOptions => ({
    models: [...new Set(options.with)],
    noiseTimes: [...new Set(options.noise)],
    strength: options.strength ?? null,
    slices: options.slices,
    out: options.out,
  });
  const progress = (done: number, total: number): void => {
    if (output.terminal) output.err(colour(output, 'dim', `${done} of ${total}`));
  };
  const left = (out: readonly LeftOut[]): void => tellLeftOut(output, out);
  return {
    async compare(options) {
      const evaluation = await open(null);
      const [reference, test] = [await filesBelow(options.reference), await filesBelow(options.test)];
      const before = options.before === undefined ? null : await filesBelow(options.before);
      const result = await evaluation.compare({
        reference,
        test,
        before,
        threshold: options.threshold ?? null,
        out: options.out ?? null,
        left,
      });
      print(options.json, { protocol: evaluation.protocol, ...result }, () => {
        const row = (name: string, figures: Figures): (string | number)[] => [
          name,
          decibels(figures.psnr),
          fixed(figures.ssim, 4),
          fixed(figures.mae, 2),
          fixed(figures.dice, 4),
        ];
        const rows = [
          ...(result.before === null ? [] : [row('before', result.before)]),
          row(result.before === null ? 'test' : 'after', result.after),
        ];
        return [
          table([counted(result.slices, 'slice'), 'PSNR dB', 'SSIM', 'MAE', 'Dice'], rows),
          ...missing(result),
          colour(output, 'dim', evaluation.protocol),
        ].join('\n');
      });
    },

    async models(paths, options) {
      const evaluation = await open(options.config ?? null);
      const rows = await evaluation.study(await filesBelow(paths), studyOptions(options), { progress, left, failed });
      if (rows.every(({ after }) => after === null)) failed();
      print(options.json, { protocol: evaluation.protocol, rows }, () =>
        [
          table(
            [
              'series',
              'noise',
              'model',
              'PSNR dB',
              'gain',
              'SSIM',
              'gain',
              'MAE',
              'Dice',
              'noise left',
              'structure',
              's/slice',
              '',
            ],
            rows.map(({ noiseTimes, model, outcome, before, after, ...row }) => [
              seriesName(row),
              `x${noiseTimes}`,
              model,
              ...(after === null
                ? [outcome, '', '', '', '', '']
                : [
                    decibels(after.psnr),
                    gain(before.psnr, after.psnr, 2),
                    fixed(after.ssim, 4),
                    gain(before.ssim, after.ssim, 4),
                    after.mae.toFixed(2),
                    fixed(after.dice, 4),
                  ]),
              fixed(row.noiseRatio, 2),
              fixed(row.residualStructure, 2),
              fixed(row.secondsPerSlice, 3),
              // A node does not deliver it, however good its figures are.
              after === null || outcome === 'enhanced' ? '' : outcome,
            ]),
          ),
          colour(output, 'dim', evaluation.protocol),
        ].join('\n'),
      );
    },

    async robustness(paths, options) {
      const evaluation = await open(options.config ?? null);
      const told = { progress, left, failed };
      const rows = await evaluation.robustness(await filesBelow(paths), studyOptions(options), told);
      if (rows.length === 0 || rows.some(({ fall }) => fall === null || fall > mostFall)) failed();
      print(options.json, rows, () =>
        [
          table(
            ['series', 'noise', 'model', 'figure', 'plain', 'noise +10 %', 'fall %', '', ''],
            rows.map(({ noiseTimes, model, figure, plain, noisier, fall, outcome, ...row }) => [
              seriesName(row),
              `x${noiseTimes}`,
              model,
              figure,
              plain.toFixed(4),
              noisier.toFixed(4),
              fixed(fall, 1),
              fall === null ? 'nothing alike' : fall > mostFall ? `above ${mostFall} %` : 'ok',
              outcome === 'enhanced' ? '' : outcome,
            ]),
          ),
          colour(output, 'dim', evaluation.protocol),
        ].join('\n'),
      );
    },

    async kit(options) {
      const phantoms = await (await open(null)).kit(options.out);
      output.out(
        table(
          ['phantom', 'slices', 'send this folder'],
          phantoms.map(({ phantom, slices, folder }) => [phantom, slices, folder]),
        ),
      );
    },

    async accept(kit, options) {
      const verdicts = await (await open(null)).accept({ kit, results: await filesBelow(options.results) });
      if (verdicts.length === 0 || verdicts.some(({ holds }) => !holds)) failed();
      print(options.json, verdicts, () =>
        table(
          ['phantom', 'check', 'measured', 'must be', ''],
          verdicts.map(({ phantom, check, measured, must, holds }) => [
            phantom,
            check,
            measured,
            must,
            holds ? 'ok' : 'FAILS',
          ]),
        ),
      );
    },
  };
}
