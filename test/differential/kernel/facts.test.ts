import { execFileSync } from 'node:child_process';
import { constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStore, type OverlogFs, parseProfile, type Store } from '../../../src/index.ts';
import { kernelMissing } from '../../../src/testing/kernel/kernel-mounts.ts';

const missing = kernelMissing();
const PROGRAM = fileURLToPath(new URL('facts.py', import.meta.url));

/** What facts.py prints. */
interface Facts {
  readonly L8: object;
  readonly L9: object;
  readonly L10: object;
  readonly M2: object;
  readonly M8: object;
  readonly O2: object;
  readonly O4: object;
  readonly O8: object;
  readonly O9: object;
  readonly '1.11': object;
}

describe.skipIf(missing !== null)(
  `what is measured of the kernel${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    let folder: string;
    let facts: Facts;
    let store: Store;
    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'overlog-facts-'));
      facts = JSON.parse(execFileSync('python3', [PROGRAM, folder], { encoding: 'utf8' })) as Facts;
      store = await openStore();
    }, 60_000);
    afterAll(async () => {
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    });

    /** A container over folders of facts.py, lowest first, as an overlay reads them. */
    async function over(...folders: readonly string[]): Promise<OverlogFs> {
      const path = folders.map((each) => join(folder, each)).join(':');
      const [{ id }] = await store.images.load(path, { dialect: 'overlay' });
      return (await store.containers.create({ image: id })).fs;
    }

    it('an empty file with the attribute is a whiteout, and another empty file is not (SEM-L8)', async () => {
      expect(facts.L8).toEqual({ listed: ['g', 'h'], stat: 'ENOENT' });
      const fs = await over('L8/l', 'L8/x');
      expect(fs.readdirSync('/')).toEqual(['g', 'h']);
      expect(() => fs.statSync('/f')).toThrow('ENOENT');
    });

    it('a whiteout in a directory of one layer is listed by the kernel, and names nothing in both (SEM-L9, D6)', async () => {
      expect(facts.L9).toEqual({ listed: ['a', 'gone'], stat: 'ENOENT' });
      const fs = await over('L9/l');
      expect(fs.readdirSync('/d')).toEqual(['a']);
      expect(() => fs.statSync('/d/gone')).toThrow('ENOENT');
    });

    it('the kernel stacks 500 lowers, and two overlays on each other (SEM-L10, D16)', () => {
      expect(facts.L10).toEqual({ 'overlays on each other': 2 });
      expect(facts['1.11']).toMatchObject({ '500 lowers': 'ok', '501 lowers': 'EINVAL' });
    });

    it('a copy-up gives a new change time and leaves the others (SEM-M2)', async () => {
      expect(facts.M2).toEqual({ 'ctime is new': true, 'mtime stays': true });
      const fs = await over('M2/l');
      const before = fs.statSync('/f', { bigint: true });
      fs.closeSync(fs.openSync('/f', constants.O_WRONLY));
      const { ctimeNs, mtimeNs, atimeNs } = fs.statSync('/f', { bigint: true });
      expect(ctimeNs).toBeGreaterThan(before.ctimeNs);
      expect({ mtimeNs, atimeNs }).toEqual({ mtimeNs: 2n, atimeNs: before.atimeNs });
    });

    it('immutable and append-only flags refuse calls in the kernel, and do not exist here (SEM-M8, D9)', async () => {
      expect(facts.M8).toEqual({
        'write immutable': 'EPERM',
        'chmod immutable': 'EPERM',
        'unlink immutable': 'EPERM',
        'write append-only': 'EPERM',
        'append to append-only': 'ok',
        upper: ['a'],
      });
      const fs = await over('M8/l');
      fs.writeFileSync('/a', 'new');
      fs.unlinkSync('/i');
      expect(fs.readdirSync('/')).toEqual(['a']);
    });

    it('a memory map keeps the old data after a copy-up; reading, which is what there is here, does not (SEM-O2, D10)', async () => {
      expect(facts.O2).toEqual({ read: 'new', map: 'old', 'new map': 'old' });
      const fs = await over('O2/l');
      const fd = fs.openSync('/f', 'r');
      fs.writeFileSync('/f', 'new');
      expect(fs.readFileSync(fd, 'utf8')).toBe('new');
      fs.closeSync(fd);
    });

    it('a lower file without a name takes no attributes in the kernel, by what stands in the way; here it does (SEM-O4, D1)', async () => {
      expect(facts.O4).toEqual({ 'its directory stands': 'EEXIST', 'its directory is gone': 'ENOENT' });
      const fs = await over('O4/l');
      for (const directory of ['/d', '/gone']) {
        const fd = fs.openSync(`${directory}/f`, 'r');
        fs.unlinkSync(`${directory}/f`);
        if (directory === '/gone') fs.rmdirSync(directory);
        fs.fchmodSync(fd, 0o600);
        expect(fs.fstatSync(fd).mode & 0o777).toBe(0o600);
        fs.closeSync(fd);
      }
    });

    it('reading moves the access time of an upper file in the kernel, and of none here (SEM-O8, D3)', async () => {
      expect(facts.O8).toEqual({ 'lower moves': false, 'upper moves': true });
      const fs = await over('O8/l');
      for (const set of [() => {}, () => fs.utimesSync('/f', 1, 2)]) {
        set();
        const { atimeNs } = fs.statSync('/f', { bigint: true });
        fs.readFileSync('/f');
        const fd = fs.openSync('/f', 'r');
        fs.readSync(fd, Buffer.alloc(4));
        fs.closeSync(fd);
        expect(fs.statSync('/f', { bigint: true }).atimeNs).toBe(atimeNs);
      }
    });

    it('a program that runs from a lower cannot be written in the kernel; nothing runs here (SEM-O9, D10)', async () => {
      expect(facts.O9).toEqual({ 'write what runs from a lower': 'ETXTBSY' });
      const fs = await over('O9/l');
      const fd = fs.openSync('/p', 'r');
      fs.appendFileSync('/p', 'more');
      expect(fs.fstatSync(fd).size).toBe(fs.statSync('/p').size);
      fs.closeSync(fd);
    });

    it('what cannot be mounted cannot be loaded either, but for one layer twice (SEM-1.11)', async () => {
      expect(facts['1.11']).toEqual({
        'no lower': 'EINVAL',
        'no work': 'EINVAL',
        'one lower, no upper': 'EINVAL',
        'a file as lower': 'EINVAL',
        'work inside upper': 'EINVAL',
        'unknown option': 'EINVAL',
        'metacopy without redirect_dir': 'EINVAL',
        'missing lower': 'ENOENT',
        'lower twice': 'ELOOP',
        'upper is lower': 'ELOOP',
        'upper inside lower': 'ok',
        '500 lowers': 'ok',
        '501 lowers': 'EINVAL',
      });
      const load = (path: string) => store.images.load(path.replaceAll('@', `${folder}/`));
      const before = store.seq;
      await expect(load('@mounts/file')).rejects.toMatchObject({ code: 'ERR_OCI_CORRUPT' });
      await expect(load('@mounts/l2:@mounts/gone')).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' });
      expect(() => parseProfile(undefined, ['nonsense=on'])).toThrow('nonsense');
      expect(() => parseProfile(undefined, ['metacopy=on', 'redirect_dir=off'])).toThrow('needs redirect_dir');
      expect(store.seq).toBe(before);
      expect(await load('@mounts/l2:@mounts/l2')).toHaveLength(1);
    });
  },
);
