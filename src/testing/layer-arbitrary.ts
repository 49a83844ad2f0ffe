/** Random names, layers and images; layers and images as scenarios, so that what they make can be written down and made again. */

import fc from 'fast-check';
import type { FileCall } from './file-call.ts';
import { fileCall } from './file-call-arbitrary.ts';
import { PosixModel } from './model.ts';
import { callText } from './scenario/call-text.ts';

/**
 * Names of directory entries, in the spelling of events/name.ts: plain ones, long ones (255 bytes at most), bytes that are
 * not UTF-8, names that a tar of a layer gives a meaning (`.wh.x`), and what trips a program over (`__proto__`, `-rf`).
 */
export function names(): fc.Arbitrary<string> {
  const plain = fc.stringMatching(/^[a-z][a-z0-9._-]{0,11}$/);
  const bytes = fc
    .uint8Array({ minLength: 1, maxLength: 6 })
    .map((raw) => [...raw].map((byte) => (byte < 0x80 ? 'x' : String.fromCharCode(0xdc00 + byte))).join(''));
  const long = fc.integer({ min: 200, max: 255 }).map((length) => 'n'.repeat(length));
  const odd = fc.constantFrom('__proto__', '-rf', 'a b', 'é', '日本', 'new\nline', "quo'te", '.hidden', '\\', '#x');
  const whiteout = plain.map((name) => `.wh.${name}`);
  return fc.oneof(
    { weight: 6, arbitrary: plain },
    { weight: 1, arbitrary: bytes },
    { weight: 1, arbitrary: long },
    { weight: 1, arbitrary: odd },
    { weight: 1, arbitrary: whiteout },
  );
}

/** What layers are made with; no descriptor is open in one, and a directory of a layer below cannot move. */
const IN_LAYERS: ReadonlySet<FileCall['call']> = new Set([
  'mkdir',
  'writeFile',
  'appendFile',
  'symlink',
  'link',
  'chmod',
  'chown',
  'utimes',
  'setxattr',
  'unlink',
  'rmdir',
  'removeAll',
]);

/** A layer: the calls that make it over the layers below, none of which is refused there. */
export type LayerCalls = readonly FileCall[];

export interface LayerStackOptions {
  /** Layers at most. Default 3. */
  readonly layersMax?: number;
  /** Calls of a layer at most. Default 12. */
  readonly callsMax?: number;
}

/** Layers, the lowest first: their whiteouts and opaque directories come from what each removes of those below it. */
export function layerStacks(options: LayerStackOptions = {}): fc.Arbitrary<readonly LayerCalls[]> {
  const { layersMax = 3, callsMax = 12 } = options;
  return fc
    .uniqueArray(
      names().filter((name) => !name.startsWith('.wh.')),
      { minLength: 2, maxLength: 5 },
    )
    .chain((list) => {
      const call = fileCall({ names: list }).filter(({ call: kind }) => IN_LAYERS.has(kind));
      return fc.array(fc.array(call, { minLength: 1, maxLength: callsMax }), { minLength: 1, maxLength: layersMax });
    })
    .map(withoutRefused);
}

/** A tree: a stack of one layer. */
export const trees = (options: Omit<LayerStackOptions, 'layersMax'> = {}): fc.Arbitrary<LayerCalls> =>
  layerStacks({ ...options, layersMax: 1 }).map(([layer]) => layer);

function withoutRefused(stack: readonly LayerCalls[]): LayerCalls[] {
  const model = new PosixModel([]);
  const kept = stack.map((layer) => layer.filter((call) => 'value' in model.run(call)));
  return kept.filter((layer) => layer.length > 0);
}

/**
 * A stack as a statement of a scenario, which builds the image; with a clock in front it is a prelude for
 * {@link StorePlayer.open}.
 */
export function imageStatement(reference: string, stack: readonly LayerCalls[]): string {
  const layers = stack.map((layer) => `  RUN ${layer.map(callText).join('; ')}`);
  return [`image ${reference}`, '  FROM scratch', ...layers, 'end', ''].join('\n');
}

/** Preludes of one to three images. */
export function images(options: LayerStackOptions = {}): fc.Arbitrary<string> {
  return fc
    .array(layerStacks(options), { minLength: 1, maxLength: 3 })
    .map((stacks) => stacks.map((stack, index) => imageStatement(`image${index}:1`, stack)))
    .map((statements) => `clock @1700000000 +1s\n${statements.join('')}`);
}
