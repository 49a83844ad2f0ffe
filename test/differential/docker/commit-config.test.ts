import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type DockerContainer,
  type DockerImage,
  inspectContainer,
  inspectImage,
  openStore,
  parseVolumeOption,
  type Store,
} from '../../../src/index.ts';
import { runCommand } from '../../e2e/command.ts';
import { BUSYBOX, Daemon, dockerMissing } from './daemon.ts';

/** What a commit hands on of a container: its config, changes to it, author and message, as a real Docker daemon does. */

const missing = dockerMissing();
const title = missing === null ? 'commit of a Docker daemon' : `commit of a Docker daemon (skipped: ${missing})`;

const DOCKERFILE = `FROM scratch
MAINTAINER somebody
COPY bin /bin
ENV A=1 B=2
LABEL l1=v1 l2=v2
WORKDIR /w
USER 5:6
VOLUME /vol
EXPOSE 80
ENTRYPOINT ["/bin/sh","-c"]
CMD ["true"]
STOPSIGNAL SIGINT
ONBUILD RUN x
`;

/** Options of `docker create`, and its command. */
const CONTAINERS: Readonly<Record<string, readonly [options: readonly string[], command: readonly string[]]>> = {
  plain: [[], []],
  dressed: [
    ['-l', 'l2=x', '-l', 'l3=y', '-v', '/anon', '-v', 'named:/n'],
    ['echo hi', 'there'],
  ],
};

/** What is committed of `dressed`. */
const COMMITS: readonly (readonly string[])[] = [
  [],
  ['-a', 'me <m@x>', '-m', 'why'],
  ['-c', 'CMD ["x","y"]'],
  ['-c', 'cmd ["lower"]'],
  ['-c', 'CMD run it now'],
  ['-c', 'CMD $A run'],
  ['-c', 'CMD'],
  ['-c', 'CMD []'],
  ['-c', 'CMD [bad'],
  ['-c', 'ENTRYPOINT ["/e"]'],
  ['-c', 'ENTRYPOINT /e f'],
  ['-c', 'ENTRYPOINT []'],
  ['-c', 'ENTRYPOINT ["/e"]', '-c', 'CMD ["1"]'],
  ['-c', 'CMD ["1"]', '-c', 'ENTRYPOINT ["/e"]'],
  ['-c', 'CMD ["1"]\nENV Z=1'],
  ['-c', 'ENV A=9 C="q r"', '-c', 'ENV D e f'],
  ['-c', 'ENV REF=$A${B}'],
  ['-c', 'ENV A=$A$A B=$A'],
  ['-c', 'ENV E=a\\ b F=\'$A x\' G="$A x" H="\\$A \\x"'],
  ['-c', 'ENV X'],
  ['-c', 'ENV =x'],
  ['-c', 'ENV a=b c'],
  ['-c', 'LABEL l1=z "k y"="v w"'],
  ['-c', 'LABEL l1= e='],
  ['-c', 'LABEL a b c'],
  ['-c', 'LABEL a'],
  ['-c', 'LABEL x=$A', '-c', 'WORKDIR $A'],
  ['-c', 'USER me', '-c', 'WORKDIR sub', '-c', 'VOLUME /x /y', '-c', 'EXPOSE 81/udp 90 7000-7002'],
  ['-c', 'USER ${MISSING:-def}'],
  ['-c', 'USER a b'],
  ['-c', 'USER'],
  ['-c', 'WORKDIR a b'],
  ['-c', 'WORKDIR /abs/../k'],
  ['-c', 'VOLUME ["/q"]'],
  ['-c', 'VOLUME /a b'],
  ['-c', 'VOLUME []'],
  ['-c', 'EXPOSE $A 80-82/tcp'],
  ['-c', 'EXPOSE abc'],
  ['-c', 'EXPOSE 99999'],
  ['-c', 'EXPOSE 80/foo'],
  ['-c', 'ONBUILD RUN y'],
  ['-c', 'ONBUILD FROM y'],
  ['-c', 'HEALTHCHECK --interval=5s --timeout=1m30s --retries=3 CMD true'],
  ['-c', 'HEALTHCHECK --start-period=500ms CMD ["a","b"]'],
  ['-c', 'HEALTHCHECK NONE'],
  ['-c', 'HEALTHCHECK --retries=0 CMD true'],
  ['-c', 'STOPSIGNAL 9'],
  ['-c', 'MAINTAINER m'],
  ['-c', 'RUN x'],
  ['-c', 'FOO x'],
  ['-c', ''],
  ['-c', '# a comment'],
];

