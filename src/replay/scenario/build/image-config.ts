/** The config of an image in the making: what each instruction changes, and the history as Docker writes it. */

import type { ConfigInstruction, Instruction } from '../scenario.ts';

type Json = Record<string, unknown>;

export class ConfigBuilder {
  readonly #config: Json;
  readonly #run: Json;
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
    this.#run = { ...(config['config'] as Json | undefined) };
    this.#diffIds = [...((config['rootfs'] as { diff_ids?: unknown[] } | undefined)?.diff_ids ?? [])];
    this.#history = [...((config['history'] as unknown[] | undefined) ?? [])];
    this.#created = created;
  }

  /** Absolute; `/` unless WORKDIR was said. */
  get workdir(): string {
    const directory = this.#run['WorkingDir'];
    return typeof directory === 'string' && directory !== '' ? directory : '/';
  }

  layer(instruction: Instruction, diffId: string): void {
    this.#diffIds.push(diffId);
    this.#history.push({ created: this.#created, created_by: instruction.createdBy });
  }

  change(instruction: ConfigInstruction): void {
    this.#apply(instruction);
    this.#history.push({ created: this.#created, created_by: instruction.createdBy, empty_layer: true });
  }

  /** The same bytes for the same instructions. */
  finish(): Buffer {
    const config = {
      ...this.#config,
      created: this.#created,
      config: this.#run,
      rootfs: { type: 'layers', diff_ids: this.#diffIds },
      history: this.#history,
    };
    return Buffer.from(JSON.stringify(config));
  }

  #apply(instruction: ConfigInstruction): void {
    const run = this.#run;
    switch (instruction.word) {
      case 'ENV': {
        const names = new Set(instruction.pairs.map(([name]) => name));
        const kept = ((run['Env'] as string[] | undefined) ?? []).filter((pair) => !names.has(pair.split('=')[0]));
        run['Env'] = [...kept, ...instruction.pairs.map(([name, value]) => `${name}=${value}`)];
        return;
      }
      case 'LABEL':
        run['Labels'] = Object.fromEntries([
          ...Object.entries((run['Labels'] as Json | undefined) ?? {}),
          ...instruction.pairs,
        ]);
        return;
      case 'CMD':
        run['Cmd'] = instruction.argv;
        return;
      case 'ENTRYPOINT':
        run['Entrypoint'] = instruction.argv;
        return;
      case 'WORKDIR':
        run['WorkingDir'] = instruction.value.startsWith('/')
          ? instruction.value
          : `${this.workdir.replace(/\/$/, '')}/${instruction.value}`;
        return;
      case 'USER':
        run['User'] = instruction.value;
        return;
      case 'EXPOSE': {
        const ports = instruction.ports.map((port) => [port.includes('/') ? port : `${port}/tcp`, {}]);
        run['ExposedPorts'] = { ...(run['ExposedPorts'] as Json | undefined), ...Object.fromEntries(ports) };
        return;
      }
    }
  }
}
