// In which transfer syntaxes an instance may go out: its own first, and then what it can be turned into without losing anything.
import { explicitLittleEndian, implicitLittleEndian, transferSyntax } from './uids.js';

/** How a peer wants its instances. */
export interface ConversionPolicy {
  /** Results of limpid are offered in this lossless syntax first. */
  readonly compress: 'none' | 'jpeg-ls' | 'jpeg-2000';
  /** Whether what was compressed with loss may be sent decompressed. */
  readonly decompressLossy: boolean;
}

export const verbatimOnly = { compress: 'none', decompressLossy: false } as const;

/** Lossless syntaxes that limpid writes. */
const compressed = { 'jpeg-ls': '1.2.840.10008.1.2.4.80', 'jpeg-2000': '1.2.840.10008.1.2.4.90' } as const;

/**
 * Transfer syntaxes that may be offered for an instance, the preferred first. Big endian and deflated are offered only for what is in them.
 *
 * @param origin results may be compressed, originals go as they are where the peer takes them
 */
export function syntaxesToOffer(
  transferSyntaxUid: string,
  origin: 'original' | 'result',
  policy: ConversionPolicy,
): string[] {
  const own = transferSyntax(transferSyntaxUid);
  const native = [explicitLittleEndian, implicitLittleEndian];
  if (own === undefined || own.coding === 'none') return [transferSyntaxUid];
  if (own.lossyMethod !== null && !policy.decompressLossy) return [transferSyntaxUid];
  const first = origin === 'result' && policy.compress !== 'none' ? [compressed[policy.compress]] : [];
  return [...new Set([...(own.encapsulated ? [] : first), transferSyntaxUid, ...native])];
}
