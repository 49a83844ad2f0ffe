/** Ask what was: labels, earlier moments, a container that is gone, and who changed what. */

import { openStore } from 'overlog';

const store = await openStore(':memory:');
const db = await store.containers.create({ name: 'db' });

db.fs.writeFileSync('/config', 'port=80\n');
await store.label('first');
db.fs.writeFileSync('/config', 'port=8080\n');
db.fs.renameSync('/config', '/settings');
await store.label('before-rm');
await db.remove();

// The container is gone now, and there then. A past moment has the same queries as the store, and refuses to be changed.
console.log('containers now:', store.containers.list().length);
const then = store.at('first').containers.get('db');
console.log('then:', then.fs.readFileSync('/config', 'utf8').trim());
try {
  then.fs.writeFileSync('/config', 'port=1\n');
} catch (error) {
  console.log('a write to the past:', (error as NodeJS.ErrnoException).code);
}

// What changed between two moments, by content and attributes.
for (const change of store.diff('first', 'before-rm', { container: 'db' })) {
  console.log(change.change, change.from ?? '', change.path, change.what.join(', '));
}

// Everything that happened to a file, through its rename.
for (const { seq, cause } of store.history('db', '/settings', 'before-rm')) console.log(`#${seq}`, cause.join(' '));

// And back to life.
const rescued = await store.fork('db', 'before-rm', { name: 'rescued' });
console.log('rescued:', rescued.fs.readFileSync('/settings', 'utf8').trim());

await store.close();

// Prints:
//
//   containers now: 0
//   then: port=80
//   a write to the past: EROFS
//   Modified  / mtime
//   Renamed /config /settings content, mtime
//   #3 writeFile /config
//   #6 writeFile /config
//   #8 rename /config /settings
//   rescued: port=8080
