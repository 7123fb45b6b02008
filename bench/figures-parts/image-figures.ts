import { count, largeCount, mebibytes, milliseconds, seconds, table } from './format.ts';
import { numberOf, type Results } from './results.ts';

export function imageFigures(image: Results): string {
  const of = (operation: string, field: string): number => numberOf(image.row({ operation }), field);
  const memory = image.row({ partitions: 2_000_000 });
  const whole = image.row({ checkpoint: 'whole' });
  const partial = image.row({ checkpoint: '100 changed' });
  const loadedMs = of('pages loaded (a slice is a page)', 'totalMs') + of('load finished', 'totalMs');
  const rows = [
    [
      'the image in memory',
      `${mebibytes(numberOf(memory, 'imageMiB'))}, ${count(numberOf(memory, 'bytesPerPartition'))} B a partition; ` +
        `${mebibytes(numberOf(memory, 'heapMiB'))} of it on the garbage collector's heap`,
    ],
    ['an image of one update', perSecond(of('images of one update each', 'countPerSecond'))],
    ['100 thousand spread updates in one image', seconds(of('spread updates in one image', 'totalMs'))],
    ['builders opened and frozen', perSecond(of('builders opened and frozen', 'countPerSecond'))],
    ['all partitions iterated', seconds(of('partitions iterated in one slice', 'totalMs'))],
    ['a digest of all partitions', seconds(of('digest of all partitions', 'totalMs'))],
    [
      'images dropped, and a full collection',
      `${milliseconds(of('images dropped, and a full collection', 'totalMs'))} ms`,
    ],
    [
      'checkpoint, whole',
      `${count(numberOf(whole, 'pages'))} pages, ${mebibytes(numberOf(whole, 'writtenMiB'))}, ` +
        `${seconds(of('checkpoint pages, all (a slice is a page)', 'totalMs'))} in slices of a page`,
    ],
    [
      'checkpoint of 100 changed partitions',
      `${mebibytes(numberOf(partial, 'writtenMiB'))}, ` +
        `${milliseconds(of('checkpoint of changed partitions (a slice is a page)', 'totalMs'))} ms`,
    ],
    ['loaded from pages, indexes included', seconds(loadedMs)],
    [
      'a broker with 60 thousand partitions fenced',
      `${seconds(of('partitions of a broker fenced (a slice is a batch)', 'totalMs'))} in batches`,
    ],
    [
      'longest pause of the collector in all of these',
      `${milliseconds(image.largest('longestCollectionMs'))} ms`,
    ],
  ];
  return `\`npm run bench -- image\` (${image.when}): two million partitions on a hundred brokers.

${table(['what', 'figure'], rows)}`;
}

function perSecond(value: number): string {
  return `${largeCount(value)} a second`;
}
