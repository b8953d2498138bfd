// What a network is shown to see whether it leaves an image as it is: a wave down and one to the right, too long to be taken for noise.

/** Pixels. */
export const period = 32;
/** What is looked at on each side is at least this far from the border, pixels. */
export const margin = 16;

/** Phase at a row or column; neither wave is its own mirror image. */
export const angle = (along: number): number => (2 * Math.PI * along) / period + 1;

/** Both waves at a pixel of a square, -2..2. */
export const waveAt = (at: number, side: number): number =>
  Math.cos(angle(Math.floor(at / side))) + Math.cos(angle(at % side));

/** Where what is looked at ends: one period or several behind `margin`. */
export const endOf = (side: number): number => margin + period * Math.floor((side - 2 * margin) / period);
