import type { Tree } from '../projections/tree/tree.ts';
import { type LayerRules, takeEntry } from './layer-assembler.ts';
import type { LayerEntry, LayerSink } from './layer-sink.ts';
import type { LayerWriter } from './layer-writer.ts';

/**
 * Takes the entries of an archive for what the rules refuse, and to know what the layers above it would stand on: names and
 * attributes. Content, framing and events are not kept.
 */
export class LayerChecker implements LayerSink {
  readonly #rules: LayerRules;
  readonly #writer: LayerWriter;

  constructor(rules: LayerRules, writer: LayerWriter) {
    this.#rules = rules;
    this.#writer = writer;
  }

  /** @throws `ERR_OCI_CORRUPT` for an entry that can't be, by the rules. */
  entry(entry: LayerEntry): void {
    takeEntry(this.#rules, entry);
    this.#writer.events.length = 0;
  }

  data(): void {}

  hole(): void {}

  /**
   * @returns The layer's own tree, its files empty.
   * @throws `ERR_OCI_CORRUPT` when the rules find something missing.
   */
  finish(): Tree {
    this.#rules.finish?.();
    this.#writer.events.length = 0;
    return this.#writer.tree;
  }
}
