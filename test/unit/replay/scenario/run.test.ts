import { describe, expect, it } from 'vitest';
import { openStore, type Store } from '../../../../src/index.ts';
import { ScenarioClock } from '../../../../src/replay/scenario/clock.ts';
import { parseScenario } from '../../../../src/replay/scenario/parse.ts';
import { runScenario, type ScenarioResult } from '../../../../src/replay/scenario/run.ts';
import { scenarioHost } from '../../../../src/store/scenario-host.ts';

const HEAD = `
image base:1
  FROM scratch
  COPY files/ /
end
container c1 base:1
`;

const FILES = `
-- files/etc/conf mode=0640 --
one
two
three
-- files/bin/run mode=4755 --
#!run
-- files/tmp/ mode=1777 --
`;

async function play(text: string, store?: Store): Promise<{ result: ScenarioResult; store: Store }> {
  const scenario = parseScenario('a.scn', Buffer.from(text));
  const clock = new ScenarioClock(scenario.clock);
  const opened = store ?? (await openStore({ clock: clock.now, storeId: '00000000' }));
  const host = scenarioHost(opened, async (argv) => ({
    stdout: Buffer.from(`${argv.join(' ')}\n`),
    stderr: 'why',
    exitCode: argv[0] === 'fail' ? 4 : 0,
  }));
  return { result: await runScenario(scenario, host, clock), store: opened };
}

/** Plays file verbs in a container of a small image. */
const verbs = (text: string) => play(`${HEAD}${text}${FILES}`);

