/** A store inside a program: load an image, change files with the calls of node:fs, fork. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openStore } from 'overlog';

const directory = await mkdtemp(join(tmpdir(), 'overlog-'));
const archive = fileURLToPath(new URL('images/edge-oci-archive.tar', import.meta.url));

const store = await openStore(directory);
await store.images.load(archive, { tag: 'edge:1' });

const web = await store.containers.create({ image: 'edge:1', name: 'web' });
await web.fs.promises.mkdir('/srv/site', { recursive: true });
await web.fs.promises.writeFile('/srv/site/index.html', '<h1>Hello</h1>\n');

// A fork starts as the other container is now. Nothing is copied, and neither sees what the other does from here on.
const trial = await store.containers.fork('web', { name: 'trial' });
trial.fs.rmSync('/srv/site/index.html');
web.fs.appendFileSync('/srv/site/index.html', '<p>Still here.</p>\n');

console.log('web:  ', web.fs.readdirSync('/srv/site'));
console.log('trial:', trial.fs.readdirSync('/srv/site'));

// What each of them wrote, and what docker diff would print.
console.log('web has written', web.sizes().sizeRwBytes, 'bytes on top of', store.images.get('edge:1').sizeBytes);
for (const { kind, path } of web.diff()) console.log(kind, path);

await store.close();
await rm(directory, { recursive: true });

// Prints:
//
//   web:   [ 'index.html' ]
//   trial: []
//   web has written 34 bytes on top of 1480954
//   A /srv
//   A /srv/site
//   A /srv/site/index.html
