import { Writable } from 'node:stream';
import { callbackify } from 'node:util';
import type { ExportResult, UpperDialect } from '../../index.ts';
import type { VerbContext } from '../context.ts';
import { usageError } from '../exit-codes.ts';
import { formatSize } from '../format/size.ts';
import { choiceOption, type Options, textOption } from '../options.ts';
import { isDirectory, withoutLeftovers } from '../output-path.ts';

const DIALECTS: readonly UpperDialect[] = ['overlay', 'user-overlay', 'aufs'];
const FORMS = ['tar', 'directory'] as const;

/** Writes a container's merged tree, or with `--upper` its upper, to a file, a directory or stdout. */
export async function exportContainer(context: VerbContext, reference: string, options: Options): Promise<void> {
  const output = textOption(options, 'output');
  const dialect = choiceOption(options, 'dialect', DIALECTS);
  const form =
    choiceOption(options, 'form', FORMS) ?? (output !== undefined && isDirectory(output) ? 'directory' : 'tar');
  const isUpper = options['upper'] === true;
  if (!isUpper && dialect !== undefined) throw usageError('--dialect goes with --upper: a merged tree has no marks');
  if (!isUpper && form === 'directory')
    throw usageError('the merged tree is written as a tar; cp copies it to a directory');
  if (form === 'directory' && output === undefined) throw usageError('-o names the directory to write');
  if (output === undefined && context.stdout.isTerminal)
    throw usageError('a tar is not for a terminal: name a file with -o');
  if (output === undefined && context.isJson)
    throw usageError('--json tells of a file that was written: name one with -o');
  const { view } = await context.view();
  const container = view.containers.get(reference);
  const result =
    output === undefined
      ? await write(outputStream(context))
      : await withoutLeftovers(context, output, () => write(output));
  if (context.isJson) return context.json({ file: output, bytes: result.bytes, leftOut: result.leftOut });
  if (result.leftOut.length > 0) context.say(`left out, as a tar can't hold sockets: ${result.leftOut.join(', ')}`);
  if (output !== undefined) context.say(`${output}: ${formatSize(result.bytes)}`);

  function write(target: string | Writable): Promise<ExportResult> {
    if (!isUpper) return container.export(target);
    return container.exportUpper(target, { form, ...(dialect !== undefined && { dialect }) });
  }
}

/** The verb's stdout as a stream that is as slow as its reader. */
function outputStream({ stdout }: VerbContext): Writable {
  return new Writable({
    write: callbackify(async (bytes: Uint8Array, _encoding: string) => {
      stdout.write(bytes);
      await stdout.drained();
    }),
  });
}
