// Thread of a task's child that runs the model. `run()` blocks it, and it is never ended singly.
import { proveBatchOrder } from '../enhance/batch-order.js';
import { batched } from '../enhance/batches.js';
import { openEnhancer } from '../enhance/enhancer.js';
import type { Enhancer } from '../enhance/enhancer.js';
import { fingerprintsOf } from '../enhance/fingerprint.js';
import type { ModelOutput } from '../enhance/fingerprint.js';
import type { InferenceMethods, OpenModel } from '../enhance/methods.js';
import { LimpidError } from '../errors.js';
import { serve } from '../threads/thread.js';
import type { Result } from '../threads/thread.js';

/** Pixels that go through a network at once for each slice of a batch. */
const slicePixels = 512 * 512;

/** The model, and the sizes of batches in which it is known to keep the slices apart. */
let open: { readonly name: string; readonly enhancer: Enhancer; readonly proved: Set<number> } | null = null;

// Of the whole card, whose numbers the model is opened with: they may be changed while this thread lives, and its file is the same then.
const nameOf = ({ card, provider }: OpenModel): string => JSON.stringify([card, provider]);

/** @param count slices that are about to go through it together */
async function enhancerOf(model: OpenModel, count: number): Promise<Enhancer> {
  const { card, file, provider } = model;
  const name = nameOf(model);
  if (open?.name !== name) {
    await open?.enhancer.close();
    open = null;
    open = { name, enhancer: await openEnhancer(card, file, provider), proved: new Set([1]) };
  }
  if (!open.proved.has(count)) {
    await proveBatchOrder(open.enhancer, count);
    open.proved.add(count);
  }
  return open.enhancer;
}

type Argument = Parameters<InferenceMethods['residual']>[0];
type Residual = Result<{ readonly output: ModelOutput; readonly seconds: number }>;

function missing(index: number): never {
  throw new LimpidError('INTERNAL', `the model gave nothing for slice ${index + 1} of a batch`);
}

async function residualsOf(batch: readonly Argument[]): Promise<Residual[]> {
  const [first] = batch;
  if (first === undefined) return [];
  const enhancer = await enhancerOf(first.model, batch.length);
  const start = performance.now();
  const residuals = await enhancer.residuals(
    batch.map(({ rows, columns, values, map, neighbours }) => ({
      slice: { rows, columns, values },
      noise: map,
      neighbours,
    })),
  );
  const seconds = (performance.now() - start) / 1000 / batch.length;
  return batch.map(({ values, map, neighbours }, index) => {
    const residual = residuals[index] ?? missing(index);
    return {
      value: { output: { residual, ...fingerprintsOf(values, map, neighbours) }, seconds },
      transfer: residual.buffer instanceof ArrayBuffer ? [residual.buffer] : [],
    };
  });
}

const methods: InferenceMethods = {
  // Calls wait for each other: a model works on one batch at a time, in one input buffer.
  residual: batched<Argument, Residual>({
    alike: (first, other) =>
      nameOf(first.model) === nameOf(other.model) && first.rows === other.rows && first.columns === other.columns,
    most: ({ model, rows, columns }) => Math.floor((model.batch * slicePixels) / (rows * columns)),
    run: residualsOf,
  }),
};
serve(methods);
