/** Undo what one step of work did, such as one tool call, and keep what came after it. */

import { diffStat, openStore } from 'overlog';

const store = await openStore(':memory:');
const work = await store.containers.create({ name: 'work' });
work.fs.writeFileSync('/notes.txt', 'keep me\n');

// Everything that is written until the step ends carries the name of its group.
await store.group('call-1', async () => {
  await work.fs.promises.rm('/notes.txt');
  await work.fs.promises.writeFile('/draft.txt', 'a mistake\n');
});
await store.group('call-2', async () => {
  await work.fs.promises.mkdir('/out');
  await work.fs.promises.writeFile('/out/report.txt', 'a report\n');
});

console.log('Undoing call-1 would do this:');
const { changes, conflicts } = store.containers.planUndo('work', 'call-1');
for (const line of diffStat(changes)) console.log(' ', line);
if (conflicts.length > 0) console.log('  but others changed', conflicts[0].path, 'afterwards');

await store.containers.undo('work', 'call-1');
console.log(work.fs.readdirSync('/'), work.fs.readFileSync('/notes.txt', 'utf8').trim());

// An undo appends to the log, so it can be undone as well.
await store.containers.undo('work', 'undo call-1');
console.log(work.fs.readdirSync('/'));

await store.close();

// Prints:
//
//   Undoing call-1 would do this:
//     D /draft.txt	-10
//     A /notes.txt	+8
//   [ 'notes.txt', 'out' ] keep me
//   [ 'draft.txt', 'out' ]
