import type { Ino, OverlayProfile, StoreEvent } from '../../events/event.ts';
import type { EventLog } from '../../events/event-log.ts';
import { rootCaller } from '../../engine/caller.ts';
import { Engine } from '../../engine/engine.ts';
import { Namespace } from '../../engine/namespace.ts';
import { OpenFileTable } from '../../engine/open-file-table.ts';
import { LowerViews } from '../../projections/lower-views.ts';
import type { Tree } from '../../projections/tree/tree.ts';
import { type Overlay, World } from '../../projections/world.ts';
import { AttributeBlocks } from './attribute-blocks.ts';
import { EngineContainer } from './engine-container.ts';
import { listTrees } from './engine-rows.ts';
import { ImpureMarks } from './impure-marks.ts';
import type { KernelCall, Reply, Trees } from './kernel-call.ts';

/** A lower that was built here, in the place of an image's. */
class FixedLower extends LowerViews {
  readonly #lower: Tree;

  constructor(chunks: ConstructorParameters<typeof LowerViews>[0], lower: Tree) {
    super(chunks);
    this.#lower = lower;
  }

  override get empty(): Tree {
    return this.#lower;
  }
}

/** Later than every time that a sequence sets, and every reading of the clock is another time. */
let clockNs = 1_800_000_000_000_000_000n;

/** overlog's side of the oracle: containers over one lower, in one engine. */
export class EngineSide {
  /** Its containers take no writes. */
  readonly isReadOnly: boolean;
  readonly #log: EventLog;
  readonly #engine: Engine;
  readonly #containers: readonly EngineContainer[];
  /** By container. */
  readonly #impure: readonly ImpureMarks[];
  readonly #attributeBlocks: readonly AttributeBlocks[];

  /**
   * @param parts.log - Holds the lower's chunks; every side gets a log of the same chunks.
   * @param parts.attributed - Paths of what has had extended attributes in the lower.
   */
  constructor(parts: {
    lower: Tree;
    log: EventLog;
    profile: OverlayProfile;
    containers: number;
    attributed: ReadonlySet<string>;
    isReadOnly: boolean;
  }) {
    this.isReadOnly = parts.isReadOnly;
    this.#log = parts.log;
    const world = new World(new FixedLower(parts.log.chunks, parts.lower));
    world.seq = parts.log.head;
    const past = {
      worldAt(): World {
        throw new Error('the oracle does not travel');
      },
    };
    this.#engine = new Engine({ log: parts.log, world, past, clock: () => (clockNs += 1000n) });
    const files = new OpenFileTable();
    const numbers = Array.from({ length: parts.containers }, (_, index) => index + 1);
    this.#impure = numbers.map(() => new ImpureMarks());
    this.#attributeBlocks = numbers.map(() => new AttributeBlocks(parts.lower, parts.attributed));
    this.#containers = numbers.map((container) => {
      this.#create(container, parts.profile);
      const record = world.registry.containers.get(container);
      if (record === undefined) throw new Error('no container');
      const { chunks } = parts.log;
      const namespace = new Namespace({ engine: this.#engine, world, container: record, chunks, files });
      const index = container - 1;
      return new EngineContainer(rootCaller(namespace), this.#attributeBlocks[index], this.#impure[index]);
    });
    this.#engine.onCommit(({ subject, events }) => {
      for (const event of events) {
        this.#impure[subject - 1].note(this.overlay(subject - 1), event, events);
        this.#attributeBlocks[subject - 1].note(event);
      }
    });
  }

  run(call: KernelCall): Reply {
    return this.#containers[call.in].run(call);
  }

  /** Listing takes marks away, as it does in the kernel. */
  trees(container: number): Trees {
    const overlay = this.overlay(container);
    return listTrees({ ...overlay, impure: this.#impure[container].whenListed(overlay) }, this.#log.chunks);
  }

  overlay(container: number): Overlay {
    return this.#containers[container].caller.namespace.root.overlay;
  }

  hasMarks(container: number, ino: Ino): boolean {
    return (this.overlay(container).tree.get(ino)?.marks ?? null) !== null;
  }

  /** Whether the kernel's file may have a block for attributes of the overlay, or for some that are gone. */
  mayHaveBlock(container: number, ino: Ino): boolean {
    const { redirectDir, index, metacopy } = this.overlay(0).profile;
    return redirectDir || index || metacopy || this.#attributeBlocks[container].has(ino);
  }

  /** Paths of what may have such a block when container 0 becomes a lower. */
  attributed(): Set<string> {
    const { merged } = this.trees(0);
    return new Set(merged.filter(({ ino }) => this.#attributeBlocks[0].has(Number(ino))).map(({ path }) => path));
  }

  get containerCount(): number {
    return this.#containers.length;
  }

  /** A number that changes with every change of a tree. */
  get version(): number {
    return this.#log.head;
  }

  closeAll(): void {
    for (const container of this.#containers) container.closeAll();
  }

  #create(container: number, profile: OverlayProfile): void {
    const timeNs = this.#engine.now();
    const event: StoreEvent = {
      type: 'ContainerCreated',
      container,
      id: '0'.repeat(64),
      name: `c${container}`,
      image: null,
      reference: '',
      profile,
      readOnly: this.isReadOnly,
      labels: [],
      command: [],
      timeNs,
    };
    this.#engine.commit(0, ['create'], [event], timeNs);
  }
}
