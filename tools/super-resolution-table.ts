// The tables of the super-resolution models' cards: `node build/tools/super-resolution-table.js CT|MR FOLDER`, over the sample data.
import { areaMeans, backProjected, upsampled, zeroFilled } from '../src/imaging/resample.js';
import {
  cubicBetween,
  halvedCt,
  halvedMr,
  psnr,
  readOriginal,
  rms,
  seriesOf,
} from '../test/support/resolution-loss.js';

const [, , modality, root = '../shared/data'] = process.argv;
const signed = (value: number): string => (value < 0 ? '-' : '+') + Math.abs(value).toFixed(2);

async function tableOfCt(): Promise<void> {
  for (const { name, files } of seriesOf(root, 'CT')) {
    for (const blur of [0, 0.7, 1, 1.3]) {
      const cells = { keys: 0, spline: 0, own: 0, wide: 0, again: 0 };
      for (const file of files) {
        const halved = halvedCt(await readOriginal(file, 'CT'), blur);
        const own = backProjected(halved.low, 2, 3);
        const keys = upsampled(halved.low, 2, 'keys');
        const spline = upsampled(halved.low, 2, 'b-spline');
        const of = (slice: typeof own): number => psnr(slice, halved, [-160, 240]) / files.length;
        const wide = (slice: typeof own): number => psnr(slice, halved, [-1024, 3071]) / files.length;
        cells.keys += of(keys);
        cells.spline += of(spline) - of(keys);
        cells.own += of(own) - of(keys);
        cells.wide += wide(own) - wide(keys);
        cells.again = Math.max(cells.again, rms(areaMeans(own, 2), halved.low));
      }
      const { keys, spline, own, wide, again } = cells;
      console.log(
        `| ${name} | ${blur} | ${keys.toFixed(2)} | ${signed(spline)} | ${signed(own)} | ${signed(wide)} | ${again.toFixed(2)} |`,
      );
    }
  }
}

async function tableOfMr(): Promise<void> {
  for (const { name, files } of seriesOf(root, 'MR')) {
    for (const fall of [Infinity, 0.8, 0.5]) {
      let [cubic, own] = [0, 0];
      for (const file of files) {
        const halved = halvedMr(await readOriginal(file, 'MR'), fall);
        cubic += psnr(cubicBetween(halved.low), halved, [0, 1000]) / files.length;
        own += psnr(zeroFilled(halved.low, 2), halved, [0, 1000]) / files.length;
      }
      console.log(`| ${name} | ${fall} | ${cubic.toFixed(2)} | ${signed(own - cubic)} |`);
    }
  }
}

await (modality === 'MR' ? tableOfMr() : tableOfCt());