describe('file verbs', () => {
  it.each<[string, string]>([
    ['content', "c1$ echo 'a  b' c > /x ; echo -n d >> /x ; cat /x\n  a  b c\n  d\n"],
    [
      'head and tail',
      'c1$ head -n 1 /etc/conf ; tail -n 1 /etc/conf ; tail -c 4 /etc/conf ; head -c 3 /etc/conf\n  one\n  three\n  ree\n  one\n',
    ],
    [
      'pipes',
      'c1$ cat /etc/conf | tail -n 2\n  two\n  three\nc1$ cat /etc/conf | wc -l\n  3\nc1$ cat /etc/conf | head -n 0\nc1$ wc -c /etc/conf\n  14\n',
    ],
    [
      'stat',
      "c1$ stat -c '%n %a %s %F %h' /etc/conf /tmp /bin/run\n  /etc/conf 640 14 regular file 1\n  /tmp 1777 4096 directory 2\n  /bin/run 4755 6 regular file 1\n",
    ],
    [
      'ls',
      'c1$ touch /tmp/.b /tmp/a ; ls /tmp\n  a\nc1$ ls -a /tmp\n  .\n  ..\n  .b\n  a\nc1$ ls -l /bin\n  -rwsr-xr-x 1 0 0 6 * run (glob)\n',
    ],
    ['find', "c1$ find / -type f\n  /bin/run\n  /etc/conf\nc1$ find /etc -name 'c*'\n  /etc/conf\n"],
    [
      'directories',
      'c1$ mkdir -p /a/b/c ; mkdir -m 700 /d ; rmdir /a/b/c ; stat -c %a /d ; ls /a/b\n  700\nc1! mkdir /a\n  EEXIST\nc1! mkdir /no/x\n  ENOENT\nc1! rmdir /a\n  ENOTEMPTY\n',
    ],
    ['rm', 'c1$ rm -f /none ; rm -r /etc ; ls /\n  bin\n  tmp\nc1! rm /none\n  ENOENT\nc1! rm /bin\n  EISDIR\n'],
    [
      'links',
      'c1$ ln /etc/conf /h ; ln -s /h /s ; readlink /s ; stat -c %h /h ; cat /s | head -n 1\n  /h\n  2\n  one\nc1! ln /etc/conf /h\n  EEXIST\nc1! readlink /h\n  EINVAL\n',
    ],
    [
      'moves',
      'c1$ mv /etc/conf /etc/new ; mv /etc/new /tmp ; ls /tmp\n  new\nc1! rename /etc /etc2\n  EXDEV\nc1$ mv /etc /etc2 ; test -d /etc2\nc1$ echo x > /a ; rename --exchange /a /tmp/new ; cat /tmp/new\n  x\nc1! rename --noreplace /a /tmp/new\n  EEXIST\n',
    ],
    [
      'copies',
      'c1$ cp /bin/run /r ; stat -c %a /r ; cp -a /bin /b2 ; stat -c %a /b2/run ; cp -r /bin /b3 ; ls /b3\n  4755\n  4755\n  run\nc1! cp /bin /b4\n  EISDIR\n',
    ],
    [
      'modes',
      'c1$ chmod u+x,go-r /etc/conf ; stat -c %a /etc/conf ; chmod =r /etc/conf ; stat -c %a /etc/conf ; chmod -R 700 /etc ; stat -c %a /etc/conf\n  700\n  444\n  700\n',
    ],
    ['owners', 'c1$ chown 5:6 /etc/conf ; chown 7 /etc ; stat -c %u:%g /etc/conf /etc\n  5:6\n  7:0\n'],
    [
      'times',
      "c1$ touch -d 2001-02-03T04:05:06.5Z /etc/conf ; stat -c '%Y %y' /etc/conf ; touch -d @-1.5 /new ; stat -c %Y /new\n  981173106 2001-02-03 04:05:06.500000000 +0000\n  -2\n",
    ],
    [
      'sizes',
      'c1$ truncate -s 1K /x ; stat -c %s /x ; fill 70000 ab > /f ; stat -c %s /f ; head -c 3 /f ; fallocate -l 8192 /g ; stat -c %b /g\n  1024\n  70000\n  aba16\n',
    ],
    ['writing in the middle', 'c1$ write 4 TWO /etc/conf ; cat /etc/conf\n  one\n  TWO\n  three\n'],
    [
      'devices',
      "c1$ mkfifo /p ; mknod /c c 1 3 ; stat -c '%F %t:%T' /p /c\n  fifo 0:0\n  character special file 1:3\nc1! mknod /w c 0 0\n  EPERM\nc1! cat /p\n  ENXIO\n",
    ],
    [
      'attributes',
      'c1$ setfattr -n user.a -v b /etc/conf ; getfattr -n user.a /etc/conf ; getfattr /etc/conf ; setfattr -x user.a /etc/conf\n  b\n  user.a="b"\nc1! getfattr -n user.a /etc/conf\n  ENODATA\n',
    ],
    ['tests', 'c1$ test -f /etc/conf ; test ! -e /none ; test -d /etc ; test -s /etc/conf\nc1! test -e /none\n  1\n'],
    ['names of bytes', "c1$ echo x > $'/\\xff' ; cat $'/\\xff'\n  x\n"],
    ['sync', 'c1$ sync\n'],
  ])('do %s', async (_, text) => {
    expect((await verbs(text)).result.failure).toBeNull();
  });
});

describe('runScenario', () => {
  it('stops at the first failure and says what was wanted', async () => {
    const { result } = await verbs('c1$ echo a\n  b\nc1$ echo never\n');
    expect(result.failure).toMatchObject({ file: 'a.scn', line: 7, text: 'c1$ echo a', want: ['b'], got: ['a'] });
    expect(result.steps).toBe(2);
  });

  it.each<[string, number, string]>([
    ['c1$ cat /none\n', 7, "ENOENT: no such file or directory, cat '/none'"],
    ['c1$ ls -Z\n', 7, 'usage: ls'],
    ['c1! echo fine\n  ENOENT\n', 7, 'it was not refused'],
    ['nobody$ echo a\n', 7, 'there is no container "nobody"'],
    ['container c1 base:1\n', 7, 'in use'],
    ['container d1 none:1\n', 7, 'there is no image "none:1"'],
    ['image x\n  FROM none:1\nend\n', 7, 'there is no image "none:1"'],
    ['image x\n  FROM base:1\n  RUN rm /none\nend\n', 9, 'ENOENT'],
    ['$ fail now\n', 7, 'exit code 4: why'],
  ])('names line and reason: %j', async (text, line, reason) => {
    const { result } = await verbs(text);
    expect(result.failure).toMatchObject({ line });
    expect(result.failure?.message).toContain(reason);
  });

  it('takes the exit code of a verb as its last line', async () => {
    const { result } = await verbs('$ fail now\n  fail now\n  [4]\n$ fine | wc -c\n  5\n');
    expect(result.failure).toBeNull();
  });

  it('makes each step one group of the log, one step of the clock apart', async () => {
    const { store } = await play('clock 2026-01-02T03:04:05Z +1s\nvolume v1\n@ +1m\nvolume v2\n');
    const seen = [...store.transactions()].map(({ group, timeNs }) => [
      group,
      Number(timeNs / 1_000_000_000n) - 1_767_323_045,
    ]);
    expect(seen).toEqual([
      [null, 0],
      ['a.scn:2', 0],
      ['a.scn:4', 62],
    ]);
  });

  it('gives the same log for the same scenario', async () => {
    const text = `clock 2026-01-02T03:04:05Z +1s\n${HEAD}c1$ echo a > /a ; chmod 600 /etc/conf\n@label x\n${FILES}`;
    const [first, second] = [await play(text), await play(text)];
    expect([...first.store.transactions()]).toEqual([...second.store.transactions()]);
  });
});

