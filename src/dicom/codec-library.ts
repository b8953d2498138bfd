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
  /** The first word of damage since `forget`. */
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

  /** Makes the instance where there is none. */
  async ready(): Promise<void> {
    // Another frame may fail, and release the instance, while this one waits for it.
    while (!this.native.isInitialized()) {
      this.#making ??= this.native.initializeAsync({ logCodecsInfo: true }).finally(() => (this.#making = null));
      await this.#making;
    }
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

/** The library of this thread, ready for a frame. */
export async function codecLibrary(): Promise<CodecLibrary> {
  opened ??= import('dcmjs-codecs').then(({ default: codecs }) => new CodecLibrary(codecs));
  const library = await opened;
  await library.ready();
  return library;
}
