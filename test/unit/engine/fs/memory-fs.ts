import { World } from '../../../../src/projections/world.ts';
import { LowerViews } from '../../../../src/projections/lower-views.ts';
import type { ContainerRecord } from '../../../../src/projections/registry.ts';
import { type Caller, rootCaller } from '../../../../src/engine/caller.ts';
import { Engine } from '../../../../src/engine/engine.ts';
import { createFs } from '../../../../src/engine/fs/create-fs.ts';
import type { OverlogFs } from '../../../../src/engine/fs/overlog-fs.ts';
import { Namespace } from '../../../../src/engine/namespace.ts';
import { OpenFileTable } from '../../../../src/engine/open-file-table.ts';
import { openMemoryLog } from '../../../../src/storage/memory.ts';

/** A container without an image in a store in memory, and the façade over it. */
export interface MemoryFs {
  readonly fs: OverlogFs;
  readonly engine: Engine;
  readonly world: World;
  readonly caller: Caller;
  readonly files: OpenFileTable;
}

export function openMemoryFs(): MemoryFs {
  const log = openMemoryLog();
  const world = new World(new LowerViews(log.chunks));
  const engine = new Engine({
    log,
    world,
    past: {
      worldAt: (seq) => {
        throw new Error(`no world at ${seq}`);
      },
    },
  });
  const timeNs = engine.now();
  engine.commit(0, ['init'], [{ type: 'StoreCreated', storeId: 'test' }], timeNs);
  engine.commit(
    1,
    ['create'],
    [
      {
        type: 'ContainerCreated',
        container: 1,
        id: '1'.repeat(64),
        name: 'test',
        image: null,
        reference: '',
        profile: { redirectDir: false, index: false, metacopy: false },
        readOnly: false,
        labels: [],
        command: [],
        timeNs,
      },
    ],
    timeNs,
  );
  const files = new OpenFileTable();
  const caller = rootCaller(namespaceOf(engine, world, files));
  return { fs: createFs(caller), engine, world, caller, files };
}

/** The container's namespace in a world; without an engine it is a past one. */
export function namespaceOf(engine: Engine, world: World, files: OpenFileTable, isLive = true): Namespace {
  return new Namespace({
    engine: isLive ? engine : null,
    world,
    container: world.registry.containers.get(1) as ContainerRecord,
    chunks: engine.log.chunks,
    files,
  });
}
