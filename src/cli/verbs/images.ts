import { formatAge, formatTime } from '../format/time.ts';
import { sizeText } from '../format/size.ts';
import { flag } from '../options.ts';
import type { Verb } from '../verb.ts';

export const imagesVerb: Verb = {
  name: 'images',
  summary: 'list images, the newest first',
  args: [],
  options: [
    { flags: '-q, --quiet', description: 'print ids only' },
    { flags: '--format <template>', description: 'one line each, such as "{repository}:{tag} {size}"' },
  ],
  examples: [
    { command: 'images', explains: 'names, ids and sizes' },
    { command: 'images --at ~1h --json', explains: 'as they were an hour ago' },
  ],
  reads: true,
  streams: true,
  hasSizes: true,
  run: async (context, _, options) => {
    const { store, view } = await context.view();
    const nowNs = store.engine.now();
    const rows = view.images.list().flatMap((image) => {
      const names = image.tags.length === 0 ? ['<none>:<none>'] : image.tags;
      return names.map((name) => {
        const colon = name.lastIndexOf(':');
        return {
          repository: name.slice(0, colon),
          tag: name.slice(colon + 1),
          id: image.id,
          created: image.config.created,
          added: formatTime(image.addedNs),
          layers: image.layers.length,
          size: image.sizeBytes,
        };
      });
    });
    if (flag(options, 'quiet')) {
      for (const id of new Set(rows.map((row) => row.id))) context.line(id);
      return;
    }
    context.rows(rows, [
      { title: 'REPOSITORY', value: (row) => row.repository },
      { title: 'TAG', value: (row) => row.tag },
      { title: 'IMAGE ID', value: (row) => row.id.slice(7, 19) },
      { title: 'CREATED', value: (row) => createdText(row.created, nowNs) },
      { title: 'LAYERS', value: (row) => String(row.layers), align: 'right' },
      { title: 'SIZE', value: (row) => sizeText(row.size, context.exactBytes), align: 'right' },
    ]);
  },
};

/** An image of a folder says 1970, so that it has the same id wherever it is made. */
function createdText(created: string | null, nowNs: bigint): string {
  const ms = created === null ? Number.NaN : Date.parse(created);
  return Number.isNaN(ms) || ms === 0 ? 'N/A' : formatAge(BigInt(ms) * 1_000_000n, nowNs);
}