/** Members with something in them, but for those that name the container, and how the command attached to it. */
function comparable(config: unknown): Record<string, unknown> {
  const ofContainer = new Set(['Hostname', 'Image', 'AttachStdout', 'AttachStderr']);
  const isNothing = (value: unknown): boolean =>
    !value || (typeof value === 'object' && Object.keys(value).length === 0);
  return Object.fromEntries(
    Object.entries(config as object).filter(([name, value]) => !ofContainer.has(name) && !isNothing(value)),
  );
}

describe.skipIf(missing !== null)(title, () => {
  let daemon: Daemon;
  let store: Store;

  beforeAll(async () => {
    daemon = await Daemon.start();
    store = await openStore();
    const context = join(daemon.folder, 'context');
    mkdirSync(join(context, 'bin'), { recursive: true });
    copyFileSync(BUSYBOX, join(context, 'bin/busybox'));
    symlinkSync('busybox', join(context, 'bin/sh'));
    writeFileSync(join(context, 'Dockerfile'), DOCKERFILE);
    daemon.run('build', '--network', 'none', '--tag', 'config:1', context);
    const archive = join(daemon.folder, 'config.tar');
    daemon.run('save', '--output', archive, 'config:1');
    await store.images.load(archive);
    for (const [name, [options, command]] of Object.entries(CONTAINERS)) {
      daemon.run('create', '--network', 'none', '--name', name, ...options, 'config:1', ...command);
      const of = (flag: string): string[] => options.filter((_, at) => options[at - 1] === flag);
      await store.containers.create({
        image: 'config:1',
        name,
        labels: Object.fromEntries(of('-l').map((label) => label.split('=') as [string, string])),
        mounts: of('-v').map(parseVolumeOption),
        ...(command.length > 0 && { command }),
      });
    }
  }, 120_000);

  afterAll(async () => {
    await store?.close();
    await daemon?.stop();
  }, 60_000);

  function expectSameImage(name: string): void {
    const [theirs] = JSON.parse(daemon.run('image', 'inspect', name)) as [DockerImage];
    const ours = inspectImage(store.images.get(name));
    expect(comparable(ours.Config)).toEqual(comparable(theirs.Config));
    expect([ours.Author, ours.Comment]).toEqual([theirs.Author, theirs.Comment]);
    const steps = daemon.run('history', '--no-trunc', '--format', '{{.CreatedBy}}\t{{.Comment}}\t{{.Size}}', name);
    const first = store.images.history(name)[0];
    expect(`${first.createdBy}\t${first.comment}\t${first.sizeBytes}B`).toBe(steps.split('\n')[0]);
  }

  test('hands on the config, and inspect shows it (SEM-2.3)', async () => {
    for (const name of Object.keys(CONTAINERS)) {
      const [theirs] = JSON.parse(daemon.run('inspect', name)) as [DockerContainer];
      const ours = inspectContainer(store, store.containers.get(name));
      expect([ours.Path, ours.Args, comparable(ours.Config)]).toEqual([
        theirs.Path,
        theirs.Args,
        comparable(theirs.Config),
      ]);
      daemon.run('commit', name, `${name}-image`);
      expect((await runCommand(['commit', name, `${name}-image`], store)).exitCode).toBe(0);
      expectSameImage(`${name}-image`);
    }
  });

  test.each(COMMITS.map((options, at) => [options.join(' ') || '(nothing)', options, `case-${at}`] as const))(
    'with %j gives the same image, or is refused in the same words (SEM-2.3)',
    async (_, options, name) => {
      const theirs = daemon.try('commit', ...options, 'dressed', name);
      const { seq } = store;
      const ours = await runCommand(['commit', ...options, 'dressed', name], store);
      if (theirs.exitCode === 0) {
        expect(ours).toMatchObject({ exitCode: 0, stderr: '' });
        return expectSameImage(name);
      }
      expect(ours.stderr.trim().replace(/^overlog commit: /, '')).toBe(
        theirs.stderr.trim().replace(/^Error response from daemon: /, ''),
      );
      expect(ours.exitCode).not.toBe(0);
      expect(store.seq).toBe(seq);
    },
  );
});
