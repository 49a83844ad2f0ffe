import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { listDirectory } from '../../../../src/store/host-listing.ts';
import { OPEN, replayFolder } from './recording-kit.ts';

/** A tree as it really was afterwards: its listing, and an archive of its files. */
async function realTree(make: (folder: string) => void, archived: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'overlog-resync-'));
  try {
    make(folder);
    const entries: string[] = [];
    for await (const entry of listDirectory(folder)) entries.push(JSON.stringify(entry));
    const packed = spawnSync('tar', ['-C', folder, '-czf', '-', '--no-recursion', ...archived]);
    expect(packed.status).toBe(0);
    return { 'after.ndjson': `${entries.join('\n')}\n`, 'changed.tar.gz': packed.stdout };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const LOG = [
  `60 ${OPEN('mapped', 3)}`,
  `60 write(3</c/mapped>, "${'0123456789'.repeat(10)}", 100) = 100`,
  '60 mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED, 3</c/mapped>, 0) = 0x7f00',
  `60 ${OPEN('extra', 4)}`,
  `60 ${OPEN('kind', 4)}`,
];

function make(folder: string): void {
  writeFileSync(join(folder, 'mapped'), `${'0123456789'.repeat(5)}XY${'0123456789'.repeat(5).slice(2)}`);
  writeFileSync(join(folder, 'lost'), 'no content in the archive');
  mkdirSync(join(folder, 'dir'));
  writeFileSync(join(folder, 'dir/new'), 'new', { mode: 0o600 });
  symlinkSync('dir', join(folder, 'kind'));
}

describe('a resync', () => {
  it('puts right what differs from the tree that was there, and tells what it can not', async () => {
    const files = await realTree(make, ['./mapped', './dir/new']);
    const { report, fs, store } = await replayFolder(files, LOG, { resync: true });
    expect(fs.readFileSync('/mapped', 'utf8').slice(48, 54)).toBe('89XY23');
    expect(fs.readFileSync('/dir/new', 'utf8')).toBe('new');
    expect(fs.statSync('/dir/new').mode & 0o777).toBe(0o600);
    expect(fs.readlinkSync('/kind')).toBe('dir');
    expect(fs.existsSync('/extra')).toBe(false);
    expect(report.resync?.left).toEqual(['/lost']);
    expect(report.isExact).toBe(false);
    const marked = Array.from(store.transactions({ group: 'rec/resync' }), ({ cause }) => cause.slice(0, 2));
    expect(marked).toContainEqual(['resync', '/mapped']);
    expect(marked.every(([operation]) => operation === 'resync')).toBe(true);
  });

  it('changes nothing where nothing differs', async () => {
    const files = await realTree(() => {}, ['.']);
    const { report, store } = await replayFolder(files, ['60 chmod("/c", 0700) = 0'], { resync: true });
    expect(report.resync).toMatchObject({ left: [] });
    expect(Array.from(store.transactions({ group: 'rec/resync' })).length).toBeLessThanOrEqual(1);
  });

  it('without a listing of what was there is refused', async () => {
    await expect(replayFolder({}, LOG, { resync: true })).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
  });
});
