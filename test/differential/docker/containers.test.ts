import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Container,
  type DockerContainer,
  type DockerImage,
  inspectContainer,
  inspectImage,
  openStore,
  parseMountOption,
  parseVolumeOption,
  type Store,
} from '../../../src/index.ts';
import { rootCaller } from '../../../src/engine/caller.ts';
import { parseCommands } from '../../../src/replay/scenario/commands.ts';
import { Shell } from '../../../src/replay/scenario/verbs/shell.ts';
import { runCommands } from '../../../src/replay/scenario/verbs/verb-table.ts';
import { tokenize } from '../../../src/replay/scenario/words.ts';
import { ROOT_INO } from '../../../src/events/event.ts';
import type { LayerRecord } from '../../../src/projections/registry.ts';
import { layerTarPieces } from '../../../src/store/layer-tar.ts';
import { runCommand } from '../../e2e/command.ts';
import { BASE, buildBaseImage } from './base-image.ts';
import { CONTAINER_SCRIPTS, type ContainerScript } from './container-scripts.ts';
import { Daemon, dockerMissing } from './daemon.ts';
import { layerLines, layersByTag } from './layer-entries.ts';

/**
 * The same scripts in containers of a real Docker daemon and of overlog: every figure and every list that Docker prints is
 * the one that overlog prints.
 */

const missing = dockerMissing();
const title =
  missing === null ? 'containers of a Docker daemon' : `containers of a Docker daemon (skipped: ${missing})`;

interface InspectedContainer {
  readonly SizeRw?: number;
  readonly SizeRootFs: number;
}

interface SystemDf {
  readonly LayersSize: number;
  readonly Images: readonly { Id: string; Size: number; SharedSize: number; Containers: number }[];
  readonly Containers: readonly { Names: string[]; SizeRw?: number; SizeRootFs: number }[];
  readonly Volumes: readonly { Name: string; UsageData: { Size: number; RefCount: number } }[];
}

/** What a commit made: the sizes of its history, how many layers there are, and what is in the uppermost. */
interface CommittedImage {
  readonly tag: string;
  readonly sizes: readonly number[];
  readonly layers: number;
  readonly top: readonly string[];
}

const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');

