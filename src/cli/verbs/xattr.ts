import { decodeName, nameInUpper, type Store } from '../../index.ts';
import { openPlace, type Place } from '../place.ts';
import type { Verb } from '../verb.ts';

export const xattrVerb: Verb = {
  name: 'xattr',
  summary: 'show extended attributes; of upper(NAME) also those that overlayfs keeps there',
  args: [
    { form: '<place>', description: 'NAME:/path, upper(NAME):/path or volume(NAME):/path' },
    { form: '[name]', description: 'one attribute; left out: all of them' },
  ],
  options: [],
  examples: [
    { command: 'xattr web:/bin/ping security.capability', explains: 'the value' },
    { command: 'xattr upper(web):/app trusted.overlay.opaque', explains: 'y where the directory hides what is below' },
  ],
  reads: true,
  run: async (context, [text, name]) => {
    const { store, view } = await context.view();
    const place = openPlace(view, text);
    const attributes = place.kind === 'upper' ? upperAttributes(place) : attributesOf(store, place);
    if (name !== undefined && !attributes.has(name)) {
      throw Object.assign(new Error(`${text} has no attribute ${name}`), { code: 'ENODATA' });
    }
    const shown = name === undefined ? attributes : new Map([[name, attributes.get(name) ?? new Uint8Array()]]);
    context.answer(shown, () => {
      const lines = [...shown].map(([key, value]) =>
        name === undefined ? `${key}="${decodeName(value)}"` : decodeName(value),
      );
      return lines.map((line) => `${line}\n`).join('');
    });
  },
};

function attributesOf(_: Store, { fs, path }: Place): Map<string, Uint8Array> {
  const { linux } = fs;
  return new Map(linux.listxattrSync(path).map((name) => [name, linux.getxattrSync(path, name)]));
}

/** What the upperdir's entry would carry. */
function upperAttributes({ container, fs, path }: Place): Map<string, Uint8Array> {
  const tree = container?.overlay.tree;
  let ino = 1;
  for (const part of fs
    .realpathSync(path)
    .split('/')
    .filter((each) => each !== ''))
    ino = tree?.lookup(ino, part) ?? 0;
  const node = tree?.get(ino);
  if (node === undefined || !node.isUpper) {
    throw Object.assign(new Error(`the upper does not hold ${path}`), { code: 'ENOENT' });
  }
  const attributes = new Map(node.xattrs.map(([name, value]) => [nameInUpper(name), value]));
  if (node.dir?.opaque) attributes.set('trusted.overlay.opaque', Buffer.from('y'));
  return attributes;
}
