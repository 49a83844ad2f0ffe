import { ACL_TEXTS } from '../../../src/testing/kernel/acl-texts.ts';
import type { FileCall, KernelCall, Row } from '../../../src/testing/kernel/kernel-call.ts';

/** A call, and the code that it must be refused with; null: it succeeds. */
export interface ScriptedCall {
  readonly call: KernelCall;
  readonly error: string | null;
}

/** Bits of open(2) by letters. */
const FLAGS: Readonly<Record<string, number>> = {
  r: 0,
  w: 1,
  rw: 2,
  a: 0o2001,
  creat: 0o100,
  excl: 0o200,
  trunc: 0o1000,
  dir: 0o200000,
  path: 0o10000000,
  nonblock: 0o4000,
  tmp: 0o20200000,
};
const RENAME_FLAGS: Readonly<Record<string, number>> = { noreplace: 1, exchange: 2, whiteout: 4 };

/**
 * Reads a script: a call a line, its words apart by blanks, `! ENOENT` behind one that is refused. A line of dashes ends a
 * stage. `1:` in front of a call means the second container.
 */
export function parseScript(text: string): ScriptedCall[][] {
  return text.split(/^\s*---\s*$/m).map((stage) =>
    stage
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '')
      .flatMap(parseLine),
  );
}

function parseLine(line: string): ScriptedCall[] {
  const [, second, body, error] = /^(1:)?\s*(.*?)(?:\s*! (E\w+))?$/.exec(line) ?? [];
  const container = second === undefined ? 0 : 1;
  const calls = callsOf(body.split(/\s+/));
  return calls.map((call, index) => ({
    call: { ...call, in: container },
    error: index === 0 ? (error ?? null) : null,
  }));
}

function callsOf([verb, ...args]: readonly string[]): FileCall[] {
  const [a, b, c, d] = args;
  switch (verb) {
    case 'write':
      return [
        { op: 'open', slot: 9, path: a, flags: 0o1101, mode: 0o644 },
        { op: 'write', slot: 9, data: b ?? 'text', position: null },
        { op: 'close', slot: 9 },
      ];
    case 'mkdir':
      return [{ op: 'mkdir', path: a, mode: octal(b, 0o755) }];
    case 'rmdir':
    case 'unlink':
    case 'readlink':
    case 'readdir':
      return [{ op: verb, path: a }];
    case 'symlink':
      return [{ op: 'symlink', target: a, path: b }];
    case 'link':
      return [{ op: 'link', from: a, to: b }];
    case 'rename':
      return [{ op: 'rename', from: a, to: b, flags: RENAME_FLAGS[c ?? ''] ?? 0 }];
    case 'mknod':
      return [{ op: 'mknod', path: a, mode: octal(b, 0), major: Number(c ?? 0), minor: Number(d ?? 0) }];
    case 'chmod':
      return [{ op: 'chmod', path: a, mode: octal(b, 0o600) }];
    case 'chown':
    case 'lchown':
      return [{ op: 'chown', path: a, uid: Number(b), gid: Number(c), follow: verb === 'chown' }];
    case 'utimes':
      return [{ op: 'utimes', path: a, atime: 0, mtime: Number(b ?? 7), follow: false }];
    case 'truncate':
      return [{ op: 'truncate', path: a, size: Number(b) }];
    case 'setxattr':
      return [{ op: 'setxattr', path: a, name: b, value: valueText(c), flags: Number(d ?? 0) }];
    case 'removexattr':
    case 'getxattr':
      return [{ op: verb, path: a, name: b }];
    case 'stat':
      return [{ op: 'stat', path: a, follow: false }];
    case 'access':
      return [{ op: 'access', path: a, mode: Number(b) }];
    case 'remount':
      return [{ op: 'remount' }];
    default:
      return [onDescriptor(verb, Number(a), args.slice(1))];
  }
}

function onDescriptor(verb: string, slot: number, [a, b, c]: readonly string[]): FileCall {
  switch (verb) {
    case 'open':
      return {
        op: 'open',
        slot,
        path: a,
        flags: b.split('+').reduce((bits, flag) => bits | FLAGS[flag], 0),
        mode: 0o644,
      };
    case 'close':
    case 'fstat':
      return { op: verb, slot };
    case 'read':
      return { op: 'read', slot, length: 100, position: 0 };
    case 'pwrite':
      return { op: 'write', slot, position: Number(a), data: b };
    case 'fchmod':
      return { op: 'fchmod', slot, mode: octal(a, 0o600) };
    case 'fchown':
      return { op: 'fchown', slot, uid: Number(a), gid: Number(b) };
    case 'futimes':
      return { op: 'futimes', slot, atime: 0, mtime: Number(a ?? 7) };
    case 'fsetxattr':
      return { op: 'fsetxattr', slot, name: a, value: b, flags: Number(c ?? 0) };
    case 'listdir':
      return { op: 'listdir', slot, rewind: a === 'rewind' };
    case 'linkfile':
      return { op: 'linkfile', slot, path: a };
    case 'ftruncate':
      return { op: 'ftruncate', slot, size: Number(a) };
    case 'fallocate':
      return { op: 'fallocate', slot, mode: Number(a), offset: Number(b), length: Number(c) };
    default:
      throw new Error(`no call ${verb}`);
  }
}

/** `acl1`: the second of the kit's ACLs. */
const valueText = (word: string): string => (/^acl\d$/.test(word) ? ACL_TEXTS[Number(word[3])] : word);

const octal = (text: string | undefined, otherwise: number): number =>
  text === undefined ? otherwise : Number.parseInt(text, 8);

/** An upper in words: its paths below the root, each with what the overlay marks it with. */
export function upperText(rows: readonly Row[]): string[] {
  return rows.filter((row) => row.path !== '/').map((row) => [row.path, ...marksOf(row)].join(' '));
}

function marksOf({ type, rdev, xattrs }: Row): string[] {
  if (type === 'chr' && rdev === '0:0') return ['whiteout'];
  const marks: string[] = [];
  for (const [name, value] of Object.entries(xattrs ?? {})) {
    const text = Buffer.from(value, 'hex').toString();
    if (name === 'trusted.overlay.redirect' || name === 'trusted.overlay.nlink')
      marks.push(`${name.slice(16)}=${text}`);
    if (name === 'trusted.overlay.opaque' || name === 'trusted.overlay.metacopy') marks.push(name.slice(16));
  }
  return marks.sort();
}
