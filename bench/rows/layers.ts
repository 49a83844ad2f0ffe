/** A lookup and a read cost the same through 100 layers as through 1: all containers of an image share one merged view. */

import type { LayerSink, OverlogFs } from '../../src/index.ts';
import { type Figure, sampleOf } from '../figure.ts';
import type { Group } from '../group.ts';
import { counted } from '../sizes.ts';
import { addDirectory, addFile, addImage, openBenchStore } from '../stores.ts';
import { FILE_BYTES, makeWorkload, randomNumbers, type Workload } from '../workload.ts';

const LAYERS = 100;

export const layersGroup: Group = {
  name: 'layers',
  async run(sizes, progress): Promise<Figure[]> {
    progress(`an image of 1 layer, one of ${LAYERS}`);
    const { files, rounds, calls } = sizes.layers;
    const workload = makeWorkload(files);
    const { store, close } = await openBenchStore('file store');
    await addImage(store, 'flat', [(sink) => fillLayer(sink, workload, 0, 1)]);
    const layers = Array.from(
      { length: LAYERS },
      (_, layer) => (sink: LayerSink) => fillLayer(sink, workload, layer, LAYERS),
    );
    await addImage(store, 'deep', layers);
    const flat = await store.containers.create({ image: 'flat' });
    const deep = await store.containers.create({ image: 'deep' });
    const figures = ['lookup', 'read-through'].map((row) => {
      const call = row === 'lookup' ? stat : read;
      const times: [number[], number[]] = [[], []];
      for (let round = 0; round <= rounds; round++) {
        // Who comes first turns, or the second one would find the caches warm each time.
        for (const at of round % 2 === 0 ? [0, 1] : [1, 0]) {
          const us = timeOf(at === 0 ? flat.fs : deep.fs, workload, round, { calls, call });
          if (round > 0) times[at].push(us);
        }
      }
      const ratio = sampleOf(times[1].map((us, round) => us / times[0][round])).median;
      const against = { name: '1 layer', sample: sampleOf(times[0]) };
      const subject = `${LAYERS} layers, ${counted(files)} files`;
      return { row, subject, unit: 'µs', sample: sampleOf(times[1]), against, ratio, reach: { atMost: 1.2 } };
    });
    await close();
    return figures;
  },
};

/** Each layer makes its share of the files and repeats the directories, so that they merge all the way down. */
function fillLayer(sink: LayerSink, { directories, files, contents }: Workload, layer: number, layers: number): void {
  const pieces = contents(0);
  for (const directory of directories) addDirectory(sink, directory);
  for (let index = layer; index < files.length; index += layers)
    addFile(sink, files[index], FILE_BYTES, [pieces[index]]);
}

const stat = (fs: OverlogFs, path: string): number => fs.statSync(path).size;
const read = (fs: OverlogFs, path: string): number => fs.readFileSync(path).length;

function timeOf(
  fs: OverlogFs,
  { files }: Workload,
  seed: number,
  { calls, call }: { calls: number; call: (fs: OverlogFs, path: string) => number },
): number {
  const next = randomNumbers(seed);
  const start = performance.now();
  for (let done = 0; done < calls; done++) call(fs, `/${files[next() % files.length]}`);
  return ((performance.now() - start) * 1000) / calls;
}
