// A walk over a data set as it is received or read: at once, or behind an inflater for Deflated Explicit VR Little Endian (PS3.5 Annex A.5).
import { createInflateRaw } from 'node:zlib';
import { TransferSyntax } from './constants.js';
import type { Limits } from './limits.js';
import { type AssemblyTexts, DataSetWalker, type Identity } from './walker.js';

export interface WalkResult {
  /** Why the bytes are no whole data set, or null. */
  readonly fault: string | null;
  readonly found: Partial<Identity & AssemblyTexts>;
  /** Elements of the top level that do not ascend. */
  readonly outOfOrder: number;
}

export interface Walk {
  /** Takes bytes as they are in the transfer syntax, keeping no view of them; gives how many are queued (see `drained`). */
  push(chunk: Uint8Array): number;
  /** Resolves when the queued bytes have been walked, or the walk has ended. */
  drained(): Promise<void>;
  /** What is wrong so far, or null. */
  readonly fault: string | null;
  /** Whether no more bytes can change the identity. */
  readonly isIdentityKnown: boolean;
  readonly found: Partial<Identity & AssemblyTexts>;
  /** Ends the walk: every byte has been pushed. */
  end(): Promise<WalkResult>;
  /** Gives the walk up. */
  stop(): void;
}

type WalkLimits = Pick<Limits, 'nesting' | 'inflatedBytes' | 'inflationRatio'>;

const resultOf = (walker: DataSetWalker, fault: string | null): WalkResult => ({
  fault,
  found: walker.found,
  outOfOrder: walker.outOfOrder,
});

class PlainWalk implements Walk {
  readonly #walker: DataSetWalker;

  constructor(transferSyntaxUid: string, limits: WalkLimits) {
    this.#walker = new DataSetWalker(transferSyntaxUid, limits.nesting);
  }

  push(chunk: Uint8Array): number {
    this.#walker.push(chunk);
    return 0;
  }
  drained(): Promise<void> {
    return Promise.resolve();
  }
  get fault(): string | null {
    return this.#walker.fault;
  }
  get isIdentityKnown(): boolean {
    return this.#walker.isIdentityKnown;
  }
  get found(): Walk['found'] {
    return this.#walker.found;
  }
  end(): Promise<WalkResult> {
    return Promise.resolve(resultOf(this.#walker, this.#walker.end()));
  }
  stop(): void {}
}

/** Below this many inflated bytes their ratio to the deflated ones says nothing. */
const ratioFloor = 16 * 1024 * 1024;

function deflatedWalk(limits: WalkLimits): Walk {
  const walker = new DataSetWalker(TransferSyntax.ExplicitLittleEndian, limits.nesting);
  const inflater = createInflateRaw();
  let pushed = 0;
  let queued = 0;
  let fault: string | null = null;
  let hasEnded = false;
  let waiting: (() => void)[] = [];
  const wake = () => {
    for (const resolve of waiting) resolve();
    waiting = [];
  };
  const fail = (why: string) => {
    fault ??= why;
    inflater.destroy();
    wake();
  };
  const isOver = () => fault !== null || hasEnded || inflater.destroyed;
  const ended = new Promise<void>((resolve) => inflater.once('close', resolve).once('end', resolve));
  // comes early where padding follows the deflated stream; its write is then never called back
  inflater.on('end', () => {
    hasEnded = true;
    wake();
  });
  inflater.on('error', (error: NodeJS.ErrnoException) => fail(`deflated data: ${error.code ?? 'damaged'}`));
  inflater.on('close', wake);
  inflater.on('data', (chunk: Buffer) => {
    walker.push(chunk);
    if (walker.fault !== null) fail(walker.fault);
    else if (walker.bytes > limits.inflatedBytes) fail('deflated data becomes too long');
    else if (walker.bytes > ratioFloor && walker.bytes > limits.inflationRatio * pushed) fail('deflated data explodes');
  });
  return {
    push: (chunk) => {
      pushed += chunk.length;
      if (isOver()) return 0;
      queued += chunk.length;
      inflater.write(Buffer.from(chunk), () => {
        queued -= chunk.length;
        if (queued === 0) wake();
      });
      return queued;
    },
    drained: () => (queued === 0 || isOver() ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
    get fault() {
      return fault;
    },
    get isIdentityKnown() {
      return walker.isIdentityKnown;
    },
    get found() {
      return walker.found;
    },
    end: async () => {
      if (!isOver()) inflater.end();
      await ended;
      return resultOf(walker, fault ?? walker.end());
    },
    stop: () => void inflater.destroy(),
  };
}

/** Opens a walk over a data set in `transferSyntaxUid`. */
export function openWalk(transferSyntaxUid: string, limits: WalkLimits): Walk {
  return transferSyntaxUid === TransferSyntax.Deflated
    ? deflatedWalk(limits)
    : new PlainWalk(transferSyntaxUid, limits);
}
