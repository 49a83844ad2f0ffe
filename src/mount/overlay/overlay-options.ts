/** The options of an overlay mount, spelled as mount(8) and fuse-overlayfs(1) have them. */

import type { OverlayProfile } from '../../events/event.ts';
import { storeError } from '../../events/log-error.ts';
import type { Follows } from './unfollowed-marks.ts';

export interface OverlayOptions {
  /** Topmost first. */
  readonly lowers: readonly string[];
  /** Null: it is for reading only. */
  readonly upper: string | null;
  readonly work: string | null;
  readonly profile: OverlayProfile;
  readonly follows: Follows;
  readonly readOnly: boolean;
  /** The upper's marks are `user.overlay.*` instead of `trusted.overlay.*`. */
  readonly userXattr: boolean;
  /** Numbers of nodes are the host's also where the layers are on several file systems. */
  readonly xino: boolean;
  /** fsync does nothing. */
  readonly volatile: boolean;
  /** A store that keeps the history; null: nothing is kept but the upper. */
  readonly store: string | null;
  readonly name: string | null;
  /** Options of any mount, for mount(8). */
  readonly generic: readonly string[];
}

/** Most lower layers that a kernel takes (fs/overlayfs/params.h, OVL_MAX_STACK). */
const LOWERS_MAX = 500;

/** Options of any mount that the kernel or mount(8) understands (mount(8), "FILESYSTEM-INDEPENDENT MOUNT OPTIONS"). */
const GENERIC = new Set(
  'rw,ro,dev,nodev,suid,nosuid,exec,noexec,atime,noatime,diratime,nodiratime,relatime,norelatime,strictatime,nostrictatime,lazytime,nolazytime,sync,async,dirsync,silent,loud,iversion,noiversion,nosymfollow,symfollow'.split(
    ',',
  ),
);
/** What mount(8), fstab(5) and libfuse's users write, and that means nothing here or is always so. */
const IGNORED =
  /^(defaults|auto|noauto|nofail|_netdev|user|nouser|users|owner|group|x-.*|X-.*|comment=.*|allow_other|allow_root|default_permissions|debug|fsname=.*|subtype=.*|max_read=.*|max_write=.*|clone_fd|max_idle_threads=.*|max_threads=.*|threaded=.*|timeout=.*|entry_timeout=.*|attr_timeout=.*|negative_timeout=.*|fast_ino_check|fast_ino=.*|noacl|acl|xattr_permissions=[012]|context=.*|fscontext=.*|defcontext=.*|rootcontext=.*|uuid=.*|verity=off|nfs_export=off|fsync=.*|override_creds|nooverride_creds|big_writes|nonempty|auto_unmount)$/;

/** Those that a kernel or fuse-overlayfs has and that are not done here. */
const UNSUPPORTED: readonly (readonly [RegExp, string])[] = [
  [/^nfs_export=on$/, 'nfs_export=on is not done here: such a mount cannot be exported'],
  [/^verity=/, 'verity needs digests of the lower files, which are not looked at here: leave it off'],
  [/^(lowerdir\+|datadir\+)=/, 'lowerdir+ and datadir+ belong to fsconfig(2): list the directories in lowerdir=A:B'],
  [/^(squash_to_(root|uid=.*|gid=.*)|static_nlink|noxattrs|uidmapping=.*|gidmapping=.*|plugins=.*)$/, ''],
];

/**
 * Parses `-o` lists.
 *
 * @throws `ERR_INVALID_ARGUMENT` with a sentence that names the option.
 */
export function parseOverlayOptions(lists: readonly string[]): OverlayOptions {
  const values = new Map<string, string>();
  const generic: string[] = [];
  for (const option of lists.flatMap(splitOptions)) {
    const equals = option.indexOf('=');
    const key = equals < 0 ? option : option.slice(0, equals);
    if (GENERIC.has(option)) generic.push(option);
    else if (KNOWN.has(key)) {
      refuseUnsupported(option);
      values.set(key, equals < 0 ? '' : option.slice(equals + 1));
    } else if (!IGNORED.test(option)) {
      refuseUnsupported(option);
      throw invalid(`the option "${option}" is unknown`);
    }
  }
  return optionsOf(values, generic);
}

