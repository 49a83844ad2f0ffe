import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openStore, type Store } from '../../../src/index.ts';
import { runCommand } from '../../e2e/command.ts';
import { BASE, buildBaseImage } from './base-image.ts';
import { Daemon, dockerMissing } from './daemon.ts';
import { seconds, told } from './told-events.ts';

/**
 * The same commands, in every state, on a real Docker daemon and on overlog: the same refusals in the same words, and the
 * same events in the same order.
 */

const missing = dockerMissing();
const title = missing === null ? 'the life cycle of Docker' : `the life cycle of Docker (skipped: ${missing})`;

/** Ends when it is asked to. */
const PROGRAM = ['/bin/sh', '-c', 'trap "exit 0" TERM; while :; do sleep 0.05; done'];

describe.skipIf(missing !== null)(title, () => {
  let daemon: Daemon;
  let store: Store;
  let containers = 0;

  beforeAll(async () => {
    daemon = await Daemon.start();
    const archive = buildBaseImage(daemon);
    store = await openStore();
    await store.images.load(archive);
  }, 120_000);

  afterAll(async () => {
    await store?.close();
    await daemon?.stop();
  }, 60_000);

  /** Runs a command on both sides. `refusal` is Docker's last word, ids as `<id>`, or '' when it was done. */
  async function both(...argv: readonly string[]): Promise<{ docker: string; overlog: string }> {
    const theirs = daemon.try(...argv);
    const [verb, ...rest] = argv;
    const own = await runCommand(verb === 'volume' ? argv : [verb, ...rest], store);
    return {
      docker: plain(theirs.exitCode === 0 ? '' : (theirs.stderr.split('\n')[0] ?? '')),
      overlog: plain(own.exitCode === 0 ? '' : own.stderr.trim()),
    };
  }

  /** Without who says it, and with ids as `<id>`: they are each side's own. */
  const plain = (text: string): string =>
    text
      .replace(/^(?:Error response from daemon|Error|overlog [a-z ]+): /, '')
      .replaceAll(/\b(?:[0-9a-f]{64}|[0-9a-f]{12})\b/g, '<id>');

  async function create(...options: readonly string[]): Promise<string> {
    const name = `c${++containers}`;
    daemon.run('create', '--network', 'none', '--name', name, ...options, BASE, ...PROGRAM);
    const made = await runCommand(['create', '--name', name, ...options, BASE, '--', ...PROGRAM], store);
    expect(made).toMatchObject({ exitCode: 0 });
    return name;
  }

  async function inState(state: string): Promise<string> {
    const name = await create();
    for (const verb of PATHS[state]) {
      daemon.run(verb, name);
      expect((await runCommand([verb, name], store)).exitCode).toBe(0);
    }
    return name;
  }

  const stateOnDocker = (name: string): string =>
    daemon.try('inspect', '--format', '{{.State.Status}}', name).stdout.trim();
  const stateHere = (name: string): string => store.containers.list().find((each) => each.name === name)?.state ?? '';

  const PATHS: Readonly<Record<string, readonly string[]>> = {
    created: [],
    running: ['start'],
    paused: ['start', 'pause'],
    exited: ['start', 'stop'],
  };

  const COMMANDS: readonly (readonly string[])[] = [
    ['start'],
    ['stop'],
    ['kill'],
    ['kill', '-s', 'NOPE'],
    ['pause'],
    ['unpause'],
    ['restart'],
    ['rm'],
    ['rm', '-f'],
  ];

  test.each(Object.keys(PATHS))(
    'of a container that is %s refuses the same commands in the same words (SEM-2.6)',
    async (state) => {
      const own: object[] = [];
      const theirs: object[] = [];
      for (const command of COMMANDS) {
        const name = await inState(state);
        const { docker, overlog } = await both(...command, name);
        theirs.push({ command, refusal: docker, state: stateOnDocker(name) });
        own.push({ command, refusal: overlog, state: stateHere(name) });
        await both('rm', '-f', name);
      }
      expect(own).toEqual(theirs);
    },
    120_000,
  );

  test('refuses names, images and volumes that are in use in the same words (SEM-2.6)', async () => {
    const name = await create('-v', 'busy:/mnt');
    const said = [
      await both('rename', name, name),
      await both('create', '--name', name, BASE),
      await both('rmi', BASE),
      await both('rmi', store.images.get(BASE).id.slice(7, 19)),
      await both('volume', 'rm', 'busy'),
      await both('rm', '-f', name),
      await both('volume', 'rm', 'busy'),
    ];
    expect(said.map(({ overlog }) => overlog)).toEqual(said.map(({ docker }) => docker));
    expect(said.map(({ overlog }) => overlog !== '')).toEqual([true, true, true, true, true, false, false]);
  });

  /** Events since a moment, ids replaced by what they are the id of. What only reads is in no log. */
  async function events(run: () => Promise<void>): Promise<{ docker: string[]; overlog: string[] }> {
    const since = daemon.run('info', '--format', '{{.SystemTime}}');
    const { seq } = store;
    await run();
    const until = daemon.run('info', '--format', '{{.SystemTime}}');
    const range = ['--since', seconds(since), '--until', seconds(until)];
    const theirs = daemon.run('events', ...range, '--format', '{{json .}}');
    const { stdout } = await runCommand(['events', '--since', String(seq), '--ndjson'], store);
    return { docker: told(theirs), overlog: told(stdout) };
  }

  test('tells the same events in the same order, with the same attributes (SEM-2.7)', async () => {
    let name = '';
    const { docker, overlog } = await events(async () => {
      await both('volume', 'create', 'shared');
      name = await create(
        '-v',
        'shared:/full',
        '-v',
        '/anonymous',
        '--label',
        'team=layers',
        '--mount',
        'type=tmpfs,target=/scratch',
      );
      for (const verb of [
        'start',
        'stop',
        'restart',
        'restart',
        'pause',
        'stop',
        'start',
        'pause',
        'restart',
        'pause',
        'kill',
      ]) {
        expect(await both(verb, name)).toEqual({ docker: '', overlog: '' });
      }
      await both('start', name);
      await both('commit', '-m', 'a note', name, 'noted:1');
      await both('commit', name);
      await both('rename', name, 'renamed');
      await both('kill', '-s', 'SIGKILL', 'renamed');
      await both('start', 'renamed');
      await both('pause', 'renamed');
      await both('unpause', 'renamed');
      await both('tag', 'noted:1', 'noted:2');
      await both('rm', '-f', '-v', 'renamed');
      await both('rmi', 'noted:2');
      await both('volume', 'rm', 'shared');
      let other = await create();
      const file = join(daemon.folder, 'copied');
      writeFileSync(file, 'copied');
      await both('cp', file, `${other}:/opt`);
      await both('cp', `${other}:/opt/copied`, file);
      await both('cp', file, `${other}:/none/x`);
      other = await create('-v', '/left');
      await both('rm', '-v', other);
    });
    expect(overlog).toEqual(docker);
    expect(overlog.length).toBeGreaterThan(60);
  }, 120_000);

  test('tells of a program that runs and ends by itself what docker run tells (SEM-2.7)', async () => {
    const { docker, overlog } = await events(async () => {
      const options = ['--network', 'none', '--name', 'once', '-v', '/anonymous'];
      expect(daemon.try('run', '--rm', ...options, BASE, '/bin/sh', '-c', 'exit 3').exitCode).toBe(3);
      const mounts = [{ type: 'volume', target: '/anonymous' } as const];
      const own = await store.containers.create({ image: BASE, name: 'once', mounts });
      await own.start({ attach: true });
      await own.exit({ exitCode: 3 });
      await own.remove({ volumes: true });
    });
    expect(overlog).toEqual(docker);
    expect(overlog.map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual([
      'volume create',
      'container create',
      'container attach',
      'network connect',
      'volume mount',
      'container start',
      'container die',
      'network disconnect',
      'volume unmount',
      'volume destroy',
      'container destroy',
    ]);
  });

  test('tells an event as the same JSON, key by key (SEM-2.7)', async () => {
    const since = daemon.run('info', '--format', '{{.SystemTime}}');
    const { seq } = store;
    const name = await create('--label', 'b=2', '--label', 'a=1', '-v', 'json:/json');
    await both('start', name);
    await both('rm', '-f', name);
    const until = daemon.run('info', '--format', '{{.SystemTime}}');
    const theirs = daemon.run('events', '--since', seconds(since), '--until', seconds(until), '--format', '{{json .}}');
    const own = await runCommand(['events', '--since', String(seq), '--ndjson'], store);
    const shape = (ndjson: string): string[] =>
      ndjson
        .split('\n')
        .filter((line) => line !== '')
        .map((line) =>
          line
            .replaceAll(/[0-9a-f]{64}/g, '<id>')
            .replace(/"time":\d{10}/, '"time":0')
            .replace(/"timeNano":\d{19}/, '"timeNano":0'),
        );
    expect(shape(own.stdout)).toEqual(shape(theirs));
  });
});
