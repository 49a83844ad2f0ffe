import { listTree, type Store } from '../../../src/index.ts';

/** What an image shows as lines of test/fixtures/layer-cases.ts, sorted. Content of files is what `cat` gives. */
export async function shownLines(store: Store, image: string): Promise<string[]> {
  const { id } = store.images.get(image);
  const container = await store.containers.create({ image: id });
  const tree = store.world.lowerOf(id);
  const lines = [...listTree(tree, store.engine.log.chunks)]
    .filter(({ path }) => path !== '/')
    .map(({ path, type, linkname }) => {
      const name = path.slice(1);
      if (type === 'dir') return `${name}/`;
      if (type === 'symlink') return `${name}->${linkname}`;
      return type === 'file' ? `${name}=${container.fs.readFileSync(path, 'utf8')}` : `${name}!`;
    });
  await container.remove();
  return lines.toSorted();
}
