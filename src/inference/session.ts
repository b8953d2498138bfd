/** One onnxruntime session: the only place that calls it. `run()` blocks its thread and must never run in a process's main thread. */
import type { InferenceSession } from 'onnxruntime-node';
import { LimpidError } from '../errors.js';

export interface Session {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /**
   * Runs the graph once.
   *
   * @param values row-major values of the tensor `shape`; not changed
   * @returns values of the output `output`
   * @throws LimpidError `MODEL_FAILED`: onnxruntime ends the run with an error; `ENHANCE_MEMORY`: it gets no memory; `MODEL_INVALID`: the
   * output is no float32, or its rows and columns have changed places
   */
  run(input: string, output: string, values: Float32Array, shape: readonly number[]): Promise<Float32Array>;
  close(): Promise<void>;
}

/** How onnxruntime's arena, the C++ library and CUDA say that there is no memory. */
const noMemory = /failed to allocate memory|bad_alloc|out of memory/i;

/** What onnxruntime says of a run that it ended, as a failure that a person can do something about. */
function failedRun(error: unknown, shape: readonly number[]): LimpidError {
  const why = (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, ' ').trim();
  return new LimpidError(
    noMemory.test(why) ? 'ENHANCE_MEMORY' : 'MODEL_FAILED',
    `the graph does not take an input of [${shape.join(', ')}]: ${why}`,
    { cause: error },
  );
}

/** How onnxruntime says that weights do not lie in the file itself. */
const outside = /external data/i;

/** What onnxruntime says of a file that it does not take. */
function refusedModel(error: unknown, provider: string): LimpidError {
  const reason = error instanceof Error ? error.message : String(error);
  const advice =
    'its weights lie in a file beside it (external data), which its SHA-256 does not cover: save both as one';
  return new LimpidError(
    'MODEL_INVALID',
    `onnxruntime (${provider}) refuses the model: ${outside.test(reason) ? advice : reason}`,
    { cause: error },
  );
}

/** Whether an answer has a value for each pixel of the input, but its rows and columns in each other's place. */
function isTurned(answer: readonly number[], [count = 1, , rows = 1, columns = 1]: readonly number[]): boolean {
  const sides = (all: readonly number[]): string => all.filter((side) => side !== 1).join();
  return rows !== columns && sides(answer) === sides([count, columns, rows]);
}

/**
 * Opens a model file with one execution provider and one intra-op thread. Convolutions take the NCHWc layout only with
 * `graphOptimizationLevel: 'all'` (150 instead of 280 ms for a 512x512 slice); spinning is off, so that a waiting thread takes no core.
 * On the CPU no pattern of its memory is kept: a second block as large as the first run's pieces (40 MB), and no faster.
 *
 * @throws LimpidError `MODEL_INVALID`: onnxruntime does not take the file, or not with this provider
 */
export async function openSession(model: string | Uint8Array, provider: string): Promise<Session> {
  const options: InferenceSession.SessionOptions = {
    executionProviders: [provider],
    graphOptimizationLevel: 'all',
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    enableMemPattern: provider !== 'cpu',
    logSeverityLevel: 4,
    extra: {
      session: {
        intra_op: { allow_spinning: '0' },
        // A graph that is given as bytes would take weights from the folder that the process was started in: no file lies here.
        model_external_initializers_file_folder_path: '/dev/null',
      },
    },
  };
  // Loaded by who runs a network only: 25 MB of library that a receiver or a sender has no use for.
  const { InferenceSession: Sessions, Tensor } = await import('onnxruntime-node');
  let session: InferenceSession;
  try {
    session = typeof model === 'string' ? await Sessions.create(model, options) : await Sessions.create(model, options);
  } catch (error) {
    throw refusedModel(error, provider);
  }
  return {
    inputNames: session.inputNames,
    outputNames: session.outputNames,
    async run(input, output, values, shape) {
      const answer = await session.run({ [input]: new Tensor('float32', values, shape) }, [output]).then(
        (results) => results[output],
        (error: unknown) => {
          throw failedRun(error, shape);
        },
      );
      if (!(answer?.data instanceof Float32Array))
        throw new LimpidError('MODEL_INVALID', `output ${output} is no float32`);
      if (isTurned(answer.dims, shape)) {
        const sizes = `[${shape.join(', ')}] with [${answer.dims.join(', ')}]`;
        throw new LimpidError('MODEL_INVALID', `the graph answers ${sizes}: rows and columns have changed places`);
      }
      return answer.data;
    },
    close: () => session.release(),
  };
}
