/** Deliberate breaks of the engine: each is one change of one source file that the comparison with the kernel has to find. */

export interface Break {
  readonly name: string;
  /** Below src/. */
  readonly file: string;
  /** Occurs once in the file. */
  readonly find: string;
  readonly replace: string;
}

export const BREAKS: readonly Break[] = [
  {
    name: 'no whiteout for a file that was copied up',
    file: 'engine/decide/unlink.ts',
    find: 'if (existsBelow(overlay, removal.parent, removal.name, removal.ino)) {',
    replace: 'if (!inode.isUpper && existsBelow(overlay, removal.parent, removal.name, removal.ino)) {',
  },
  {
    name: 'mkdir over a whiteout is not opaque',
    file: 'engine/decide/create.ts',
    find: '(hidesLower || closesDirectories(overlay, node.parent))',
    replace: 'closesDirectories(overlay, node.parent)',
  },
  {
    name: "the parent's mtime is not restored after a copy-up",
    file: 'projections/tree/fold.ts',
    find: '  inode.name = event.name;\n  if (event.upperIno === event.ino',
    replace:
      '  inode.name = event.name;\n  touchParent(tree, event.parent, event.ctimeNs);\n  if (event.upperIno === event.ino',
  },
  {
    name: 'a hard link is not broken',
    file: 'engine/decide/copy-up.ts',
    find: 'isNameless || (inode.nlink > 1 && !overlay.profile.index)',
    replace: 'isNameless',
  },
  {
    name: 'no EXDEV for a directory with a lower part',
    file: 'engine/decide/rename.ts',
    find: 'if (isMerged && !overlay.profile.redirectDir) return null;',
    replace: '',
  },
  {
    name: 'rename between lower hard links does nothing',
    file: 'engine/calls/names.ts',
    find: 'return mount.overlay.tree.at(ino).isUpper || mount.overlay.profile.index;',
    replace: 'return true;',
  },
  {
    name: 'a rewound directory handle keeps its old list',
    file: 'engine/calls/data.ts',
    find: 'if (inode.dir !== null && target === 0) file.entries = null;',
    replace: '',
  },
  {
    name: 'extended attributes are lost in a copy-up',
    file: 'projections/tree/fold.ts',
    find: '  inode.seq = seq;\n  inode.parent = event.parent;\n  inode.ctimeNs = event.ctimeNs;',
    replace:
      '  inode.seq = seq;\n  inode.xattrs = [];\n  inode.parent = event.parent;\n  inode.ctimeNs = event.ctimeNs;',
  },
  {
    name: 'a copy-up fills holes',
    file: 'projections/tree/fold.ts',
    find: 'inode.content = inode.content.copied(tree.owner, inode.size);',
    replace: '{ inode.content = inode.content.copied(tree.owner, inode.size); inode.content.allocate(0, inode.size); }',
  },
  {
    name: 'EXDEV in the place of ENOTEMPTY',
    file: 'engine/decide/rename.ts',
    find: 'target.dir.entries.size > 0) return ENOTEMPTY;',
    replace: 'target.dir.entries.size > 0) return EXDEV;',
  },
];
