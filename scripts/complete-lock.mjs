// `npm run lock`: adds to package-lock.json, and to that of the bench's peers, the optional packages that npm left out.
//
// Tools with native parts name one optional package per system and npm installs the one that fits. A registry mirror
// that holds only its own system's packages makes npm write a lock file without the others, and `npm ci` then refuses
// that lock file as incomplete, on every system. The versions stand in the packages that ask for them, and the systems
// in the names, so the entries can be written without the packages. They carry no hash; npm adds it where it can see
// the package.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './setup.mjs';

const SYSTEMS = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32'];
const CPUS = ['arm', 'arm64', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'x64'];
const LIBCS = { gnu: 'glibc', gnueabihf: 'glibc', musl: 'musl', musleabihf: 'musl' };

for (const file of ['package-lock.json', 'bench/package-lock.json']) {
  console.log(`${complete(join(root, file))} packages of other systems added to ${file}`);
}

/** Adds what is missing in a lock file, and says how much that is. */
function complete(file) {
  const lock = JSON.parse(readFileSync(file, 'utf8'));
  let added = 0;
  for (const asking of Object.values(lock.packages)) {
    for (const [name, version] of Object.entries(asking.optionalDependencies ?? {})) {
      const path = `node_modules/${name}`;
      const entry = lock.packages[path] === undefined ? entryFor(name, version, asking.dev === true) : null;
      if (entry === null) continue;
      lock.packages[path] = entry;
      added++;
    }
  }
  lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en')));
  if (added > 0) writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
  return added;
}

/** The lock entry of a package that is for one system; null for any other, or where no exact version is asked for. */
function entryFor(name, version, dev) {
  const words = name.split(/[/-]/u);
  const os = words.find((word) => SYSTEMS.includes(word));
  const cpu = words.find((word) => CPUS.includes(word));
  if (os === undefined || cpu === undefined || !/^\d+\.\d+\.\d+$/u.test(version)) return null;
  const libc = os === 'linux' ? LIBCS[words.at(-1)] : undefined;
  return {
    version,
    cpu: [cpu],
    ...(dev && { dev }),
    ...(libc && { libc: [libc] }),
    optional: true,
    os: [os],
  };
}
