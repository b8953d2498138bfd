// What every bench ends with: one JSON object on its last line, with the machine and its load beside the figures.
import { cpus, loadavg } from 'node:os';
import { z } from 'zod';

const figureShape = z.object({
  what: z.string(),
  value: z.number(),
  unit: z.string(),
  /** The bar; a figure without one is only told. */
  atMost: z.number().optional(),
  atLeast: z.number().optional(),
});

export const benchReport = z.object({
  bench: z.string(),
  at: z.iso.datetime(),
  cpu: z.string(),
  cores: z.number(),
  node: z.string(),
  /** Load average of the last minute at start and end: other programs' share falls on every figure. */
  load: z.tuple([z.number(), z.number()]),
  figures: z.array(figureShape),
  /** What the figures were made of. */
  details: z.unknown(),
});

export type Figure = Readonly<z.infer<typeof figureShape>>;
export type BenchReport = Readonly<z.infer<typeof benchReport>>;

const round = (value: number): number => Number(value.toPrecision(4));
const loadNow = (): number => round(loadavg()[0] ?? Number.NaN);
const loadAtStart = loadNow();

/** Answers whether a figure keeps its bar; null where it has none. */
export function holds({ value, atMost, atLeast }: Figure): boolean | null {
  if (atMost === undefined && atLeast === undefined) return null;
  return value <= (atMost ?? Number.POSITIVE_INFINITY) && value >= (atLeast ?? Number.NEGATIVE_INFINITY);
}

/** Prints a bench's report. */
export function report(bench: string, figures: readonly Figure[], details: unknown): void {
  const out: BenchReport = {
    bench,
    at: new Date().toISOString(),
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    node: process.version,
    load: [loadAtStart, loadNow()],
    figures: figures.map((figure) => ({ ...figure, value: round(figure.value) })),
    details,
  };
  console.log(JSON.stringify(out));
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[half] ?? Number.NaN)
    : ((sorted[half - 1] ?? 0) + (sorted[half] ?? Number.NaN)) / 2;
}
