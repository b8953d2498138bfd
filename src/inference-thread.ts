// Thread of a task's child that runs the model. `run()` blocks it, and it is never ended singly.
import { openEnhancer } from './enhance/enhancer.js';
import type { Enhancer } from './enhance/enhancer.js';
import type { InferenceMethods, OpenModel } from './enhance/methods.js';
import { serve } from './enhance/thread.js';
import type { Result } from './enhance/thread.js';

let open: { readonly name: string; readonly enhancer: Enhancer } | null = null;
/** Calls wait for each other: a model works on one slice at a time, in one input buffer. */
let last: Promise<unknown> = Promise.resolve();

async function enhancerOf({ card, file, provider }: OpenModel): Promise<Enhancer> {
  const name = `${card.id} ${card.sha256} ${provider}`;
  if (open?.name === name) return open.enhancer;
  await open?.enhancer.close();
  open = null;
  open = { name, enhancer: await openEnhancer(card, file, provider) };
  return open.enhancer;
}

type Argument = Parameters<InferenceMethods['residual']>[0];
type Residual = Result<{ readonly residual: Float32Array; readonly seconds: number }>;

async function residualOf({ model, rows, columns, values, map }: Argument): Promise<Residual> {
  const enhancer = await enhancerOf(model);
  const start = performance.now();
  const residual = await enhancer.residual({ rows, columns, values }, map);
  const seconds = (performance.now() - start) / 1000;
  return {
    value: { residual, seconds },
    transfer: residual.buffer instanceof ArrayBuffer ? [residual.buffer] : [],
  };
}

const methods: InferenceMethods = {
  residual(argument) {
    const turn = last.then(() => residualOf(argument));
    last = turn.catch(() => undefined); // its caller gets the failure; the next call does not
    return turn;
  },
};
serve(methods);
