/** The config of an image in the making: what each instruction changes, and the history as Docker writes it. */

import { RunConfigDraft } from '../../../engine/run-config.ts';
import type { ConfigInstruction, Instruction } from '../scenario.ts';

type Json = Record<string, unknown>;

export class ConfigBuilder {
  readonly #config: Json;
  readonly #run: RunConfigDraft;
  readonly #diffIds: unknown[];
  readonly #history: unknown[];
  readonly #created: string;

  /**
   * @param base - Config of the image below; null: from nothing, for linux/amd64.
   * @param created - RFC 3339; the same for every step.
   */
  constructor(base: Uint8Array | null, created: string) {
    const config = base === null ? {} : (JSON.parse(Buffer.from(base).toString('utf8')) as Json);
    this.#config = { architecture: 'amd64', os: 'linux', ...config };
    this.#run = new RunConfigDraft((config['config'] as Json | null | undefined) ?? {});
    this.#diffIds = [...((config['rootfs'] as { diff_ids?: unknown[] } | undefined)?.diff_ids ?? [])];
    this.#history = [...((config['history'] as unknown[] | undefined) ?? [])];
    this.#created = created;
  }

  /** Absolute; `/` unless WORKDIR was said. */
  get workdir(): string {
    return this.#run.workdir;
  }

  layer(instruction: Instruction, diffId: string): void {
    this.#diffIds.push(diffId);
    this.#history.push({ created: this.#created, created_by: instruction.createdBy });
  }

  change(instruction: ConfigInstruction): void {
    this.#run.apply(instruction);
    this.#history.push({ created: this.#created, created_by: instruction.createdBy, empty_layer: true });
  }

  /** The same bytes for the same instructions. */
  finish(): Buffer {
    const config = {
      ...this.#config,
      created: this.#created,
      config: this.#run.members,
      rootfs: { type: 'layers', diff_ids: this.#diffIds },
      history: this.#history,
    };
    return Buffer.from(JSON.stringify(config));
  }
}