const KNOWN = new Set(
  'lowerdir,upperdir,workdir,redirect_dir,index,metacopy,xino,userxattr,volatile,store,name'.split(','),
);

function refuseUnsupported(option: string): void {
  const found = UNSUPPORTED.find(([form]) => form.test(option));
  if (found === undefined) return;
  throw invalid(found[1] === '' ? `the option "${option}" of fuse-overlayfs is not done here` : found[1]);
}

function optionsOf(values: ReadonlyMap<string, string>, generic: readonly string[]): OverlayOptions {
  const lowers = splitLowers(values.get('lowerdir') ?? '');
  if (lowers.length === 0) throw invalid('lowerdir is missing: -o lowerdir=LOWER[:LOWER…],upperdir=UPPER,workdir=WORK');
  if (lowers.length > LOWERS_MAX)
    throw invalid(`${lowers.length} lower directories: an overlay has at most ${LOWERS_MAX}`);
  const upper = values.get('upperdir') ?? null;
  const work = values.get('workdir') ?? null;
  if (upper === '' || work === '') throw invalid(`${upper === '' ? 'upperdir' : 'workdir'} is empty`);
  if (upper !== null && work === null)
    throw invalid('workdir is missing: a directory beside upperdir, on the same file system');
  if (upper === null && work !== null) throw invalid('upperdir is missing: without it there is no use for workdir');
  const redirect = values.get('redirect_dir') ?? 'off';
  if (!['on', 'off', 'follow', 'nofollow'].includes(redirect))
    throw invalid(`redirect_dir is on, follow, nofollow or off, not "${redirect}"`);
  const xino = values.get('xino') ?? 'auto';
  if (!['on', 'off', 'auto'].includes(xino)) throw invalid(`xino is on, off or auto, not "${xino}"`);
  const index = switchOf(values, 'index');
  const metacopy = switchOf(values, 'metacopy');
  if (metacopy && values.has('redirect_dir') && redirect !== 'on')
    throw invalid('metacopy=on needs redirect_dir=on: a moved file says by it where its data is');
  const isFollowing = redirect === 'on' || redirect === 'follow';
  if (values.has('userxattr') && (metacopy || isFollowing))
    throw invalid(
      'userxattr goes with neither redirect_dir=on or follow nor metacopy=on: who owns the upper could point anywhere',
    );
  const name = values.get('name') ?? null;
  const store = values.get('store') ?? null;
  const profile = { redirectDir: redirect === 'on' || metacopy, index, metacopy };
  const readOnly = upper === null || generic.includes('ro');
  if (store !== null) refuseWithStore(store, upper);
  if (name !== null && store === null) throw invalid('name=NAME names a container of a store: give store=DIR, too');
  return {
    lowers,
    upper,
    work,
    profile,
    follows: { redirects: redirect !== 'nofollow' && !values.has('userxattr'), metacopy },
    readOnly,
    userXattr: values.has('userxattr'),
    xino: xino !== 'off',
    volatile: values.has('volatile'),
    store,
    name,
    generic,
  };
}

function refuseWithStore(store: string, upper: string | null): void {
  if (store === '') throw invalid('store is empty');
  if (upper === null)
    throw invalid(
      'store=DIR keeps the history of an upper, and there is none: give upperdir, with ro for reading only',
    );
}

function switchOf(values: ReadonlyMap<string, string>, key: string): boolean {
  const value = values.get(key) ?? 'off';
  if (value !== 'on' && value !== 'off') throw invalid(`${key} is on or off, not "${value}"`);
  return value === 'on';
}

/** Options stand between commas; one that is escaped (`\,`) is a part of a name. */
function splitOptions(list: string): string[] {
  const options = list.match(/(?:\\.|[^,\\])+/gs) ?? [];
  return options.map((option) => (option.startsWith('lowerdir=') ? option : unescape(option)));
}

/** Directories stand between colons; one in a name is escaped (`\:`). */
function splitLowers(text: string): string[] {
  return (text.match(/(?:\\.|[^:\\])+/gs) ?? []).map(unescape);
}

const unescape = (text: string): string => text.replaceAll(/\\(.)/gs, '$1');

const invalid = (message: string): Error => storeError('ERR_INVALID_ARGUMENT', message);