describe.skipIf(missing !== null)(title, () => {
  let daemon: Daemon;
  let store: Store;

  beforeAll(async () => {
    daemon = await Daemon.start();
    const archive = buildBaseImage(daemon);
    store = await openStore();
    await store.images.load(archive);
    for (const script of CONTAINER_SCRIPTS) {
      playOnDocker(script);
      await playHere(script);
    }
  }, 300_000);

  afterAll(async () => {
    await store?.close();
    await daemon?.stop();
  }, 60_000);

  function optionsOf(script: ContainerScript): string[] {
    const host = mkdtempSync(join(daemon.folder, 'host-'));
    return (script.options ?? []).map((option) => option.replace('{host}', host));
  }

  const commandOf = (script: ContainerScript): string[] => ['/bin/sh', '-c', `set -e\n${script.lines.join('\n')}`];

  function playOnDocker(script: ContainerScript): void {
    daemon.run('create', '--network', 'none', '--name', script.name, ...optionsOf(script), BASE, ...commandOf(script));
    daemon.run('start', '--attach', script.name);
  }

  async function playHere(script: ContainerScript): Promise<void> {
    const options = optionsOf(script);
    const mounts = options.flatMap((option, at) => {
      if (options[at - 1] === '-v') return [parseVolumeOption(option)];
      return options[at - 1] === '--mount' ? [parseMountOption(option)] : [];
    });
    const container = await store.containers.create({
      image: BASE,
      name: script.name,
      mounts,
      command: commandOf(script),
    });
    await container.start();
    const shell = new Shell(rootCaller(container.namespace()), store.engine);
    for (const line of script.lines) {
      if (line === 'true') continue;
      const place = { file: script.name, line: 1 };
      runCommands(shell, parseCommands(tokenize(line, place).tokens, place, null));
    }
    await container.stop();
  }

  const ours = (name: string): Container => store.containers.get(name);

  test('have an image with the id, the layers and the history that Docker gives it (SEM-2.4)', () => {
    const image = store.images.get(BASE);
    const inspected = JSON.parse(daemon.run('image', 'inspect', BASE)) as [
      { Id: string; Size: number; RootFS: { Layers: string[] } },
    ];
    expect(image.id).toBe(inspected[0].Id);
    expect(image.layers.map(({ diffId }) => diffId)).toEqual(inspected[0].RootFS.Layers);
    expect(image.sizeBytes).toBe(inspected[0].Size);
  });

  test('history and images print the sizes that Docker prints (SEM-2.2)', async () => {
    for (const [bytes, human] of [
      [['--bytes'], '--human=false'],
      [[], '--human=true'],
    ] as const) {
      const theirs = daemon.run('history', human, '--no-trunc', '--format', '{{.Size}}\t{{.CreatedBy}}', BASE);
      const printed = await runCommand(['history', '--json', BASE], store);
      const steps = JSON.parse(printed.stdout) as { created_by: string }[];
      const table = await runCommand(['history', ...bytes, BASE], store);
      const sizes = lines(table.stdout)
        .slice(1)
        .map((line) => /^\S*\s+(\S+)/.exec(line)?.[1]);
      const empty = lines(table.stdout)
        .slice(1)
        .map((line) => /^\s+(\S+)/.exec(line)?.[1]);
      expect(steps.map(({ created_by: by }, at) => `${empty[at] ?? sizes[at]}\t${by}`)).toEqual(lines(theirs));
    }
    const images = await runCommand(['images', '--json'], store);
    const [{ size }] = JSON.parse(images.stdout) as [{ size: number }];
    expect(size).toBe((JSON.parse(daemon.run('image', 'inspect', BASE)) as [{ Size: number }])[0].Size);
  });

  test.each(CONTAINER_SCRIPTS.map(({ name }) => name))(
    '%s: diff prints what docker diff prints (SEM-2.1)',
    async (name) => {
      const { stdout } = await runCommand(['diff', name], store);
      expect(lines(stdout).toSorted()).toEqual(lines(daemon.run('diff', name)).toSorted());
    },
  );

  test.each(CONTAINER_SCRIPTS.map(({ name }) => name))('%s: SizeRw and SizeRootFs are Docker’s (SEM-2.2)', (name) => {
    const [theirs] = JSON.parse(daemon.run('inspect', '--size', name)) as [InspectedContainer];
    const { sizeRwBytes, sizeRootFsBytes } = ours(name).sizes();
    expect({ rw: sizeRwBytes, all: sizeRootFsBytes }).toEqual({ rw: theirs.SizeRw ?? 0, all: theirs.SizeRootFs });
  });

  test('inspect shows state, mounts and graph driver data as docker inspect does (SEM-2.7, SEM-2.8)', () => {
    /** What is the same on both sides: ids, and where Docker's data lies, are each side's own. */
    const comparable = (inspected: DockerContainer): unknown => {
      const { Path, Args, State, Image, Name, GraphDriver, Mounts, SizeRw, SizeRootFs, Config } = inspected;
      const { Status, Running, Paused, Restarting, OOMKilled, Dead, ExitCode } = State;
      const mounts = Mounts.map((mount) =>
        JSON.stringify(Object.entries(mount).toSorted(([a], [b]) => (a < b ? -1 : 1))),
      );
      const told = {
        Path,
        Args,
        Image,
        Name,
        GraphDriver,
        SizeRw,
        SizeRootFs,
        Labels: Config.Labels,
        State: { Status, Running, Paused, Restarting, OOMKilled, Dead, ExitCode },
        Mounts: mounts.toSorted(),
      };
      const text = JSON.stringify(told)
        .replaceAll(daemon.folder, '')
        .replaceAll(/\/data\b|\/var\/lib\/docker/g, '');
      return JSON.parse(text.replaceAll(/\/host-\w+/g, '/host').replaceAll(/\b[0-9a-f]{64}\b/g, '<id>'));
    };
    for (const { name } of CONTAINER_SCRIPTS) {
      const [theirs] = JSON.parse(daemon.run('inspect', '--size', name)) as [DockerContainer];
      expect(comparable(inspectContainer(store, ours(name)))).toEqual(comparable(theirs));
    }
    const [image] = JSON.parse(daemon.run('image', 'inspect', BASE)) as [DockerImage];
    const own = inspectImage(store.images.get(BASE));
    const { Id, RepoTags, Author, Architecture, Os, Size, VirtualSize, RootFS, Created } = image;
    expect(own).toMatchObject({ Id, RepoTags, Author, Architecture, Os, Size, VirtualSize, RootFS, Created });
    expect(Object.keys(own.GraphDriver.Data)).toEqual(Object.keys(image.GraphDriver.Data));
    expect(own.GraphDriver.Data.LowerDir?.split(':')).toHaveLength(
      image.GraphDriver.Data.LowerDir?.split(':').length ?? 0,
    );
  });

  test('ps -s prints the commands and sizes of docker ps -s (SEM-2.2)', async () => {
    const table = lines((await runCommand(['ps', '-s'], store)).stdout).slice(1);
    const printed = table.map(
      (line) => /("[^"]*").*?\s([a-z-]+) +(\S+ \(virtual \S+\)) *$/.exec(line)?.slice(1).join(' ') ?? line,
    );
    const theirs = lines(daemon.run('ps', '-a', '-s', '--format', '{{.Command}} {{.Names}} {{.Size}}'));
    expect(printed.toSorted()).toEqual(theirs.toSorted());
  });

  test('system df counts what Docker counts, image by image, container by container, volume by volume (SEM-2.2)', async () => {
    const theirs = await daemon.get<SystemDf>('/system/df');
    const usage = store.diskUsage();
    expect(usage.totals.images.size).toBe(theirs.LayersSize);
    expect(
      [...usage.images.values()].map(({ image, size, shared, containers }) => [image, size, shared, containers]),
    ).toEqual(theirs.Images.map((each) => [each.Id, each.Size, each.SharedSize, each.Containers]));
    expect(
      [...usage.containers.values()].map(({ name, sizeRw, virtual }) => `/${name} ${sizeRw} ${virtual}`).toSorted(),
    ).toEqual(theirs.Containers.map((each) => `${each.Names[0]} ${each.SizeRw ?? 0} ${each.SizeRootFs}`).toSorted());
    const anonymous = (name: string): string => name.replace(/^[0-9a-f]{64}$/, 'anonymous');
    expect(
      [...usage.volumes.values()].map(({ name, size, links }) => `${anonymous(name)} ${size} ${links}`).toSorted(),
    ).toEqual(
      theirs.Volumes.map(
        ({ Name, UsageData: { Size, RefCount } }) => `${anonymous(Name)} ${Size} ${RefCount}`,
      ).toSorted(),
    );
  });

  test('df with compat docker prints what docker system df prints, before and after a commit (SEM-2.2)', async () => {
    const table = (text: string): string[][] =>
      lines(text)
        .map((line) => line.trim().split(/ {2,}|(?<=\d) (?=\d)/))
        .filter(([type]) => type !== 'Build Cache');
    const tag = 'overlog-test/df:1';
    for (const isCommitted of [false, true]) {
      if (isCommitted) {
        daemon.run('commit', 'create', tag);
        await ours('create').commit({ tag });
      }
      const { stdout } = await runCommand(['df', '--compat', 'docker'], store);
      expect(table(stdout)).toEqual(table(daemon.run('system', 'df')));
    }
    daemon.run('rmi', tag);
    await store.images.remove(tag);
  });

  test('commit makes layers of the same entries and sizes, and none where nothing was written (SEM-2.3)', async () => {
    const tags = CONTAINER_SCRIPTS.map(({ name }) => `overlog-test/${name}:1`);
    for (const [at, { name }] of CONTAINER_SCRIPTS.entries()) {
      daemon.run('commit', name, tags[at]);
      await ours(name).commit({ tag: tags[at] });
    }
    const archive = join(daemon.folder, 'committed.tar');
    daemon.run('save', '--output', archive, ...tags);
    const layers = layersByTag(archive);
    const needless: string[] = [];
    const theirs = tags.map((tag): CommittedImage => {
      const sizes = lines(daemon.run('history', '--human=false', '--format', '{{.Size}}', tag)).map(Number);
      const stack = layers.get(tag) as Buffer[];
      const top = layerLines(stack.at(-1) as Buffer).filter((line) => {
        const isNeedless = line.endsWith('/.wh..wh..opq') && !hidesSomething(line.slice(0, -'/.wh..wh..opq'.length));
        if (isNeedless) needless.push(line);
        return !isNeedless;
      });
      return { tag, sizes, layers: stack.length, top };
    });
    expect(tags.map(committedHere)).toEqual(theirs);
    // Docker marks every directory that the kernel marked (W4, R5); overlog those that hide something.
    expect(needless).toEqual(['data/small/.wh..wh..opq', 'dirlink/.wh..wh..opq', 'opt/fresh2/.wh..wh..opq']);
  }, 240_000);

  /** Whether the image has a directory there with something in it. */
  function hidesSomething(path: string): boolean {
    const tree = store.world.lowerOf(store.images.get(BASE).id);
    let ino = ROOT_INO;
    for (const name of path.split('/')) ino = ino === 0 ? 0 : tree.lookup(ino, name);
    return ino !== 0 && (tree.at(ino).dir?.entries.size ?? 0) > 0;
  }

  function committedHere(tag: string): CommittedImage {
    const { world, engine } = store;
    const layers = world.layersOf(store.images.get(tag).id);
    const below = world.lowers.stack(layers.slice(0, -1));
    const top = world.lowers.layer(layers.at(-1) as LayerRecord);
    const tar = Buffer.concat([...layerTarPieces(top, engine.log.chunks, below)]);
    const sizes = store.images.history(tag).map(({ sizeBytes }) => sizeBytes);
    return { tag, sizes, layers: layers.length, top: layerLines(tar) };
  }
});
