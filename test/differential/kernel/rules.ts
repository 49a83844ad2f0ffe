/** The rules of docs/semantics.md, 1, as scripts: what is done, and what the upper holds then. */

export interface Rule {
  /** Ids that the script shows. */
  readonly id: string;
  readonly title: string;
  readonly script: string;
  /** What the last stage's upper holds, as {@link upperText} says it. */
  readonly upper: readonly string[];
  /** Letters of the overlay options that are on: r(edirect_dir), i(ndex), m(etacopy). Default none. */
  readonly options?: string;
  /** What the kernel leaves behind here and overlog does not; the comparison does it to overlog's side, a served overlay has not got it. */
  readonly deviation?: 'D2';
}

const LOWER = `mkdir /d
write /d/a lower
write /d/b lower
write /f lower
mkdir /e
symlink d /s
mknod /p 10644
---
`;

export const RULES: readonly Rule[] = [
  {
    id: 'L1',
    title: 'the upper is looked at first, then the lowers from the top down',
    script: `write /f lowest\nwrite /g lowest\n---\nwrite /f lower\nwrite /g lower\n---\nwrite /f upper\nopen 0 /f r\nread 0\nopen 1 /g r\nread 1`,
    upper: ['/f'],
  },
  {
    id: 'L2',
    title: 'a file hides the directory below it',
    script: `mkdir /d\nwrite /d/a\n---\nunlink /d/a\nrmdir /d\nwrite /d file\n---\nstat /d\nstat /d/a ! ENOTDIR`,
    upper: [],
  },
  {
    id: 'L3',
    title: 'a directory over a whiteout of a middle layer does not merge with what that hides',
    script: `mkdir /d\nwrite /d/a\n---\nunlink /d/a\nrmdir /d\n---\nstat /d ! ENOENT\nmkdir /d\nwrite /d/b\n---\nreaddir /d\nstat /d/a ! ENOENT`,
    upper: [],
  },
  {
    id: 'L2, L3',
    title: 'what is not a directory hides all below it, and what comes above it shows alone',
    script: `mkdir /d\nwrite /d/a\n---\nunlink /d/a\nrmdir /d\nwrite /d file\n---\nunlink /d\nmkdir /d\nreaddir /d\nstat /d/a ! ENOENT`,
    upper: ['/d opaque'],
  },
  {
    id: 'L4',
    title: 'an opaque directory of a middle layer cuts off what is below it, and merges with what is above',
    script: `mkdir /d\nwrite /d/a\n---\nunlink /d/a\nrmdir /d\nmkdir /d\nwrite /d/b\n---\nwrite /d/c\nreaddir /d\nstat /d/a ! ENOENT`,
    upper: ['/d', '/d/c'],
  },
  {
    id: 'L5',
    title: 'a merged directory shows the attributes of its topmost part',
    script: `mkdir /d 700\nsetxattr /d user.one v\n---\nchmod /d 711\nremovexattr /d user.one\n---\nstat /d\ngetxattr /d user.one ! ENODATA`,
    upper: [],
  },
  {
    id: 'L6',
    title: "the root is the new upper's own",
    script: `chmod / 700\nsetxattr / user.one v\n---\nstat /\ngetxattr / user.one ! ENODATA`,
    upper: [],
  },
  {
    id: 'L7',
    title: 'a symbolic link hides a directory',
    script: `mkdir /d\nwrite /d/a\nmkdir /x\n---\nunlink /d/a\nrmdir /d\nsymlink x /d\n---\nreaddir /d\nstat /d/a ! ENOENT`,
    upper: [],
  },
  {
    id: '1.2',
    title: 'opening for writing copies up, also when nothing is written',
    script: `${LOWER}open 0 /d/a w\nclose 0\nopen 0 /f a\nclose 0`,
    upper: ['/d', '/d/a', '/f'],
  },
  { id: '1.2', title: 'O_TRUNC with O_RDONLY copies up', script: `${LOWER}open 0 /f r+trunc`, upper: ['/f'] },
  { id: '1.2', title: 'truncate to the same size copies up', script: `${LOWER}truncate /f 5`, upper: ['/f'] },
  {
    id: '1.2',
    title: 'chmod to the same mode, through a descriptor for reading too, copies up',
    script: `${LOWER}chmod /d/a 644\nopen 0 /f r\nfchmod 0 644`,
    upper: ['/d', '/d/a', '/f'],
  },
  { id: '1.2', title: 'chown(-1, -1) copies up', script: `${LOWER}chown /f -1 -1`, upper: ['/f'] },
  {
    id: '1.2',
    title: 'utimes copies up, of a link the link itself',
    script: `${LOWER}utimes /s\nutimes /d/b`,
    upper: ['/d', '/d/b', '/s'],
  },
  {
    id: '1.2',
    title: 'a refused setxattr copies up all the same',
    script: `${LOWER}setxattr /f user.one v 2 ! ENODATA\nsetxattr /d/a bad.name v ! ENOTSUP`,
    upper: ['/d', '/d/a', '/f'],
  },
  {
    id: '1.2',
    title: 'removexattr of a name that is there copies up, and so does an ACL',
    script: `write /f\nsetxattr /f user.one v\nwrite /g\n---\nremovexattr /f user.one\nsetxattr /g system.posix_acl_access acl1\nstat /g`,
    upper: ['/f', '/g'],
  },
  {
    id: '1.2',
    title: 'a link is copied up where it is changed, named or moved itself, and not where it is followed',
    script: `write /f\nsymlink f /s1\nsymlink f /s2\nsymlink f /s3\nsymlink f /s4\n---\nlchown /s1 1 1\nlink /s2 /n\nrename /s3 /m\nopen 0 /s4 w`,
    upper: ['/f', '/m', '/n', '/s1', '/s2', '/s3 whiteout'],
  },
  {
    id: '1.2',
    title: 'removexattr of a name that is not there copies nothing up (SEM-5)',
    script: `${LOWER}removexattr /f user.one ! ENODATA`,
    upper: [],
  },
  {
    id: '1.2',
    title: 'chmod of a lower FIFO copies the node up (SEM-5)',
    script: `${LOWER}chmod /p 600\nstat /p`,
    upper: ['/p'],
  },
  {
    id: '1.2',
    title: 'chmod of a lower device and of a socket copies the node up with its kind and number (SEM-5)',
    script: `mknod /c 20644 1 3\nmknod /b 60644 7 1\nmknod /k 140644\n---\nchmod /c 600\nchmod /b 600\nchown /k 1 1\nstat /c\nstat /b\nstat /k`,
    upper: ['/b', '/c', '/k'],
  },
  {
    id: '1.2',
    title: 'opening a lower FIFO for writing copies nothing up',
    script: `${LOWER}open 0 /p w+nonblock ! ENXIO`,
    upper: [],
  },
  {
    id: '1.2',
    title: 'asking, reading and renaming onto itself copy nothing up',
    script: `${LOWER}stat /d/a\nopen 0 /f r\nread 0\nopen 1 /f r+creat\nopen 2 /f path\naccess /f 2\nreaddir /d\nrename /f /f\nreadlink /s\ngetxattr /f user.one ! ENODATA`,
    upper: [],
  },
  {
    id: '1.2',
    title: 'a refused call leaves nothing, no directory either',
    script: `${LOWER}open 0 /d/a w+creat+excl ! EEXIST\nmkdir /d/a ! EEXIST\nlink /f /d/a ! EEXIST\nrmdir /d ! ENOTEMPTY\nunlink /d ! EISDIR\nrename /d/a /d/b noreplace ! EEXIST\nrename /d /x ! EXDEV\nopen 0 /d w ! EISDIR`,
    upper: [],
  },
  {
    id: 'M1, M4',
    title: 'copy-up keeps mode, owner, times and attributes, of the parents too, and their times',
    script: `mkdir /d 2750\nchown /d 1000 1000\nwrite /d/a\nchmod /d/a 4711\nsetxattr /d/a user.one v\nsetxattr /d trusted.two v\n---\nopen 0 /d/a w\nstat /d/a\nstat /d`,
    upper: ['/d', '/d/a'],
  },
  {
    id: 'M3',
    title: 'the inode number stays over copy-up and remount',
    script: `${LOWER}chmod /f 600\nremount\nstat /f\nchmod /d/a 600\nremount\nstat /d/a`,
    upper: ['/d', '/d/a', '/f'],
  },
  {
    id: 'M5, H1, H2',
    title: 'copy-up breaks a hard link',
    script: `write /a old\nlink /a /b\nlink /a /c\n---\nwrite /a new\nstat /a\nstat /b\nunlink /c\nstat /b`,
    upper: ['/a', '/c whiteout'],
  },
  {
    id: 'M6',
    title: 'setuid survives opening for writing and goes with chown',
    script: `write /f\nchmod /f 6755\n---\nopen 0 /f w\nstat /f\nchown /f 0 0\nstat /f`,
    upper: ['/f'],
  },
  {
    id: 'M7',
    title: 'a hole in front of the data stays one',
    script: `open 0 /f rw+creat\npwrite 0 60000 x\n---\nopen 0 /f w\nfstat 0\nstat /f`,
    upper: ['/f'],
  },
  {
    id: 'M7',
    title: 'a hole behind data is copied with it, as far as the stretch goes',
    script: `write /f x\ntruncate /f 70000\n---\nopen 0 /f w\nfstat 0`,
    upper: ['/f'],
  },
  {
    id: 'M7',
    title: 'a hole ends with the block that the file ends in; what is reserved behind it stays',
    script: `write /f\n---\nopen 0 /f w\nfallocate 0 1 0 10000\nfallocate 0 3 100 10000\nftruncate 0 5000\nfallocate 0 1 0 20000\nfallocate 0 3 100 20000\nwrite /g\nopen 1 /g rw\nftruncate 1 4999\npwrite 1 4999 x\nfallocate 1 3 0 5000\nstat /g\npwrite 1 0 x\nfallocate 1 3 4095 4096`,
    upper: ['/f', '/g'],
  },
  {
    id: 'M9',
    title: 'a node made in a lower setgid directory inherits its group, over a whiteout too',
    script: `mkdir /d\nchown /d 0 1000\nchmod /d 2755\nwrite /d/a\nmkdir /e\nchown /e 0 1000\nchmod /e 2755\n---\nwrite /e/b\nstat /e/b\nunlink /d/a\nmkdir /d/a\nstat /d/a\nwrite /d/b\nstat /d/b`,
    upper: ['/d', '/d/a opaque', '/d/b', '/e', '/e/b'],
  },
  {
    id: 'M9',
    title: 'a node made in a lower directory inherits its default ACL, over a whiteout too; a copied-up file does not',
    script: `mkdir /d\nwrite /d/a\nwrite /d/b\nsetxattr /d system.posix_acl_default acl1\nmkdir /e\nsetxattr /e system.posix_acl_default acl1\n---\nwrite /e/c\nunlink /d/a\nwrite /d/a\nmkdir /d/n\nstat /d/n\nchmod /d/b 640\nstat /d/b`,
    upper: ['/d', '/d/a', '/d/b', '/d/n', '/e', '/e/c'],
  },
  {
    id: 'M10',
    title: 'origin and impure are where something was copied up',
    script: `${LOWER}chmod /d/a 600\nwrite /e/new`,
    upper: ['/d', '/d/a', '/e', '/e/new'],
  },
  {
    id: 'W1',
    title: 'unlink of a lower and of a copied-up file leaves a whiteout',
    script: `${LOWER}unlink /f\nchmod /d/a 600\nunlink /d/a`,
    upper: ['/d', '/d/a whiteout', '/f whiteout'],
  },
  {
    id: 'W2',
    title: 'unlink of a name that only the upper has leaves nothing but its directory',
    script: `${LOWER}write /d/new\nunlink /d/new`,
    upper: ['/d'],
  },
  {
    id: 'W2',
    title: 'rmdir of a directory made in a lower one leaves no whiteout (SEM-5)',
    script: `${LOWER}mkdir /d/new\nrmdir /d/new`,
    upper: ['/d'],
  },
  {
    id: 'W3',
    title: 'a node over a whiteout carries no mark',
    script: `${LOWER}unlink /f\nsymlink x /f\nunlink /d/a\nlink /f /d/a\nunlink /p\nmknod /p 10600`,
    upper: ['/d', '/d/a', '/f', '/p'],
  },
  {
    id: 'W4',
    title: 'mkdir over a whiteout is opaque, of a file too',
    script: `${LOWER}unlink /f\nmkdir /f\nrmdir /e\nmkdir /e`,
    upper: ['/e opaque', '/f opaque'],
  },
  {
    id: 'W4',
    title: 'a directory made anew has none of the old names (SEM-5)',
    script: `${LOWER}unlink /d/a\nunlink /d/b\nrmdir /d\nmkdir /d\nopen 0 /d/a w+creat+excl`,
    upper: ['/d opaque', '/d/a'],
  },
  {
    id: 'W5',
    title: 'mkdir of a new name is not opaque',
    script: `${LOWER}mkdir /new\nmkdir /d/new`,
    upper: ['/d', '/d/new', '/new'],
  },
  {
    id: 'W6, W7',
    title: 'removing a lower tree leaves one whiteout at its root',
    script: `${LOWER}unlink /d/a\nunlink /d/b\nrmdir /d`,
    upper: ['/d whiteout'],
  },
  {
    id: 'W8',
    title: 'rmdir of an opaque directory leaves a whiteout',
    script: `${LOWER}rmdir /e\nmkdir /e\nrmdir /e`,
    upper: ['/e whiteout'],
  },
  {
    id: 'W9',
    title: 'removal inside of an opaque directory leaves nothing',
    script: `${LOWER}unlink /d/a\nunlink /d/b\nrmdir /d\nmkdir /d\nwrite /d/a\nunlink /d/a`,
    upper: ['/d opaque'],
  },
  {
    id: 'W10',
    title: 'removal of all children leaves a whiteout for each',
    script: `${LOWER}unlink /d/a\nunlink /d/b`,
    upper: ['/d', '/d/a whiteout', '/d/b whiteout'],
  },
  {
    id: 'W11',
    title: 'mknod of a whiteout is EPERM',
    script: `${LOWER}mknod /w 20644 0 0 ! EPERM\nmknod /c 20644 1 3\nmknod /b 60644 0 0`,
    upper: ['/b', '/c'],
  },
  {
    id: 'W12',
    title: "attributes of the overlay's names are escaped",
    script: `${LOWER}setxattr /d trusted.overlay.opaque y\ngetxattr /d trusted.overlay.opaque\nreaddir /d\nremount\nreaddir /d`,
    upper: ['/d'],
  },
  {
    id: 'R1',
    title: 'renaming a lower file leaves a whiteout',
    script: `${LOWER}rename /f /g\nrename /d/a /e/a`,
    upper: ['/d', '/d/a whiteout', '/e', '/e/a', '/f whiteout', '/g'],
  },
  { id: 'R2', title: 'renaming an upper file leaves none', script: `${LOWER}write /n\nrename /n /m`, upper: ['/m'] },
  {
    id: 'R3',
    title: 'moving there and back leaves a whiteout only where a lower name is',
    script: `${LOWER}rename /f /d/a\nrename /d/a /f\nrename /f /n\nrename /n /f`,
    upper: ['/d', '/d/a whiteout', '/f'],
  },
  {
    id: 'R4',
    title: 'a directory with a lower part cannot be renamed',
    script: `${LOWER}rename /e /x ! EXDEV\nchmod /e 700\nrename /e /x ! EXDEV\nrename /e /d ! EXDEV`,
    upper: ['/e'],
  },
  {
    id: 'R5',
    title: 'a directory that moves into a merged one becomes opaque',
    script: `${LOWER}mkdir /n\nrename /n /d/n`,
    upper: ['/d', '/d/n opaque'],
  },
  {
    id: 'R6',
    title: 'over a directory in which nothing is visible too',
    script: `${LOWER}mkdir /n\nrename /n /e\nmkdir /m\nunlink /d/a\nunlink /d/b\nrename /m /d`,
    upper: ['/d opaque', '/e opaque'],
  },
  {
    id: 'R7, M10',
    title: 'what the file system below refuses to move has its marks already',
    deviation: 'D2',
    options: 'r',
    script: `mkdir /b\nmkdir /a\n---\nmkdir /a/b\nwrite /a/b/x\nrename /b /a/b ! ENOTEMPTY`,
    upper: ['/a', '/a/b opaque', '/a/b/x', '/b redirect=/b'],
  },
  {
    id: 'R7',
    title: 'over visible entries is ENOTEMPTY',
    script: `${LOWER}mkdir /n\nrename /n /d ! ENOTEMPTY`,
    upper: ['/n'],
  },
  {
    id: 'R7',
    title: 'a refusal by a directory of the upper leaves new times where a whiteout would have been (D2)',
    script: `${LOWER}mkdir /n\nwrite /n/x\nunlink /f\nmkdir /f\nrename /f /n ! ENOTEMPTY`,
    upper: ['/f opaque', '/n', '/n/x'],
  },
  {
    id: 'R8',
    title: 'an opaque directory leaves a whiteout where it was (SEM-5)',
    script: `${LOWER}unlink /d/a\nunlink /d/b\nrmdir /d\nmkdir /d\nrename /d /d9\nstat /d ! ENOENT`,
    upper: ['/d whiteout', '/d9 opaque'],
  },
  {
    id: 'R9',
    title: 'exchange copies both up and leaves no whiteouts',
    script: `${LOWER}rename /f /d/a exchange\nrename /f /nope exchange ! ENOENT`,
    upper: ['/d', '/d/a', '/f'],
  },
  {
    id: 'R9',
    title: 'exchange of a lower file with a lower directory is EXDEV (SEM-5)',
    script: `${LOWER}rename /f /d exchange ! EXDEV\nmkdir /n\nrename /f /n exchange`,
    upper: ['/f opaque', '/n'],
  },
  {
    id: 'R10',
    title: 'NOREPLACE takes a whiteout for nothing',
    script: `${LOWER}rename /f /d/a noreplace ! EEXIST\nunlink /d/a\nrename /f /d/a noreplace`,
    upper: ['/d', '/d/a', '/f whiteout'],
  },
  { id: 'R11', title: 'RENAME_WHITEOUT is EINVAL', script: `${LOWER}rename /f /g whiteout ! EINVAL`, upper: [] },
  {
    id: 'R12',
    title: "a directory of the upper's can move until the upper is a layer",
    script: `mkdir /n\nrename /n /m\n---\nrename /m /n ! EXDEV`,
    upper: [],
  },
  {
    id: 'R13',
    title: 'a directory is renamed without its children',
    script: `${LOWER}rename /d /g\nreaddir /g\nwrite /g/new\nunlink /g/a\nremount\nreaddir /g`,
    upper: ['/d whiteout', '/g redirect=d', '/g/a whiteout', '/g/new'],
    options: 'r',
  },
  {
    id: 'R13',
    title: 'into another directory its redirect is a path',
    script: `${LOWER}rename /d /e/g\nrename /e/g /e/h\nremount\nreaddir /e/h`,
    upper: ['/d whiteout', '/e', '/e/h redirect=/d'],
    options: 'r',
  },
  {
    id: 'R13',
    title: 'a redirected directory goes on merging when the upper is a layer',
    script: `${LOWER}rename /d /g\n---\nreaddir /g\nrename /g/a /a\nrename /g /e/g\nreaddir /e/g`,
    upper: ['/a', '/e', '/e/g redirect=/g', '/e/g/a whiteout', '/g whiteout'],
    options: 'r',
  },
  {
    id: 'H3',
    title: 'link copies up its source',
    script: `${LOWER}link /f /g\nstat /f\npwrite 0 0 x ! EBADF\nopen 0 /g w\npwrite 0 0 new\nstat /f`,
    upper: ['/f', '/g'],
  },
  {
    id: 'H4',
    title: 'rename between two lower hard links is done',
    script: `write /a\nlink /a /b\n---\nrename /a /b\nstat /a ! ENOENT`,
    upper: ['/a whiteout', '/b'],
  },
  {
    id: 'H4, H5',
    title: 'with index it does nothing',
    script: `write /a\nlink /a /b\n---\nrename /a /b\nstat /a`,
    upper: [],
    options: 'i',
  },
  {
    id: 'H5',
    title: 'with index a hard link stays one node',
    script: `write /a old\nlink /a /b\nlink /a /c\n---\nchmod /a 600\nstat /b\nopen 0 /b rw\nremount\nstat /c`,
    upper: ['/a nlink=U+0', '/b nlink=U+0'],
    options: 'i',
  },
  {
    id: 'H5',
    title: 'with index a name that goes takes the node into the upper',
    script: `write /a old\nlink /a /b\nlink /a /c\n---\nunlink /a\nstat /b`,
    upper: ['/a whiteout'],
    options: 'i',
  },
  {
    id: 'X1, X2',
    title: 'chmod copies no data, opening for writing brings it',
    script: `${LOWER}chmod /f 600\nchmod /d/a 600\nopen 0 /d/a r\nread 0\nopen 1 /f w\nopen 2 /d/b w`,
    upper: ['/d', '/d/a metacopy', '/d/b', '/f'],
    options: 'rm',
  },
  {
    id: 'X3',
    title: 'a file without data is redirected when it moves',
    script: `${LOWER}rename /f /g\nrename /d/a /e/a\nlink /d/b /e/b\nopen 0 /e/a r\nread 0\nremount\nopen 0 /e/a r\nread 0`,
    upper: [
      '/d',
      '/d/a whiteout',
      '/d/b metacopy redirect=/d/b',
      '/e',
      '/e/a metacopy redirect=/d/a',
      '/e/b metacopy redirect=/d/b',
      '/f whiteout',
      '/g metacopy redirect=f',
    ],
    options: 'rm',
  },
  {
    id: 'X4',
    title: 'with an option every directory made in a merged one is opaque',
    script: `${LOWER}mkdir /new\nmkdir /d/new`,
    upper: ['/d', '/d/new opaque', '/new opaque'],
    options: 'i',
  },
  {
    id: 'H4',
    title: 'with index, an open lower hard link gets another name by the one that it was opened by',
    options: 'rim',
    script: `write /d\nlink /d /c\n---\nsetxattr /c user.two v\nopen 0 /d r\nlinkfile 0 /e`,
    upper: [
      '/c metacopy nlink=U-1 redirect=/d',
      '/d metacopy nlink=U-1 redirect=/d',
      '/e metacopy nlink=U-1 redirect=/d',
    ],
  },
  {
    id: '1.7',
    title: 'an open directory keeps its list until it is rewound',
    script: `${LOWER}write /d/c\nopen 0 /d r\nlistdir 0\nwrite /d/new\nunlink /d/a\nlistdir 0\nopen 1 /d r\nlistdir 1\nlistdir 0 rewind`,
    upper: ['/d', '/d/a whiteout', '/d/c', '/d/new'],
  },
  {
    id: '1.7',
    title: 'the link count of a merged directory is 1',
    script: `mkdir /d\nmkdir /d/x\n---\nstat /d\nchmod /d 700\nstat /d\nmkdir /n\nmkdir /n/m\nstat /n\nstat /`,
    upper: ['/d', '/n', '/n/m'],
  },
  {
    id: 'O1',
    title: 'a descriptor for reading sees what is written after the copy-up',
    script: `${LOWER}open 0 /f r\nopen 1 /f rw\npwrite 1 0 NEWER\nread 0\nfstat 0`,
    upper: ['/f'],
  },
  {
    id: 'O3',
    title: 'a descriptor keeps the old object when another takes its name',
    script: `${LOWER}open 0 /f r\nwrite /g new\nrename /g /f\nread 0\nwrite /h upper\nopen 1 /h r\nwrite /k newer\nrename /k /h\nread 1`,
    upper: ['/f', '/h'],
  },
  {
    id: 'O4',
    title: 'a lower file that was unlinked is readable with link count 1',
    script: `${LOWER}open 0 /f r\nunlink /f\nread 0\nfstat 0\nlinkfile 0 /g ! ENOENT`,
    upper: ['/f whiteout'],
  },
  {
    id: 'O5',
    title: 'a copied-up file that was unlinked is usable',
    script: `${LOWER}open 0 /f rw\nunlink /f\npwrite 0 0 x\nfchmod 0 600\nfstat 0`,
    upper: ['/f whiteout'],
  },
  {
    id: 'O6',
    title: 'O_TMPFILE in a lower directory copies it up, and gets a name without a whiteout',
    script: `${LOWER}open 0 /d rw+tmp\npwrite 0 0 x\nlinkfile 0 /d/n`,
    upper: ['/d', '/d/n'],
  },
  {
    id: 'O7',
    title: 'a removed directory reads as empty',
    script: `${LOWER}write /d/c\nopen 0 /d r\nlistdir 0\nunlink /d/a\nunlink /d/b\nunlink /d/c\nrmdir /d\nlistdir 0 rewind`,
    upper: ['/d whiteout'],
  },
  {
    id: 'O7',
    title: 'a handle that has read a directory finds it empty once it is removed',
    script: `mkdir /d\n---\nsymlink x /d/a\n---\nopen 0 /d r\nlistdir 0 rewind\nunlink /d/a\nrmdir /d\nlistdir 0`,
    upper: ['/d whiteout'],
  },
  {
    id: 'O7',
    title: 'a removed lower directory cannot be changed: its name is taken, or the directory above is gone too',
    script: `mkdir /d\nmkdir /d/e\n---\nopen 0 /d/e r\nrmdir /d/e\nfchmod 0 700 ! ENOTDIR\nfutimes 0 ! ENOTDIR\nfsetxattr 0 user.one v ! ENOTDIR\nmkdir /d/e\nwrite /d/e/x\nfchown 0 1 1 ! ENOTEMPTY\nunlink /d/e/x\nrmdir /d/e\nwrite /d/e\nfchmod 0 700 ! ENOTDIR\nunlink /d/e\nrmdir /d\nfchmod 0 700 ! EIO\nmkdir /d\nfchmod 0 700 ! EIO`,
    upper: ['/d opaque'],
  },
  {
    id: '1.10',
    title: 'the kernel has one errno for each refusal',
    script: `${LOWER}open 0 /d w ! EISDIR\nopen 0 /new/ w+creat ! EISDIR\nmkdir /. ! EEXIST\nmkdir /s ! EEXIST\nrmdir /d/. ! EINVAL\nrmdir /d/.. ! ENOTEMPTY\nrmdir /s ! ENOTDIR\nrmdir /s/ ! ENOTDIR\nunlink /d ! EISDIR\nunlink /f/ ! ENOTDIR\nlink /d /x ! EPERM\nreadlink /f ! EINVAL\nrename /d/. /x ! EBUSY\nrename /f /d/.. ! EBUSY\nrename /d/a /d ! ENOTEMPTY\nrename /f /new/ ! ENOTDIR\ntruncate /p 0 ! EINVAL\ntruncate /d 0 ! EISDIR\nstat /f/x ! ENOTDIR\nopen 0 /f r\nftruncate 0 1 ! EINVAL\npwrite 0 0 x ! EBADF\nsetxattr /s user.one v ! EPERM`,
    upper: [],
  },
  {
    id: '1',
    title: 'two containers over the same layers do not see each other',
    script: `${LOWER}write /f mine\n1: write /f theirs\n1: unlink /d/a\nopen 0 /f r\nread 0\nreaddir /d\n1: readdir /d`,
    upper: ['/f'],
  },
];
