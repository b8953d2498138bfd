// dcmjs-codecs (WebAssembly): loaded by the first compressed frame, since each thread that has it takes 20 MB more.
import type codecs from 'dcmjs-codecs';

type Codecs = typeof codecs;

/**
 * What the decoders say of a frame that they give pixels for although something is wrong with it: libjpeg and OpenJPEG by messages, OpenJPH
 * and CharLS on standard error. They would also print it.
 */
const damage =
  /Corrupt JPEG data|Premature end|Inconsistent progression|MessageCallback(Warning|Error)|fd_write|JpegXl/;

export class CodecLibrary {
  readonly #codecs: Codecs;
  /** All codecs share one WebAssembly instance: the one making of it under way, if any. */
  #making: Promise<void> | null = null;
  /** The first word of damage since it was set to null. */
  said: string | null = null;

  constructor(codecs: Codecs) {
    this.#codecs = codecs;
    codecs.log.methodFactory = () => (message: unknown) => {
      const text = String(message);
      if (damage.test(text)) this.said ??= text.slice(0, 200);
    };
    codecs.log.enableAll();
  }

  get native(): Codecs['NativeCodecs'] {
    return this.#codecs.NativeCodecs;
  }

  context(of: ConstructorParameters<Codecs['Context']>[0]): InstanceType<Codecs['Context']> {
    return new this.#codecs.Context(of);
  }

  /** Does the work on the instance, which is made where there is none. The work must not wait: another frame may fail meanwhile, and release it. */
  async use<T>(work: () => T): Promise<T> {
    while (!this.native.isInitialized()) {
      this.#making ??= this.native.initializeAsync({ logCodecsInfo: true }).finally(() => (this.#making = null));
      await this.#making;
    }
    return work();
  }

  /** A frame that fails leaves the shared memory in disorder: good frames would fail after some more. */
  heal(): void {
    try {
      this.native.release();
    } catch {
      // The next initialisation makes a new instance whether or not the old one could be released.
    }
  }
}

let opened: Promise<CodecLibrary> | null = null;

/** The library of this thread. */
export function codecLibrary(): Promise<CodecLibrary> {
  opened ??= import('dcmjs-codecs').then(({ default: codecs }) => new CodecLibrary(codecs));
  return opened;
}
