import { createReadStream } from 'node:fs';
import type { BlobCompression, SavedImage, SaveFormat } from '../../index.ts';
import type { VerbContext } from '../context.ts';
import { usageError } from '../exit-codes.ts';
import { formatSize, plural } from '../format/size.ts';
import { withTemporaryFile } from '../input.ts';
import { choiceOption, type Options, textOption } from '../options.ts';
import { isDirectory, withoutLeftovers } from '../output-path.ts';
import type { Verb } from '../verb.ts';

const FORMATS: readonly SaveFormat[] = ['oci-layout', 'oci-archive', 'docker-archive'];
const COMPRESSIONS: readonly BlobCompression[] = ['gzip', 'none'];

export const saveVerb: Verb = {
  name: 'save',
  summary: 'write images to an archive or a directory, for docker load, podman, skopeo, umoci, and load',
  details:
    'The same history gives the same bytes. A docker-archive is an OCI archive, too, and is what a file becomes unless --format ' +
    'says otherwise; a directory becomes an OCI layout. Layers that came from an archive that was written otherwise get new ' +
    'digests, and the image a new id; that is said.',
  args: [{ form: '<image...>', description: 'names or ids; an image asked for by id is saved without a name' }],
  options: [
    {
      flags: '-o, --output <path>',
      description: 'the file; or a directory that is empty, or to be made: dir/ (default: stdout)',
    },
    { flags: '--format <format>', description: FORMATS.join(', ') },
    { flags: '--compression <kind>', description: 'of layers: gzip or none (default: none in a docker-archive)' },
  ],
  examples: [
    { command: 'save app:1 -o app.tar', explains: 'for docker load and everything else' },
    { command: 'save app:1 | gzip > app.tar.gz', explains: 'to a pipe or a redirection' },
    { command: 'save --format oci-layout app:1 app:2 -o ./layout', explains: 'a directory of blobs' },
    { command: 'save --at before-rm app:1 -o app.tar', explains: 'an image that has been removed since' },
  ],
  reads: true,
  run: async (context, references, options) => {
    const asked = textOption(options, 'output') ?? '-';
    if (asked !== '-') {
      const saved = await saveTo(context, references, asked, options);
      context.answer(saved, () =>
        saved.images.map(({ id, tags }) => `Saved image: ${tags.join(', ') || id}\n`).join(''),
      );
      return;
    }
    if (context.stdout.isTerminal) throw usageError('an archive is not for a terminal: name a file with -o');
    if (context.isJson) throw usageError('--json tells of a file that was written: name one with -o');
    const format = choiceOption(options, 'format', FORMATS) ?? 'docker-archive';
    if (format === 'oci-layout') throw usageError('an OCI layout is a directory: name it with -o');
    return withTemporaryFile(context, 'image.tar', async (path) => {
      await saveTo(context, references, path, { ...options, format });
      for await (const piece of createReadStream(path, { highWaterMark: PIECE_BYTES })) {
        context.stdout.write(piece as Buffer);
        await context.stdout.drained();
      }
    });
  },
};

const PIECE_BYTES = 256 * 2 ** 10;
interface Saved {
  readonly output: string;
  readonly format: SaveFormat;
  readonly images: readonly ReturnType<typeof row>[];
}

async function saveTo(
  context: VerbContext,
  references: readonly string[],
  output: string,
  options: Options,
): Promise<Saved> {
  const compression = choiceOption(options, 'compression', COMPRESSIONS);
  const format = choiceOption(options, 'format', FORMATS) ?? (isDirectory(output) ? 'oci-layout' : 'docker-archive');
  const { view } = await context.view();
  const save = (): Promise<SavedImage[]> =>
    view.images.save(references, output, {
      format,
      ...(compression !== undefined && { compression }),
      onProgress: ({ layer, layers, bytes }) => {
        context.progress(`${output}: layer ${layer} of ${layers}, ${formatSize(bytes)}`);
      },
    });
  const saved = await withoutLeftovers(context, output, save);
  for (const image of saved) tellNewId(context, image);
  return { output, format, images: saved.map(row) };
}

function tellNewId(context: VerbContext, { id, recordedId, tags, layers }: SavedImage): void {
  if (id === recordedId) return;
  const changed = layers.filter(({ diffId, recordedDiffId }) => diffId !== recordedDiffId).length;
  const name = tags[0] ?? recordedId.slice(7, 19);
  context.say(`${name}: ${plural(changed, 'layer')} written in another form than loaded, so its id is now ${id}`);
}

const row = ({ id, recordedId, tags, manifestDigest, layers }: SavedImage) => ({
  id,
  recorded_id: recordedId,
  tags,
  manifest_digest: manifestDigest,
  layers: layers.map(({ diffId, recordedDiffId, digest, size }) => {
    return { diff_id: diffId, recorded_diff_id: recordedDiffId, digest, size };
  }),
});
