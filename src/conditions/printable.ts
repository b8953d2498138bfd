/**
 * Text that limpid writes into objects as it stands: ASCII, which holds in every character set, and one value (no backslash), without
 * spaces at its ends, which are padding (PS3.5 6.1.2, 6.2).
 */
export const printableText = /^(?! )[\x20-\x5b\x5d-\x7e]+(?<! )$/;
