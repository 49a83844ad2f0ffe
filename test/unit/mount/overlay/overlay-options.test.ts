import { describe, expect, it } from 'vitest';
import { parseOverlayOptions } from '../../../../src/mount/overlay/overlay-options.ts';

const DIRECTORIES = 'lowerdir=/a:/b,upperdir=/u,workdir=/w';

describe('options of an overlay', () => {
  it('are those of mount(8), with lowers from the top down', () => {
    expect(parseOverlayOptions([`rw,noatime,${DIRECTORIES},redirect_dir=on`, 'volatile,nosuid'])).toEqual({
      lowers: ['/a', '/b'],
      upper: '/u',
      work: '/w',
      profile: { redirectDir: true, index: false, metacopy: false },
      follows: { redirects: true, metacopy: false },
      readOnly: false,
      userXattr: false,
      xino: true,
      volatile: true,
      store: null,
      name: null,
      generic: ['rw', 'noatime', 'nosuid'],
    });
  });

  it('may have commas and colons in names, behind a backslash', () => {
    const { lowers, upper } = parseOverlayOptions(['lowerdir=/a\\:b\\,c:/d,upperdir=/u\\,v,workdir=/w']);
    expect({ lowers, upper }).toEqual({ lowers: ['/a:b,c', '/d'], upper: '/u,v' });
  });

  it('without an upper, or with ro, are for reading', () => {
    expect(parseOverlayOptions(['lowerdir=/a:/b']).readOnly).toBe(true);
    expect(parseOverlayOptions([`${DIRECTORIES},ro`]).readOnly).toBe(true);
  });

  it('bring redirect_dir along with metacopy', () => {
    expect(parseOverlayOptions([`${DIRECTORIES},metacopy=on`]).profile).toMatchObject({
      redirectDir: true,
      metacopy: true,
    });
  });

  it.each([
    ['xino=on', 'xino=off', 'xino=auto', 'index=off', 'nfs_export=off', 'redirect_dir=follow', 'uuid=auto'],
    ['allow_other', 'default_permissions', 'debug', 'fsname=x', 'x-systemd.automount', '_netdev', 'fsync=strict'],
  ])('accept what changes nothing here: %s, …', (...options) => {
    for (const option of options) expect(parseOverlayOptions([`${DIRECTORIES},${option}`]).lowers).toHaveLength(2);
  });

  it.each([
    ['upperdir=/u,workdir=/w', 'lowerdir is missing'],
    ['lowerdir=/a,upperdir=/u', 'workdir is missing'],
    ['lowerdir=/a,workdir=/u', 'upperdir is missing'],
    [`${DIRECTORIES},xino=maybe`, 'xino is on, off or auto, not "maybe"'],
    [`${DIRECTORIES},nosense`, 'the option "nosense" is unknown'],
    [`${DIRECTORIES},nosense=1`, 'the option "nosense=1" is unknown'],
    [`${DIRECTORIES},index=maybe`, 'index is on or off, not "maybe"'],
    [`${DIRECTORIES},nfs_export=on`, 'nfs_export=on is not done here'],
    [`${DIRECTORIES},squash_to_root`, 'of fuse-overlayfs is not done here'],
    [`${DIRECTORIES},redirect_dir=up`, 'redirect_dir is on, follow, nofollow or off, not "up"'],
    [`${DIRECTORIES},metacopy=on,redirect_dir=off`, 'metacopy=on needs redirect_dir=on'],
    [`${DIRECTORIES},userxattr,metacopy=on`, 'userxattr goes with neither'],
    [`${DIRECTORIES},userxattr,redirect_dir=follow`, 'userxattr goes with neither'],
    [`${DIRECTORIES},store=`, 'store is empty'],
    ['lowerdir=/a,store=/s', 'the history of an upper, and there is none: give upperdir'],
    [`${DIRECTORIES},name=web`, 'give store=DIR, too'],
  ])('are refused with a sentence: %s', (list, said) => {
    expect(() => parseOverlayOptions([list])).toThrow(said);
  });
  it('name at most 500 lowers (SEM-L10)', () => {
    expect(parseOverlayOptions([`lowerdir=${'/a:'.repeat(500)}`]).lowers).toHaveLength(500);
    expect(() => parseOverlayOptions([`lowerdir=${'/a:'.repeat(501)}`])).toThrow('501 lower directories');
  });
});