describe('images', () => {
  it('have one layer for each COPY, ADD and RUN, and a history as docker writes it', async () => {
    const { result, store } = await play(`
image base:1
  FROM scratch
  COPY files/etc/ /etc/
  ADD fill(10,"ab") /data/fill ; same-layer
  WORKDIR /srv
  ENV A=1
  COPY --chmod=600 files/bin/run .
  RUN rm /etc/conf
  CMD ["run","fast"]
  LABEL k="v w"
  EXPOSE 80
end
image top:1
  FROM base:1
  ENV A=2 B=3
  RUN mkdir /etc/new ; test -e /srv/run
  USER 5
end
container c1 top:1
c1$ stat -c '%a %s' /srv/run /data/fill ; cat /data/fill ; ls /etc
  600 6
  644 10
  abababababnew
check invariants
${FILES}`);
    expect(result.failure).toBeNull();
    const base = store.images
      .history('base:1')
      .map(({ createdBy, sizeBytes, emptyLayer }) => [createdBy, sizeBytes, emptyLayer]);
    expect(base).toEqual([
      ['EXPOSE 80', 0, true],
      ['LABEL k="v w"', 0, true],
      ['CMD ["run","fast"]', 0, true],
      ['RUN rm /etc/conf', 0, false],
      ['COPY --chmod=600 files/bin/run .', 6, false],
      ['ENV A=1', 0, true],
      ['WORKDIR /srv', 0, true],
      ['COPY files/etc/ /etc/', 24, false],
    ]);
    const top = store.images.get('top:1');
    expect(top.layers).toHaveLength(4);
    expect(top.layers.slice(0, 3)).toEqual(store.images.get('base:1').layers);
    expect(top.config.run).toMatchObject({
      environment: ['A=2', 'B=3'],
      command: ['run', 'fast'],
      user: '5',
      workingDirectory: '/srv',
      labels: { k: 'v w' },
    });
    expect(top.config.history.filter(({ emptyLayer }) => !emptyLayer)).toHaveLength(4);
    expect(store.containers.get('c1').inspect().command).toEqual(['run', 'fast']);
  });

  it('have the config that Docker makes of their instructions, on top of the one below', async () => {
    const { result, store } = await play(`
image base:1
  FROM scratch
  ENV A=1 B=2
  CMD ["below"]
  EXPOSE 90
end
image other:1
  FROM base:1
  ENV A=3
  ENTRYPOINT ["run"]
  EXPOSE 80 53/udp
end
image own:1
  FROM base:1
  CMD ["own"]
  ENTRYPOINT ["run"]
end
`);
    expect(result.failure).toBeNull();
    expect(store.images.get('other:1').config.run).toMatchObject({
      environment: ['A=3', 'B=2'],
      entrypoint: ['run'],
      command: [],
    });
    const { id } = store.images.get('other:1');
    const record = store.engine.world.registry.images.get(id);
    const config = JSON.parse(Buffer.from(record?.config ?? []).toString()) as { config: { ExposedPorts: object } };
    expect(Object.keys(config.config.ExposedPorts)).toEqual(['53/udp', '80/tcp', '90/tcp']);
    expect(store.images.get('own:1').config.run.command).toEqual(['own']);
  });
});
