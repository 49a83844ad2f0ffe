/** A kernel names nodes by number alone: calls on lower hard links by it, in a container that keeps their names together. */

import { linkSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { linkFile } from '../../../../src/engine/calls/names.ts';
import { write } from '../../../../src/engine/calls/data.ts';
import { rootCaller } from '../../../../src/engine/caller.ts';
import { O_RDWR, OpenFile } from '../../../../src/engine/open-files.ts';
import type { Container } from '../../../../src/index.ts';
import { memoryStore } from '../../../e2e/command.ts';

const NAMES = ['/a', '/d/b', '/d/c', '/d/e'];

/** Names of one file, some of which an upper layer has taken away. */
async function withLinks(...removed: string[]): Promise<Container> {
  const root = mkdtempSync(join(tmpdir(), 'overlog-links-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, 'd'));
  writeFileSync(join(root, 'a'), 'one');
  for (const name of NAMES.slice(1)) linkSync(join(root, 'a'), join(root, name));
  const store = await memoryStore();
  await store.images.load(root, { tag: 'links:1' });
  const below = await store.containers.create({ name: 'below', image: 'links:1' });
  for (const name of removed) below.fs.unlinkSync(name);
  await below.commit({ tag: 'links:2' });
  return store.containers.create({ name: 'web', image: 'links:2', profile: 'posix' });
}

function fileByNumber(container: Container, path: string): OpenFile {
  const namespace = container.namespace();
  const { ino } = container.fs.statSync(path);
  return new OpenFile({ namespace, mount: namespace.root, ino, flags: O_RDWR, parent: 0, name: '', path });
}

test.each<[string[]]>([[[]], [['/a']], [['/d/e']]])(
  'a write by number is seen under every name (without %j)',
  async (removed) => {
    const container = await withLinks(...removed);
    const names = NAMES.filter((name) => !removed.includes(name));
    expect(write(fileByNumber(container, names[0]), Buffer.from('two'), 0, 3, 0)).toBe(3);
    for (const name of names) expect(container.fs.readFileSync(name, 'utf8')).toBe('two');
  },
);

test('a link by number is one more name of the same node', async () => {
  const container = await withLinks();
  const file = fileByNumber(container, '/d/c');
  const { namespace, mount } = file;
  expect(linkFile(rootCaller(namespace), file, { mount, ino: 1 }, 'new')).toBe(0);
  expect(container.fs.statSync('/a').nlink).toBe(5);
  container.fs.writeFileSync('/new', 'three');
  for (const name of NAMES) expect(container.fs.readFileSync(name, 'utf8')).toBe('three');
});
