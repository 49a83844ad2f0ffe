/** When checkpoints are written: in pauses; and between commits where there are none. */

import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openStore, type Store } from '../../../src/index.ts';

const EVERY = 400;

let directory: string;
let store: Store;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'overlog-pauses-'));
  store = await openStore({ directory, timeMachine: { checkpoints: { every: EVERY } } });
});

afterEach(async () => {
  await store.close();
  rmSync(directory, { recursive: true });
});

function checkpoints(): string[] {
  const folder = join(directory, 'checkpoints');
  return existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.ckpt')) : [];
}

/** Writes without a pause until the log has grown by so many events. */
async function burst(events: number): Promise<void> {
  const { fs } = await store.containers.create({});
  const end = store.seq + events;
  for (let made = 0; store.seq < end; made++) fs.writeFileSync(`/f${made}`, String(made));
}

describe('a checkpoint', () => {
  it('that comes due in a burst of calls is written in the pause behind it', async () => {
    await burst(2 * EVERY);
    expect(checkpoints()).toEqual([]);
    await expect.poll(async () => (await pause(), checkpoints())).toHaveLength(1);
  });

  it('is written between commits when a burst does not end', async () => {
    await burst(40 * EVERY);
    expect(checkpoints().length).toBeGreaterThan(0);
  });
});
