import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { memoryStore, pipeCommand, runCommand, temporaryDirectory } from './command.ts';

describe('somebody who knows docker', () => {
  it('is told that a verb does not exist when help of it is asked for', async () => {
    const { stdout, stderr, exitCode } = await runCommand(['help', 'attach']);
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 2 });
    expect(stderr).toContain("there is no verb 'attach'");
    expect((await runCommand(['help', 'help'])).exitCode).toBe(0);
  });

  it('gets no file of the name - from cp, but a tar', async () => {
    const store = await memoryStore();
    const web = await store.containers.create({ name: 'web' });
    web.fs.writeFileSync('/motd', 'hi\n');
    web.fs.utimesSync('/motd', 1, 1);
    const { stdout, exitCode } = await pipeCommand(['cp', 'web:/motd', '-'], store);
    expect(exitCode).toBe(0);
    expect(stdout.subarray(0, 5).toString()).toBe('motd\0');
    expect(stdout.subarray(512, 515).toString()).toBe('hi\n');
  });

  it('sees no age of an image that was made of a folder', async () => {
    const store = await memoryStore();
    const folder = join(temporaryDirectory(), 'rootfs');
    mkdirSync(folder);
    writeFileSync(join(folder, 'motd'), 'hi\n');
    await runCommand(['load', '--tag', 'base:1', folder], store);
    const { stdout } = await runCommand(['images'], store);
    expect(stdout).toContain('N/A');
  });
});
