/** Layers as lines (test/fixtures/layer-cases.ts): as tars, as images, and back. */

import type { LayerCase } from '../../../fixtures/layer-cases.ts';
import { LOWER } from '../../../fixtures/layer-cases.ts';
import { ociLayout, pack } from './images.ts';
import { archive, file, header } from './raw-tar.ts';

const MTIME = 1_700_000_000;

function entry(line: string): Buffer {
  const [, name, operator, rest] = /^(.*?)(->|=>|=|!$|\/$)(.*)$/.exec(line) as RegExpExecArray;
  switch (operator) {
    case '->':
      return header({ name, typeflag: '2', link: rest, mode: 0o777, mtime: MTIME });
    case '=>':
      return header({ name, typeflag: '1', link: rest, mtime: MTIME });
    case '!':
      return header({ name, typeflag: '3', mtime: MTIME });
    case '/':
      return header({ name: `${name}/`, typeflag: '5', mode: 0o755, mtime: MTIME });
    default:
      return file(name, rest, { mtime: MTIME });
  }
}

export const layerOf = (lines: readonly string[]): Buffer => archive(...lines.map(entry));

/** An OCI archive of the case's two layers. */
export const imageOf = ({ upper }: LayerCase, tag = 'case:1'): Buffer =>
  pack(ociLayout({ layers: [layerOf(LOWER), layerOf(upper)], tags: [tag] }));

/** Docker 20.10's own form of the same image. */
export function dockerArchiveOf({ upper }: LayerCase, tag: string, config: Buffer): Buffer {
  const manifest = [{ Config: 'config.json', RepoTags: [tag], Layers: ['1/layer.tar', '2/layer.tar'] }];
  return archive(
    file('1/layer.tar', layerOf(LOWER)),
    file('2/layer.tar', layerOf(upper)),
    file('config.json', config),
    file('manifest.json', JSON.stringify(manifest)),
  );
}

/** What is seen, from what was below and what changed. */
export function seen(change: readonly string[]): string[] {
  const lines = new Set(LOWER);
  for (const line of change) if (line.startsWith('-')) lines.delete(line.slice(1));
  for (const line of change) if (line.startsWith('+')) lines.add(line.slice(1));
  return [...lines].toSorted();
}
