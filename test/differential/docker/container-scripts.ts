/**
 * What containers do, in words that both a shell and overlog's scenarios understand. Each script runs in a container of its
 * own; each of its commands must succeed on both sides.
 */

export interface ContainerScript {
  readonly name: string;
  /** Options of `docker create` and `overlog create` alike. `{host}` is a folder of the host, a fresh one for each side. */
  readonly options?: readonly string[];
  readonly lines: readonly string[];
}

export const CONTAINER_SCRIPTS: readonly ContainerScript[] = [
  { name: 'nothing', lines: ['true'] },
  { name: 'create', lines: ['echo -n hello > /new.txt', 'fill 12345 q > /etc/filled'] },
  { name: 'make-tree', lines: ['mkdir -p /a/b/c', 'echo x > /a/b/c/d', 'mkdir /full/sub/more'] },
  { name: 'overwrite', lines: ['echo -n other > /data/small'] },
  { name: 'append-large', lines: ['echo -n x >> /data/seed.bin'] },
  { name: 'write-middle', lines: ['write 1000 abc /data/seed.bin'] },
  { name: 'append-nothing', lines: ['echo -n "" >> /data/small'] },
  { name: 'chmod-file', lines: ['chmod 600 /data/small'] },
  { name: 'chmod-same', lines: ['chmod 644 /data/small'] },
  { name: 'chmod-directory', lines: ['chmod 700 /opt/tree'] },
  { name: 'chown-file', lines: ['chown 12:34 /data/small', 'chown 0:0 /etc/suid'] },
  { name: 'setuid', lines: ['chmod 4711 /data/small', 'chmod 1777 /hollow'] },
  { name: 'touch', lines: ['touch /data/small'] },
  { name: 'touch-atime', lines: ['touch -a /data/small'] },
  { name: 'rm-file', lines: ['rm /data/small /etc/app.conf'] },
  { name: 'rm-tree', lines: ['rm -r /opt/tree'] },
  { name: 'rm-children', lines: ['rm /opt/tree/a /opt/tree/b', 'rm -r /opt/tree/sub'] },
  {
    name: 'recreate-directory',
    lines: ['rm -r /opt/tree', 'mkdir /opt/tree', 'echo n > /opt/tree/a', 'mkdir /opt/tree/new'],
  },
  { name: 'recreate-file', lines: ['rm /data/small', 'echo -n again > /data/small'] },
  { name: 'file-to-directory', lines: ['rm /data/small', 'mkdir /data/small', 'echo y > /data/small/y'] },
  { name: 'directory-to-file', lines: ['rm -r /full', 'echo now a file > /full'] },
  { name: 'link-to-directory', lines: ['rm /dirlink', 'mkdir /dirlink', 'echo z > /dirlink/z'] },
  { name: 'through-link', lines: ['echo t > /dirlink/through'] },
  { name: 'hard-link-lower', lines: ['ln /data/small /data/link'] },
  { name: 'hard-link-new', lines: ['fill 50000 h > /h1', 'ln /h1 /h2', 'ln /h1 /data/h3'] },
  { name: 'hard-link-broken', lines: ['echo more >> /links/one'] },
  { name: 'symlinks', lines: ['ln -s /nowhere/at/all /dangling', 'rm /links/sym', 'ln -s one /links/sym'] },
  { name: 'sparse', lines: ['truncate -s 1000000 /hole', 'write 500000 mid /hole'] },
  { name: 'sparse-lower', lines: ['write 999000 end /data/sparse'] },
  { name: 'truncate-lower', lines: ['truncate -s 10 /data/seed.bin'] },
  { name: 'truncate-to-nothing', lines: ['truncate -s 0 /data/seed.bin'] },
  { name: 'fallocate', lines: ['fallocate -l 300000 /reserved'] },
  { name: 'rename-file', lines: ['mv /data/small /data/moved'] },
  { name: 'rename-over', lines: ['mv /data/small /etc/app.conf'] },
  { name: 'rename-back', lines: ['mv /data/small /data/away', 'mv /data/away /data/small'] },
  { name: 'rename-new-directory', lines: ['mkdir /fresh', 'echo f > /fresh/f', 'mv /fresh /opt/fresh2'] },
  { name: 'special-files', lines: ['mkfifo /pipe', 'mknod /null c 1 3', 'chmod 600 /pipe'] },
  { name: 'made-and-gone', lines: ['mkdir /tmp/gone', 'echo g > /tmp/gone/g', 'rm -r /tmp/gone'] },
  { name: 'odd-names', lines: ['echo b > "/data/with blank"', 'echo u > /tmp/ünïcode', 'echo w > /tmp/.hidden'] },
  { name: 'copy', lines: ['cp /data/small /tmp/copy', 'cp /etc/suid /tmp/suid'] },
  { name: 'volume-filled', options: ['-v', 'filled:/full'], lines: ['echo -n 1234567 > /full/more', 'rm /full/file'] },
  { name: 'volume-shared', options: ['-v', 'filled:/other'], lines: ['echo -n 89 >> /other/more'] },
  { name: 'volume-nocopy', options: ['-v', 'hollow:/full:nocopy'], lines: ['echo v > /full/only'] },
  { name: 'volume-read-only', options: ['-v', 'readonly:/full:ro'], lines: ['echo out > /outside'] },
  { name: 'volume-anonymous', options: ['-v', '/anon/deep'], lines: ['fill 4000 a > /anon/deep/file'] },
  { name: 'tmpfs', options: ['--mount', 'type=tmpfs,target=/scratch'], lines: ['fill 9000 t > /scratch/file'] },
  { name: 'bind', options: ['-v', '{host}:/mnt/host'], lines: ['echo h > /mnt/host/file', 'echo i > /mnt/inside'] },
];
