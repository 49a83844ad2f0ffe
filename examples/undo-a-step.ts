/** Undo what one step of work did, such as one tool call: group it, look at it, rewind it. */

import { diffStat, openStore } from 'overlog';

const store = await openStore(':memory:');
const work = await store.containers.create({ name: 'work' });
work.fs.writeFileSync('/notes.txt', 'keep me\n');

// Everything that is written until the step ends carries the name of its group.
await store.group('call-1', async () => {
  await work.fs.promises.mkdir('/out');
  await work.fs.promises.writeFile('/out/report.txt', 'a report\n');
});
await store.group('call-2', async () => {
  await work.fs.promises.rm('/notes.txt');
  await work.fs.promises.appendFile('/out/report.txt', 'a mistake\n');
});

// The moment before the group began.
const [first] = store.transactions({ container: 'work', group: 'call-2' });
const before = first.seq - 1;

console.log('Undoing call-2 would do this:');
for (const line of diffStat(store.diff('now', before, { container: 'work' }))) console.log(' ', line);

const head = store.seq;
await store.rewind('work', before);
console.log(work.fs.readdirSync('/'), work.fs.readFileSync('/out/report.txt', 'utf8').trim());

// A rewind appends to the log, so it can be undone as well.
await store.rewind('work', head);
console.log(work.fs.readdirSync('/'));

await store.close();

// Prints:
//
//   Undoing call-2 would do this:
//     A /notes.txt	+8
//     M /out/report.txt	-10
//   [ 'notes.txt', 'out' ] a report
//   [ 'out' ]
