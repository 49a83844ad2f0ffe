/**
 * Builds an image from the words of a Dockerfile: every COPY, ADD and RUN works in a scratch container on what is below,
 * and what that container's upper holds afterwards is the layer.
 */

import { buildFromUpper } from '../../../engine/commit-upper.ts';
import { mergeLayer } from '../../../projections/tree/merge.ts';
import type { Tree } from '../../../projections/tree/tree.ts';
import type { ScenarioHost, ScenarioImage, StackedLayer } from '../host.ts';
import type { ImageStep, LayerInstruction, ScenarioFile } from '../scenario.ts';
import { runCommands } from '../verbs/verb-table.ts';
import { timeText } from '../verbs/stat-format.ts';
import { ConfigBuilder } from './image-config.ts';
import { copyIntoImage } from './copy-files.ts';
import { openScratch, type Scratch } from './scratch.ts';

/** @throws `ERR_NOT_FOUND` for an unknown image below; what a refused verb throws, with the line of its instruction. */
export async function buildImage(
  host: ScenarioHost,
  step: ImageStep,
  files: readonly ScenarioFile[],
  failed: (line: number, error: unknown) => Error,
): Promise<void> {
  const [from] = step.instructions;
  const base = from.word === 'FROM' && from.image !== null ? host.image(from.image) : null;
  const build = new ImageBuild(host, base);
  for (const instruction of step.instructions) {
    try {
      switch (instruction.word) {
        case 'FROM':
          break;
        case 'COPY':
        case 'ADD': {
          const { shell } = build.layerFor(instruction);
          copyIntoImage(shell, instruction.copy, files, build.config.workdir);
          break;
        }
        case 'RUN':
          runCommands(build.layerFor(instruction).shell, instruction.commands);
          break;
        default:
          build.endLayer();
          build.config.change(instruction);
      }
    } catch (error) {
      throw failed(instruction.line, error);
    }
  }
  build.endLayer();
  const { reference } = step;
  await host.addImage({ reference, config: build.config.finish(), below: base, layers: build.layers });
}

class ImageBuild {
  readonly config: ConfigBuilder;
  readonly layers: StackedLayer[] = [];
  readonly #host: ScenarioHost;
  readonly #base: ScenarioImage | null;
  #open: { readonly scratch: Scratch; readonly instruction: LayerInstruction } | null = null;

  constructor(host: ScenarioHost, base: ScenarioImage | null) {
    this.#host = host;
    this.#base = base;
    this.config = new ConfigBuilder(base?.config ?? null, rfc3339(host.engine.now()));
  }

  /** The container that an instruction works in: a new one, or with `same-layer` the one before. */
  layerFor(instruction: LayerInstruction): Scratch {
    if (this.#open !== null && instruction.sameLayer) return this.#open.scratch;
    this.endLayer();
    const scratch = openScratch(this.#host.engine, this.#below);
    this.#open = { scratch, instruction };
    return scratch;
  }

  endLayer(): void {
    if (this.#open === null) return;
    const { scratch, instruction } = this.#open;
    this.#open = null;
    const lower = this.#below;
    const layer = buildFromUpper({ tree: scratch.overlay.tree, lower }, this.#host.engine.log.chunks);
    const diffId = this.#host.layerDiffId(layer.tree);
    const index = (this.#base?.layers.length ?? 0) + this.layers.length;
    this.layers.push({ layer, diffId, merged: mergeLayer(lower, layer.tree, index) });
    this.config.layer(instruction, diffId);
  }

  /** What the next layer stands on. */
  get #below(): Tree {
    return this.layers.at(-1)?.merged ?? this.#base?.merged ?? this.#host.engine.world.lowers.empty;
  }
}

/** As Go prints a time: no zeros at the end of the fraction. */
function rfc3339(ns: bigint): string {
  const [date, time] = timeText(ns).split(' ');
  return `${date}T${time.replace(/\.?0+$/, '')}Z`;
}
