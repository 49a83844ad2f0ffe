/** Follow what containers take, and what caused it, as it happens (RxJS). */

import { setImmediate as turn } from 'node:timers/promises';
import { copyUps, openStore } from 'overlog';
import { distinctUntilChanged, map } from 'rxjs';

const store = await openStore(':memory:');

// An image of one layer that holds one file of a megabyte.
const source = await store.containers.create({ name: 'source' });
source.fs.writeFileSync('/model.bin', Buffer.alloc(1_000_000, 'm'));
await source.commit({ tag: 'model:1' });
await source.remove();

const subscription = store.diskUsage$
  .pipe(
    map(({ containers }) => [...containers.values()].map(({ name, sizeRw }) => `${name} ${sizeRw}`).join(', ')),
    distinctUntilChanged(),
  )
  .subscribe((line) => console.log('size:', line || 'no container'));

const app = await store.containers.create({ image: 'model:1', name: 'app' });
app.fs.chmodSync('/model.bin', 0o600); // copies up all of the file
await turn(); // figures come in batches: one for each turn of the event loop
app.fs.writeFileSync('/log.txt', 'started\n');
app.fs.appendFileSync('/log.txt', 'ready\n');
await turn();
app.fs.unlinkSync('/model.bin'); // the copy goes, the layer's file stays
await turn();
subscription.unsubscribe();

for (const { path, bytes, cause } of copyUps(store.copyUps(), app.subject)) {
  console.log(`${bytes} bytes of ${path} were copied up by: ${cause.join(' ')}`);
}

await store.close();

// Prints:
//
//   size: no container
//   size: app 0
//   size: app 1000000
//   size: app 1000014
//   size: app 14
//   1000000 bytes of /model.bin were copied up by: chmod /model.bin 0600
